/**
 * A limit on the time of an effect, by the clock in force.
 *
 * `Effect.timeoutOrElse` does the same with a timer for each effect, and waits until it has been interrupted.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { SharedTimer, type Sleeper } from "./sharedTimer.ts"

/** Runs `effect` in this context; after `deadline` milliseconds it is interrupted, and goes on as `late` says. */
export const within = <A, E>(
  effect: Effect.Effect<A, E>,
  context: Context.Context<never>,
  deadline: number,
  late: () => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.callback((resume) => {
    const timer = SharedTimer.of(context)
    const race = new Race(timer, timer.now() + deadline, resume, late)
    race.start(effect, context)
    return Effect.suspend(() => race.cancel())
  })

type Resume<A, E> = (effect: Effect.Effect<A, E>) => void

/**
 * Between the effect and the timer. Whoever comes second is not heard.
 *
 * The fiber of the effect, and V8's list of its observers, may outlive the race for a while: all that they know is the race, and
 * when it is over it holds nothing, neither the request nor the answer.
 */
class Race<A, E> implements Sleeper {
  readonly due: number
  private readonly timer: SharedTimer
  private resume: Resume<A, E> | undefined
  private late: (() => Effect.Effect<A, E>) | undefined
  private working: Fiber.Fiber<void, E> | undefined
  /** What the effect succeeded with, which its fiber would keep. */
  private value: Effect.Effect<A> = Effect.never

  constructor(timer: SharedTimer, due: number, resume: Resume<A, E>, late: () => Effect.Effect<A, E>) {
    this.timer = timer
    this.due = due
    this.resume = resume
    this.late = late
  }

  start(effect: Effect.Effect<A, E>, context: Context.Context<never>): void {
    this.working = Effect.runForkWith(context)(Effect.map(effect, (value) => {
      this.value = Effect.succeed(value)
    }))
    this.working.addObserver((exit) => this.inTime(exit))
    if (this.resume !== undefined) this.timer.add(this)
  }

  /** Nobody waits any more. */
  cancel(): Effect.Effect<void> {
    const { working } = this
    this.end()
    return working === undefined ? Effect.void : Fiber.interrupt(working)
  }

  private inTime(exit: Exit.Exit<void, E>): void {
    const { resume, value } = this
    this.end()
    resume?.(Exit.isSuccess(exit) ? value : Effect.failCause(exit.cause))
  }

  /** It is too late. */
  wake(slept: Exit.Exit<void>): void {
    const { late, resume, working } = this
    if (late === undefined || resume === undefined || working === undefined) return
    this.end()
    resume(Effect.andThen(
      Effect.uninterruptible(Fiber.interrupt(working)),
      Exit.isSuccess(slept) ? Effect.suspend(late) : Effect.failCause(slept.cause)
    ))
  }

  private end(): void {
    this.timer.delete(this)
    this.resume = undefined
    this.late = undefined
    this.working = undefined
    this.value = Effect.never
  }
}
