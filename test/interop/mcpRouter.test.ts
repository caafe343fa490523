/**
 * Registrations at the authorization router of the MCP TypeScript SDK, on its own and as a proxy before `oidc-provider`.
 *
 * Its answers depart from the specifications in nothing, unless a store makes them. What is its own: the issuer has a slash at
 * its end; it keeps the members of RFC 7591 only, without languages; it takes no `client_secret_basic`; every client needs
 * redirect URIs; secrets expire after 30 days; twenty registrations an hour; and as a proxy it loses the management URI and
 * token, and turns every refusal of the server behind into a `server_error`.
 */
import { AuthorizationServer, type ClientMetadata, ClientRegistration } from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { AccessDeniedError, InvalidClientMetadataError } from "@modelcontextprotocol/sdk/server/auth/errors.js"
import { ProxyOAuthServerProvider } from "@modelcontextprotocol/sdk/server/auth/providers/proxyProvider.js"
import { DateTime, Duration, Effect, Option, Redacted } from "effect"
import { failsWith } from "../support/failure.ts"
import { inMemory, mcpRouter, type McpRouterOptions } from "../support/mcpRouter.ts"
import { oidcProvider } from "../support/oidcProvider.ts"

const on = Effect.provide(NodeRegistration.layer)

const redirect_uris = ["http://127.0.0.1:33418/callback"]

const serverWith = (options?: McpRouterOptions) =>
  Effect.flatMap(mcpRouter(options), (issuer) => AuthorizationServer.discover(issuer))

/** A router whose store of clients does this with a registration. */
const storing = (
  registerClient: NonNullable<ReturnType<typeof inMemory>["clientsStore"]["registerClient"]>,
  options?: McpRouterOptions["clientRegistrationOptions"]
) =>
  serverWith({
    provider: inMemory({ getClient: () => undefined, registerClient }),
    ...(options === undefined ? undefined : { clientRegistrationOptions: options })
  })

const names = (members: ReadonlyArray<{ readonly member: string }>) => members.map(({ member }) => member).sort()

describe("MCP SDK: discovery", () => {
  it.live("its issuer ends with a slash, and only that string is the issuer", () =>
    Effect.gen(function*() {
      const issuer = yield* mcpRouter({ scopesSupported: ["mcp:tools"] })
      assert.match(issuer, /^http:\/\/127\.0\.0\.1:\d+\/$/)
      const origin = issuer.slice(0, -1)

      const { attempts, malformed, server, url } = yield* AuthorizationServer.discoverDetails(issuer)
      assert.strictEqual(url, `${origin}/.well-known/oauth-authorization-server`)
      assert.deepStrictEqual([attempts, malformed], [[], []])
      assert.deepStrictEqual(server, {
        issuer,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        registration_endpoint: `${origin}/register`,
        response_types_supported: ["code"],
        grant_types_supported: ["authorization_code", "refresh_token"],
        code_challenge_methods_supported: ["S256"],
        token_endpoint_auth_methods_supported: ["client_secret_post", "none"],
        scopes_supported: ["mcp:tools"]
      })

      const { reason } = yield* AuthorizationServer.discover(origin).pipe(failsWith("DiscoveryFailed"))
      // The other well-known URLs are asked as well: this server has none of them.
      assert.deepStrictEqual(reason.attempts.map(({ status, url }) => [status, url]), [
        [200, `${origin}/.well-known/oauth-authorization-server`],
        [404, `${origin}/.well-known/openid-configuration`]
      ])
      assert.include(reason.attempts[0]?.problem, "tolerateTrailingSlash")

      const tolerant = yield* AuthorizationServer.discover(origin, { tolerateTrailingSlash: true })
      assert.strictEqual(tolerant.issuer, issuer)
      assert.strictEqual((yield* AuthorizationServer.discover(new URL(origin))).issuer, issuer)
    }).pipe(on))

  it.live("an MCP server names its authorization server (RFC 9728)", () =>
    Effect.gen(function*() {
      const issuer = yield* mcpRouter()
      assert.deepStrictEqual(yield* AuthorizationServer.fromProtectedResource(issuer), [issuer])
    }).pipe(on))

  it.live("a store that registers no clients: no endpoint in the metadata, none on the server", () =>
    Effect.gen(function*() {
      const server = yield* serverWith({ provider: inMemory({ getClient: () => undefined }) })
      const absent = yield* ClientRegistration.register(server, { redirect_uris }).pipe(failsWith("Unsupported"))
      assert.strictEqual(absent.reason.feature, "registration_endpoint")
      const gone = yield* ClientRegistration.register(
        { ...server, registration_endpoint: `${server.issuer}register` },
        { redirect_uris }
      ).pipe(failsWith("Unsupported"))
      assert.include(gone.error.message, "404")
    }).pipe(on))
})

describe("MCP SDK: registration", () => {
  it.live("a confidential client: the auth method is negotiated, the secret expires in 30 days", () =>
    Effect.gen(function*() {
      const server = yield* serverWith()
      const asked: ClientMetadata.ClientMetadata = {
        redirect_uris,
        client_name: "My MCP client",
        "client_name#de": "Mein MCP-Client",
        scope: "mcp:tools",
        software_id: "my-mcp-client"
      }
      const client = yield* ClientRegistration.register(server, asked)
      assert.deepStrictEqual(client.filledIn, ["application_type", "token_endpoint_auth_method"])
      assert.deepStrictEqual(client.requested, {
        ...asked,
        application_type: "native",
        token_endpoint_auth_method: "client_secret_post"
      })
      const { client_id_issued_at = 0, client_secret, client_secret_expires_at } = client.information
      assert.isTrue(Redacted.isRedacted(client_secret))
      assert.strictEqual(client_secret_expires_at, client_id_issued_at + 30 * 86_400)
      assert.deepStrictEqual(
        Option.map(client.secretExpiresAt, DateTime.toEpochSeconds),
        Option.some(client_id_issued_at + 30 * 86_400)
      )
      assert.deepStrictEqual(client.deviations, [])
      // It keeps no names but those of RFC 7591, and fills in nothing.
      const { added, assumed, dropped, replaced } = client.differences
      assert.deepStrictEqual(names(dropped), ["application_type", "client_name#de"])
      assert.deepStrictEqual([added, replaced, assumed], [[], [], false])
      assert.deepStrictEqual(client.extensions, {})
    }).pipe(on))

  it.live("a public client: no secret, and no expiry of one", () =>
    Effect.gen(function*() {
      const server = yield* serverWith()
      const client = yield* ClientRegistration.register(server, {
        redirect_uris,
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"]
      })
      assert.deepStrictEqual(client.filledIn, ["application_type"])
      assert.isUndefined(client.information.client_secret)
      assert.isUndefined(client.information.client_secret_expires_at)
      assert.deepStrictEqual(client.secretExpiresAt, Option.none())
      assert.deepStrictEqual(client.deviations, [])
      assert.deepStrictEqual(names(client.differences.dropped), ["application_type"])
    }).pipe(on))

  it.live("secrets that never expire", () =>
    Effect.gen(function*() {
      const server = yield* serverWith({ clientRegistrationOptions: { clientSecretExpirySeconds: 0 } })
      const client = yield* ClientRegistration.register(server, { redirect_uris })
      assert.strictEqual(client.information.client_secret_expires_at, 0)
      assert.deepStrictEqual(client.secretExpiresAt, Option.none())
      assert.deepStrictEqual(client.deviations, [])
    }).pipe(on))

  it.live("a store may return what it likes: each departure is named, and the client is kept", () =>
    Effect.gen(function*() {
      const server = yield* storing((client) => ({
        ...client,
        client_id: "chosen by the store",
        client_secret_expires_at: 1,
        redirect_uris: ["https://elsewhere.example.com/"],
        client_uri: "",
        scope: "mcp:tools mcp:admin",
        registration_access_token: "a token without its URI",
        internal_note: "a member of no specification"
      }))
      const client = yield* ClientRegistration.register(server, { redirect_uris, scope: "mcp:tools" })
      assert.strictEqual(client.information.client_id, "chosen by the store")
      assert.deepStrictEqual(client.deviations.map(({ id, member }) => [id, member]), [
        ["empty-member", "client_uri"],
        ["expired-secret", "client_secret_expires_at"],
        ["missing-registration-client-uri", "registration_client_uri"],
        ["dropped-redirect-uri", "redirect_uris"]
      ])
      assert.deepStrictEqual(names(client.differences.replaced), ["redirect_uris", "scope"])
      assert.deepStrictEqual(client.extensions, { internal_note: "a member of no specification" })

      const { error, reason } = yield* ClientRegistration.register(server, { redirect_uris }, { deviations: "fail" })
        .pipe(failsWith("DeviationsRefused"))
      assert.include(reason.deviations, "expired-secret")
      assert.strictEqual(error.clientId, "chosen by the store")
      assert.strictEqual(error.registered?.information.client_id, "chosen by the store")
    }).pipe(on))

  it.live("a store that makes no identifier, on a router that makes none: the answer cannot be used", () =>
    Effect.gen(function*() {
      const server = yield* storing((client) => ({ client_id: "", ...client }), { clientIdGeneration: false })
      const { error, reason } = yield* ClientRegistration.register(server, { redirect_uris }).pipe(
        failsWith("UnusableAnswer")
      )
      assert.strictEqual(reason.problem, "MissingClientId")
      assert.strictEqual(reason.status, 201)
      assert.isFalse(error.isSafeToRepeat)
    }).pipe(on))
})

describe("MCP SDK: refusals", () => {
  it.live("what its schema refuses: invalid_client_metadata, whose pages of text become one short line", () =>
    Effect.gen(function*() {
      const server = yield* serverWith()
      // It demands redirect_uris of every client.
      const { error, reason } = yield* ClientRegistration.register(server, { grant_types: ["client_credentials"] })
        .pipe(
          failsWith("InvalidClientMetadata")
        )
      assert.strictEqual(reason.status, 400)
      assert.match(reason.error_description ?? "", /^\[ \{ .*"redirect_uris"/)
      assert.notInclude(error.message, "\n")
      assert.isAtMost(error.message.length, 450)
    }).pipe(on))

  it.live("the errors of a store: OAuth errors with status 400, anything else server_error with 500", () =>
    Effect.gen(function*() {
      const failing = (failure: Error) =>
        Effect.flatMap(
          storing(() => {
            throw failure
          }),
          (server) => ClientRegistration.register(server, { redirect_uris })
        )
      const metadata = yield* failing(new InvalidClientMetadataError("no loopback here", "https://docs.example.com/"))
        .pipe(failsWith("InvalidClientMetadata"))
      assert.deepStrictEqual(metadata.reason, {
        _tag: "InvalidClientMetadata",
        status: 400,
        error_description: "no loopback here",
        error_uri: "https://docs.example.com/"
      })
      const denied = yield* failing(new AccessDeniedError("not you")).pipe(failsWith("OAuthError"))
      assert.deepStrictEqual(denied.reason, {
        _tag: "OAuthError",
        status: 400,
        error: "access_denied",
        error_description: "not you"
      })
      const broken = yield* failing(new Error("password=hunter2 for the database")).pipe(failsWith("OAuthError"))
      assert.deepStrictEqual(broken.reason, {
        _tag: "OAuthError",
        status: 500,
        error: "server_error",
        error_description: "Internal Server Error"
      })
    }).pipe(on))

  it.live("a wrong endpoint, which answers 405 or 404", () =>
    Effect.gen(function*() {
      const server = yield* serverWith()
      const at = (path: string) =>
        ClientRegistration.register({ ...server, registration_endpoint: `${server.issuer}${path}` }, { redirect_uris })
          .pipe(failsWith("Unsupported"))
      // This one comes with an OAuth error object: method_not_allowed.
      const wrong = yield* at(".well-known/oauth-authorization-server")
      assert.strictEqual(wrong.reason.feature, "registration_endpoint")
      assert.include(wrong.error.message, "405")
      assert.include(wrong.error.message, "The method POST is not allowed for this endpoint")
      assert.include((yield* at("nothing")).error.message, "404")
    }).pipe(on))

  it.live("its rate limit: an hour is not waited for, it is told; a second is", () =>
    Effect.gen(function*() {
      const hourly = yield* serverWith({ clientRegistrationOptions: { rateLimit: { max: 1 } } })
      yield* ClientRegistration.register(hourly, { redirect_uris })
      const started = performance.now()
      const { error, reason } = yield* ClientRegistration.register(hourly, { redirect_uris }).pipe(
        failsWith("RateLimited")
      )
      assert.isBelow(performance.now() - started, 10_000)
      assert.strictEqual(reason.status, 429)
      assert.strictEqual(
        reason.error_description,
        "You have exceeded the rate limit for client registration requests"
      )
      assert.closeTo(Duration.toSeconds(error.retryAfter ?? 0), 3600, 2)
      assert.isTrue(error.isSafeToRepeat)

      const stored: Array<string> = []
      const brief = yield* storing((client) => {
        stored.push("one more")
        return { client_id: "", ...client }
      }, { rateLimit: { max: 1, windowMs: 1_000 } })
      yield* ClientRegistration.register(brief, { redirect_uris })
      const first = performance.now()
      yield* ClientRegistration.register(brief, { redirect_uris })
      assert.lengthOf(stored, 2)
      assert.isAtLeast(performance.now() - first, 500)
    }).pipe(on))
})

describe("MCP SDK: as a proxy before oidc-provider", () => {
  const proxied = Effect.gen(function*() {
    const op = yield* oidcProvider()
    const server = yield* serverWith({
      provider: new ProxyOAuthServerProvider({
        endpoints: {
          authorizationUrl: `${op.issuer}/auth`,
          tokenUrl: `${op.issuer}/token`,
          registrationUrl: `${op.issuer}/reg`
        },
        verifyAccessToken: () => Promise.reject(new Error("not of this test")),
        getClient: () => Promise.resolve(undefined)
      })
    })
    return { op, server }
  })

  it.live("the client is the one behind the proxy; the means to manage it are lost on the way", () =>
    Effect.gen(function*() {
      const { op, server } = yield* proxied
      const client = yield* ClientRegistration.register(server, {
        redirect_uris: ["https://app.example.com/cb"],
        client_name: "Proxied"
      })
      assert.deepStrictEqual(op.created, [client.information.client_id])
      assert.strictEqual(client.issuer, server.issuer)
      assert.deepStrictEqual(client.filledIn, ["token_endpoint_auth_method"])
      const stored = yield* Effect.promise(() => op.provider.Client.find(client.information.client_id))
      const { client_secret } = client.information
      if (client_secret === undefined) return assert.fail("no secret")
      assert.strictEqual(Redacted.value(client_secret), stored?.clientSecret)
      assert.isUndefined(client.information.registration_client_uri)
      assert.isUndefined(client.information.registration_access_token)
      assert.deepStrictEqual(client.deviations, [])
      assert.deepStrictEqual(names(client.differences.added), ["grant_types", "response_types"])
      assert.deepStrictEqual(client.differences.dropped, [])
    }).pipe(on))

  it.live("what the server behind refuses comes out as a failure of the proxy", () =>
    Effect.gen(function*() {
      const { op, server } = yield* proxied
      const { reason } = yield* ClientRegistration.register(server, { redirect_uris, contacts: ["no address"] }).pipe(
        failsWith("OAuthError")
      )
      assert.deepStrictEqual(reason, {
        _tag: "OAuthError",
        status: 500,
        error: "server_error",
        error_description: "Client registration failed: 400"
      })
      assert.lengthOf(op.created, 0)
    }).pipe(on))
})
