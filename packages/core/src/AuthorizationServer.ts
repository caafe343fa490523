/**
 * An authorization server: its metadata, and how it is found.
 *
 * Uncached: `AuthorizationServerCache` keeps what {@link discover} finds.
 *
 * @see RFC 8414, OpenID Connect Discovery 1.0, RFC 8705 §5, RFC 9728
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Schema from "effect/Schema"
import { ExchangeLimits } from "./ExchangeLimits.ts"
import { isDeeperThan, isJsonObject, parseJson } from "./internal/answer.ts"
import { Budget } from "./internal/budget.ts"
import { type Answer, exchange } from "./internal/exchange.ts"
import { differByOneSlash, isAsked, judgeIdentifier, quoteIdentifier, refuse } from "./internal/identifier.ts"
import { readServer } from "./internal/readServer.ts"
import { retryAfterOf } from "./internal/refusal.ts"
import { serverGuards } from "./internal/serverGuards.ts"
import * as metadata from "./internal/serverMetadata.ts"
import { annotate, attributes, span } from "./internal/telemetry.ts"
import { isRateLimit } from "./internal/unprocessed.ts"
import { displayUrl, parseUrl } from "./internal/url.ts"
import { type DiscoveryAttempt, RegistrationError } from "./RegistrationError.ts"

// -----------------------------------------------------------------------------
// models and schemas
// -----------------------------------------------------------------------------

/**
 * The metadata of an authorization server (RFC 8414 §2, OpenID Connect Discovery 1.0 §3 and their extensions), by the
 * names of the IANA registry "OAuth Authorization Server Metadata".
 *
 * **Details**
 *
 * A server that is known beforehand needs no discovery: `{ issuer, registration_endpoint }` is one. Members that no
 * specification declares are kept, and read with {@link extensions}.
 *
 * @since 0.1.0
 * @category models
 */
export interface AuthorizationServer extends metadata.Values<typeof metadata.optionalMembers> {
  /** The issuer identifier: an https URL without query and fragment (RFC 8414 §2). */
  readonly issuer: string
}

/**
 * Endpoints for clients that authenticate with a certificate (RFC 8705 §5).
 *
 * @since 0.1.0
 * @category models
 */
export interface MtlsEndpointAliases extends metadata.MtlsEndpointAliases {}

/**
 * Server metadata on the wire. Members of other names are kept as they are, in both directions.
 *
 * **Details**
 *
 * Decoding is lenient: a declared member of the wrong type is left out, since it says nothing about the rest. Only a
 * missing `issuer` makes a document unusable. Encoding is strict.
 *
 * @since 0.1.0
 * @category schemas
 */
export const AuthorizationServer: Schema.Codec<AuthorizationServer, { readonly [name: string]: unknown }> = metadata
  .openStruct(metadata.members)

/**
 * What a discovery found: the server, and how it was found.
 *
 * @since 0.1.0
 * @category models
 */
export interface Discovery {
  readonly server: AuthorizationServer
  /** The well-known URL that answered. */
  readonly url: string
  /** The URLs that were tried before, and why each was not the answer. */
  readonly attempts: ReadonlyArray<DiscoveryAttempt>
  /** The members of the document that were left out, because they are not what their specification says. */
  readonly malformed: ReadonlyArray<string>
}

/**
 * What every discovery may be told.
 *
 * @since 0.1.0
 * @category options
 */
export interface RequestOptions {
  /**
   * Allows plain http to any host. Everybody on the way can then replace the server by their own. For tests in a closed
   * network only; loopback addresses need no switch. Default: `false`.
   */
  readonly dangerouslyAllowInsecureRequests?: boolean | undefined
  /** The time for all requests of the discovery together. Default: that of `ExchangeLimits`. */
  readonly deadline?: Duration.Input | undefined
}

/**
 * @since 0.1.0
 * @category options
 */
export interface DiscoverOptions extends RequestOptions {
  /**
   * Which well-known URLs are tried: `oauth2` that of RFC 8414, `oidc` those of OpenID Connect Discovery. Default: all,
   * the one of RFC 8414 first.
   */
  readonly algorithm?: "oauth2" | "oidc" | undefined
  /**
   * Accepts an issuer that differs from the one asked by exactly one slash at its end. The returned metadata has the
   * server's own spelling, and that is the issuer from then on. Default: `false`: RFC 8414 §3.3 wants the very same string.
   */
  readonly tolerateTrailingSlash?: boolean | undefined
}

/**
 * @since 0.1.0
 * @category options
 */
export interface ProtectedResourceOptions extends RequestOptions {
  /**
   * Where the resource's metadata is, if a challenge of the resource said so (`resource_metadata`, RFC 9728 §5.1).
   * Default: the well-known URL of RFC 9728 §3.1.
   */
  readonly metadataUrl?: string | URL | undefined
}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Finds the metadata of the authorization server with this issuer identifier (RFC 8414 §3, OpenID Connect Discovery 1.0
 * §4).
 *
 * **Details**
 *
 * Tried are, in this order and each once, `/.well-known/oauth-authorization-server` and
 * `/.well-known/openid-configuration` between host and path, and `/.well-known/openid-configuration` after the path. A 4xx
 * answer, one that is not JSON, and one of another issuer lead on to the next; 429, 5xx, a redirect and a failed connection
 * end the search.
 *
 * The issuer of the answer must be the very string that was asked (RFC 8414 §3.3). A `URL` object cannot say whether its
 * root was written with a slash, so for `new URL("https://op.example.com")` both spellings are that very string.
 *
 * The `RetryPolicy` does not repeat a discovery; `RetryPolicy.retry` around it does.
 *
 * **Errors**
 *
 * - `EndpointRefused`: the issuer is no URL, has a query, a fragment or user information, or the `EndpointPolicy` refuses
 *   it. Nothing was sent.
 * - `Transport`, `RedirectRefused`: the first request already ended so, and nothing else is known.
 * - `DiscoveryFailed`: at least one answer was there, and none was the metadata. Lists every attempt; `retryAfter` is there
 *   if a 429 or 503 said it; `cause` is the error of a failed connection or a redirect that ended the search.
 *
 * @example
 * ```ts
 * import * as AuthorizationServer from "@effect-dcr/core/AuthorizationServer"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const server = yield* AuthorizationServer.discover("https://op.example.com")
 *   return server.registration_endpoint
 * })
 * ```
 *
 * @see {@link discoverDetails} for how it was found
 * @since 0.1.0
 * @category constructors
 */
export const discover = (
  issuer: string | URL,
  options?: DiscoverOptions
): Effect.Effect<AuthorizationServer, RegistrationError, HttpClient.HttpClient> =>
  Effect.map(discoverDetails(issuer, options), ({ server }) => server)

/**
 * {@link discover}, with the URL that answered, the attempts before it, and the malformed members that were left out.
 *
 * @since 0.1.0
 * @category constructors
 */
export const discoverDetails = (
  issuer: string | URL,
  options: DiscoverOptions = {}
): Effect.Effect<Discovery, RegistrationError, HttpClient.HttpClient> =>
  span("AuthorizationServer.discover", {})(search(issuer, options))

const search = Effect.fnUntraced(function*(issuer: string | URL, options: DiscoverOptions) {
  const url = yield* judgeIdentifier("issuer", issuer, options.dangerouslyAllowInsecureRequests)
  yield* annotate(attributes.serverAddress, url.hostname)
  const get = yield* makeGet("issuer", issuer, options)
  const attempts: Array<DiscoveryAttempt> = []
  const fail = (found: { readonly retryAfter?: Duration.Duration | undefined; readonly cause?: unknown }) => {
    const { cause, retryAfter } = found
    return new RegistrationError({
      reason: { _tag: "DiscoveryFailed", issuer: String(issuer), attempts, retryAfter },
      ...(cause === undefined ? undefined : { cause })
    })
  }

  for (const candidate of wellKnownUrls(url, options.algorithm)) {
    const answered = yield* get(candidate).pipe(Effect.catch((error) => Effect.succeed(error)))
    if (answered instanceof RegistrationError) {
      if (attempts.length === 0 || answered.reason._tag === "EndpointRefused") return yield* answered
      attempts.push(failedAttempt(candidate, answered))
      return yield* fail({ cause: answered })
    }
    const { document, problem, status, retryAfter } = answered
    const found = document === undefined
      ? problem
      : judgeServer(document, issuer, options.tolerateTrailingSlash === true)
    if (typeof found !== "string") return { ...found, url: candidate, attempts }
    attempts.push({ url: candidate, status, problem: found })
    // Anything but "not here" says that the server is in no state to be asked further.
    if (status === 429 || status > 499) return yield* fail({ retryAfter })
  }
  return yield* fail({})
})

/**
 * The issuers of the authorization servers that a protected resource names in its metadata (RFC 9728), such as an MCP
 * server. Each of them is for {@link discover}.
 *
 * **Details**
 *
 * The metadata is at `/.well-known/oauth-protected-resource`, between host and path. Its `resource` must be the very string
 * that was asked (RFC 9728 §3.3).
 *
 * **Errors**
 *
 * `EndpointRefused`, `Transport` and `RedirectRefused` as with {@link discover}; `DiscoveryFailed` when the answer is not
 * the metadata of this resource; `Unsupported` when it names no authorization server.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromProtectedResource = (
  resource: string | URL,
  options: ProtectedResourceOptions = {}
): Effect.Effect<readonly [string, ...Array<string>], RegistrationError, HttpClient.HttpClient> =>
  span("AuthorizationServer.fromProtectedResource", {})(searchResource(resource, options))

const searchResource = Effect.fnUntraced(function*(resource: string | URL, options: ProtectedResourceOptions) {
  const url = yield* judgeIdentifier("protected_resource", resource, options.dangerouslyAllowInsecureRequests)
  yield* annotate(attributes.serverAddress, url.hostname)
  const get = yield* makeGet("protected_resource", resource, options)
  const candidate = options.metadataUrl === undefined
    ? `${url.origin}/.well-known/oauth-protected-resource${url.pathname === "/" ? "" : url.pathname}${url.search}`
    : String(options.metadataUrl)
  const { document, problem, status, retryAfter } = yield* get(candidate)
  const named = document?.["resource"]
  if (document === undefined || typeof named !== "string" || !isAsked(resource, named)) {
    return yield* new RegistrationError({
      reason: {
        _tag: "DiscoveryFailed",
        issuer: displayUrl(url),
        attempts: [{
          url: displayUrl(candidate),
          status,
          problem: document === undefined
            ? problem
            : `the metadata is that of another resource${quoteIdentifier(named)}`
        }],
        retryAfter
      }
    })
  }
  const servers = document["authorization_servers"]
  const [first, ...rest] = Array.isArray(servers) ? servers.filter((server) => typeof server === "string") : []
  if (first === undefined) {
    return yield* unsupported(
      "authorization_servers",
      "The metadata of the protected resource names no authorization server (RFC 9728 §2)"
    )
  }
  return [first, ...rest] as const
})

// -----------------------------------------------------------------------------
// getters
// -----------------------------------------------------------------------------

/**
 * The URL of the registration endpoint.
 *
 * **Details**
 *
 * With `useMtlsEndpointAliases: true` that is the alias for clients that authenticate with a certificate, if the server has
 * one (RFC 8705 §5). Fails with `Unsupported` if there is no endpoint, and with `EndpointRefused` if it is no URL. The
 * `EndpointPolicy` judges it when it is contacted.
 *
 * @since 0.1.0
 * @category getters
 */
export const registrationEndpoint = (
  server: AuthorizationServer,
  options?: {
    /** Prefers the server's mTLS alias. Default: `false`. */
    readonly useMtlsEndpointAliases?: boolean | undefined
  }
): Effect.Effect<URL, RegistrationError> => {
  const alias = options?.useMtlsEndpointAliases === true
    ? server.mtls_endpoint_aliases?.registration_endpoint
    : undefined
  // A server that the caller described may be described badly.
  const endpoint: unknown = alias ?? server.registration_endpoint
  if (endpoint === undefined) {
    return Effect.fail(unsupported(
      "registration_endpoint",
      "The server does not offer dynamic registration: its metadata has no registration_endpoint"
    ))
  }
  const text = typeof endpoint === "string" ? endpoint : ""
  const url = parseUrl(text)
  return url === undefined
    ? Effect.fail(refuse("registration_endpoint", text, "InvalidUrl", "it is not an absolute URL"))
    : Effect.succeed(url)
}

/**
 * The members of the server's metadata that no specification known here declares.
 *
 * @since 0.1.0
 * @category getters
 */
export const extensions = (server: AuthorizationServer): { readonly [name: string]: unknown } =>
  Object.fromEntries(Object.entries(server).filter(([name]) => !Object.hasOwn(serverGuards, name)))

// -----------------------------------------------------------------------------
// helpers: identifiers and URLs
// -----------------------------------------------------------------------------

const unsupported = (feature: string, message: string) =>
  new RegistrationError({ reason: { _tag: "Unsupported", feature, message } })

/** The well-known URLs of an issuer, in the order in which they are tried (RFC 8414 §3.1, OpenID Connect Discovery §4). */
const wellKnownUrls = (issuer: URL, algorithm: DiscoverOptions["algorithm"]): Iterable<string> => {
  const path = issuer.pathname.replace(/\/$/, "")
  const oauth2 = `${issuer.origin}/.well-known/oauth-authorization-server${path}`
  const inserted = `${issuer.origin}/.well-known/openid-configuration${path}`
  const appended = `${issuer.origin}${path}/.well-known/openid-configuration`
  return new Set(
    algorithm === "oauth2" ? [oauth2] : algorithm === "oidc" ? [inserted, appended] : [oauth2, inserted, appended]
  )
}

// -----------------------------------------------------------------------------
// helpers: answers
// -----------------------------------------------------------------------------

/** What came back: a JSON object, or the problem with it. */
interface Got {
  readonly status: number
  readonly document: { readonly [name: string]: unknown } | undefined
  readonly problem: string
  readonly retryAfter: Duration.Duration | undefined
}

/** GET of a JSON object, within what is left of the time for all requests of a discovery. */
const makeGet = Effect.fnUntraced(function*(role: string, identifier: string | URL, options: RequestOptions) {
  const limits = yield* ExchangeLimits
  const budget = new Budget(yield* Effect.context(), options.deadline)
  return Effect.fnUntraced(function*(url: string) {
    const answer = yield* exchange(HttpClientRequest.get(url, { acceptJson: true }), {
      role,
      allowInsecure: options.dangerouslyAllowInsecureRequests === true,
      issuer: String(identifier),
      deadline: yield* budget.remaining,
      maxBytes: limits.maxMetadataBytes
    })
    return read(answer, limits.maxJsonDepth, yield* Clock.currentTimeMillis)
  })
})

const read = (answer: Answer, maximumDepth: number, now: number): Got => {
  const { headers, status } = answer
  const got = (problem: string, document?: Got["document"]): Got => ({
    status,
    document,
    problem,
    retryAfter: isRateLimit(answer) ? retryAfterOf(headers["retry-after"], now) : undefined
  })
  if (status < 200 || status > 299) return got(`status ${status}`)
  const document = parseJson(answer.text)
  if (document === undefined) return got("the answer is not JSON")
  if (!isJsonObject(document)) return got("the answer is not a JSON object")
  return isDeeperThan(document, maximumDepth) ? got("the answer is nested too deeply") : got("", document)
}

/** The server that a document describes, or why that is not the one that was asked. */
const judgeServer = (
  document: { readonly [name: string]: unknown },
  asked: string | URL,
  tolerateTrailingSlash: boolean
): Pick<Discovery, "server" | "malformed"> | string => {
  const server = readServer(document)
  if (server === undefined) return "the metadata names no issuer"
  const slash = differByOneSlash(String(asked), server.issuer)
  if (!isAsked(asked, server.issuer) && !(slash && tolerateTrailingSlash)) {
    const hint = slash
      ? ", which differs in the slash at its end; spell the issuer as the server does " +
        "(or see the option tolerateTrailingSlash of AuthorizationServer.discover)"
      : ""
    return `the metadata is that of another issuer${quoteIdentifier(server.issuer)}${hint}`
  }
  return { server, malformed: Object.keys(document).filter((name) => !Object.hasOwn(server, name)) }
}

const failedAttempt = (url: string, { reason }: RegistrationError): DiscoveryAttempt => {
  if (reason._tag !== "RedirectRefused") return { url, problem: "message" in reason ? reason.message : reason._tag }
  const place = reason.location === undefined ? "" : ` to ${reason.location}`
  return { url, status: reason.status, problem: `it redirects${place}, and redirects are not followed` }
}
