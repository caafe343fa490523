/**
 * What may be sent again, and when.
 *
 * A registration creates a client, so it is repeated only when it is known not to have been processed: nothing was sent,
 * or the server said to come back later. Everything ambiguous is `OutcomeUnknown` and is never repeated here.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
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
  schedule: Schedule.exponential("250 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 3 })),
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
  RetryPolicy.use((policy) => {
    let failed: RegistrationError | undefined
    const again = Effect.suspend(() => {
      const failure = failed
      failed = undefined
      return failure === undefined ? effect : Effect.fail(failure)
    })
    return Effect.catchTag(effect, "RegistrationError", (error) => {
      if (!error.isSafeToRepeat) return Effect.fail(error)
      // Made when there is something to repeat, which it sees first: it takes a tenth of the time of a registration.
      failed = error
      const longest = Duration.toMillis(Duration.fromInputUnsafe(policy.maxRetryAfter))
      const schedule = policy.schedule.pipe(
        Schedule.modifyDelay(({ duration, input }) =>
          Effect.succeed(Duration.sum(duration, input.retryAfter ?? Duration.zero))
        ),
        Schedule.while(({ duration, input }) =>
          Duration.toMillis(input.retryAfter ?? Duration.zero) > longest
            ? Effect.succeed(false)
            : Effect.map(remaining, (left) => Duration.toMillis(duration) < left)
        )
      )
      return Effect.retry(again, { schedule, while: (error) => error.isSafeToRepeat })
    })
  })
