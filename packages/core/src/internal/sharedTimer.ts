/**
 * One timer for everything that waits for a time of the same clock. A fiber that sleeps for each exchange would take a tenth of
 * all the memory that an exchange needs, and almost none of them ever wakes.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"

/** Who waits. */
export interface Sleeper {
  /** Milliseconds, by {@link SharedTimer.now}. */
  readonly due: number
  /** Called once, when it is time, or when the clock fails. */
  wake(slept: Exit.Exit<void>): void
}

const timers = new WeakMap<Clock.Clock, SharedTimer>()

export class SharedTimer {
  private readonly clock: Clock.Clock
  private readonly run: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  private readonly sleepers = new Set<Sleeper>()
  private fiber: Fiber.Fiber<void> | undefined
  /** When the fiber wakes. */
  private due = Infinity
  private ending = false

  /** That of the clock in force. */
  static of(context: Context.Context<never>): SharedTimer {
    const clock = Context.get(context, Clock.Clock)
    let timer = timers.get(clock)
    if (timer === undefined) {
      timers.set(clock, timer = new SharedTimer(clock, Context.get(context, Scheduler.Scheduler)))
    }
    return timer
  }

  private constructor(clock: Clock.Clock, scheduler: Scheduler.Scheduler) {
    this.clock = clock
    // No more of the context: it belongs to one exchange, and the timer to all.
    this.run = Effect.runForkWith(
      Context.add(Context.make(Clock.Clock, clock), Scheduler.Scheduler, scheduler)
    )
  }

  /** Milliseconds, of the clock that does not jump. */
  now(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / 1_000_000
  }

  add(sleeper: Sleeper): void {
    this.sleepers.add(sleeper)
    if (sleeper.due < this.due) this.sleepUntil(sleeper.due)
  }

  /**
   * The timer, for which a process would stay, ends with the last who waits. Not at once: where one exchange follows the other,
   * the next begins before anything else happens.
   */
  delete(sleeper: Sleeper): void {
    if (this.sleepers.delete(sleeper) && this.sleepers.size === 0 && !this.ending) {
      this.ending = true
      void Promise.resolve().then(this.endIfIdle)
    }
  }

  private readonly endIfIdle = (): void => {
    this.ending = false
    if (this.sleepers.size === 0) this.stop()
  }

  private sleepUntil(due: number): void {
    this.stop()
    this.due = due
    const fiber = this.run(Effect.sleep(Duration.millis(Math.max(0, due - this.now()))))
    this.fiber = fiber
    fiber.addObserver((slept) => {
      if (this.fiber !== fiber) return
      this.stop()
      this.wake(slept)
    })
  }

  private wake(slept: Exit.Exit<void>): void {
    const now = Exit.isSuccess(slept) ? this.now() : Infinity
    let next = Infinity
    for (const sleeper of this.sleepers) {
      if (sleeper.due <= now) {
        this.sleepers.delete(sleeper)
        sleeper.wake(slept)
      } else {
        next = Math.min(next, sleeper.due)
      }
    }
    if (next < this.due) this.sleepUntil(next)
  }

  private stop(): void {
    const { fiber } = this
    this.fiber = undefined
    this.due = Infinity
    fiber?.interruptUnsafe()
  }
}
