/**
 * A limit on the time of an effect, by the clock in force.
 *
 * `Effect.timeoutOrElse` does the same. It waits until its timer has been interrupted, and that alone takes longer than a timer
 * takes to be made.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

/** Runs `effect` in this context; after `deadline` milliseconds it is interrupted, and goes on as `late` says. */
export const within = <A, E>(
  effect: Effect.Effect<A, E>,
  context: Context.Context<never>,
  deadline: number,
  late: () => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.callback((resume) => {
    const run = Effect.runForkWith(context)
    let timer: Fiber.Fiber<void> | undefined = undefined
    const stopTimer = (): void => timer?.interruptUnsafe()
    // Whoever comes second is not heard.
    const working = run(reporting(effect, (exit) => {
      resume(exit)
      stopTimer()
    }))
    if (working.pollUnsafe() !== undefined) return
    timer = run(reporting(Effect.sleep(Duration.millis(deadline)), (slept) =>
      resume(
        Effect.andThen(
          Effect.uninterruptible(Fiber.interrupt(working)),
          Exit.isSuccess(slept) ? Effect.suspend(late) : Effect.failCause(slept.cause)
        )
      )))
    return Effect.suspend(() => {
      stopTimer()
      return Fiber.interrupt(working)
    })
  })

/**
 * Reports its end, and ends with nothing: a fiber that is over may stay for a while, and holds what it ended with.
 *
 * An observer of the fiber would report as well, but V8 may come to make the list of a fiber's observers in its old space, from
 * where it would keep all that the request holds until the next full collection.
 */
const reporting = <A, E>(
  effect: Effect.Effect<A, E>,
  report: (exit: Exit.Exit<A, E>) => void
): Effect.Effect<void, E> => Effect.asVoid(Effect.onExit(effect, (exit) => Effect.sync(() => report(exit))))
