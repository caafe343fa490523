/**
 * A new registration for a record, kept before it is handed out.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { AuthorizationServer } from "../../AuthorizationServer.ts"
import * as ClientConfiguration from "../../ClientConfiguration.ts"
import * as ClientRegistration from "../../ClientRegistration.ts"
import type { RegisteredClient } from "../../RegisteredClient.ts"
import { RegistrationError } from "../../RegistrationError.ts"
import { isInForce } from "../pause.ts"
import { doubled } from "./renewal.ts"
import { isLost, type Session } from "./session.ts"
import { keyOf, type Requirements, type Step, type Task } from "./task.ts"

// -----------------------------------------------------------------------------
// waiting
// -----------------------------------------------------------------------------

/** Fails while the issuer wants no requests. */
export const refuseWhileLimited = Effect.fnUntraced(function*({ session, store }: Pick<Task, "session" | "store">) {
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
  { session, store }: Pick<Task, "session" | "store">,
  { retryAfter }: RegistrationError
) {
  if (retryAfter === undefined) return
  const now = yield* Clock.currentTimeMillis
  yield* Effect.ignore(store.postpone(session.record().issuer, now + Duration.toMillis(retryAfter)))
})

const refuseWhileUnknown = Effect.fnUntraced(function*({ session }: Task) {
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

// -----------------------------------------------------------------------------
// registering
// -----------------------------------------------------------------------------

/** Registers anew. The current registration, if there is one, becomes a previous one; it is not deleted. */
export const register = Effect.fnUntraced(function*(
  task: Task,
  replaces: string | undefined
): Effect.fn.Return<RegisteredClient, RegistrationError, Requirements> {
  yield* refuseWhileUnknown(task)
  yield* refuseWhileLimited(task)
  const server = yield* Effect.tapError(task.server, (error) => notePostponement(task, error))
  const { initialAccessToken, ...options } = task.options ?? {}
  // What is refused here is refused before a single-use token is fetched, and before anything is written.
  yield* ClientRegistration.request(server, task.metadata, options)
  const token = initialAccessToken === undefined || Redacted.isRedacted(initialAccessToken)
    ? initialAccessToken
    : yield* initialAccessToken
  return yield* Effect.uninterruptible(post(task, server, { ...options, initialAccessToken: token }, replaces))
})

const post = Effect.fnUntraced(function*(
  task: Task,
  server: AuthorizationServer,
  options: ClientRegistration.RegisterOptions,
  replaces: string | undefined
): Effect.fn.Return<RegisteredClient, RegistrationError, Requirements> {
  const startedAt = yield* Clock.currentTimeMillis
  const before = task.session.record()
  yield* task.session.save({ ...before, intent: { kind: "register", startedAt } })
  // Whether deviations are taken is for each caller to say, of a registration that is kept in any case.
  const client = yield* ClientRegistration.register(server, task.metadata, { ...options, deviations: "keep" }).pipe(
    Effect.tapError((error) => noteFailure(task, error, startedAt))
  )
  const keep: Keep = { client, replaces, replaced: before.current, startedAt }
  yield* keepNew(task, task.session, keep).pipe(Effect.catch((error) => notKept(task, keep, error)))
  return client
})

/** What a failure means for the next attempt is written down before the failure is handed out. */
const noteFailure = Effect.fnUntraced(function*(task: Task, error: RegistrationError, startedAt: number) {
  const now = yield* Clock.currentTimeMillis
  const { intent: _, ...record } = task.session.record()
  yield* notePostponement(task, error)
  // An intent that cannot be taken back counts as an orphan later: rather one too many.
  if (!error.mayHaveSucceeded) return yield* Effect.ignore(task.session.save(record))
  const failures = (record.backoff?.failures ?? 0) + 1
  const until = now + doubled(Duration.toMillis(task.settings.backoff), failures)
  yield* Effect.ignore(
    task.session.save({
      ...record,
      backoff: { since: now, until, failures },
      possibleOrphans: [...record.possibleOrphans, { startedAt, why: "outcome-unknown" }]
    })
  )
  yield* task.emit({ _tag: "PossibleOrphan", ...keyOf(record), why: "outcome-unknown" })
})

// -----------------------------------------------------------------------------
// keeping
// -----------------------------------------------------------------------------

interface Keep {
  readonly client: RegisteredClient
  readonly replaces: string | undefined
  /** The registration that it takes the place of. */
  readonly replaced: RegisteredClient | undefined
  readonly startedAt: number
}

const keepNew = Effect.fnUntraced(function*(task: Task, session: Session, { client, replaces }: Keep) {
  const now = yield* Clock.currentTimeMillis
  const {
    backoff: _backoff,
    current,
    formerToken: _token,
    intent: _intent,
    invalidatedAt,
    invalidatedBecause: _because,
    renewalPause: _pause,
    ...record
  } = session.record()
  const { retire } = task.settings
  const retirement = retire === "keep" ? undefined : {
    retireAt: now + Duration.toMillis(Duration.fromInputUnsafe(retire.after))
  }
  const reason = replaces ?? "replaced"
  const doubt = invalidatedAt === undefined ? undefined : { isDoubtful: true }
  yield* session.save({
    ...record,
    fingerprint: task.fingerprint,
    current: client,
    secretSince: now,
    ...(current === undefined ? undefined : {
      replacedAt: now,
      previous: [...record.previous, { client: current, replacedAt: now, reason, ...retirement, ...doubt }]
    })
  })
  const key = { ...keyOf(record), clientId: client.information.client_id }
  yield* task.emit(
    current === undefined
      ? { _tag: "Registered", ...key }
      : { _tag: "Replaced", ...key, previousClientId: current.information.client_id, reason }
  )
})

/**
 * The server has a client that the store would not take. When the lease was lost, there is another one to have: if nobody else
 * registered since, the client is kept after all; else it is removed, and the other's counts. Fails in any case, with the live
 * registration where that is not done.
 */
const notKept = (task: Task, keep: Keep, error: RegistrationError): Step<never> =>
  isLost(error)
    ? task.again((session) => keepOrRemove(task, session, keep)).pipe(
      Effect.retry({ times: 3, while: isLost }),
      Effect.mapError((reason) => reason.withRegistered(keep.client)),
      Effect.andThen(Effect.fail(error))
    )
    : Effect.fail(error.withRegistered(keep.client))

const keepOrRemove = Effect.fnUntraced(function*(
  task: Task,
  session: Session,
  keep: Keep
): Effect.fn.Return<void, RegistrationError, Requirements> {
  const { client, replaced, startedAt } = keep
  const clientId = client.information.client_id
  const currentId = session.record().current?.information.client_id
  // The store said no to what it had written: it is there.
  if (currentId === clientId) return
  // Whoever took the lease meanwhile took this registration for one that nobody finished.
  const { possibleOrphans } = session.record()
  const known = possibleOrphans.filter((orphan) => orphan.why !== "crashed" || orphan.startedAt !== startedAt)
  if (known.length < possibleOrphans.length) yield* session.save({ ...session.record(), possibleOrphans: known })
  if (currentId === replaced?.information.client_id) return yield* keepNew(task, session, keep)
  const removed = yield* Effect.result(ClientConfiguration.remove(client, task.settings.management(client)))
  const now = yield* Clock.currentTimeMillis
  const record = session.record()
  if (removed._tag === "Success") {
    return yield* task.emit({ _tag: "Removed", ...keyOf(record), clientId })
  }
  // Nobody ever got it, so that deleting it later logs nobody out.
  const retireAt = now + Duration.toMillis(task.settings.backoff)
  yield* session.save({
    ...record,
    previous: [...record.previous, { client, replacedAt: now, reason: "superseded", retireAt }]
  })
})
