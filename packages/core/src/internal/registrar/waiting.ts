/**
 * When nothing is sent: while the issuer wants no requests, and after a registration of unknown outcome. Who may wait waits
 * without holding anybody up.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { ExchangeLimits } from "../../ExchangeLimits.ts"
import { RegistrationError } from "../../RegistrationError.ts"
import * as RetryPolicy from "../../RetryPolicy.ts"
import { isInForce } from "../pause.ts"
import type { Desk } from "./task.ts"

/** Fails while the issuer wants no requests. */
export const refuseWhileLimited = Effect.fnUntraced(function*({ session, store }: Pick<Desk, "session" | "store">) {
  const { issuer } = session.record()
  const now = yield* Clock.currentTimeMillis
  const notBefore = yield* store.notBefore(issuer)
  if (notBefore > now) {
    return yield* new RegistrationError({
      reason: { _tag: "RateLimited", status: 429, retryAfter: Duration.millis(notBefore - now) },
      issuer
    })
  }
})

/** Remembers when the issuer wants the next request. That it cannot be remembered is no reason to hide what happened. */
export const notePostponement = Effect.fnUntraced(function*(
  { session, store }: Pick<Desk, "session" | "store">,
  { retryAfter }: RegistrationError
) {
  if (retryAfter === undefined) return
  const now = yield* Clock.currentTimeMillis
  yield* Effect.ignore(store.postpone(session.record().issuer, now + Duration.toMillis(retryAfter)))
})

/** Fails for a while after a registration of unknown outcome. */
export const refuseWhileUnknown = Effect.fnUntraced(function*({ session }: Pick<Desk, "session">) {
  const { backoff, issuer } = session.record()
  const now = yield* Clock.currentTimeMillis
  if (backoff === undefined || !isInForce(backoff, now)) return
  const retryAfter = Duration.millis(backoff.until - now)
  return yield* new RegistrationError({
    reason: {
      _tag: "OutcomeUnknown",
      why: "Backoff",
      message: `What became of the last registration is not known; the next attempt is made in ${
        Duration.format(Duration.seconds(Math.ceil(Duration.toSeconds(retryAfter))))
      } at the earliest`,
      retryAfter
    },
    issuer
  })
})

/** Waits for what the server asks to wait, within the limits of the policy, while others may have the lease. */
export const patiently = <A, R>(
  deadline: Duration.Input | undefined,
  work: Effect.Effect<A, RegistrationError, R>
): Effect.Effect<A, RegistrationError, R> =>
  Effect.gen(function*() {
    const policy = yield* RetryPolicy.RetryPolicy
    const limits = yield* ExchangeLimits
    const longest = Duration.toMillis(Duration.fromInputUnsafe(policy.maxRetryAfter))
    const end = (yield* Clock.currentTimeMillis) +
      Duration.toMillis(Duration.fromInputUnsafe(deadline ?? limits.deadline))
    const attempt = (left: number): Effect.Effect<A, RegistrationError, R> =>
      work.pipe(
        Effect.catch((error) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) => {
            const wait = error.isSafeToRepeat ? Duration.toMillis(error.retryAfter ?? Duration.zero) : 0
            return left > 0 && wait > 0 && wait <= longest && now + wait < end
              ? Effect.andThen(Effect.sleep(wait), attempt(left - 1))
              : Effect.fail(error)
          })
        )
      )
    return yield* attempt(3)
  })

/** Only what asks for no pause is repeated in place: a pause would hold the lease. */
export const withoutLongPauses = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  RetryPolicy.RetryPolicy.use((policy) =>
    Effect.provideService(effect, RetryPolicy.RetryPolicy, { ...policy, maxRetryAfter: 0 })
  )
