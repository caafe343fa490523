/**
 * Registrations at `oidc-provider`, as it comes and with its features on.
 *
 * Its answers depart from the specifications in nothing. What is its own: it drops members that it does not know, localised
 * ones among them; it fills in its defaults and says so; it answers at the well-known URL of RFC 8414, too; it gives a
 * management URI and token also when RFC 7592's update and delete are off; and its registration endpoint takes initial access
 * tokens as `Bearer` only, whatever proof stands beside them.
 */
import { AuthorizationServer, ClientMetadata, ClientRegistration, DpopSigner, RetryPolicy } from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import * as jose from "jose"
import { type Configuration, errors } from "oidc-provider"
import { failsWith } from "../support/failure.ts"
import { type OidcProvider, oidcProvider } from "../support/oidcProvider.ts"

const redirect_uris = ["https://app.example.com/cb"]

/** A server with this configuration, and its metadata. */
const serverWith = (configuration?: Configuration) =>
  Effect.gen(function*() {
    const op = yield* oidcProvider(configuration)
    return { op, server: yield* AuthorizationServer.discover(op.issuer) }
  })

const on = Effect.provide(NodeRegistration.layer)

const registrations = (op: OidcProvider) => op.arrived.filter(({ method }) => method === "POST")

const memberNames = (members: ReadonlyArray<{ readonly member: string }>) => members.map(({ member }) => member).sort()

describe("oidc-provider: open registration", () => {
  it.live("a confidential web client: what was asked, granted and filled in", () =>
    Effect.gen(function*() {
      const op = yield* oidcProvider()
      const { attempts, malformed, server, url } = yield* AuthorizationServer.discoverDetails(op.issuer)
      assert.strictEqual(url, `${op.issuer}/.well-known/oauth-authorization-server`)
      assert.deepStrictEqual(attempts, [])
      assert.deepStrictEqual(malformed, [])
      assert.strictEqual(server.registration_endpoint, `${op.issuer}/reg`)

      const now = Math.floor(Date.now() / 1000)
      const client = yield* ClientRegistration.register(server, {
        redirect_uris,
        client_name: "My app",
        "client_name#ja-Jpan-JP": "クライアント名",
        contacts: ["ops@example.com"],
        scope: "openid offline_access",
        software_id: "my-app"
      })
      assert.strictEqual(client.issuer, op.issuer)
      assert.deepStrictEqual([client.information.client_id], op.created)
      assert.isTrue(Redacted.isRedacted(client.information.client_secret))
      assert.strictEqual(client.information.client_secret_expires_at, 0)
      assert.deepStrictEqual(client.secretExpiresAt, Option.none())
      assert.closeTo(client.information.client_id_issued_at ?? 0, now, 5)
      assert.deepStrictEqual(client.information.contacts, ["ops@example.com"])
      assert.deepStrictEqual(client.filledIn, [])
      // It departs from RFC 7591 in nothing ...
      assert.deepStrictEqual(client.deviations, [])
      assert.deepStrictEqual(client.extensions, {})
      // ... but what it does not know it drops, and it says so by leaving it out.
      const { added, assumed, dropped, replaced } = client.differences
      assert.isFalse(assumed)
      assert.deepStrictEqual(memberNames(dropped), ["client_name#ja-Jpan-JP", "software_id"])
      assert.deepStrictEqual(replaced, [])
      assert.deepStrictEqual(memberNames(added), [
        "application_type",
        "dpop_bound_access_tokens",
        "grant_types",
        "id_token_signed_response_alg",
        "post_logout_redirect_uris",
        "require_auth_time",
        "require_pushed_authorization_requests",
        "response_types",
        "subject_type",
        "token_endpoint_auth_method"
      ])
      const stored = yield* Effect.promise(() => op.provider.Client.find(client.information.client_id))
      assert.strictEqual(stored?.clientName, "My app")
    }).pipe(on))

  it.live("the credentials that came back are those that the token endpoint takes", () =>
    Effect.gen(function*() {
      const { server } = yield* serverWith({
        features: { clientCredentials: { enabled: true } },
        ttl: { ClientCredentials: 60 }
      })
      const client = yield* ClientRegistration.register(server, { grant_types: ["client_credentials"] })
      // The default of response_types is code, which this server refuses without redirect URIs.
      assert.deepStrictEqual(client.filledIn, ["response_types"])
      assert.deepStrictEqual(client.information.response_types, [])
      assert.deepStrictEqual(client.information.redirect_uris, [])
      const { client_id, client_secret } = client.information
      assert.isDefined(client_secret)
      if (client_secret === undefined) return
      const http = yield* HttpClient.HttpClient
      const answer = yield* http.execute(
        HttpClientRequest.post(server.token_endpoint ?? "").pipe(
          HttpClientRequest.basicAuth(encodeURIComponent(client_id), encodeURIComponent(Redacted.value(client_secret))),
          HttpClientRequest.bodyUrlParams({ grant_type: "client_credentials" })
        )
      )
      assert.strictEqual(answer.status, 200, yield* answer.text)
    }).pipe(on))

  it.live("a native public client: a custom scheme makes it native, which this server insists on", () =>
    Effect.gen(function*() {
      const { server } = yield* serverWith()
      const metadata: ClientMetadata.ClientMetadata = {
        redirect_uris: ["com.example.app:/cb", "http://127.0.0.1:4711/cb"],
        token_endpoint_auth_method: "none"
      }
      const client = yield* ClientRegistration.register(server, metadata)
      assert.deepStrictEqual(client.filledIn, ["application_type"])
      assert.strictEqual(client.requested.application_type, "native")
      assert.strictEqual(client.information.application_type, "native")
      assert.strictEqual(client.information.token_endpoint_auth_method, "none")
      assert.isUndefined(client.information.client_secret)
      assert.isUndefined(client.information.client_secret_expires_at)
      assert.deepStrictEqual(client.deviations, [])

      const { reason } = yield* ClientRegistration.register(server, { ...metadata, application_type: "web" }).pipe(
        failsWith("InvalidRedirectUri")
      )
      assert.deepStrictEqual(reason, {
        _tag: "InvalidRedirectUri",
        status: 400,
        error_description: "redirect_uris must only contain web uris"
      })
    }).pipe(on))

  it.live("a server without client_secret_basic is asked for what it takes", () =>
    Effect.gen(function*() {
      const { op, server } = yield* serverWith({ clientAuthMethods: ["client_secret_post", "none"] })
      const http = yield* HttpClient.HttpClient
      const plain = yield* http.execute(
        HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(`${op.issuer}/reg`), { redirect_uris })
      )
      assert.strictEqual(plain.status, 400, "the default is refused")

      const client = yield* ClientRegistration.register(server, { redirect_uris })
      assert.deepStrictEqual(client.filledIn, ["token_endpoint_auth_method"])
      assert.strictEqual(client.information.token_endpoint_auth_method, "client_secret_post")
      assert.deepStrictEqual(client.differences.replaced, [])
    }).pipe(on))

  it.live("keys by value, members of others by name", () =>
    Effect.gen(function*() {
      const { server } = yield* serverWith({ extraClientMetadata: { properties: ["vendor_tier"] } })
      const { publicKey } = yield* Effect.promise(() => jose.generateKeyPair("ES256"))
      const jwk = yield* Effect.promise(() => jose.exportJWK(publicKey))
      const client = yield* ClientRegistration.register(
        server,
        ClientMetadata.withExtensions(
          {
            redirect_uris,
            token_endpoint_auth_method: "private_key_jwt",
            token_endpoint_auth_signing_alg: "ES256",
            jwks: { keys: [{ ...jwk, kid: "1" }] }
          },
          { vendor_tier: "gold", vendor_colour: "red" }
        )
      )
      assert.isUndefined(client.information.client_secret)
      assert.deepStrictEqual(client.information.jwks, { keys: [{ ...jwk, kid: "1" }] })
      assert.deepStrictEqual(client.extensions, { vendor_tier: "gold" })
      assert.deepStrictEqual(client.differences.dropped, [{ member: "vendor_colour", requested: "red" }])
      assert.deepStrictEqual(client.deviations, [])
    }).pipe(on))

  it.live("the request is what RFC 7591 asks for, and tells third parties nothing else", () =>
    Effect.gen(function*() {
      const { op, server } = yield* serverWith()
      yield* ClientRegistration.register(server, { redirect_uris }, { headers: { "x-tenant": "7" } })
      const [registration] = registrations(op)
      assert.strictEqual(registration?.path, "/reg")
      assert.strictEqual(registration?.status(), 201)
      const { connection: _, host: __, ...headers } = registration?.headers ?? {}
      assert.deepStrictEqual(headers, {
        accept: "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": String(JSON.stringify({ redirect_uris }).length),
        "x-tenant": "7"
      })
    }).pipe(on))
})

describe("oidc-provider: initial access tokens", () => {
  const token = "fixed-initial-access-token"
  const fixed: Configuration = { features: { registration: { enabled: true, initialAccessToken: token } } }

  it.live("a fixed token: right, wrong, missing", () =>
    Effect.gen(function*() {
      const { op, server } = yield* serverWith(fixed)
      const client = yield* ClientRegistration.register(server, { redirect_uris }, {
        initialAccessToken: Redacted.make(token)
      })
      assert.deepStrictEqual(op.created, [client.information.client_id])
      assert.strictEqual(registrations(op)[0]?.headers.authorization, `Bearer ${token}`)

      const wrong = yield* ClientRegistration.register(server, { redirect_uris }, {
        initialAccessToken: Redacted.make("something-else")
      }).pipe(failsWith("Unauthorized"))
      assert.deepStrictEqual(wrong.reason, {
        _tag: "Unauthorized",
        status: 401,
        error: "invalid_token",
        error_description: "invalid token provided",
        challenges: [{
          scheme: "Bearer",
          parameters: { realm: op.issuer, error: "invalid_token", error_description: "invalid token provided" }
        }]
      })
      assert.isFalse(wrong.error.isSafeToRepeat)
      assert.strictEqual(wrong.error.method, "POST")
      assert.strictEqual(wrong.error.url, `${op.issuer}/reg`)

      const missing = yield* ClientRegistration.register(server, { redirect_uris }).pipe(failsWith("Unauthorized"))
      assert.deepStrictEqual(missing.reason, {
        _tag: "Unauthorized",
        status: 401,
        error: "invalid_token",
        error_description: "no access token provided",
        challenges: [{ scheme: "Bearer", parameters: { realm: op.issuer } }],
        missing: "initialAccessToken"
      })
      assert.lengthOf(op.created, 1)
    }).pipe(on))

  it.live("a proof beside a Bearer token succeeds; a token relabelled DPoP does not, and the error says why", () =>
    Effect.gen(function*() {
      const { op, server } = yield* serverWith({
        features: { ...fixed.features, dPoP: { enabled: true } }
      })
      const initialAccessToken = Redacted.make(token)
      const client = yield* ClientRegistration.register(
        server,
        { redirect_uris, dpop_bound_access_tokens: true },
        { initialAccessToken }
      )
      assert.isTrue(client.information.dpop_bound_access_tokens)
      const { headers } = registrations(op)[0] ?? assert.fail("nothing arrived")
      assert.strictEqual(headers.authorization, `Bearer ${token}`)
      const { payload, protectedHeader } = yield* Effect.promise(() =>
        jose.jwtVerify(String(headers["dpop"]), jose.EmbeddedJWK, { typ: "dpop+jwt", maxTokenAge: 60 })
      )
      assert.strictEqual(protectedHeader.alg, "ES256")
      assert.strictEqual(payload["htm"], "POST")
      assert.strictEqual(payload["htu"], `${op.issuer}/reg`)
      const digest = yield* Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)))
      assert.strictEqual(payload["ath"], jose.base64url.encode(new Uint8Array(digest)))
      const signer = yield* DpopSigner.DpopSigner
      const thumbprint = yield* Effect.promise(() => jose.calculateJwkThumbprint(protectedHeader.jwk ?? { kty: "" }))
      assert.deepStrictEqual(signer.thumbprint, Option.some(thumbprint))

      const { error, reason } = yield* ClientRegistration.register(server, { redirect_uris }, {
        initialAccessToken,
        initialAccessTokenType: "DPoP"
      }).pipe(failsWith("OAuthError"))
      assert.deepStrictEqual(reason, {
        _tag: "OAuthError",
        status: 400,
        error: "invalid_request",
        error_description: "`DPoP` header not provided"
      })
      assert.include(error.message, "`DPoP` header not provided")
      assert.lengthOf(op.created, 1)
    }).pipe(Effect.provide(NodeRegistration.layerDpop())))

  it.live("the scheme DPoP without a signer is refused here", () =>
    Effect.gen(function*() {
      const { op, server } = yield* serverWith(fixed)
      const { reason } = yield* ClientRegistration.register(server, { redirect_uris }, {
        initialAccessToken: Redacted.make(token),
        initialAccessTokenType: "DPoP"
      }).pipe(failsWith("InvalidOptions"))
      assert.strictEqual(reason.option, "initialAccessToken")
      assert.lengthOf(registrations(op), 0)
    }).pipe(on))

  it.live("tokens with policies, minted and burned: a policy's changes are differences, the token is fetched once", () =>
    Effect.gen(function*() {
      const { op, server } = yield* serverWith({
        features: {
          registration: {
            enabled: true,
            initialAccessToken: true,
            policies: {
              tame: (_, metadata) => {
                metadata.client_name = "Named by the server"
                metadata.redirect_uris = [...metadata.redirect_uris ?? [], "https://other.example.com/cb"]
              },
              once: (ctx) => ctx.oidc.entities.InitialAccessToken?.destroy()
            }
          }
        }
      })
      let minted = 0
      const mint = Effect.promise(() => {
        minted++
        return new op.provider.InitialAccessToken({ policies: ["tame", "once"] }).save()
      }).pipe(Effect.map((value) => Redacted.make(value)))
      const asked = { redirect_uris, client_name: "Named by me" }

      const client = yield* ClientRegistration.register(server, asked, { initialAccessToken: mint })
      assert.strictEqual(minted, 1)
      assert.deepStrictEqual(client.differences.replaced, [
        {
          member: "redirect_uris",
          requested: redirect_uris,
          granted: [...redirect_uris, "https://other.example.com/cb"]
        },
        { member: "client_name", requested: "Named by me", granted: "Named by the server" }
      ])
      // Everything that was asked for is there: replaced, but no deviation.
      assert.deepStrictEqual(client.deviations, [])

      // Metadata that is refused here burns no token.
      yield* ClientRegistration.register(server, {}, { initialAccessToken: mint }).pipe(failsWith("InvalidMetadata"))
      assert.strictEqual(minted, 1)

      const single = yield* mint
      yield* ClientRegistration.register(server, asked, { initialAccessToken: single })
      const burned = yield* ClientRegistration.register(server, asked, { initialAccessToken: single }).pipe(
        failsWith("Unauthorized")
      )
      assert.strictEqual(burned.reason.error, "invalid_token")
      assert.lengthOf(op.created, 2)
    }).pipe(on))

  it.live("a token that cannot be fetched: its own error, and nothing is sent", () =>
    Effect.gen(function*() {
      const { op, server } = yield* serverWith(fixed)
      const error = yield* Effect.flip(
        ClientRegistration.register(server, { redirect_uris }, {
          initialAccessToken: Effect.fail({ _tag: "VaultClosed" as const })
        })
      )
      assert.deepStrictEqual(error, { _tag: "VaultClosed" })
      assert.lengthOf(registrations(op), 0)
    }).pipe(on))
})

describe("oidc-provider: registration management (RFC 7592)", () => {
  it.live("the management URI and token come with the registration, and they are the right ones", () =>
    Effect.gen(function*() {
      const { op, server } = yield* serverWith({
        features: { registration: { enabled: true }, registrationManagement: { enabled: true } }
      })
      const { deviations, differences, information } = yield* ClientRegistration.register(server, { redirect_uris })
      const { client_id, registration_access_token: token, registration_client_uri: uri } = information
      assert.strictEqual(uri, `${op.issuer}/reg/${client_id}`)
      assert.deepStrictEqual(deviations, [])
      assert.notIncludeMembers(memberNames(differences.added), ["registration_client_uri", "registration_access_token"])
      if (token === undefined || uri === undefined) return assert.fail("no token or no URI")
      const http = yield* HttpClient.HttpClient
      const read = yield* http.execute(HttpClientRequest.bearerToken(HttpClientRequest.get(uri), token))
      assert.strictEqual(read.status, 200)
      assert.include(yield* read.text, client_id)
    }).pipe(on))

  it.live("a server that issues no token for it gives no URI either", () =>
    Effect.gen(function*() {
      const { server } = yield* serverWith({
        features: { registration: { enabled: true, issueRegistrationAccessToken: false } }
      })
      const { deviations, information } = yield* ClientRegistration.register(server, { redirect_uris })
      assert.isUndefined(information.registration_client_uri)
      assert.isUndefined(information.registration_access_token)
      assert.deepStrictEqual(deviations, [])
    }).pipe(on))
})

describe("oidc-provider: refusals", () => {
  it.live("each error code of RFC 7591 §3.2.2 is its own reason", () =>
    Effect.gen(function*() {
      const { op, server } = yield* serverWith({
        extraClientMetadata: {
          properties: ["software_statement"],
          validator: (_, __, value) => {
            if (value === "unsigned") throw new errors.InvalidSoftwareStatement("the statement is not signed")
            if (value === "foreign") throw new errors.UnapprovedSoftwareStatement("this issuer is not approved")
          }
        }
      })
      const register = (metadata: ClientMetadata.ClientMetadata) =>
        ClientRegistration.register(server, { redirect_uris, ...metadata })

      const contacts = yield* register({ contacts: ["no address"] }).pipe(failsWith("InvalidClientMetadata"))
      assert.deepStrictEqual(contacts.reason, {
        _tag: "InvalidClientMetadata",
        status: 400,
        error_description: "contacts can only contain email addresses"
      })
      assert.strictEqual(
        contacts.error.message,
        "The server refused the metadata (invalid_client_metadata): contacts can only contain email addresses " +
          `(POST ${op.issuer}/reg)`
      )
      const grant = yield* register({ grant_types: ["authorization_code", "password"] }).pipe(
        failsWith("InvalidClientMetadata")
      )
      assert.match(grant.reason.error_description ?? "", /^grant_types can only contain/)
      const scope = yield* register({ scope: "openid everything" }).pipe(failsWith("InvalidClientMetadata"))
      assert.match(scope.reason.error_description ?? "", /^scope must only contain/)

      const uris = yield* register({ redirect_uris: ["ftp://app.example.com/cb"], application_type: "web" }).pipe(
        failsWith("InvalidRedirectUri")
      )
      assert.strictEqual(uris.reason.status, 400)
      assert.strictEqual(uris.reason.error_description, "redirect_uris must only contain web uris")

      const unsigned = yield* register({ software_statement: "unsigned" }).pipe(failsWith("InvalidSoftwareStatement"))
      assert.strictEqual(unsigned.reason.error_description, "the statement is not signed")
      const foreign = yield* register({ software_statement: "foreign" }).pipe(failsWith("UnapprovedSoftwareStatement"))
      assert.strictEqual(foreign.reason.error_description, "this issuer is not approved")

      for (const { error } of [contacts, uris, unsigned, foreign]) assert.isFalse(error.isSafeToRepeat)
      assert.lengthOf(op.created, 0)

      const accepted = yield* register({ software_statement: "signed" })
      assert.strictEqual(accepted.information.software_statement, "signed")
      assert.deepStrictEqual(accepted.deviations, [])
    }).pipe(on))

  it.live("what breaks a rule does not leave this machine", () =>
    Effect.gen(function*() {
      const { op, server } = yield* serverWith()
      const { reason } = yield* ClientRegistration.register(server, {
        redirect_uris: ["https://app.example.com/cb#fragment"],
        response_types: ["code id_token"],
        client_uri: "not a URL"
      }).pipe(failsWith("InvalidMetadata"))
      assert.deepStrictEqual(reason.violations.map(({ rule }) => rule), [
        "redirect-uri-fragment",
        "grant-types-for-response-types",
        "information-uris"
      ])
      assert.lengthOf(registrations(op), 0)
    }).pipe(on))

  it.live("other failures of the server: an OAuth error with its status", () =>
    Effect.gen(function*() {
      const { op, server } = yield* serverWith({
        features: {
          registration: {
            enabled: true,
            idFactory: () => {
              throw new Error("the database at 192.0.2.1 is away")
            }
          }
        }
      })
      const broken = yield* ClientRegistration.register(server, { redirect_uris }).pipe(failsWith("OAuthError"))
      assert.deepStrictEqual(broken.reason, {
        _tag: "OAuthError",
        status: 500,
        error: "server_error",
        error_description: "oops! something went wrong"
      })
      const large = yield* ClientRegistration.register(server, { redirect_uris, client_name: "x".repeat(60_000) }).pipe(
        failsWith("OAuthError")
      )
      assert.strictEqual(large.reason.error, "invalid_request")
      assert.strictEqual(large.reason.error_description, "failed to parse the request body")
      // A 500 is no promise that nothing was registered: neither was sent twice.
      assert.lengthOf(registrations(op), 2)
    }).pipe(on))

  it.live("registration off: not advertised, and not there", () =>
    Effect.gen(function*() {
      const { op, server } = yield* serverWith({ features: { registration: { enabled: false } } })
      assert.isUndefined(server.registration_endpoint)
      const absent = yield* ClientRegistration.register(server, { redirect_uris }).pipe(failsWith("Unsupported"))
      assert.strictEqual(absent.reason.feature, "registration_endpoint")
      assert.lengthOf(registrations(op), 0)

      const gone = yield* ClientRegistration.register(
        { ...server, registration_endpoint: `${op.issuer}/reg` },
        { redirect_uris }
      ).pipe(failsWith("Unsupported"))
      assert.strictEqual(gone.reason.feature, "registration_endpoint")
      assert.include(gone.error.message, "404")
    }).pipe(on))

  it.live("a server that is away: nothing was sent, it is safe to try again", () =>
    Effect.gen(function*() {
      const { issuer } = yield* Effect.scoped(oidcProvider())
      const { error, reason } = yield* ClientRegistration.register(
        { issuer, registration_endpoint: `${issuer}/reg` },
        { redirect_uris }
      ).pipe(failsWith("Transport"))
      assert.deepStrictEqual(reason, {
        _tag: "Transport",
        sent: false,
        message: "Nothing was sent: connection refused"
      })
      assert.isTrue(error.isSafeToRepeat)
      assert.strictEqual(error.url, `${issuer}/reg`)
      yield* AuthorizationServer.discover(issuer).pipe(failsWith("Transport"))
    }).pipe(on, Effect.provide(RetryPolicy.layerNone)))
})
