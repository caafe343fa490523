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
import { memberKey } from "../selectMembers.ts"
import { notePostponement, refuseWhileLimited } from "./register.ts"
import { isLost, type Session } from "./session.ts"
import { type Desk, keyOf, type Managed, type Requirements, type Step, type Task } from "./task.ts"

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
  const updated = yield* changeDurably(task, current, "update", () => changeTo(prepared.metadata, current))
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
  const rotated = yield* changeDurably(task, current, "rotate", ClientConfiguration.noChange)
  yield* task.emit({ _tag: "Rotated", ...keyOf(task.session.record()), clientId: rotated.information.client_id })
  return rotated
})

const changeTo = (metadata: ClientMetadata, { requested }: RegisteredClient): ClientConfiguration.Change => {
  const asked = new Set(Object.keys(metadata).map(memberKey))
  return { set: metadata, remove: Object.keys(requested).filter((name) => !asked.has(memberKey(name))) }
}

/**
 * Reads, and makes durable what came with it before it is changed: either answer may bring credentials that make the ones
 * before void.
 */
const changeDurably = (
  task: Managed,
  current: RegisteredClient,
  kind: "update" | "rotate",
  changeOf: (read: RegisteredClient) => ClientConfiguration.Change
): Step<RegisteredClient> =>
  Effect.gen(function*() {
    const startedAt = yield* Clock.currentTimeMillis
    if (canManage(task, current)) {
      const intent = { kind, startedAt, clientId: current.information.client_id }
      yield* task.session.save({ ...task.session.record(), intent })
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
  yield* Effect.ignore(task.session.save(isUnknown ? withoutFingerprint(record) : record))
})

/** What the server has is not known: whatever is asked next is sent. */
export const withoutFingerprint = ({ fingerprint: _, ...record }: RegistrationRecord): RegistrationRecord => record

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
      return reason.status < 500
    // A read changes nothing.
    case "UnusableAnswer":
      return method === "GET"
    default:
      return false
  }
}

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
  yield* task.session.save(withChange(task.session.record(), change, now)).pipe(
    Effect.catch((error) =>
      isLost(error)
        ? task.again((session) => keepLate(session, change)).pipe(
          Effect.retry({ times: 3, while: isLost }),
          Effect.mapError((reason) => reason.withRegistered(change.after)),
          Effect.andThen(Effect.fail(error))
        )
        : Effect.fail(error.withRegistered(change.after))
    )
  )
})

const withChange = (
  { intent, renewalPause, ...record }: RegistrationRecord,
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
    ...(settles?.fingerprint === undefined ? undefined : { fingerprint: settles.fingerprint }),
    ...(isTokenNew && token !== undefined ? { formerToken: token } : undefined),
    ...(isSecretNew || isExpiryNew ? { secretSince: now } : undefined)
  }
}

/** Of two who changed one registration at once nobody knows whose credentials are the last: both tokens are kept. */
const keepLate = Effect.fnUntraced(function*(
  session: Session,
  change: Change
): Effect.fn.Return<void, RegistrationError> {
  const now = yield* Clock.currentTimeMillis
  const record = session.record()
  const { client_id: clientId, registration_access_token: token } = change.after.information
  if (record.current?.information.client_id !== clientId) {
    return yield* session.save({
      ...record,
      previous: record.previous.map((kept) =>
        kept.client.information.client_id === clientId ? { ...kept, client: change.after } : kept
      )
    })
  }
  const isUntouched = !ClientConfiguration.rotationOf(change.before, record.current).isTokenNew
  yield* session.save(
    isUntouched
      ? withChange(record, change, now)
      : { ...record, ...(token === undefined ? undefined : { formerToken: token }) }
  )
})

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
      yield* session.save({ ...session.record(), intent: { kind: "remove", startedAt, clientId } })
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
    ...(secretSince === undefined ? undefined : { secretSince })
  })
})
