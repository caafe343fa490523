/**
 * What may be sent again, and when.
 *
 * A registration creates a client, so it is repeated only when it is known not to have been processed: nothing was sent,
 * or the server said to come back later. Everything ambiguous is `OutcomeUnknown` and is never repeated here.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Pull from "effect/Pull"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type { RegistrationError } from "./RegistrationError.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * How failures that are safe to repeat are repeated.
 *
 * @since 0.1.0
 * @category references
 */
export interface RetryPolicy {
  /** The pauses between attempts, in addition to a `Retry-After`. It sees each failure; failures that are not safe to repeat never reach it. */
  readonly schedule: Schedule.Schedule<unknown, RegistrationError>
  /**
   * The longest `Retry-After` that is waited for. A longer one ends the operation with the delay in the error, because
   * coming back earlier than the server said would be refused again.
   */
  readonly maxRetryAfter: Duration.Input
}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Three more attempts, 250 milliseconds apart and doubling, with jitter; a `Retry-After` of up to 10 seconds is waited for.
 *
 * @since 0.1.0
 * @category constructors
 */
export const standard: RetryPolicy = {
  // By hand, because the parts of which one makes schedules would be a thirtieth of what this SDK adds to a page.
  schedule: Schedule.fromStep(Effect.sync(() => {
    let attempts = 0
    return () =>
      attempts === 3
        ? Cause.done(attempts)
        : Effect.map(Random.next, (random) => [attempts, Duration.millis(250 * 2 ** attempts++ * (0.8 + 0.4 * random))])
  })),
  maxRetryAfter: "10 seconds"
}

/**
 * No repetition at all.
 *
 * @since 0.1.0
 * @category constructors
 */
export const none: RetryPolicy = { schedule: Schedule.recurs(0), maxRetryAfter: 0 }

/**
 * The policy in force. Default: {@link standard}.
 *
 * @since 0.1.0
 * @category references
 */
export const RetryPolicy: Context.Reference<RetryPolicy> = Context.Reference<RetryPolicy>(
  "@effect-dcr/core/RetryPolicy",
  { defaultValue: () => standard }
)

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * Sets the policy; what is left out stays as in {@link standard}. For a `Registrar`, provide it to its layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (policy: Partial<RetryPolicy>): Layer.Layer<never> =>
  Layer.succeed(RetryPolicy, { ...standard, ...policy })

/**
 * No repetition at all.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerNone: Layer.Layer<never> = Layer.succeed(RetryPolicy, none)

// -----------------------------------------------------------------------------
// combinators
// -----------------------------------------------------------------------------

/**
 * Repeats `effect` by the policy in force while its failure is safe to repeat. A `Retry-After` is waited before the pause of
 * the schedule begins, whose jitter keeps those who were told the same from coming back together; `remaining`, in
 * milliseconds, says how much time is left: what would outlast it is not waited for.
 *
 * @since 0.1.0
 * @category combinators
 */
export const retry = <A, R>(
  effect: Effect.Effect<A, RegistrationError, R>,
  remaining: Effect.Effect<number>
): Effect.Effect<A, RegistrationError, R> =>
  RetryPolicy.use((policy) => attempt({ effect, remaining, policy }, undefined))

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

type Step = Effect.Success<ReturnType<typeof Schedule.toStep<unknown, RegistrationError, never, never>>>

interface Repeated<A, R> {
  readonly effect: Effect.Effect<A, RegistrationError, R>
  /** Milliseconds. */
  readonly remaining: Effect.Effect<number>
  readonly policy: RetryPolicy
}

/**
 * The schedule begins when there is something to repeat, which it sees first: to begin it takes a tenth of the time of a
 * registration.
 */
const attempt = <A, R>(repeated: Repeated<A, R>, begun: Step | undefined): Effect.Effect<A, RegistrationError, R> =>
  repeated.effect.pipe(
    Effect.catch((error) => error.isSafeToRepeat ? attemptAgain(repeated, begun, error) : Effect.fail(error))
  )

const attemptAgain = Effect.fnUntraced(function*<A, R>(
  repeated: Repeated<A, R>,
  begun: Step | undefined,
  error: RegistrationError
): Effect.fn.Return<A, RegistrationError, R> {
  const { policy, remaining } = repeated
  const step = begun ?? (yield* Schedule.toStep(policy.schedule))
  const pause = yield* pauseBefore(step, error, policy)
  if (pause === undefined || pause >= (yield* remaining)) return yield* error
  yield* Effect.sleep(pause)
  return yield* attempt(repeated, step)
})

/** How many milliseconds to wait before the next attempt; `undefined` when there is none. */
const pauseBefore = (
  step: Step,
  error: RegistrationError,
  { maxRetryAfter }: RetryPolicy
): Effect.Effect<number | undefined> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => step(now, error)).pipe(
    Effect.map(([, pause]) => {
      const told = error.retryAfter === undefined ? 0 : Duration.toMillis(error.retryAfter)
      return told > Duration.toMillis(Duration.fromInputUnsafe(maxRetryAfter))
        ? undefined
        : told + Duration.toMillis(pause)
    }),
    Pull.catchDone(() => Effect.succeed(undefined))
  )
