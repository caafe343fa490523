/**
 * The time that an operation may take, by the clock that does not jump.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { ExchangeLimits } from "../ExchangeLimits.ts"

/** Begins to count. What it gives says how many milliseconds are left, 0 at the least; without a deadline, of the default one. */
export const startBudget = (deadline: Duration.Input | undefined): Effect.Effect<Effect.Effect<number>> =>
  Effect.withFiber((fiber) => {
    const budget = Duration.toMillis(Duration.fromInputUnsafe(deadline ?? fiber.getRef(ExchangeLimits).deadline))
    const start = fiber.getRef(Clock.Clock).monotonicTimeNanosUnsafe()
    return Effect.succeed(
      Effect.map(Clock.monotonicTimeNanos, (now) => Math.max(0, budget - Number(now - start) / 1_000_000))
    )
  })
