/** Apart from the sides that are no effects: they do not load what this needs. */
import * as Effect from "effect/Effect"

/** What `repeat` does, of an effect: as many fibers as there are calls at a time, one call after the other in each. */
export const repeatEffect = <A, E, R>(
  once: Effect.Effect<A, E, R>,
  total: number,
  inFlight: number
): Effect.Effect<void, E, R> =>
  Effect.suspend(() => {
    let left = total
    const work = Effect.whileLoop({ while: () => left-- > 0, body: () => once, step: () => {} })
    return Effect.replicateEffect(work, Math.min(inFlight, total), { concurrency: "unbounded", discard: true })
  })
