/**
 * When nothing is sent: while the issuer wants no requests, and after a registration of unknown outcome.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { RegistrationError } from "../../RegistrationError.ts"
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
        Duration.format(retryAfter)
      } at the earliest`,
      retryAfter
    },
    issuer
  })
})
