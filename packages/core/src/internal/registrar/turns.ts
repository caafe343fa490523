/**
 * Who works when, in this process: one after the other for each key, and one for all who ask for the same.
 *
 * @internal
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"

/** One after the other for each name, in the order in which they came: a lease alone would be a lottery. */
export const makeQueues = () => {
  const queues = new Map<string, { readonly turn: Semaphore.Semaphore; users: number }>()
  return <A, E, R>(name: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        const queue = queues.get(name) ?? { turn: Semaphore.makeUnsafe(1), users: 0 }
        queue.users += 1
        queues.set(name, queue)
        return queue
      }),
      ({ turn }) => turn.withPermits(1)(effect),
      (queue) =>
        Effect.sync(() => {
          queue.users -= 1
          if (queue.users === 0) queues.delete(name)
        })
    )
}

/** Whoever asks for the same while it is under way waits for the same fiber, which belongs to nobody of them. */
export const makeShared = <A, E>(scope: Scope.Scope) => {
  const underWay = new Map<string, Deferred.Deferred<A, E>>()
  return (name: string, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.uninterruptibleMask((restore) => {
      const running = underWay.get(name)
      if (running !== undefined) return restore(Deferred.await(running))
      const outcome = Deferred.makeUnsafe<A, E>()
      underWay.set(name, outcome)
      return Effect.flatMap(Effect.forkIn(work, scope), (fiber) => {
        fiber.addObserver((exit) => {
          underWay.delete(name)
          Deferred.doneUnsafe(outcome, exit)
        })
        return restore(Deferred.await(outcome))
      })
    })
}
