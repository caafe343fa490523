/**
 * A time that one machine said, read on another by a clock that both see: that of the store.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** As it was written, and how much of it is left by the clock of the store, in milliseconds. */
export interface Left {
  readonly until: number
  readonly left: number
}

/** Clocks that differ by less are taken for equal. In milliseconds. */
const tolerance = 1000

/** The time in milliseconds since the epoch by the clock of this machine, whatever the one who said it took for now. */
export const readHere = <E, R>(read: Effect.Effect<Left | undefined, E, R>): Effect.Effect<number, E, R> =>
  Effect.flatMap(read, (found) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      if (found === undefined || found.left <= 0) return 0
      const here = now + found.left
      return Math.abs(here - found.until) <= tolerance ? found.until : Math.ceil(here)
    }))
