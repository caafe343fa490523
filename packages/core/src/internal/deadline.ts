/**
 * A limit on the time of an effect, by the clock in force.
 *
 * `Effect.timeoutOrElse` does the same. It waits until its timer has been interrupted, and that alone takes longer than a timer
 * takes to be made.
 *
 * Each effect has a timer of its own. One for all would save a tenth of the memory of those that wait; but it would be made for the
 * first of them, and where timers end with the request that made them (Cloudflare's Workers), the others would wait for ever.
 *
 * @internal
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { deadlineTimer, type Stop } from "../DeadlineTimer.ts"

/** What is done in time or too late. An object, not two functions: thousands of them may wait at a time, and each closure counts. */
export interface Timed<A, E> {
  /** What comes instead when it is too late, after what was begun has been interrupted. */
  late(): Effect.Effect<A, E>
  /** Called when it is over: it was done in time, it is too late, or nobody waits any more. */
  over?(inTime: boolean): void
}

/** Runs `effect` in this context; after `deadline` milliseconds it is interrupted, and goes on as `timed` says. */
export const within = <A, E>(
  effect: Effect.Effect<A, E>,
  context: Context.Context<never>,
  deadline: number,
  timed: Timed<A, E>
): Effect.Effect<A, E> =>
  Effect.callback((resume) => {
    const race = new Race(resume, timed)
    race.start(effect, context, deadline)
    return Effect.suspend(() => race.cancel())
  })

type Resume<A, E> = (effect: Effect.Effect<A, E>) => void

/**
 * Between the effect and its timer. Whoever comes second is not heard.
 *
 * The fiber and the timer, and V8's list of their observers, may outlive the race for a while: all that they know is the race, and
 * when it is over it holds nothing, neither the request nor the answer.
 */
class Race<A, E> {
  private resume: Resume<A, E> | undefined
  private timed: Timed<A, E> | undefined
  private working: Fiber.Fiber<void, E> | undefined
  private stopTimer: Stop | undefined
  /** What the effect succeeded with, which its fiber would keep. */
  private value: Effect.Effect<A> = Effect.never

  constructor(resume: Resume<A, E>, timed: Timed<A, E>) {
    this.resume = resume
    this.timed = timed
  }

  start(effect: Effect.Effect<A, E>, context: Context.Context<never>, deadline: number): void {
    this.working = Effect.runForkWith(context)(Effect.map(effect, (value) => {
      this.value = Effect.succeed(value)
    }))
    this.working.addObserver((exit) => this.inTime(exit))
    if (this.resume === undefined) return
    const stop = Context.get(context, deadlineTimer)(context, deadline, (exit) => this.tooLate(exit))
    // A clock may be over at once.
    if (this.timed === undefined) stop()
    else this.stopTimer = stop
  }

  /** Nobody waits any more. */
  cancel(): Effect.Effect<void> {
    const { working } = this
    this.end(false)
    return working === undefined ? Effect.void : Fiber.interrupt(working)
  }

  private inTime(exit: Exit.Exit<void, E>): void {
    const { resume, value } = this
    this.end(true)
    resume?.(Exit.isSuccess(exit) ? value : Effect.failCause(exit.cause))
  }

  private tooLate(slept: Exit.Exit<void>): void {
    const { resume, timed, working } = this
    if (timed === undefined || resume === undefined || working === undefined) return
    this.end(false)
    resume(Effect.andThen(
      Effect.uninterruptible(Fiber.interrupt(working)),
      Exit.isSuccess(slept) ? Effect.suspend(() => timed.late()) : Effect.failCause(slept.cause)
    ))
  }

  private end(inTime: boolean): void {
    const { stopTimer, timed } = this
    this.resume = undefined
    this.timed = undefined
    this.working = undefined
    this.stopTimer = undefined
    this.value = Effect.never
    stopTimer?.()
    timed?.over?.(inTime)
  }
}
