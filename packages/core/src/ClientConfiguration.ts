/**
 * Reads, updates and deletes a registration at its management URI.
 *
 * The four operations are one exchange with other data. What a server sends back replaces what was known, in one step: a new
 * secret or token makes the old one void at once, so keep the returned {@link RegisteredClient} before anything else.
 *
 * **Gotchas**
 *
 * A 401 says that the client is gone, that the token was revoked, or that an answer with a new token was lost on the way. By
 * itself it is no reason to discard or replace a registration.
 *
 * The token is sent to the management URI that came with it and nowhere else. That may be at another origin than the issuer
 * and the registration endpoint: RFC 7592 §3 leaves the place to the server, and the `EndpointPolicy` judges it like every
 * other URL.
 *
 * @see RFC 7592 §2
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import type { ClientInformation } from "./ClientInformation.ts"
import type { ClientMetadata } from "./ClientMetadata.ts"
import type { DpopSigner } from "./DpopSigner.ts"
import { type Answer, isJsonObject, parseJson } from "./internal/answer.ts"
import { readGranted } from "./internal/granted.ts"
import { answerGuards } from "./internal/memberGuards.ts"
import { isEmpty, isJson } from "./internal/memberTypes.ts"
import { type Asked, isErrorObject, refusal } from "./internal/refusal.ts"
import { definedMembers, isObject, memberKey, selectMembers } from "./internal/selectMembers.ts"
import { sendRepeatedly } from "./internal/sendRepeatedly.ts"
import { attributes, span } from "./internal/telemetry.ts"
import { displayUrl } from "./internal/url.ts"
import { validate } from "./MetadataRule.ts"
import { RegisteredClient } from "./RegisteredClient.ts"
import { RegistrationError } from "./RegistrationError.ts"
import type { Violation } from "./Violation.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * Options of every operation. `E` and `R` are those of a credential that is an `Effect`.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options<E = never, R = never> {
  /**
   * What the operation is authorized with: a value, or an `Effect` that is run once per operation. Default: the registration
   * access token of the client (RFC 7592 §3). Some ecosystems take an access token of their own instead; it goes to the
   * management URI, wherever the server says that this is.
   */
  readonly credential?: Redacted.Redacted<string> | Effect.Effect<Redacted.Redacted<string>, E, R> | undefined
  /** The scheme of that credential. Default: `Bearer`. */
  readonly credentialType?: "Bearer" | "DPoP" | undefined
  /** Allows plain http to any host, see `ClientRegistration.SendOptions`. Default: `false`. */
  readonly dangerouslyAllowInsecureRequests?: boolean | undefined
  /** The time for each request with all its attempts. Default: that of `ExchangeLimits`. */
  readonly deadline?: Duration.Input | undefined
}

/**
 * Options of {@link remove}.
 *
 * @since 0.1.0
 * @category options
 */
export interface RemoveOptions<E = never, R = never> extends Options<E, R> {
  /**
   * Whether an attempt before this one may have succeeded, so that a 401, 404 or 410 says that it did. Default: `false`, such
   * an answer is a failure.
   */
  readonly wasTried?: boolean | undefined
}

/**
 * What an update changes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Change {
  /** Members to set. Default: none. */
  readonly set?: ClientMetadata | undefined
  /** Names of members to remove; leaving a member out of an update asks for its deletion (RFC 7592 §2.2). Default: none. */
  readonly remove?: ReadonlyArray<string> | undefined
  /** Whether the current `client_secret` is sent along, which some servers want (RFC 7592 §2.2). Default: `false`. */
  readonly sendSecret?: boolean | undefined
}

/**
 * What {@link rotate} found changed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rotation {
  readonly client: RegisteredClient
  /** Whether there is another `client_secret`. */
  readonly isSecretNew: boolean
  /** Whether `client_secret_expires_at` moved. */
  readonly isExpiryNew: boolean
  /** Whether there is another `registration_access_token`. */
  readonly isTokenNew: boolean
}

// -----------------------------------------------------------------------------
// operations
// -----------------------------------------------------------------------------

/**
 * Reads the registration as it is at the server (RFC 7592 §2.1).
 *
 * **Details**
 *
 * The server may hand out another secret or token with the answer. An answer that names another client is refused
 * (`UnusableAnswer`, `OtherClient`).
 *
 * @since 0.1.0
 * @category operations
 */
export const read = <E = never, R = never>(
  client: RegisteredClient,
  options?: Options<E, R>
): Effect.Effect<RegisteredClient, RegistrationError | E, HttpClient.HttpClient | DpopSigner | R> =>
  Effect.flatMap(authorize(client, options), (authority) => readCurrent(client, authority)).pipe(
    operation("read", client)
  )

/**
 * Changes the registration (RFC 7592 §2.2): reads it, and sends all of it back with the change, because an update replaces
 * everything.
 *
 * **Details**
 *
 * When the read succeeded and the update failed, the error's `registered` is what was read: it may hold a new token.
 *
 * What the server returned is sent as it was, vendor members included; members that were asked for at registration and that
 * the server never returned are not sent unless they are set. The rules of `MetadataRule` hold for the members that are set
 * or removed.
 *
 * **Gotchas**
 *
 * To interrupt it between its two requests may lose a token that the first one brought. Use {@link read} and {@link replace}
 * to keep what was read before it is changed.
 *
 * @since 0.1.0
 * @category operations
 */
export const update = <E = never, R = never>(
  client: RegisteredClient,
  change: Change,
  options?: Options<E, R>
): Effect.Effect<RegisteredClient, RegistrationError | E, HttpClient.HttpClient | DpopSigner | R> =>
  Effect.gen(function*() {
    yield* checkChange(client, change)
    const authority = yield* authorize(client, options)
    const current = yield* readCurrent(client, authority)
    return yield* putOrReturn(current, change, authority)
  }).pipe(operation("update", client))

/**
 * The second half of {@link update}: sends the registration back with the change, without reading it first.
 *
 * **When to use**
 *
 * Use after {@link read}, to keep what was read durably before it is changed. What changed at the server since then is
 * overwritten.
 *
 * @since 0.1.0
 * @category operations
 */
export const replace = <E = never, R = never>(
  client: RegisteredClient,
  change: Change,
  options?: Options<E, R>
): Effect.Effect<RegisteredClient, RegistrationError | E, HttpClient.HttpClient | DpopSigner | R> =>
  Effect.gen(function*() {
    yield* checkChange(client, change)
    return yield* put(client, change, yield* authorize(client, options))
  }).pipe(operation("replace", client))

/**
 * Asks for new credentials: a read, and an update without any change, on which servers that rotate do so.
 *
 * **Details**
 *
 * Nothing in RFC 7592 makes a server rotate. The result says what changed.
 *
 * The metadata of a server that returns none of it is assumed to be what was asked, and that is sent: an update without
 * metadata would ask for its deletion.
 *
 * @since 0.1.0
 * @category operations
 */
export const rotate = <E = never, R = never>(
  client: RegisteredClient,
  options?: Options<E, R>
): Effect.Effect<Rotation, RegistrationError | E, HttpClient.HttpClient | DpopSigner | R> =>
  Effect.gen(function*() {
    const authority = yield* authorize(client, options)
    const current = yield* readCurrent(client, authority)
    return rotationOf(client, yield* putOrReturn(current, noChange(current), authority))
  }).pipe(operation("rotate", client))

/**
 * Deletes the registration (RFC 7592 §2.3).
 *
 * **Details**
 *
 * When the outcome of the request is not known it is sent once more, and a 401, 404 or 410 then says that the first one
 * succeeded. When nothing is known after that either, the outcome of the first one is the failure.
 *
 * **Gotchas**
 *
 * A server is meant to invalidate all grants and tokens of the client with it: its users are logged out.
 *
 * @since 0.1.0
 * @category operations
 */
export const remove = <E = never, R = never>(
  client: RegisteredClient,
  options?: RemoveOptions<E, R>
): Effect.Effect<void, RegistrationError | E, HttpClient.HttpClient | DpopSigner | R> =>
  Effect.gen(function*() {
    const authority = yield* authorize(client, options)
    const attempt = Effect.flatMap(makeRequest("DELETE", client, authority), (request) => send(request, authority))
    const { answer, wasTried } = yield* attempt.pipe(
      Effect.map((answer) => ({ answer, wasTried: options?.wasTried === true })),
      Effect.catchReason("RegistrationError", "OutcomeUnknown", (_, unknown) =>
        attempt.pipe(
          // What is not said of this one is not said of the first one either.
          Effect.filterOrFail(({ status }) => status !== 429 && status < 500, () => unknown),
          Effect.mapBoth({
            onSuccess: (answer) => ({ answer, wasTried: true }),
            onFailure: () => unknown
          })
        ))
    )
    const isGone = wasTried && [401, 404, 410].includes(answer.status)
    const body = parseJson(answer.text)
    const isDone = answer.status >= 200 && answer.status < 300 && !(isJsonObject(body) && isErrorObject(body))
    if (!isGone && !isDone) return yield* yield* refusal(answer, authority.asked)
  }).pipe(operation("remove", client))

// -----------------------------------------------------------------------------
// changes
// -----------------------------------------------------------------------------

/**
 * The change that changes nothing, for {@link replace}: none, or all that was asked for where the server says nothing of it.
 *
 * @since 0.1.0
 * @category changes
 */
export const noChange = (client: RegisteredClient): Change =>
  client.differences.assumed ? { set: client.requested } : {}

/**
 * What became of the credentials between two states of one registration.
 *
 * @since 0.1.0
 * @category changes
 */
export const rotationOf = (before: RegisteredClient, after: RegisteredClient): Rotation => ({
  client: after,
  isSecretNew: isOther(before.information.client_secret, after.information.client_secret),
  isExpiryNew: before.information.client_secret_expires_at !== after.information.client_secret_expires_at,
  isTokenNew: isOther(before.information.registration_access_token, after.information.registration_access_token)
})

// -----------------------------------------------------------------------------
// steps
// -----------------------------------------------------------------------------

/** What the requests of one operation have in common. */
interface Authority {
  /** The credential of the caller, if it is not the registration access token. */
  readonly credential: Redacted.Redacted<string> | undefined
  readonly scheme: "Bearer" | "DPoP"
  readonly asked: Asked
  readonly allowInsecure: boolean
  readonly issuer: string
  readonly deadline: Duration.Input | undefined
}

/** Gets the credential, once per operation, so that nothing can come between a read that rotates and what follows. */
const authorize = Effect.fnUntraced(function*<E, R>(
  client: RegisteredClient,
  options: Options<E, R> | undefined
): Effect.fn.Return<Authority, RegistrationError | E, R> {
  const { client_secret, registration_access_token, registration_client_uri } = client.information
  if (registration_client_uri === undefined) return yield* unsupported("registration_client_uri", client)
  const given = options?.credential
  const credential = given === undefined || Redacted.isRedacted(given) ? given : yield* given
  if ((credential ?? registration_access_token) === undefined) {
    return yield* unsupported("registration_access_token", client)
  }
  if (credential !== undefined && !isSendable(credential)) {
    return yield* new RegistrationError({
      reason: {
        _tag: "InvalidOptions",
        option: "credential",
        message: "it is empty or has a character that HTTP does not allow (RFC 9110 §5.5)"
      }
    })
  }
  return {
    credential,
    scheme: options?.credentialType ?? "Bearer",
    asked: {
      feature: "registration_client_uri",
      secrets: [credential, registration_access_token, client_secret]
        .filter((secret) => secret !== undefined)
        .map(Redacted.value)
    },
    allowInsecure: options?.dangerouslyAllowInsecureRequests === true,
    issuer: client.issuer,
    deadline: options?.deadline
  }
})

const readCurrent = (client: RegisteredClient, authority: Authority) =>
  makeRequest("GET", client, authority).pipe(
    Effect.flatMap((request) => send(request, authority)),
    Effect.flatMap((answer) => learn(client, client.requested, answer, authority))
  )

/** The read may have brought another token: a failure after it carries the registration that holds it. */
const putOrReturn = (current: RegisteredClient, change: Change, authority: Authority) =>
  Effect.mapError(put(current, change, withSecretsOf(current, authority)), (error) => error.withRegistered(current))

const put = (client: RegisteredClient, change: Change, authority: Authority) => {
  const set = definedMembers(change.set ?? {})
  const dropped = new Set([...Object.keys(set), ...change.remove ?? []].map(memberKey))
  // What is null or empty at the server is left out, which says the same (RFC 7592 §2.2).
  const kept = (members: ClientMetadata) =>
    selectMembers(
      members,
      (name, value) =>
        value !== undefined && !isEmpty(value) && !dropped.has(memberKey(name)) && !Object.hasOwn(answerGuards, name)
    )
  const secret = change.sendSecret === true ? client.information.client_secret : undefined
  const body = {
    ...kept({ ...client.extensions, ...client.information }),
    ...selectMembers(set, (name) => !Object.hasOwn(answerGuards, name)),
    client_id: client.information.client_id,
    ...(secret === undefined ? undefined : { client_secret: Redacted.value(secret) })
  }
  const requested = { ...kept(client.requested), ...set }
  return makeRequest("PUT", client, authority).pipe(
    Effect.map(HttpClientRequest.bodyText(JSON.stringify(body), "application/json")),
    Effect.flatMap((request) => send(request, authority)),
    Effect.flatMap((answer) => learn(client, requested, answer, authority))
  )
}

/** The token goes to its own URI and nowhere else: a server may revoke one that it sees at another client's (RFC 7592 §2.1). */
const makeRequest = (
  method: "GET" | "PUT" | "DELETE",
  client: RegisteredClient,
  { credential, scheme }: Authority
): Effect.Effect<HttpClientRequest.HttpClientRequest, RegistrationError> => {
  const { registration_access_token, registration_client_uri: uri } = client.information
  const token = credential ?? registration_access_token
  if (uri === undefined) return Effect.fail(unsupported("registration_client_uri", client))
  if (token === undefined) return Effect.fail(unsupported("registration_access_token", client))
  if (!isSendable(token)) return Effect.fail(unsupported("registration_access_token", client, "that HTTP can carry"))
  return Effect.succeed(
    HttpClientRequest.make(method)(uri).pipe(
      HttpClientRequest.acceptJson,
      HttpClientRequest.setHeader("authorization", `${scheme} ${Redacted.value(token)}`)
    )
  )
}

const send = (request: HttpClientRequest.HttpClientRequest, { allowInsecure, asked, deadline, issuer }: Authority) =>
  sendRepeatedly(request, {
    ...asked,
    role: "registration_client_uri",
    // A read too may hand out another token, which makes the old one void (RFC 7592 §2.1).
    effects: true,
    allowInsecure,
    issuer,
    deadline
  })

/** The registration with what an answer says. What it leaves out of the credentials stays as it was. */
const learn = Effect.fnUntraced(function*(
  client: RegisteredClient,
  requested: ClientMetadata,
  answer: Answer,
  { asked }: Authority
) {
  const reading = yield* readGranted(answer, { ...asked, expectedStatus: 200, requested })
  const { information } = reading
  if (information.client_id !== client.information.client_id) {
    return yield* new RegistrationError({
      reason: {
        _tag: "UnusableAnswer",
        status: answer.status,
        problem: "OtherClient",
        message: "The server answered with another client than the one that was asked for, and that was not kept"
      },
      method: answer.request.method,
      url: displayUrl(answer.request.url),
      issuer: client.issuer,
      clientId: client.information.client_id
    })
  }
  return new RegisteredClient({
    issuer: client.issuer,
    requested,
    filledIn: client.filledIn,
    warnings: client.warnings,
    ...reading,
    information: { ...remembered(client.information, information), ...information }
  })
})

/** The credentials that an answer does not repeat. */
const remembered = (before: ClientInformation, after: ClientInformation): Partial<ClientInformation> => {
  const { client_id_issued_at, client_secret, client_secret_expires_at } = before
  const { registration_access_token, registration_client_uri } = before
  const isSecretKept = after.client_secret === undefined
    // A client that became public has none any more.
    ? after.token_endpoint_auth_method !== "none"
    : !isOther(client_secret, after.client_secret)
  return {
    ...(client_id_issued_at === undefined ? undefined : { client_id_issued_at }),
    ...(isSecretKept && client_secret !== undefined ? { client_secret } : undefined),
    ...(isSecretKept && client_secret_expires_at !== undefined ? { client_secret_expires_at } : undefined),
    ...(registration_access_token === undefined ? undefined : { registration_access_token }),
    ...(registration_client_uri === undefined ? undefined : { registration_client_uri })
  }
}

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const operation = (name: string, client: RegisteredClient) =>
  span(`ClientConfiguration.${name}`, {
    [attributes.issuer]: client.issuer,
    [attributes.clientId]: client.information.client_id
  })

/** What a read brought is to be kept out of texts as well. */
const withSecretsOf = ({ information }: RegisteredClient, authority: Authority): Authority => ({
  ...authority,
  asked: {
    ...authority.asked,
    secrets: [
      ...authority.asked.secrets,
      ...[information.registration_access_token, information.client_secret]
        .filter((secret) => secret !== undefined)
        .map(Redacted.value)
    ]
  }
})

/**
 * Visible characters, and spaces between them: servers give out tokens that are no tokens by RFC 6750 §2.1. Whoever refuses to
 * send anything else later may quote it.
 */
const isSendable = (token: Redacted.Redacted<string>): boolean =>
  /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(Redacted.value(token))

const unsupported = (feature: string, client: RegisteredClient, which?: string) =>
  new RegistrationError({
    reason: {
      _tag: "Unsupported",
      feature,
      message: `The registration cannot be managed: the server gave no ${feature}${
        which === undefined ? "" : ` ${which}`
      } (RFC 7592 §3)`
    },
    issuer: client.issuer,
    clientId: client.information.client_id
  })

/** Only what the caller changes is judged: what the server itself returned is its own matter. */
const checkChange = (client: RegisteredClient, change: Change): Effect.Effect<void, RegistrationError> => {
  const set = change.set ?? {}
  if (!isObject(set)) return invalidMetadata(validate(set))
  const removed = (change.remove ?? []).map(memberKey)
  const named = [...Object.keys(definedMembers(set)), ...change.remove ?? []]
  const before = selectMembers(
    { ...client.requested, ...client.information },
    (name) => !removed.includes(memberKey(name))
  )
  const violations = validate({ ...before, ...definedMembers(set) }).filter(({ member, severity }) =>
    severity === "error" &&
    named.some((name) => member === name || member.startsWith(`${name}[`) || member.startsWith(`${name}.`))
  )
  if (violations.length > 0) return invalidMetadata(violations)
  const isContrary = Object.keys(definedMembers(set)).some((name) => removed.includes(memberKey(name)))
  if (isContrary) return invalidChange("a member is both set and removed")
  return Object.values(definedMembers(set)).every((value) => isJson(value))
    ? Effect.void
    : invalidChange("a member has a value that JSON cannot say")
}

const invalidMetadata = (violations: ReadonlyArray<Violation>) =>
  Effect.fail(new RegistrationError({ reason: { _tag: "InvalidMetadata", violations } }))

const invalidChange = (message: string) =>
  Effect.fail(new RegistrationError({ reason: { _tag: "InvalidOptions", option: "change", message } }))

const isOther = (
  before: Redacted.Redacted<string> | undefined,
  after: Redacted.Redacted<string> | undefined
): boolean =>
  before === undefined || after === undefined
    ? before !== after
    : Redacted.value(before) !== Redacted.value(after)
