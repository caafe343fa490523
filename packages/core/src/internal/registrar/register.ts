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
import * as ClientRegistration from "../../ClientRegistration.ts"
import type { RegisteredClient } from "../../RegisteredClient.ts"
import type { RegistrationError } from "../../RegistrationError.ts"
import type { RegistrationRecord } from "../../RegistrationRecord.ts"
import { type Intent, isSame, resolveIntent, withoutTrace } from "./intent.ts"
import { deleteClient } from "./manage.ts"
import { doubled } from "./renewal.ts"
import { isLost, type Session, stubbornly } from "./session.ts"
import { keyOf, type Requirements, type Step, type Task } from "./task.ts"
import { notePostponement, refuseWhileLimited, refuseWhileUnknown } from "./waiting.ts"

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
  const intent: Intent = { kind: "register", startedAt, lease: task.session.lease }
  yield* task.session.save({ ...before, intent })
  // Whether deviations are taken is for each caller to say, of a registration that is kept in any case.
  const client = yield* ClientRegistration.register(server, task.metadata, { ...options, deviations: "keep" }).pipe(
    Effect.tapError((error) => noteFailure(task, error, startedAt))
  )
  const keep: Keep = { client, replaces, replaced: before.current, intent }
  yield* keepNew(task, task.session, task.session.record(), keep).pipe(
    Effect.catch((error) => notKept(task, keep, error))
  )
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
  readonly intent: Intent
}

const keepNew = Effect.fnUntraced(function*(
  task: Task,
  session: Session,
  before: RegistrationRecord,
  { client, replaces }: Keep
) {
  const now = yield* Clock.currentTimeMillis
  const {
    backoff: _backoff,
    current,
    formerToken: _token,
    intent: _intent,
    invalidatedAt,
    invalidatedBecause: _because,
    renewalPause: _pause,
    uncertainMembers: _members,
    ...record
  } = before
  const { retire } = task.settings
  const retirement = retire === "keep" ? undefined : {
    retireAt: now + Duration.toMillis(Duration.fromInputUnsafe(retire.after))
  }
  const reason = replaces ?? "replaced"
  const doubt = invalidatedAt === undefined ? undefined : { isDoubtful: true }
  const key = { ...keyOf(record), clientId: client.information.client_id }
  // A server may give the same client again. It is not to be deleted as one that was replaced.
  const others = record.previous.filter((kept) => kept.client.information.client_id !== key.clientId)
  const isReplaced = current !== undefined && current.information.client_id !== key.clientId
  yield* session.keep({
    ...record,
    fingerprint: task.fingerprint,
    current: client,
    secretSince: now,
    ...(current === undefined ? undefined : { replacedAt: now }),
    previous: isReplaced
      ? [...others, { client: current, replacedAt: now, reason, ...retirement, ...doubt }]
      : others
  })
  yield* task.emit(
    isReplaced
      ? { _tag: "Replaced", ...key, previousClientId: current.information.client_id, reason }
      : { _tag: "Registered", ...key }
  )
})

/**
 * The server has a client that the store would not take. When the lease was lost, there is another one to have: if nobody else
 * registered since, the client is kept after all; else it is removed, and the other's counts. Fails in any case, with the live
 * registration where that is not done.
 */
const notKept = (task: Task, keep: Keep, error: RegistrationError): Step<never> =>
  isLost(error)
    ? stubbornly(task.again((session) => keepOrRemove(task, session, keep))).pipe(
      Effect.mapError((reason) => reason.withRegistered(keep.client)),
      Effect.andThen(Effect.fail(error))
    )
    : Effect.fail(error.withRegistered(keep.client))

const keepOrRemove = Effect.fnUntraced(function*(
  task: Task,
  session: Session,
  keep: Keep
): Effect.fn.Return<void, RegistrationError, Requirements> {
  const { client, intent, replaced } = keep
  const clientId = client.information.client_id
  const idOf = (client: RegisteredClient | undefined) => client?.information.client_id
  const { current, previous } = session.record()
  // The store said no to what it had written: it is there, and maybe somebody has it already.
  if (idOf(current) === clientId || previous.some((kept) => idOf(kept.client) === clientId)) return
  // Whoever had the lease meanwhile may have died as well.
  const left = session.record().intent
  if (left !== undefined && !isSame(left, intent)) yield* resolveIntent({ emit: task.emit, session })
  const record = withoutTrace(session.record(), intent)
  if (idOf(record.current) === idOf(replaced)) return yield* keepNew(task, session, record, keep)
  const now = yield* Clock.currentTimeMillis
  // Written down before it is deleted. Nobody ever got it, so that deleting it later logs nobody out.
  const retireAt = now + Duration.toMillis(task.settings.backoff)
  yield* session.save({
    ...record,
    previous: [...record.previous, { client, replacedAt: now, reason: "superseded", retireAt }]
  })
  const removed = yield* Effect.result(deleteClient({ session, settings: task.settings }, client, false))
  if (removed._tag === "Success") return yield* task.emit({ _tag: "Removed", ...keyOf(record), clientId })
  if (removed.failure.reason._tag === "StoreFailed") return yield* removed.failure
  // What became of it is not known: the next who comes treats it with doubt.
  yield* resolveIntent({ emit: task.emit, session })
})
