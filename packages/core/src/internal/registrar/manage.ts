/**
 * The client of a record, changed or deleted at its server (RFC 7592), with each state kept before the next is made.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as ClientConfiguration from "../../ClientConfiguration.ts"
import type { ClientMetadata } from "../../ClientMetadata.ts"
import { RegisteredClient } from "../../RegisteredClient.ts"
import type { RegistrationError } from "../../RegistrationError.ts"
import type { RegistrationRecord } from "../../RegistrationRecord.ts"
import { checkMetadata, prepareMetadata } from "../prepareMetadata.ts"
import { isObject, memberKey } from "../selectMembers.ts"
import { type Intent, isSame, resolveIntent, uncertain } from "./intent.ts"
import { isLost, type Session, stubbornly } from "./session.ts"
import { type Desk, keyOf, type Managed, type Requirements, type Step, type Task } from "./task.ts"
import { notePostponement, refuseWhileLimited } from "./waiting.ts"

// -----------------------------------------------------------------------------
// update and rotation
// -----------------------------------------------------------------------------

/** Makes the registration what is asked now. What was asked before and is not any more is removed. */
export const update = Effect.fnUntraced(function*(
  task: Task,
  current: RegisteredClient
): Effect.fn.Return<RegisteredClient, RegistrationError, Requirements> {
  yield* refuseWhileLimited(task)
  const server = yield* Effect.tapError(task.server, (error) => notePostponement(task, error))
  const prepared = prepareMetadata(server, task.metadata, task.options)
  yield* checkMetadata(prepared)
  const { uncertainMembers = [] } = task.session.record()
  const members = Object.keys(prepared.metadata)
  const updated = yield* changeDurably(
    task,
    current,
    { kind: "update", members },
    () => changeTo(prepared.metadata, [...Object.keys(current.requested), ...uncertainMembers])
  )
  yield* task.emit({ _tag: "Updated", ...keyOf(task.session.record()), clientId: updated.information.client_id })
  return updated
})

/** What the server says of the registration now, which may bring other credentials. */
export const read = (task: Managed, current: RegisteredClient): Step<RegisteredClient> =>
  Effect.andThen(refuseWhileLimited(task), readAndKeep(task, current)).pipe(
    Effect.tapError((error) => noteFailure(task, error)),
    Effect.uninterruptible
  )

/** Asks for new credentials by a change of nothing. */
export const rotate = Effect.fnUntraced(function*(
  task: Managed,
  current: RegisteredClient
): Effect.fn.Return<RegisteredClient, RegistrationError, Requirements> {
  yield* refuseWhileLimited(task)
  const rotated = yield* changeDurably(task, current, { kind: "rotate" }, ClientConfiguration.noChange)
  yield* task.emit({ _tag: "Rotated", ...keyOf(task.session.record()), clientId: rotated.information.client_id })
  return rotated
})

const changeTo = (metadata: ClientMetadata, before: ReadonlyArray<string>): ClientConfiguration.Change => {
  const asked = new Set(Object.keys(metadata).map(memberKey))
  return { set: metadata, remove: before.filter((name) => !asked.has(memberKey(name))) }
}

/**
 * Reads, and makes durable what came with it before it is changed: either answer may bring credentials that make the ones
 * before void.
 */
const changeDurably = (
  task: Managed,
  current: RegisteredClient,
  what: Pick<Intent, "kind" | "members">,
  changeOf: (read: RegisteredClient) => ClientConfiguration.Change
): Step<RegisteredClient> =>
  Effect.gen(function*() {
    const startedAt = yield* Clock.currentTimeMillis
    if (canManage(task, current)) {
      const { lease, record, save } = task.session
      yield* save({ ...record(), intent: { ...what, startedAt, lease, clientId: current.information.client_id } })
    }
    const read = yield* readAndKeep(task, current)
    const changed = yield* ClientConfiguration.replace(read, changeOf(read), optionsOf(task, read))
    yield* keep(task, { before: read, after: changed, settles: task })
    return changed
  }).pipe(
    Effect.tapError((error) => noteFailure(task, error)),
    Effect.uninterruptible
  )

const readAndKeep = Effect.fnUntraced(function*(
  task: Managed,
  current: RegisteredClient
): Effect.fn.Return<RegisteredClient, RegistrationError, Requirements> {
  const { formerToken } = task.session.record()
  const read = yield* Effect.catchReason(
    ClientConfiguration.read(current, optionsOf(task, current)),
    "RegistrationError",
    "Unauthorized",
    ({ status }, error) => {
      const former = withToken(current, formerToken)
      return status === 401 && former !== undefined
        ? ClientConfiguration.read(former, optionsOf(task, former))
        : Effect.fail(error)
    }
  )
  yield* keep(task, { before: current, after: read })
  return read
})

const canManage = (task: Managed, client: RegisteredClient): boolean => {
  const { registration_access_token, registration_client_uri } = client.information
  const credential = task.settings.management(client).credential ?? registration_access_token
  return registration_client_uri !== undefined && credential !== undefined
}

const noteFailure = Effect.fnUntraced(function*(task: Managed, error: RegistrationError) {
  const { intent, ...record } = task.session.record()
  yield* notePostponement(task, error)
  if (intent === undefined) return
  const isUnknown = intent.kind === "update" && error.method === "PUT" && error.mayHaveSucceeded
  yield* Effect.ignore(task.session.save(isUnknown ? uncertain(record, intent.members) : record))
})

/** After a crash the server may know the token before the last one. */
const withToken = (
  client: RegisteredClient,
  token: Redacted.Redacted<string> | undefined
): RegisteredClient | undefined =>
  token === undefined
    ? undefined
    : new RegisteredClient({
      ...client,
      extensions: client.extensions,
      information: { ...client.information, registration_access_token: token }
    })

const optionsOf = (
  task: Managed,
  client: RegisteredClient
): ClientConfiguration.Options<RegistrationError> => ({
  dangerouslyAllowInsecureRequests: task.options?.dangerouslyAllowInsecureRequests,
  deadline: task.options?.deadline,
  ...task.settings.management(client)
})

/**
 * Whether the server, or what is known of it, rules out that this registration is changed by a request. What is only not
 * known, or can be tried again, does not; a failure of the store never does.
 */
export const isRefusal = ({ method, reason }: RegistrationError): boolean => {
  switch (reason._tag) {
    case "Unsupported":
    case "Unauthorized":
    case "EndpointRefused":
    case "RedirectRefused":
    case "InvalidMetadata":
    case "InvalidRedirectUri":
    case "InvalidClientMetadata":
    case "InvalidSoftwareStatement":
    case "UnapprovedSoftwareStatement":
      return true
    case "OAuthError":
    case "UnexpectedStatus":
      return reason.status < 500 && !tooSoon.has(reason.status)
    // A read changes nothing.
    case "UnusableAnswer":
      return method === "GET"
    default:
      return false
  }
}

/** These say that the same request may succeed the next time (RFC 9110 §15.5.9, RFC 8470 §5.2). */
const tooSoon: ReadonlySet<number> = new Set([408, 425])

// -----------------------------------------------------------------------------
// keeping
// -----------------------------------------------------------------------------

interface Change {
  readonly before: RegisteredClient
  readonly after: RegisteredClient
  /** Whether this is the last step, and the fingerprint that holds from then on, if one does. */
  readonly settles?: { readonly fingerprint: string | undefined }
}

/** Makes a state of the current registration durable, under another lease if this one was lost. */
const keep = Effect.fnUntraced(function*(task: Managed, change: Change) {
  const now = yield* Clock.currentTimeMillis
  yield* task.session.keep(withChange(task.session.record(), change, now)).pipe(
    Effect.catch((error) =>
      isLost(error)
        ? stubbornly(task.again((session) => keepLate(task, session, change))).pipe(
          Effect.mapError((reason) => reason.withRegistered(change.after)),
          Effect.andThen(Effect.fail(error))
        )
        : Effect.fail(error.withRegistered(change.after))
    )
  )
})

const withChange = (
  { intent, renewalPause, uncertainMembers, ...record }: RegistrationRecord,
  { after, before, settles }: Change,
  now: number
): RegistrationRecord => {
  const { isExpiryNew, isSecretNew, isTokenNew } = ClientConfiguration.rotationOf(before, after)
  const token = before.information.registration_access_token
  return {
    ...record,
    current: after,
    ...(intent === undefined || settles !== undefined ? undefined : { intent }),
    ...(renewalPause === undefined || isExpiryNew ? undefined : { renewalPause }),
    ...(uncertainMembers === undefined || (settles !== undefined && intent?.kind === "update")
      ? undefined
      : { uncertainMembers }),
    ...(settles?.fingerprint === undefined ? undefined : { fingerprint: settles.fingerprint }),
    ...(isTokenNew && token !== undefined ? { formerToken: token } : undefined),
    ...(isSecretNew || isExpiryNew ? { secretSince: now } : undefined),
    // Whoever says from now on that the client does not work means the secret before, for a while.
    ...(isSecretNew ? { replacedAt: now } : undefined)
  }
}

/**
 * Of two who changed one registration at once nobody knows whose change is the last: both tokens are kept, and what is asked
 * next is sent.
 */
const keepLate = Effect.fnUntraced(function*(
  task: Managed,
  session: Session,
  change: Change
): Effect.fn.Return<void, RegistrationError> {
  const now = yield* Clock.currentTimeMillis
  const known = task.session.record()
  const left = session.record().intent
  // Whoever had the lease meanwhile may have died as well.
  if (left !== undefined && !(known.intent !== undefined && isSame(left, known.intent))) {
    yield* resolveIntent({ emit: task.emit, session })
  }
  const record = session.record()
  const { after, before } = change
  const { client_id: clientId, registration_access_token: token } = after.information
  const { current } = record
  if (current?.information.client_id !== clientId) {
    return yield* session.save({
      ...record,
      previous: record.previous.map((kept) =>
        kept.client.information.client_id === clientId ? { ...kept, client: after } : kept
      )
    })
  }
  const { isExpiryNew, isSecretNew, isTokenNew } = ClientConfiguration.rotationOf(before, current)
  const hasOtherCredentials = isExpiryNew || isSecretNew || isTokenNew
  if (!hasOtherCredentials && record.fingerprint === known.fingerprint && isAlike(before, current)) {
    return yield* session.save(withChange(record, change, now))
  }
  const members = [...Object.keys(after.requested), ...Object.keys(current.requested)]
  yield* session.save(uncertain(
    hasOtherCredentials
      ? { ...record, ...(token === undefined ? undefined : { formerToken: token }) }
      : withChange(record, change, now),
    members
  ))
})

/** In all but their secrets, which are compared apart. */
const isAlike = (one: RegisteredClient, other: RegisteredClient): boolean =>
  inOrder([one, one.extensions]) === inOrder([other, other.extensions])

const inOrder = (value: unknown): string =>
  JSON.stringify(
    value,
    (_, inner: unknown) =>
      isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1)) : inner
  )

// -----------------------------------------------------------------------------
// deletion
// -----------------------------------------------------------------------------

/**
 * Deletes a client at the server and takes it off the record, which then says so. With a doubt, a 401 says that it was gone
 * before.
 */
export const deleteClient = (
  desk: Pick<Desk, "session" | "settings">,
  client: RegisteredClient,
  isDoubtful: boolean
): Step<void> =>
  Effect.gen(function*() {
    const { session, settings } = desk
    const clientId = client.information.client_id
    const startedAt = yield* Clock.currentTimeMillis
    const former = session.record().current === client ? withToken(client, session.record().formerToken) : undefined
    // An intent that stays is a doubt later: written down only where something is sent.
    if (client.information.registration_client_uri !== undefined) {
      const { lease } = session
      yield* session.save({ ...session.record(), intent: { kind: "remove", startedAt, lease, clientId } })
    }
    const remove = (client: RegisteredClient, wasTried: boolean) =>
      ClientConfiguration.remove(client, { ...settings.management(client), wasTried })
    const removal = former === undefined
      ? remove(client, isDoubtful)
      : Effect.catchReason(remove(client, false), "RegistrationError", "Unauthorized", ({ status }, error) =>
        status === 401
          ? Effect.mapError(remove(former, isDoubtful), () =>
            error)
          : Effect.fail(error))
    yield* Effect.tapError(removal, (error) => {
      const { intent, ...record } = session.record()
      return error.mayHaveSucceeded || intent === undefined ? Effect.void : Effect.ignore(session.save(record))
    })
    yield* session.save(withoutClient(session.record(), clientId))
  }).pipe(Effect.uninterruptible)

const withoutClient = (
  {
    current,
    fingerprint,
    formerToken,
    intent: _,
    invalidatedAt,
    invalidatedBecause,
    renewalPause,
    secretSince,
    uncertainMembers,
    ...record
  }: RegistrationRecord,
  clientId: string
): RegistrationRecord => ({
  ...record,
  previous: record.previous.filter(({ client }) => client.information.client_id !== clientId),
  ...(current === undefined || current.information.client_id === clientId ? undefined : {
    current,
    ...(fingerprint === undefined ? undefined : { fingerprint }),
    ...(formerToken === undefined ? undefined : { formerToken }),
    ...(invalidatedAt === undefined ? undefined : { invalidatedAt }),
    ...(invalidatedBecause === undefined ? undefined : { invalidatedBecause }),
    ...(renewalPause === undefined ? undefined : { renewalPause }),
    ...(secretSince === undefined ? undefined : { secretSince }),
    ...(uncertainMembers === undefined ? undefined : { uncertainMembers })
  })
})
