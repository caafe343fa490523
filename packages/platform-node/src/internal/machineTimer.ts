/**
 * The deadline of an exchange by the timers of Node. A fiber that sleeps weighs several times as much, and thousands of requests may
 * wait at a time.
 *
 * @internal
 */
import { deadlineTimer, sleeping, type StartTimer } from "@effect-dcr/core/DeadlineTimer"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"

const start: StartTimer = (context, milliseconds, ring) => {
  const isOrdinary = milliseconds > 0 && milliseconds <= longest
  // Another clock, that of a test for instance, has a time of its own.
  if (!isOrdinary || Context.get(context, Clock.Clock) !== machineClock) return sleeping(context, milliseconds, ring)
  const timeout = setTimeout(ring, milliseconds, Exit.void)
  return () => clearTimeout(timeout)
}

const machineClock = Context.get(Context.empty(), Clock.Clock)

/** `setTimeout` takes a longer time for none, and none for a millisecond. */
const longest = 2 ** 31 - 1

export const machineTimer: Layer.Layer<never> = Layer.succeed(deadlineTimer, start)
