/**
 * A strict authorization server in memory, for testing applications that register clients.
 *
 * It speaks RFC 7591 (registration), RFC 7592 (management), RFC 8414 and OpenID Connect Discovery, RFC 9449 (DPoP), and as
 * much of a token endpoint as shows whether a client exists. It checks what it gets as strictly as the specifications allow,
 * runs on Effect's `Clock` (so also on a `TestClock`), and misbehaves on demand in every way in which servers, and the
 * connections to them, were seen to.
 *
 * @example
 * ```ts
 * import { AuthorizationServer, ClientRegistration } from "@effect-dcr/core"
 * import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const server = yield* AuthorizationServer.discover("https://op.example.com")
 *   return yield* ClientRegistration.register(server, { redirect_uris: ["https://app.example.com/cb"] })
 * })
 *
 * const test = Effect.gen(function*() {
 *   const server = yield* TestAuthorizationServer.TestAuthorizationServer
 *   yield* server.misbehave("reset-after-processing", { times: 1 })
 *   const error = yield* Effect.flip(program)
 *   console.log(error.reason._tag) // OutcomeUnknown
 *   console.log((yield* server.clients).length) // 1: the client exists, nobody got its secret
 * }).pipe(Effect.provide(TestAuthorizationServer.layer()))
 * ```
 *
 * What it can do wrong is listed in `@effect-dcr/core/testing/Misbehaviour`.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { AuthorizationServer } from "../AuthorizationServer.ts"
import * as DpopSigner from "../DpopSigner.ts"
import * as Base64Url from "../internal/base64url.ts"
import { isLoopbackHost } from "../internal/url.ts"
import * as Cors from "./internal/cors.ts"
import type { Host } from "./internal/exchange.ts"
import { activate } from "./internal/misbehaving.ts"
import { type KnownClient, knownClient, RecordedRequest } from "./internal/recording.ts"
import { type ConnectionFailure, connectionFailure, type Reply } from "./internal/reply.ts"
import * as Server from "./internal/server.ts"
import { serverMetadata } from "./internal/serverMetadata.ts"
import { type Options, resolve } from "./internal/settings.ts"
import type { Client, Tenant } from "./internal/tenant.ts"
import * as Transport from "./internal/transport.ts"
import type { Misbehaviour, When } from "./Misbehaviour.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

export type { KnownClient, RecordedProof } from "./internal/recording.ts"
export { RecordedRequest } from "./internal/recording.ts"
export type { Operation } from "./internal/route.ts"
export type { DpopOptions, InitialAccessToken, Options, StatementIssuer, WellKnown } from "./internal/settings.ts"

/**
 * @since 0.1.0
 * @category options
 */
export interface IssueOptions {
  /** The JWK thumbprint of the key that the token is bound to: the scheme is `DPoP` then. Default: a `Bearer` token. */
  readonly thumbprint?: string | undefined
  /** Whether one registration uses the token up. Default: `false`. */
  readonly singleUse?: boolean | undefined
  /** After how long it expires. Default: never. */
  readonly lifetime?: Duration.Input | undefined
}

// -----------------------------------------------------------------------------
// service
// -----------------------------------------------------------------------------

/**
 * The server behind the `HttpClient` of the layers, to look at and to switch.
 *
 * @since 0.1.0
 * @category services
 */
export class TestAuthorizationServer extends Context.Service<TestAuthorizationServer, {
  /**
   * The metadata of an issuer, as its discovery gives it. Default: the first `issuer` of the options, or
   * `https://op.example.com`.
   */
  readonly metadata: (issuer?: string) => AuthorizationServer
  /** The clients that are registered, of every issuer, the oldest first. */
  readonly clients: Effect.Effect<ReadonlyArray<KnownClient>>
  /** The requests that arrived, the oldest first. */
  readonly requests: Effect.Effect<ReadonlyArray<RecordedRequest>>
  /**
   * Switches a misbehaviour on. Several can be on: those that change an answer all do, in the order in which they were
   * switched on; of those that give another answer without processing, the first does.
   */
  readonly misbehave: (misbehaviour: Misbehaviour, when?: When) => Effect.Effect<void>
  /** Switches all misbehaviours off. */
  readonly behave: Effect.Effect<void>
  /** Forgets a client, as servers do. `false` when there was none of that id. */
  readonly forget: (clientId: string) => Effect.Effect<boolean>
  /** Lets the secret of a client expire now. `false` when there was no client of that id with a secret. */
  readonly expireSecret: (clientId: string) => Effect.Effect<boolean>
  /** Makes an initial access token (RFC 7591 §3). The endpoint asks for one with `protected: true`, and takes it in any case. */
  readonly issueInitialAccessToken: (options?: IssueOptions) => Effect.Effect<Redacted.Redacted<string>>
  /** Back to the beginning: no clients, no requests, no misbehaviours, the tokens of the options. */
  readonly reset: Effect.Effect<void>
  /**
   * The same server as an HTTP app, to mount on a socket (`HttpServer.serve`, `HttpRouter`). Its issuer is then where it is
   * mounted.
   *
   * **Gotchas**
   *
   * What a mount cannot do: a refused connection, an unknown host and a failed handshake become a connection that is closed
   * without an answer, and so does a reset; `content-length-too-short` sends the body cut to that length; an opaque and a
   * followed redirect are plain ones, which a client of fetch makes of them what it does. The misbehaviours of CORS need the
   * option `cors` and a browser.
   */
  readonly app: Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest>
}>()("@effect-dcr/core/testing/TestAuthorizationServer") {}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Makes a server, and the `HttpClient` that reaches it without a socket.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(
  options: Options = {}
): Effect.fn.Return<
  { readonly server: TestAuthorizationServer["Service"]; readonly httpClient: HttpClient.HttpClient },
  never,
  Digest.Digest | SecureRandom.SecureRandom
> {
  const digest = yield* Digest.Digest
  const random = options.random ?? (yield* SecureRandom.SecureRandom)
  const settings = resolve(options)
  const memory: Server.Memory = { tenants: new Map(), requests: [], misbehaviours: [] }
  const encoder = new TextEncoder()
  const host: Host = {
    settings,
    random: (bytes) => Effect.map(random.randomBytes(bytes), Base64Url.encodeBytes),
    sha256: (text) => Effect.map(digest.digest(Digest.sha256, encoder.encode(text)), Base64Url.encodeBytes),
    initialAccessTokens: new Map(),
    metadata: ({ base, issuer }) => serverMetadata(issuer, base, settings)
  }
  const addTokens = () => {
    for (const { expiresAt, singleUse, thumbprint, value } of settings.initialAccessTokens) {
      host.initialAccessTokens.set(Redacted.value(value), { expiresAt, singleUse: singleUse ?? false, thumbprint })
    }
  }
  addTokens()

  const find = (clientId: string): { readonly tenant: Tenant; readonly client: Client } | undefined => {
    for (const tenant of memory.tenants.values()) {
      const client = tenant.clients.get(clientId)
      if (client !== undefined) return { tenant, client }
    }
    return undefined
  }

  const handle = (
    request: HttpServerRequest.HttpServerRequest,
    url: URL
  ): Effect.Effect<Reply, ConnectionFailure> =>
    request.text.pipe(
      Effect.mapError(() => connectionFailure("ECONNRESET", "read ECONNRESET")),
      Effect.flatMap((body) =>
        Server.handle(host, memory, { method: request.method, url, headers: Headers.fromInput(request.headers), body })
      )
    )

  const httpClient = HttpClient.make((request, url) =>
    // The TLS that RFC 7591 §1.2 asks for cannot be seen here, its scheme can.
    url.protocol === "https:" || isLoopbackHost(url.hostname)
      ? handle(HttpServerRequest.fromClientRequest(request), url).pipe(
        Effect.mapError((failure) => Transport.toClientError(request, failure)),
        Effect.flatMap((reply) => Transport.toClientResponse(request, reply))
      )
      : Effect.fail(Transport.toClientError(request, connectionFailure("ECONNREFUSED", "connect ECONNREFUSED")))
  )

  return {
    httpClient,
    server: {
      metadata: (issuer = settings.issuers?.[0] ?? "https://op.example.com") =>
        serverMetadata(issuer, issuer.replace(/\/$/, ""), settings),
      clients: Effect.sync(() =>
        Array.from(memory.tenants.values()).flatMap((tenant) =>
          Array.from(tenant.clients.values(), (client) => knownClient(tenant, client))
        )
      ),
      requests: Effect.sync(() => memory.requests.map((entry) => new RecordedRequest(entry))),
      misbehave: (misbehaviour, when = {}) =>
        Effect.sync(() => {
          memory.misbehaviours.push(activate(misbehaviour, when))
        }),
      behave: Effect.sync(() => {
        memory.misbehaviours.length = 0
      }),
      forget: (clientId) => Effect.sync(() => find(clientId)?.tenant.clients.delete(clientId) ?? false),
      expireSecret: (clientId) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const client = find(clientId)?.client
          if (client?.secret === undefined) return false
          client.isSecretExpired = true
          // 0 would say never: the first second of a test clock has no past.
          client.secretExpiresAt = Math.max(1, Math.floor(now / 1000))
          return true
        }),
      issueInitialAccessToken: ({ lifetime, singleUse = false, thumbprint } = {}) =>
        Effect.flatMap(host.random(32), (token) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            host.initialAccessTokens.set(token, {
              singleUse,
              thumbprint,
              expiresAt: lifetime === undefined
                ? undefined
                : Math.floor(now / 1000) + Duration.toSeconds(Duration.fromInputUnsafe(lifetime))
            })
            return Redacted.make(token, { label: "initial access token" })
          })),
      reset: Effect.sync(() => {
        memory.tenants.clear()
        memory.requests.length = 0
        memory.misbehaviours.length = 0
        host.initialAccessTokens.clear()
        addTokens()
      }),
      app: Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
        const url = urlOf(request)
        if (url === undefined) return Effect.succeed(Transport.failedResponse)
        const method = Cors.preflightOf(request.method, request.headers)
        if (settings.cors && method !== undefined) {
          return Effect.sync(() => Cors.preflight(Server.allowsPreflight(host, memory, url, method)))
        }
        return handle(request, url).pipe(
          Effect.map((reply) => Transport.toServerResponse(settings.cors ? Cors.withCors(reply) : reply)),
          Effect.catch(() => Effect.succeed(Transport.failedResponse)),
          // An HTTP server makes its handlers uninterruptible, and one that never answers would outlive its client.
          Effect.interruptible
        )
      })
    }
  }
})

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * The server and the `HttpClient` that reaches it, to be combined with any `DpopSigner` layer.
 *
 * **Gotchas**
 *
 * Each call makes a server of its own. Where the program under test and the test that looks at the server are provided
 * apart, keep the layer in a constant that both use.
 *
 * @example
 * ```ts
 * import * as DpopSigner from "@effect-dcr/core/DpopSigner"
 * import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
 * import { Layer } from "effect"
 *
 * const TestLayer = Layer.merge(
 *   TestAuthorizationServer.layerHttpClient({ dpop: { required: true, nonce: "rotating" } }),
 *   DpopSigner.layer()
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpClient = (
  options?: Options
): Layer.Layer<TestAuthorizationServer | HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.map(make(options), ({ httpClient, server }) =>
      Context.make(HttpClient.HttpClient, httpClient).pipe(Context.add(TestAuthorizationServer, server)))
  ).pipe(Layer.provide([Digest.layerWebCrypto, SecureRandom.layerWebCrypto]))

/**
 * The server, the `HttpClient` that reaches it, and a `DpopSigner` that makes no proofs: everything that a registration
 * needs.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<TestAuthorizationServer | HttpClient.HttpClient | DpopSigner.DpopSigner> =>
  Layer.merge(layerHttpClient(options), DpopSigner.layerNone)

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const urlOf = (request: HttpServerRequest.HttpServerRequest): URL | undefined =>
  URL.canParse(request.originalUrl)
    ? new URL(request.originalUrl)
    : Option.getOrUndefined(HttpServerRequest.toURL(request))
