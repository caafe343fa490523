/**
 * Registers a client at an authorization server.
 *
 * `register` is three steps, each of which can be used alone: {@link request} builds the request, {@link send} sends it, with
 * proofs and retries, and {@link process} reads the answer.
 *
 * @see RFC 7591 §3, OpenID Connect Dynamic Client Registration 1.0 §3, RFC 9449
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import type { AuthorizationServer } from "./AuthorizationServer.ts"
import { registrationEndpoint } from "./AuthorizationServer.ts"
import type { ClientMetadata } from "./ClientMetadata.ts"
import type { DpopSigner } from "./DpopSigner.ts"
import { ExchangeLimits } from "./ExchangeLimits.ts"
import { type Answer, readInTime, toResponse } from "./internal/answer.ts"
import { readGranted } from "./internal/granted.ts"
import { checkMetadata, type PreparedMetadata, prepareMetadata } from "./internal/prepareMetadata.ts"
import { sendRepeatedly } from "./internal/sendRepeatedly.ts"
import { attributes, span } from "./internal/telemetry.ts"
import { displayUrl } from "./internal/url.ts"
import type { MetadataOptions } from "./MetadataPreset.ts"
import { RegisteredClient } from "./RegisteredClient.ts"
import { type Reason, RegistrationError } from "./RegistrationError.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * Options of {@link request}. `E` and `R` are those of an initial access token that is an `Effect`.
 *
 * @since 0.1.0
 * @category options
 */
export interface RequestOptions<E = never, R = never> extends MetadataOptions {
  /**
   * The initial access token for a protected registration endpoint (RFC 7591 §3): a value, or an `Effect` that is run once
   * per registration, so that single-use tokens are fetched only when they are used. Default: none.
   */
  readonly initialAccessToken?:
    | Redacted.Redacted<string>
    | Effect.Effect<Redacted.Redacted<string>, E, R>
    | undefined
  /**
   * The scheme of the `Authorization` header, which is the token's `token_type`: `DPoP` for a DPoP-bound token
   * (RFC 9449 §7.1). A proof may stand beside either. Default: `Bearer`.
   */
  readonly initialAccessTokenType?: "Bearer" | "DPoP" | undefined
  /**
   * More headers. `authorization` is refused, since it belongs to `initialAccessToken`, and so is what the transport sets,
   * such as `host` and `content-length`; a `dpop` header is sent as it is, instead of a proof of the signer;
   * `content-type` and `accept` are always those of JSON. Default: none.
   */
  readonly headers?: Headers.Input | undefined
  /**
   * Whether to use `mtls_endpoint_aliases.registration_endpoint` where the server has it (RFC 8705 §5). Default: what the
   * metadata says in `use_mtls_endpoint_aliases`, else `false`.
   */
  readonly useMtlsEndpointAliases?: boolean | undefined
}

/**
 * Options of {@link send}.
 *
 * @since 0.1.0
 * @category options
 */
export interface SendOptions {
  /**
   * Allows plain http to any host. Everybody on the way can read and change what is sent, the secrets included. For tests
   * in a closed network only; loopback addresses need no switch. Default: `false`.
   */
  readonly dangerouslyAllowInsecureRequests?: boolean | undefined
  /** The time for the request with all its attempts and the body of the answer. Default: that of `ExchangeLimits`. */
  readonly deadline?: Duration.Input | undefined
}

/**
 * Options of {@link process}.
 *
 * @since 0.1.0
 * @category options
 */
export interface ProcessOptions extends MetadataOptions {
  /**
   * What to do when the answer registered a client but departs from the specifications. `"keep"` lists the deviations on
   * the client. `"fail"` fails with `DeviationsRefused`, with the live client inside the error. Default: `"keep"`.
   */
  readonly deviations?: "keep" | "fail" | undefined
}

/**
 * Options of {@link register}.
 *
 * @since 0.1.0
 * @category options
 */
export interface RegisterOptions<E = never, R = never> extends RequestOptions<E, R>, SendOptions, ProcessOptions {}

// -----------------------------------------------------------------------------
// operations
// -----------------------------------------------------------------------------

/**
 * Registers a client: builds the request, sends it, and reads the answer.
 *
 * **Details**
 *
 * The metadata is checked before anything is sent; all broken rules come back at once (`InvalidMetadata`). An answer that
 * created a client is never thrown away: where it departs from the specifications, `deviations` says so.
 *
 * **Gotchas**
 *
 * Each call creates a client. When it fails with `OutcomeUnknown`, a client may exist that nobody knows the secret of;
 * calling again may create a second one.
 *
 * @see RFC 7591 §3
 * @since 0.1.0
 * @category operations
 */
export const register = <E = never, R = never>(
  server: AuthorizationServer,
  metadata: ClientMetadata,
  options?: RegisterOptions<E, R>
): Effect.Effect<RegisteredClient, RegistrationError | E, HttpClient.HttpClient | DpopSigner | R> =>
  Effect.suspend(() => {
    const prepared = prepareMetadata(server, metadata, options)
    return buildRequest(server, prepared, options).pipe(
      Effect.flatMap((request) =>
        Effect.flatMap(
          secretsIn(request),
          (secrets) =>
            Effect.flatMap(
              sendRegistration(request, secrets, options, server.issuer),
              readClient(server, prepared, secrets, options)
            )
        )
      )
    )
  }).pipe(span("ClientRegistration.register", { [attributes.issuer]: server.issuer }))

/**
 * Builds the registration request: a POST of the metadata as JSON (RFC 7591 §3.1).
 *
 * @since 0.1.0
 * @category operations
 */
export const request = <E = never, R = never>(
  server: AuthorizationServer,
  metadata: ClientMetadata,
  options?: RequestOptions<E, R>
): Effect.Effect<HttpClientRequest.HttpClientRequest, RegistrationError | E, R> =>
  Effect.suspend(() => buildRequest(server, prepareMetadata(server, metadata, options), options))

/**
 * Sends a registration request, with the signer's proof, and once more for each failure that the `RetryPolicy` repeats.
 *
 * **Details**
 *
 * The body of the answer has been read within the limits, to its end or to that of its JSON; reading it again costs nothing. An answer that is a
 * failure succeeds here and fails in {@link process}, but for a redirect and a demand to come back later.
 *
 * @since 0.1.0
 * @category operations
 */
export const send = (
  request: HttpClientRequest.HttpClientRequest,
  options?: SendOptions
): Effect.Effect<
  HttpClientResponse.HttpClientResponse,
  RegistrationError,
  HttpClient.HttpClient | DpopSigner
> =>
  Effect.flatMap(
    secretsIn(request),
    (secrets) => Effect.map(sendRegistration(request, secrets, options), (answer) => toResponse(answer, secrets))
  )

/**
 * Reads the answer to a registration request.
 *
 * **Details**
 *
 * Anything with a `client_id` gives a client; what departs from the specifications is listed in its `deviations`. Answers
 * of failure become the reason they name.
 *
 * @see RFC 7591 §3.2
 * @since 0.1.0
 * @category operations
 */
export const process = Effect.fnUntraced(function*(
  server: AuthorizationServer,
  metadata: ClientMetadata,
  response: HttpClientResponse.HttpClientResponse,
  options?: ProcessOptions
): Effect.fn.Return<RegisteredClient, RegistrationError> {
  const limits = yield* ExchangeLimits
  const place = { role: endpointName, url: displayUrl(response.request.url), effects: true }
  const answer = yield* readInTime(response, place, limits)
  // Completed as for the request, but not refused: a client may exist now, whatever its metadata.
  const prepared = prepareMetadata(server, metadata, options)
  return yield* readClient(server, prepared, yield* secretsIn(answer.request), options)(answer)
})

// -----------------------------------------------------------------------------
// steps
// -----------------------------------------------------------------------------

const endpointName = "registration_endpoint"

const buildRequest = <E, R>(
  server: AuthorizationServer,
  prepared: PreparedMetadata,
  options: RequestOptions<E, R> | undefined
): Effect.Effect<HttpClientRequest.HttpClientRequest, RegistrationError | E, R> => {
  if (typeof server.issuer !== "string" || server.issuer === "") {
    return Effect.fail(
      invalidOption("server", "its metadata has no issuer, to which credentials belong (RFC 8414 §2)")
    )
  }
  const useMtlsEndpointAliases = options?.useMtlsEndpointAliases ?? prepared.metadata.use_mtls_endpoint_aliases === true
  const endpoint = Effect.andThen(
    checkMetadata(prepared),
    registrationEndpoint(server, { useMtlsEndpointAliases })
  )
  return Effect.flatMap(endpoint, (endpoint) =>
    Effect.flatMap(checkHeaders(options?.headers), (headers) => {
      // As text: of a URL, the query would be taken apart and written anew, which not every server takes for the same.
      const request = HttpClientRequest.post(endpoint.href, { headers }).pipe(
        HttpClientRequest.bodyText(JSON.stringify(prepared.metadata), "application/json"),
        HttpClientRequest.acceptJson
      )
      const token = options?.initialAccessToken
      if (token === undefined) return Effect.succeed(request)
      // Last of all: a single-use token is not fetched for a request that is refused here.
      return Effect.flatMap(
        Redacted.isRedacted(token) ? Effect.succeed(token) : token,
        (token) => authorize(request, options?.initialAccessTokenType ?? "Bearer", token)
      )
    }))
}

const sendRegistration = (
  request: HttpClientRequest.HttpClientRequest,
  secrets: ReadonlyArray<string>,
  options: SendOptions | undefined,
  issuer?: string
) =>
  sendRepeatedly(request, {
    role: endpointName,
    feature: endpointName,
    secrets,
    allowInsecure: options?.dangerouslyAllowInsecureRequests === true,
    issuer,
    deadline: options?.deadline
  })

/** Waits for the answer, and so holds no more than is read then: not the request, and nothing that led to it. */
const readClient = (
  server: AuthorizationServer,
  prepared: PreparedMetadata,
  secrets: ReadonlyArray<string>,
  options: ProcessOptions | undefined
) =>
(answer: Answer): Effect.Effect<RegisteredClient, RegistrationError> => {
  const expectation = { expectedStatus: 201, feature: endpointName, requested: prepared.metadata, secrets }
  return Effect.flatMap(readGranted(answer, expectation), (reading) => {
    const client = new RegisteredClient({
      issuer: server.issuer,
      requested: prepared.metadata,
      filledIn: prepared.filledIn,
      warnings: prepared.violations,
      ...reading
    })
    if (options?.deviations !== "fail" || client.deviations.length === 0) return Effect.succeed(client)
    const deviations = client.deviations.map(({ id }) => id)
    return Effect.fail(
      new RegistrationError({ reason: { _tag: "DeviationsRefused", deviations } }).withRegistered(client)
    )
  })
}

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const invalidOption = (option: string, message: string) =>
  new RegistrationError({ reason: { _tag: "InvalidOptions", option, message } satisfies Reason })

/** What frames the message, names its target, or is a matter of one connection. */
const ofTheTransport: ReadonlyArray<string> = [
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade"
]

const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/

const checkHeaders = (input: Headers.Input | undefined): Effect.Effect<Headers.Headers, RegistrationError> => {
  const headers = Headers.fromInput(input)
  for (const [name, value] of Object.entries(headers)) {
    if (name === "authorization") {
      return Effect.fail(invalidOption("headers", "authorization is set by initialAccessToken and its type"))
    }
    if (ofTheTransport.includes(name)) {
      return Effect.fail(invalidOption("headers", `${name} is set by the transport (RFC 9110 §7.6.1, RFC 9112 §6)`))
    }
    if (!headerName.test(name)) {
      return Effect.fail(invalidOption("headers", "a name is not a header name (RFC 9110 §5.1)"))
    }
    if (!headerValue.test(value)) {
      return Effect.fail(
        invalidOption("headers", `the value of ${name} has a character that HTTP does not allow (RFC 9110 §5.5)`)
      )
    }
  }
  return Effect.succeed(headers)
}

/** RFC 6750 §2.1 and RFC 9449 §7.1 alike take a token68. */
const token68 = /^[A-Za-z0-9\-._~+/]+=*$/

const authorize = (
  request: HttpClientRequest.HttpClientRequest,
  type: "Bearer" | "DPoP",
  token: Redacted.Redacted<string>
): Effect.Effect<HttpClientRequest.HttpClientRequest, RegistrationError> =>
  token68.test(Redacted.value(token))
    ? Effect.succeed(HttpClientRequest.setHeader(request, "authorization", `${type} ${Redacted.value(token)}`))
    : Effect.fail(
      invalidOption("initialAccessToken", "it is empty or has a character that no token has (RFC 6750 §2.1)")
    )

/**
 * The secrets that a request carries, to keep them out of the server's texts: its headers that are not to be shown, by
 * the names that the program has for them, without the scheme of an `Authorization`.
 */
const secretsIn = (request: HttpClientRequest.HttpClientRequest): Effect.Effect<ReadonlyArray<string>> =>
  Headers.CurrentRedactedNames.useSync((names) =>
    Object.values(Headers.redact(request.headers, ["authorization", ...names])).flatMap((value) =>
      typeof value === "string" ? [] : [Redacted.value(value).replace(/^(Bearer|DPoP|Basic) +/i, "")]
    )
  )
