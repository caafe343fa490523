/**
 * The time that an operation may take, by the clock that does not jump.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { ExchangeLimits } from "../ExchangeLimits.ts"

/** Counts from when it is made. */
export class Budget {
  /** Milliseconds. */
  private readonly total: number
  private readonly start: bigint

  /** Without a deadline, it is the default one. */
  constructor(context: Context.Context<never>, deadline: Duration.Input | undefined) {
    this.total = Duration.toMillis(Duration.fromInputUnsafe(deadline ?? Context.get(context, ExchangeLimits).deadline))
    this.start = Context.get(context, Clock.Clock).monotonicTimeNanosUnsafe()
  }

  /** How many milliseconds are left, 0 at the least. */
  left(clock: Clock.Clock): number {
    return Math.max(0, this.total - Number(clock.monotonicTimeNanosUnsafe() - this.start) / 1_000_000)
  }

  /** The same, by the clock in force. */
  get remaining(): Effect.Effect<number> {
    return Clock.clockWith((clock) => Effect.succeed(this.left(clock)))
  }
}
