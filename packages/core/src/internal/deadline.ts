/**
 * A limit on the time of an effect, by the clock in force.
 *
 * `Effect.timeoutOrElse` does the same. It waits until its timer has been interrupted, and that alone takes longer than a timer
 * takes to be made.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

/** Runs `effect` in this context; when it takes too long, it is interrupted, and goes on as `late` says. */
export const within = <A, E>(
  effect: Effect.Effect<A, E>,
  context: Context.Context<never>,
  { deadline, late }: { readonly deadline: Duration.Input; readonly late: () => Effect.Effect<A, E> }
): Effect.Effect<A, E> =>
  Effect.callback((resume) => {
    const run = Effect.runForkWith(context)
    const working = run(effect)
    const ended = working.pollUnsafe()
    if (ended !== undefined) return resume(ended)
    const timer = run(Effect.sleep(deadline))
    // Whoever comes second is not heard.
    working.addObserver((exit) => {
      resume(exit)
      timer.interruptUnsafe()
    })
    timer.addObserver((exit) =>
      resume(
        Effect.andThen(
          Effect.uninterruptible(Fiber.interrupt(working)),
          Exit.isSuccess(exit) ? Effect.suspend(late) : Effect.failCause(exit.cause)
        )
      )
    )
    return Effect.suspend(() => {
      timer.interruptUnsafe()
      return Fiber.interrupt(working)
    })
  })
