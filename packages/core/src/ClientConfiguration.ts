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
 * @see RFC 7592 §2
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import { answerMembers } from "./ClientInformation.ts"
import type { ClientMetadata } from "./ClientMetadata.ts"
import type { DpopSigner } from "./DpopSigner.ts"
import type { Answer } from "./internal/answer.ts"
import { readGranted } from "./internal/granted.ts"
import { isEmpty } from "./internal/metadataRules.ts"
import { refusal } from "./internal/refusal.ts"
import { definedMembers, isObject, selectMembers } from "./internal/selectMembers.ts"
import { sendRepeatedly } from "./internal/sendRepeatedly.ts"
import { attributes, span } from "./internal/telemetry.ts"
import { displayUrl } from "./internal/url.ts"
import { validate } from "./MetadataRule.ts"
import { RegisteredClient } from "./RegisteredClient.ts"
import { RegistrationError } from "./RegistrationError.ts"

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
   * What the operation is authorized with. Default: the registration access token of the client (RFC 7592 §3). Some
   * ecosystems take an access token of their own instead.
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
  readCurrent(client, options).pipe(operation("read", client))

/**
 * Changes the registration (RFC 7592 §2.2): reads it, and sends all of it back with the change, because an update replaces
 * everything.
 *
 * **Details**
 *
 * When the read succeeded and the update failed, the error's `registered` is what was read: it may hold a new token.
 *
 * What the server returned is sent as it was, vendor members included; members that were asked for at registration and that
 * the server never returned are not sent unless they are set. The rules of `MetadataRule` hold for the members that are set.
 *
 * @since 0.1.0
 * @category operations
 */
export const update = <E = never, R = never>(
  client: RegisteredClient,
  change: Change,
  options?: Options<E, R>
): Effect.Effect<RegisteredClient, RegistrationError | E, HttpClient.HttpClient | DpopSigner | R> =>
  Effect.andThen(
    checkChange(client, change),
    Effect.flatMap(readCurrent(client, options), (current) => replaceOrReturn(current, change, options))
  ).pipe(operation("update", client))

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
  Effect.andThen(checkChange(client, change), put(client, change, options)).pipe(operation("replace", client))

/**
 * Asks for new credentials: a read, and an update without any change, on which servers that rotate do so.
 *
 * **Details**
 *
 * Nothing in RFC 7592 makes a server rotate. The result says what changed.
 *
 * @since 0.1.0
 * @category operations
 */
export const rotate = <E = never, R = never>(
  client: RegisteredClient,
  options?: Options<E, R>
): Effect.Effect<Rotation, RegistrationError | E, HttpClient.HttpClient | DpopSigner | R> =>
  readCurrent(client, options).pipe(
    Effect.flatMap((current) => replaceOrReturn(current, {}, options)),
    Effect.map((rotated): Rotation => ({
      client: rotated,
      isSecretNew: isOther(client.information.client_secret, rotated.information.client_secret),
      isExpiryNew: client.information.client_secret_expires_at !== rotated.information.client_secret_expires_at,
      isTokenNew: isOther(client.information.registration_access_token, rotated.information.registration_access_token)
    })),
    operation("rotate", client)
  )

/**
 * Deletes the registration (RFC 7592 §2.3).
 *
 * **Details**
 *
 * When the outcome of the request is not known it is sent once more, and a 401 or 404 then says that the first one
 * succeeded.
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
  options?: Options<E, R>
): Effect.Effect<void, RegistrationError | E, HttpClient.HttpClient | DpopSigner | R> =>
  Effect.flatMap(makeRequest("DELETE", client, options), (request) => {
    const attempt = send(request, client, options)
    return attempt.pipe(
      Effect.map((answer) => ({ answer, isRepeated: false })),
      Effect.catchReason(
        "RegistrationError",
        "OutcomeUnknown",
        () => Effect.map(attempt, (answer) => ({ answer, isRepeated: true }))
      ),
      Effect.flatMap(({ answer, isRepeated }) => {
        const isGone = isRepeated && (answer.status === 401 || answer.status === 404)
        return isGone || (answer.status >= 200 && answer.status < 300)
          ? Effect.void
          : Effect.flatMap(refusal(answer, asked(client, answer.request)), Effect.fail)
      })
    )
  }).pipe(operation("remove", client))

// -----------------------------------------------------------------------------
// steps
// -----------------------------------------------------------------------------

const readCurrent = <E, R>(client: RegisteredClient, options: Options<E, R> | undefined) =>
  makeRequest("GET", client, options).pipe(
    Effect.flatMap((request) => send(request, client, options)),
    Effect.flatMap((answer) => learn(client, client.requested, answer))
  )

/** The read may have brought another token: a failure after it carries the registration that holds it. */
const replaceOrReturn = <E, R>(current: RegisteredClient, change: Change, options: Options<E, R> | undefined) =>
  put(current, change, options).pipe(
    Effect.mapError((error) => error instanceof RegistrationError ? error.withRegistered(current) : error)
  )

const put = <E, R>(client: RegisteredClient, change: Change, options: Options<E, R> | undefined) => {
  const removed = change.remove ?? []
  const set = definedMembers(change.set ?? {})
  const isKept = (name: string, value: unknown) => value !== undefined && !removed.includes(name)
  const registered = selectMembers(
    { ...client.extensions, ...client.information, ...set },
    // What is null or empty at the server is left out, which says the same (RFC 7592 §2.2).
    (name, value) => isKept(name, value) && !isEmpty(value) && !Object.hasOwn(answerMembers, name)
  )
  const secret = change.sendSecret === true ? client.information.client_secret : undefined
  const body = {
    ...registered,
    client_id: client.information.client_id,
    ...(secret === undefined ? undefined : { client_secret: Redacted.value(secret) })
  }
  const requested = selectMembers({ ...client.requested, ...set }, isKept)
  return makeRequest("PUT", client, options).pipe(
    Effect.map(HttpClientRequest.bodyText(JSON.stringify(body), "application/json")),
    Effect.flatMap((request) => send(request, client, options)),
    Effect.flatMap((answer) => learn(client, requested, answer))
  )
}

/** The token goes to its own URI and nowhere else: a server may revoke one that it sees at another client's (RFC 7592 §1). */
const makeRequest = Effect.fnUntraced(function*<E, R>(
  method: "GET" | "PUT" | "DELETE",
  client: RegisteredClient,
  options: Options<E, R> | undefined
): Effect.fn.Return<HttpClientRequest.HttpClientRequest, RegistrationError | E, R> {
  const { registration_access_token: token, registration_client_uri: uri } = client.information
  if (uri === undefined) return yield* unsupported("registration_client_uri", client)
  const credential = options?.credential ?? token
  if (credential === undefined) return yield* unsupported("registration_access_token", client)
  const value = Redacted.value(Redacted.isRedacted(credential) ? credential : yield* credential)
  // Whoever refuses to send it later may quote it.
  if (!headerText.test(value)) {
    return yield* options?.credential === undefined
      ? unsupported("registration_access_token", client, "that HTTP can carry")
      : new RegistrationError({
        reason: {
          _tag: "InvalidOptions",
          option: "credential",
          message: "it is empty or has a character that HTTP does not allow (RFC 9110 §5.5)"
        }
      })
  }
  return HttpClientRequest.make(method)(uri).pipe(
    HttpClientRequest.acceptJson,
    HttpClientRequest.setHeader("authorization", `${options?.credentialType ?? "Bearer"} ${value}`)
  )
})

/** Visible characters, and spaces between them: servers give out tokens that are no tokens by RFC 6750 §2.1. */
const headerText = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/

const send = <E, R>(
  request: HttpClientRequest.HttpClientRequest,
  client: RegisteredClient,
  options: Options<E, R> | undefined
) =>
  sendRepeatedly(request, {
    ...asked(client, request),
    role: "registration_client_uri",
    // A read too may hand out another token, which makes the old one void (RFC 7592 §2.1).
    effects: true,
    allowInsecure: options?.dangerouslyAllowInsecureRequests === true,
    deadline: options?.deadline
  })

/** The registration with what an answer says. What it leaves out of the credentials stays as it was. */
const learn = Effect.fnUntraced(function*(client: RegisteredClient, requested: ClientMetadata, answer: Answer) {
  const reading = yield* readGranted(answer, { ...asked(client, answer.request), expectedStatus: 200, requested })
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
  const { client_id_issued_at, client_secret, client_secret_expires_at } = client.information
  return new RegisteredClient({
    issuer: client.issuer,
    requested,
    filledIn: client.filledIn,
    warnings: client.warnings,
    ...reading,
    information: {
      client_id_issued_at,
      ...(information.client_secret === undefined ? { client_secret, client_secret_expires_at } : undefined),
      registration_access_token: client.information.registration_access_token,
      registration_client_uri: client.information.registration_client_uri,
      ...information
    }
  })
})

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const operation = (name: string, client: RegisteredClient) =>
  span(`ClientConfiguration.${name}`, {
    [attributes.issuer]: client.issuer,
    [attributes.clientId]: client.information.client_id
  })

const asked = (client: RegisteredClient, request: HttpClientRequest.HttpClientRequest) => {
  const { client_secret, registration_access_token } = client.information
  // Not always the client's own token: the caller may have given another credential.
  const credential = request.headers["authorization"]?.replace(/^\S+ /, "")
  return {
    feature: "registration_client_uri",
    secrets: [
      ...[registration_access_token, client_secret].filter((secret) => secret !== undefined).map(Redacted.value),
      ...(credential === undefined ? [] : [credential])
    ]
  }
}

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

/** Only what the caller sets is judged: what the server itself returned is its own matter. */
const checkChange = (client: RegisteredClient, change: Change): Effect.Effect<void, RegistrationError> => {
  const set = change.set ?? {}
  const violations = isObject(set)
    ? validate({ ...client.requested, ...client.information, ...definedMembers(set) }).filter(({ member, severity }) =>
      severity === "error" &&
      Object.keys(set).some((name) => member === name || member.startsWith(`${name}[`) || member.startsWith(`${name}.`))
    )
    : validate(set)
  return violations.length === 0
    ? Effect.void
    : Effect.fail(new RegistrationError({ reason: { _tag: "InvalidMetadata", violations } }))
}

const isOther = (
  before: Redacted.Redacted<string> | undefined,
  after: Redacted.Redacted<string> | undefined
): boolean =>
  before === undefined || after === undefined
    ? before !== after
    : Redacted.value(before) !== Redacted.value(after)
