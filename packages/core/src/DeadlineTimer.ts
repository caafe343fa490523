/**
 * What tells an exchange that its deadline is over. It is no part of the API, and not in `internal`, from where the layers of the
 * other packages could not import it.
 *
 * @internal
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"

/** Stops a timer. */
export type Stop = () => void

/**
 * Calls back after so many milliseconds by the clock of the context; with a failure, if the clock has one. Each call makes a timer of
 * its own.
 */
export type StartTimer = (
  context: Context.Context<never>,
  milliseconds: number,
  ring: (exit: Exit.Exit<void>) => void
) => Stop

/** A fiber that sleeps: right for every clock, and on every platform. */
export const sleeping: StartTimer = (context, milliseconds, ring) => {
  const fiber = Effect.runForkWith(context)(Effect.sleep(Duration.millis(milliseconds)))
  fiber.addObserver(ring)
  return () => fiber.interruptUnsafe()
}

/** The timer in force. */
export const deadlineTimer: Context.Reference<StartTimer> = Context.Reference<StartTimer>(
  "@effect-dcr/core/DeadlineTimer",
  { defaultValue: () => sleeping }
)
