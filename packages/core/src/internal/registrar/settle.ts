/**
 * Makes the record of one key fit what is asked, under its lease: registers, updates, renews or replaces.
 *
 * The order of steps is what keeps a registration from being lost: write down what is about to be sent, send it, make the
 * answer durable, and only then hand it out.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import type { AuthorizationServer } from "../../AuthorizationServer.ts"
import * as ClientConfiguration from "../../ClientConfiguration.ts"
import type { ClientMetadata } from "../../ClientMetadata.ts"
import * as ClientRegistration from "../../ClientRegistration.ts"
import type { DpopSigner } from "../../DpopSigner.ts"
import type { RegisteredClient } from "../../RegisteredClient.ts"
import { RegistrationError } from "../../RegistrationError.ts"
import type { RegistrationRecord } from "../../RegistrationRecord.ts"
import type { RegistrationStore } from "../../RegistrationStore.ts"
import { prepareMetadata } from "../prepareMetadata.ts"
import { isExpired, needsRenewal } from "./renewal.ts"
import type { Session } from "./session.ts"

type Requirements = HttpClient.HttpClient | DpopSigner

/** What happened, for whoever listens. Both client ids stand in a replacement. */
export type RegistrarEvent =
  | { readonly _tag: "Registered"; readonly issuer: string; readonly profile: string; readonly clientId: string }
  | { readonly _tag: "Updated"; readonly issuer: string; readonly profile: string; readonly clientId: string }
  | { readonly _tag: "Rotated"; readonly issuer: string; readonly profile: string; readonly clientId: string }
  | {
    readonly _tag: "Replaced"
    readonly issuer: string
    readonly profile: string
    readonly clientId: string
    readonly previousClientId: string
    readonly reason: string
  }
  | {
    readonly _tag: "Retired"
    readonly issuer: string
    readonly profile: string
    readonly clientId: string
  }
  | {
    readonly _tag: "PossibleOrphan"
    readonly issuer: string
    readonly profile: string
    readonly why: "crashed" | "outcome-unknown"
  }
  | {
    readonly _tag: "RenewalFailed"
    readonly issuer: string
    readonly profile: string
    readonly clientId: string
    readonly error: RegistrationError
  }

export interface Settings {
  readonly renewBefore: Duration.Duration
  readonly retire: "keep" | { readonly after: Duration.Input }
  /** The pause after the first unknown outcome in a row; doubles, up to a day. */
  readonly backoff: Duration.Duration
}

export interface Task {
  readonly store: RegistrationStore["Service"]
  readonly session: Session
  readonly server: Effect.Effect<AuthorizationServer, RegistrationError, HttpClient.HttpClient>
  readonly metadata: ClientMetadata
  readonly fingerprint: string
  readonly options: ClientRegistration.RegisterOptions<RegistrationError> | undefined
  readonly settings: Settings
  readonly emit: (event: RegistrarEvent) => Effect.Effect<void>
}

/** The registration that fits, registered, updated or renewed where that is needed. */
export const settle = Effect.fnUntraced(function*(
  task: Task
): Effect.fn.Return<RegisteredClient, RegistrationError, Requirements> {
  const now = yield* Clock.currentTimeMillis
  const fitting = fittingClient(task.session.record(), task.fingerprint, now, task.settings)
  if (fitting !== undefined) return fitting
  yield* noteCrash(task)
  yield* refuseWhileWaiting(task, now)
  const { current, fingerprint, invalidatedAt, invalidatedBecause } = task.session.record()
  if (current === undefined) return yield* register(task, undefined)
  if (invalidatedAt !== undefined) return yield* register(task, invalidatedBecause ?? "invalidated")
  return fingerprint === task.fingerprint ? yield* renew(task, current) : yield* change(task, current)
})

/** The current registration, if it is what is asked and needs nothing. */
export const fittingClient = (
  record: RegistrationRecord,
  fingerprint: string,
  now: number,
  settings: Settings
): RegisteredClient | undefined =>
  record.current !== undefined && record.fingerprint === fingerprint && record.invalidatedAt === undefined &&
    !needsRenewal(record.current, now, settings.renewBefore)
    ? record.current
    : undefined

// -----------------------------------------------------------------------------
// before anything is sent
// -----------------------------------------------------------------------------

/** An intent whose outcome nobody wrote belongs to a holder that died: the server may have a client that nobody knows. */
const noteCrash = Effect.fnUntraced(function*(task: Task) {
  const { intent, ...record } = task.session.record()
  if (intent === undefined) return
  const isOrphan = intent.kind === "register"
  yield* task.session.save({
    ...record,
    possibleOrphans: isOrphan
      ? [...record.possibleOrphans, { startedAt: intent.startedAt, why: "crashed" }]
      : record.possibleOrphans
  })
  if (isOrphan) yield* task.emit({ _tag: "PossibleOrphan", ...keyOf(record), why: "crashed" })
})

const refuseWhileWaiting = Effect.fnUntraced(function*(task: Task, now: number) {
  const record = task.session.record()
  const { backoffUntil } = record
  if (backoffUntil !== undefined && backoffUntil > now) {
    return yield* new RegistrationError({
      reason: {
        _tag: "OutcomeUnknown",
        why: "Backoff",
        message: `What became of the last registration is not known; the next attempt is made in ${
          Duration.format(Duration.millis(backoffUntil - now))
        } at the earliest`
      },
      issuer: record.issuer
    })
  }
  const notBefore = yield* task.store.notBefore(record.issuer)
  if (notBefore > now) {
    return yield* new RegistrationError({
      reason: { _tag: "RateLimited", status: 429, retryAfter: Duration.millis(notBefore - now) },
      issuer: record.issuer
    })
  }
})

// -----------------------------------------------------------------------------
// a new registration
// -----------------------------------------------------------------------------

/** Registers anew. The current registration, if there is one, becomes a previous one; it is not deleted. */
const register = Effect.fnUntraced(function*(
  task: Task,
  replaces: string | undefined
): Effect.fn.Return<RegisteredClient, RegistrationError, Requirements> {
  const server = yield* task.server
  const startedAt = yield* Clock.currentTimeMillis
  yield* task.session.save({ ...task.session.record(), intent: { kind: "register", startedAt } })
  const client = yield* ClientRegistration.register(server, task.metadata, task.options).pipe(
    Effect.tapError((error) => noteFailure(task, error, startedAt))
  )
  yield* keepNew(task, client, replaces).pipe(
    Effect.catch((error) => notKept(task, client, error))
  )
  const kept = task.session.record()
  return kept.current ?? client
})

const keepNew = Effect.fnUntraced(function*(task: Task, client: RegisteredClient, replaces: string | undefined) {
  const now = yield* Clock.currentTimeMillis
  const {
    backoffUntil: _backoff,
    current,
    formerToken: _token,
    intent: _intent,
    invalidatedAt: _at,
    invalidatedBecause: _because,
    unknownOutcomes: _unknown,
    ...record
  } = task.session.record()
  const { retire } = task.settings
  const retirement = retire === "keep" ? undefined : {
    retireAt: now + Duration.toMillis(Duration.fromInputUnsafe(retire.after))
  }
  const reason = replaces ?? "replaced"
  yield* task.session.save({
    ...record,
    fingerprint: task.fingerprint,
    current: client,
    previous: current === undefined
      ? record.previous
      : [...record.previous, { client: current, replacedAt: now, reason, ...retirement }]
  })
  const key = { ...keyOf(record), clientId: client.information.client_id }
  yield* task.emit(
    current === undefined
      ? { _tag: "Registered", ...key }
      : { _tag: "Replaced", ...key, previousClientId: current.information.client_id, reason }
  )
})

/**
 * The server has a client that the store would not take. Whoever lost to another holder removes what it registered, where
 * that can be done, and the other's registration counts; any other failure carries the live registration.
 */
const notKept = Effect.fnUntraced(function*(
  task: Task,
  client: RegisteredClient,
  error: RegistrationError
): Effect.fn.Return<void, RegistrationError, Requirements> {
  const lost = error.reason._tag === "StoreFailed" &&
    (error.reason.problem === "Conflict" || error.reason.problem === "LeaseLost")
  if (!lost) return yield* error.withRegistered(client)
  const winner = yield* Effect.mapError(task.session.reload, (reason) => reason.withRegistered(client))
  if (winner.current === undefined || winner.fingerprint !== task.fingerprint) {
    return yield* error.withRegistered(client)
  }
  yield* ClientConfiguration.remove(client, task.options).pipe(
    Effect.mapError((cause) => cause.withRegistered(client))
  )
})

/** What a failure means for the next attempt is written down before the failure is handed out. */
const noteFailure = Effect.fnUntraced(function*(task: Task, error: RegistrationError, startedAt: number) {
  const now = yield* Clock.currentTimeMillis
  const { intent: _, ...record } = task.session.record()
  if (error.registered !== undefined) {
    // The caller refuses the client, but it exists: it is kept where it can be found and removed.
    return yield* task.session.save({
      ...record,
      previous: [...record.previous, { client: error.registered, replacedAt: now, reason: error.reason._tag }]
    })
  }
  if (error.retryAfter !== undefined) {
    yield* task.store.postpone(record.issuer, now + Duration.toMillis(error.retryAfter))
  }
  if (!error.mayHaveSucceeded) return yield* task.session.save(record)
  const unknownOutcomes = (record.unknownOutcomes ?? 0) + 1
  const pause = Math.min(Duration.toMillis(task.settings.backoff) * 2 ** (unknownOutcomes - 1), longestPause)
  yield* task.session.save({
    ...record,
    unknownOutcomes,
    backoffUntil: now + pause,
    possibleOrphans: [...record.possibleOrphans, { startedAt, why: "outcome-unknown" }]
  })
  yield* task.emit({ _tag: "PossibleOrphan", ...keyOf(record), why: "outcome-unknown" })
})

const longestPause = 86_400_000

// -----------------------------------------------------------------------------
// the same client, changed
// -----------------------------------------------------------------------------

/** The metadata changed: by an update where the server offers one, else by a new registration. */
const change = (
  task: Task,
  current: RegisteredClient
): Effect.Effect<RegisteredClient, RegistrationError, Requirements> =>
  canManage(current, task)
    ? Effect.gen(function*() {
      const server = yield* task.server
      const { metadata } = prepareMetadata(server, task.metadata, task.options)
      const remove = Object.keys(current.requested).filter((name) => !Object.hasOwn(metadata, name))
      const read = yield* readDurably(task, current, "update")
      const updated = yield* ClientConfiguration.replace(read, { set: metadata, remove }, task.options)
      yield* keepChanged(task, updated)
      yield* task.emit({ _tag: "Updated", ...keyOf(task.session.record()), clientId: updated.information.client_id })
      return updated
    }).pipe(
      Effect.tapError(() => clearIntent(task)),
      Effect.catch((error) => cannotManage(error) ? register(task, "metadata-changed") : Effect.fail(error))
    )
    : register(task, "metadata-changed")

/** The secret expires: by a rotation where the server moves the expiry then, else by a new registration. */
const renew = (
  task: Task,
  current: RegisteredClient
): Effect.Effect<RegisteredClient, RegistrationError, Requirements> =>
  Effect.gen(function*() {
    if (canManage(current, task)) {
      const rotated = yield* rotate(task, current).pipe(
        Effect.tapError(() => clearIntent(task)),
        Effect.catch((error) => cannotManage(error) ? Effect.succeed(undefined) : Effect.fail(error))
      )
      const now = yield* Clock.currentTimeMillis
      if (rotated !== undefined && !needsRenewal(rotated, now, task.settings.renewBefore)) return rotated
    }
    return yield* register(task, "secret-expiring")
  }).pipe(
    // A secret that still works is worth more than the failure to renew it early.
    Effect.catch((error) =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const usable = task.session.record().current
        if (usable === undefined || isExpired(usable, now)) return yield* error
        yield* task.emit({
          _tag: "RenewalFailed",
          ...keyOf(task.session.record()),
          clientId: usable.information.client_id,
          error
        })
        return usable
      })
    )
  )

const rotate = Effect.fnUntraced(function*(task: Task, current: RegisteredClient) {
  const read = yield* readDurably(task, current, "rotate")
  const rotated = yield* ClientConfiguration.replace(read, {}, task.options)
  yield* keepChanged(task, rotated)
  yield* task.emit({ _tag: "Rotated", ...keyOf(task.session.record()), clientId: rotated.information.client_id })
  return rotated
})

/**
 * Reads the registration and makes what came with it durable before it is changed. After a crash the server may know the
 * token before the last one, so that one is tried too.
 */
const readDurably = Effect.fnUntraced(function*(task: Task, current: RegisteredClient, kind: "update" | "rotate") {
  const startedAt = yield* Clock.currentTimeMillis
  const record = task.session.record()
  yield* task.session.save({ ...record, intent: { kind, startedAt } })
  const { formerToken } = record
  const read = yield* ClientConfiguration.read(current, task.options).pipe(
    Effect.catchReason("RegistrationError", "Unauthorized", (_, error) =>
      formerToken === undefined
        ? Effect.fail(error)
        : ClientConfiguration.read(current, { ...task.options, credential: formerToken }))
  )
  yield* keepRead(task, current, read)
  return read
})

const keepRead = (task: Task, before: RegisteredClient, read: RegisteredClient) => {
  const token = before.information.registration_access_token
  const isNew = token !== undefined && read.information.registration_access_token !== undefined &&
    Redacted.value(token) !== Redacted.value(read.information.registration_access_token)
  return task.session.save({
    ...task.session.record(),
    current: read,
    ...(isNew ? { formerToken: token } : undefined)
  }).pipe(Effect.mapError((error) => error.withRegistered(read)))
}

const keepChanged = (task: Task, changed: RegisteredClient) => {
  const { intent: _, ...record } = task.session.record()
  const token = record.current?.information.registration_access_token
  return task.session.save({
    ...record,
    fingerprint: task.fingerprint,
    current: changed,
    ...(token === undefined ? undefined : { formerToken: token })
  }).pipe(Effect.mapError((error) => error.withRegistered(changed)))
}

const clearIntent = (task: Task) => {
  const { intent: _, ...record } = task.session.record()
  return task.session.save(record)
}

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const keyOf = ({ issuer, profile }: { readonly issuer: string; readonly profile: string }) => ({ issuer, profile })

const canManage = ({ information }: RegisteredClient, task: Task): boolean =>
  information.registration_client_uri !== undefined && information.registration_access_token !== undefined &&
  task.session.record().invalidatedAt === undefined

/** The server does not let this registration be managed: it says so, or it does not take the token any more. */
const cannotManage = ({ reason }: RegistrationError): boolean =>
  reason._tag === "Unsupported" || reason._tag === "Unauthorized"
