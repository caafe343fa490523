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
export const startBudget = Effect.fnUntraced(function*(deadline: Duration.Input | undefined) {
  const limits = yield* ExchangeLimits
  const budget = Duration.toMillis(Duration.fromInputUnsafe(deadline ?? limits.deadline))
  const start = yield* Clock.monotonicTimeNanos
  return Effect.map(Clock.monotonicTimeNanos, (now) => Math.max(0, budget - Number(now - start) / 1_000_000))
})
