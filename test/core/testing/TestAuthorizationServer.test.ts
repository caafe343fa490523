import {
  AuthorizationServer,
  ClientConfiguration,
  type ClientMetadata,
  ClientRegistration,
  DpopSigner,
  RetryPolicy
} from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Redacted, Result } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { askToken, basic, raw, registered, verdict } from "../../support/rawRequests.ts"

const { TestAuthorizationServer: Service } = TestAuthorizationServer

const issuer = "https://op.example.com"

const web: ClientMetadata.ClientMetadata = { redirect_uris: ["https://app.example.com/cb"], client_name: "My app" }

const machine: ClientMetadata.ClientMetadata = {
  grant_types: ["client_credentials"],
  response_types: [],
  token_endpoint_auth_method: "client_secret_basic"
}

const registerAt = (
  at: string,
  metadata: ClientMetadata.ClientMetadata,
  options?: ClientRegistration.RegisterOptions
) =>
  Effect.flatMap(AuthorizationServer.discover(at), (server) => ClientRegistration.register(server, metadata, options))

// -----------------------------------------------------------------------------

describe("with our client", () => {
  for (
    const [name, metadata] of Object.entries<ClientMetadata.ClientMetadata>({
      web,
      machine,
      native: { redirect_uris: ["http://127.0.0.1:5000/cb"] },
      public: { ...web, token_endpoint_auth_method: "none" },
      implicit: { ...web, grant_types: ["implicit"], response_types: ["id_token token"] },
      localised: {
        ...web,
        "client_name#ja-Jpan-JP": "\u30a2\u30d7\u30ea",
        "tos_uri#de": "https://app.example.com/agb"
      },
      complete: {
        ...web,
        scope: "read write",
        contacts: ["ops@app.example.com"],
        client_uri: "https://app.example.com",
        logo_uri: "https://app.example.com/logo.png",
        jwks_uri: "https://app.example.com/jwks",
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: "ES256",
        default_max_age: 60,
        require_auth_time: true,
        dpop_bound_access_tokens: true,
        post_logout_redirect_uris: ["https://app.example.com/bye"],
        backchannel_logout_uri: "https://app.example.com/logout"
      }
    })
  ) {
    it.effect(`registers, reads, updates and removes without any deviation: ${name}`, () =>
      Effect.gen(function*() {
        const server = yield* Service
        const client = yield* registerAt(issuer, metadata)
        assert.deepStrictEqual(client.deviations, [])
        const { added, assumed, dropped, replaced } = client.differences
        assert.deepStrictEqual({ assumed, dropped, replaced }, { assumed: false, dropped: [], replaced: [] })
        const defaults = ["token_endpoint_auth_method", "grant_types", "response_types", "application_type"]
        assert.deepStrictEqual(
          added.map(({ member }) => member),
          defaults.filter((member) => !Object.hasOwn(client.requested, member))
        )
        const read = yield* ClientConfiguration.read(client)
        assert.deepStrictEqual(read.deviations, [])
        const updated = yield* ClientConfiguration.update(read, { set: { client_name: "Renamed" }, remove: ["scope"] })
        assert.deepStrictEqual(updated.deviations, [])
        assert.strictEqual((yield* server.clients)[0]?.metadata["client_name"], "Renamed")
        assert.isUndefined((yield* server.clients)[0]?.metadata["scope"])
        yield* ClientConfiguration.remove(updated)
        assert.deepStrictEqual(yield* server.clients, [])
        const gone = yield* Effect.flip(ClientConfiguration.read(updated))
        assert.strictEqual(gone.reason._tag, "Unauthorized")
      }).pipe(Effect.provide(TestAuthorizationServer.layer())))
  }

  for (const nonce of [undefined, "stable", "rotating"] as const) {
    for (const challenge of [400, 401] as const) {
      it.effect(`takes proofs of our signer: nonce ${nonce ?? "none"}, challenge ${challenge}`, () =>
        Effect.gen(function*() {
          const server = yield* Service
          for (let n = 1; n <= 3; n++) {
            const client = yield* registerAt(issuer, web)
            assert.deepStrictEqual(client.deviations, [])
            assert.deepStrictEqual((yield* ClientConfiguration.read(client)).deviations, [])
          }
          const requests = (yield* server.requests).filter((request) => request.operation !== "discover")
          const statuses = requests.map((request) => request.status)
          assert.deepStrictEqual(statuses, [
            ...(nonce === undefined ? [] : [challenge]),
            201,
            200,
            201,
            200,
            201,
            200
          ])
          const jtis = new Set(requests.map((request) => request.proof?.claims["jti"]))
          assert.strictEqual(jtis.size, requests.length)
        }).pipe(Effect.provide([
          TestAuthorizationServer.layerHttpClient({ dpop: { required: true, nonce, challenge } }),
          DpopSigner.layer()
        ])))
    }
  }

  it.effect("takes a DPoP-bound initial access token, once if it is for one use", () =>
    Effect.gen(function*() {
      const server = yield* Service
      const { thumbprint } = yield* DpopSigner.DpopSigner
      const initialAccessToken = yield* server.issueInitialAccessToken({
        singleUse: true,
        thumbprint: Option.getOrUndefined(thumbprint)
      })
      const options = { initialAccessToken, initialAccessTokenType: "DPoP" } as const
      const client = yield* registerAt(issuer, web, options)
      assert.deepStrictEqual(client.deviations, [])
      const again = yield* Effect.flip(registerAt(issuer, web, options))
      assert.strictEqual(again.reason._tag, "Unauthorized")
      assert.lengthOf(yield* server.clients, 1)
    }).pipe(Effect.provide([
      TestAuthorizationServer.layerHttpClient({ protected: true, dpop: { nonce: "rotating" } }),
      DpopSigner.layer()
    ])))

  it.effect("uses a single-use token up once, also when two requests come at the same time", () =>
    Effect.gen(function*() {
      const server = yield* Service
      const initialAccessToken = yield* server.issueInitialAccessToken({ singleUse: true })
      const exits = yield* Effect.all(
        Array.from({ length: 10 }, () => Effect.result(registerAt(issuer, web, { initialAccessToken }))),
        { concurrency: "unbounded" }
      )
      assert.lengthOf(exits.filter(Result.isSuccess), 1)
      assert.lengthOf(yield* server.clients, 1)
    }).pipe(Effect.provide([
      TestAuthorizationServer.layerHttpClient({ protected: true }),
      DpopSigner.layer()
    ])))
})

describe("issuers", () => {
  it.effect("answers for every https issuer, and keeps their clients apart", () =>
    Effect.gen(function*() {
      const server = yield* Service
      const issuers = [
        "https://a.example",
        "https://a.example/tenant/1",
        "https://b.example:8443",
        "http://127.0.0.1:9"
      ]
      for (const at of issuers) assert.strictEqual((yield* registerAt(at, web)).issuer, at)
      assert.deepStrictEqual((yield* server.clients).map((client) => client.issuer), issuers)
      const [first, second] = yield* server.clients
      const crossed = yield* verdict({
        method: "GET",
        url: `https://a.example/tenant/1/register/${first?.clientId}`,
        headers: { authorization: `Bearer ${Redacted.value(first?.registrationAccessToken ?? Redacted.make(""))}` }
      })
      assert.deepStrictEqual(crossed, [401, "invalid_token", "Bearer"])
      assert.notStrictEqual(first?.clientId, second?.clientId)
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("gives the metadata without a discovery, the same as with one", () =>
    Effect.gen(function*() {
      const server = yield* Service
      assert.deepStrictEqual(server.metadata(`${issuer}/t`), yield* AuthorizationServer.discover(`${issuer}/t`))
      assert.strictEqual(server.metadata().issuer, issuer)
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("answers for fixed issuers only, in their spelling", () =>
    Effect.gen(function*() {
      const server = yield* Service
      assert.strictEqual(server.metadata().issuer, `${issuer}/`)
      assert.strictEqual((yield* registerAt(`${issuer}/`, web)).issuer, `${issuer}/`)
      assert.strictEqual((yield* Effect.flip(registerAt(issuer, web))).reason._tag, "DiscoveryFailed")
      assert.strictEqual((yield* Effect.flip(registerAt(`${issuer}/t`, web))).reason._tag, "DiscoveryFailed")
      const elsewhere = yield* Effect.flip(registerAt("https://other.example", web))
      assert.deepInclude(elsewhere.reason, { _tag: "Transport", sent: false })
    }).pipe(Effect.provide([TestAuthorizationServer.layer({ issuer: `${issuer}/` }), RetryPolicy.layerNone])))

  it.effect("refuses plain http to another machine", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        AuthorizationServer.discover("http://op.example.com", { dangerouslyAllowInsecureRequests: true })
      )
      assert.deepInclude(error.reason, { _tag: "Transport", sent: false })
    }).pipe(Effect.provide([TestAuthorizationServer.layer(), RetryPolicy.layerNone])))

  for (
    const [wellKnown, answering] of [
      ["oauth-inserted", [true, false, false]],
      ["openid-inserted", [false, true, false]],
      ["openid-appended", [false, false, true]]
    ] as const
  ) {
    it.effect(`answers where it is told to: ${wellKnown}`, () =>
      Effect.gen(function*() {
        const urls = [
          "/.well-known/oauth-authorization-server/t",
          "/.well-known/openid-configuration/t",
          "/t/.well-known/openid-configuration"
        ]
        const statuses = yield* Effect.forEach(urls, (url) => verdict({ method: "GET", url }))
        assert.deepStrictEqual(statuses.map(([status]) => status === 200), [...answering])
        assert.strictEqual((yield* AuthorizationServer.discover(`${issuer}/t`)).issuer, `${issuer}/t`)
      }).pipe(Effect.provide(TestAuthorizationServer.layer({ wellKnown: [wellKnown] }))))
  }

  it.effect("says and takes what the option metadata says", () =>
    Effect.gen(function*() {
      const server = yield* AuthorizationServer.discover(issuer)
      assert.deepStrictEqual(server.scopes_supported, ["read"])
      assert.isUndefined(server.jwks_uri)
      assert.deepStrictEqual(yield* verdict({ json: { ...web, scope: "read" } }), [201, undefined])
      assert.deepStrictEqual(yield* verdict({ json: { ...web, scope: "read admin" } }), [
        400,
        "invalid_client_metadata"
      ])
    }).pipe(Effect.provide(
      TestAuthorizationServer.layer({ metadata: { scopes_supported: ["read"], jwks_uri: undefined } })
    )))
})

describe("life", () => {
  it.effect("rotates tokens and secrets when told to, and the old ones are void", () =>
    Effect.gen(function*() {
      const first = yield* registerAt(issuer, machine)
      const read = yield* ClientConfiguration.rotate(first)
      assert.deepInclude(read, { isSecretNew: true, isTokenNew: true, isExpiryNew: false })
      assert.strictEqual((yield* Effect.flip(ClientConfiguration.read(first))).reason._tag, "Unauthorized")
      assert.deepStrictEqual((yield* ClientConfiguration.read(read.client)).deviations, [])
    }).pipe(Effect.provide(TestAuthorizationServer.layer({ rotateToken: "update", rotateSecret: "update" }))))

  it.effect("rotates on a read too, if told so", () =>
    Effect.gen(function*() {
      const server = yield* Service
      const first = yield* registerAt(issuer, machine)
      yield* ClientConfiguration.read(first)
      const [known] = yield* server.clients
      for (const name of ["registration_access_token", "client_secret"] as const) {
        const before = first.information[name]
        const now = name === "client_secret" ? known?.secret : known?.registrationAccessToken
        assert.isTrue(before !== undefined && now !== undefined && Redacted.value(before) !== Redacted.value(now), name)
      }
    }).pipe(Effect.provide(
      TestAuthorizationServer.layer({ rotateToken: "read-and-update", rotateSecret: "read-and-update" })
    )))

  it.effect("rotates on demand, and can lose the answer", () =>
    Effect.gen(function*() {
      const server = yield* Service
      const client = yield* registerAt(issuer, machine)
      yield* server.misbehave("lost-rotation", { times: 1 })
      assert.strictEqual((yield* Effect.flip(ClientConfiguration.read(client))).reason._tag, "OutcomeUnknown")
      assert.strictEqual((yield* Effect.flip(ClientConfiguration.read(client))).reason._tag, "Unauthorized")
      assert.lengthOf(yield* server.clients, 1)
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("forgets a client that was just read", () =>
    Effect.gen(function*() {
      const server = yield* Service
      const client = yield* registerAt(issuer, machine)
      yield* server.misbehave("forgets-client", { on: "read" })
      assert.deepStrictEqual((yield* ClientConfiguration.read(client)).deviations, [])
      assert.deepStrictEqual(yield* server.clients, [])
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("moves the expiry of a secret that is rotated", () =>
    Effect.gen(function*() {
      const client = yield* registerAt(issuer, machine)
      assert.strictEqual(client.information.client_secret_expires_at, 30 * 86_400)
      yield* TestClock.adjust("10 days")
      const rotated = yield* ClientConfiguration.rotate(client)
      assert.deepInclude(rotated, { isSecretNew: true, isExpiryNew: true })
      assert.strictEqual(rotated.client.information.client_secret_expires_at, 40 * 86_400)
    }).pipe(Effect.provide(TestAuthorizationServer.layer({ secretLifetime: "30 days", rotateSecret: "update" }))))

  it.effect("says invalid_client at the token endpoint for a forgotten client and for an expired secret", () =>
    Effect.gen(function*() {
      const server = yield* Service
      const known = yield* registered(machine)
      const other = yield* registered(machine)
      const ask = ({ id, secret }: { readonly id: string; readonly secret: string }) =>
        askToken({ authorization: basic(id, secret) })
      assert.deepStrictEqual(yield* ask(known), [200, undefined])
      assert.isTrue(yield* server.expireSecret(other.id))
      assert.deepStrictEqual(yield* ask(other), [401, "invalid_client", "Basic"])
      assert.isTrue(yield* server.forget(known.id))
      assert.isFalse(yield* server.forget(known.id))
      assert.isFalse(yield* server.expireSecret(known.id))
      assert.deepStrictEqual(yield* ask(known), [401, "invalid_client", "Basic"])
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("lets a secret expire by the clock", () =>
    Effect.gen(function*() {
      const { id, secret } = yield* registered(machine)
      yield* TestClock.adjust("59 minutes")
      assert.deepStrictEqual(yield* askToken({ authorization: basic(id, secret) }), [200, undefined])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* askToken({ authorization: basic(id, secret) }), [401, "invalid_client", "Basic"])
    }).pipe(Effect.provide(TestAuthorizationServer.layer({ secretLifetime: "1 hour" }))))

  it.effect("limits the rate of registrations, per issuer and window", () =>
    Effect.gen(function*() {
      const codes = Effect.forEach([1, 2, 3], () => verdict({ json: web }))
      assert.deepStrictEqual(yield* codes, [[201, undefined], [201, undefined], [429, "too_many_requests"]])
      yield* TestClock.adjust("59500 millis")
      const { headers } = yield* raw({ json: web })
      assert.strictEqual(headers["retry-after"], "1")
      assert.deepStrictEqual(yield* verdict({ json: web, url: `${issuer}/other/register` }), [201, undefined])
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(yield* codes, [[201, undefined], [201, undefined], [429, "too_many_requests"]])
    }).pipe(Effect.provide(TestAuthorizationServer.layer({ rateLimit: { limit: 2, window: "1 minute" } }))))

  it.effect("is waited for by our client as it asks", () =>
    Effect.gen(function*() {
      const server = yield* Service
      yield* registerAt(issuer, web)
      const fiber = yield* Effect.forkChild(registerAt(issuer, web))
      yield* TestClock.adjust("4 seconds")
      assert.lengthOf(yield* server.clients, 1)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual((yield* Fiber.join(fiber)).deviations, [])
    }).pipe(Effect.provide(TestAuthorizationServer.layer({ rateLimit: { limit: 1, window: "5 seconds" } }))))
})

describe("misbehave", () => {
  const statuses = Effect.forEach([1, 2, 3, 4], () => Effect.map(verdict({ json: web }), ([status]) => status))

  it.effect("times, after and on", () =>
    Effect.gen(function*() {
      const server = yield* Service
      yield* server.misbehave("server-error", { times: 2, after: 1 })
      assert.deepStrictEqual(yield* statuses, [201, 500, 500, 201])
      yield* server.misbehave("server-error", { on: "token" })
      assert.deepStrictEqual(yield* statuses, [201, 201, 201, 201])
      yield* server.misbehave("server-error", { on: ["discover", "register"], times: 1 })
      assert.strictEqual((yield* verdict({ method: "GET", url: "/.well-known/openid-configuration" }))[0], 500)
      assert.deepStrictEqual(yield* statuses, [201, 201, 201, 201])
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("those that answer instead of the server queue up, until behave", () =>
    Effect.gen(function*() {
      const server = yield* Service
      yield* server.misbehave({ id: "rate-limited", status: 503 }, { times: 1 })
      yield* server.misbehave("forbidden", { times: 1 })
      yield* server.misbehave("error-empty")
      assert.deepStrictEqual(yield* statuses, [503, 403, 400, 400])
      yield* server.behave
      assert.deepStrictEqual(yield* statuses, [201, 201, 201, 201])
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("those that change an answer all do, and errors do not use them up", () =>
    Effect.gen(function*() {
      const server = yield* Service
      yield* server.misbehave("secret-expiry-string", { times: 1 })
      yield* server.misbehave("status-200", { times: 1 })
      assert.strictEqual((yield* verdict({ json: {} }))[0], 400)
      const client = yield* registerAt(issuer, web)
      assert.deepStrictEqual(client.deviations.map(({ id }) => id), ["status", "repaired-member"])
      assert.deepStrictEqual((yield* registerAt(issuer, web)).deviations, [])
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("at one issuer only", () =>
    Effect.gen(function*() {
      const server = yield* Service
      yield* server.misbehave("server-error", { issuer: `${issuer}/ill` })
      assert.deepStrictEqual(yield* statuses, [201, 201, 201, 201])
      assert.strictEqual((yield* verdict({ json: web, url: "/ill/register" }))[0], 500)
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("of requests at the same time only as many as times says", () =>
    Effect.gen(function*() {
      const server = yield* Service
      yield* server.misbehave("reset-after-processing", { times: 2 })
      const results = yield* Effect.all(
        Array.from({ length: 6 }, () => Effect.result(registerAt(issuer, web))),
        { concurrency: "unbounded" }
      )
      assert.lengthOf(results.filter(Result.isSuccess), 4)
      assert.lengthOf(yield* server.clients, 6)
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))
})

describe("inspection", () => {
  it.effect("records requests as they were sent", () =>
    Effect.gen(function*() {
      const server = yield* Service
      yield* server.misbehave("never-answers-before-processing", { on: "token" })
      yield* TestClock.adjust("5 seconds")
      const initialAccessToken = yield* server.issueInitialAccessToken()
      yield* registerAt(issuer, web, { initialAccessToken })
      const fiber = yield* Effect.forkChild(askToken({}))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      const [discovery, registration, token] = yield* server.requests
      assert.deepInclude({ ...discovery }, { operation: "discover", method: "GET", status: 200, issuer, at: 5000 })
      assert.deepInclude({ ...registration }, {
        operation: "register",
        method: "POST",
        url: `${issuer}/register`,
        status: 201,
        misbehaviours: []
      })
      assert.deepStrictEqual(registration?.json, { ...web })
      const sent = registration?.token
      assert.strictEqual(sent === undefined ? "" : Redacted.value(sent), Redacted.value(initialAccessToken))
      assert.deepStrictEqual(registration?.proof?.claims["htu"], `${issuer}/register`)
      assert.deepStrictEqual(registration?.proof?.header["typ"], "dpop+jwt")
      assert.strictEqual(registration?.headers["traceparent"], undefined)
      assert.deepInclude({ ...token }, { status: undefined, misbehaviours: ["never-answers-before-processing"] })
    }).pipe(Effect.provide([TestAuthorizationServer.layerHttpClient(), DpopSigner.layer()])))

  it.effect("prints no secret", () =>
    Effect.gen(function*() {
      const server = yield* Service
      const initialAccessToken = yield* server.issueInitialAccessToken()
      const client = yield* registerAt(issuer, machine, { initialAccessToken })
      yield* ClientConfiguration.update(client, { set: { client_name: "x" }, sendSecret: true })
      const secrets = [
        initialAccessToken,
        client.information.client_secret,
        client.information.registration_access_token
      ]
        .map((secret) => Redacted.value(secret ?? Redacted.make("missing")))
      const proofs = (yield* server.requests).map((request) => request.headers["dpop"] ?? "none")
      assert.lengthOf(new Set([...secrets, ...proofs]), 7)
      for (const shown of [yield* server.requests, yield* server.clients]) {
        const printed = [
          JSON.stringify(shown),
          inspect(shown, { depth: 10, showHidden: true }),
          ...(yield* server.requests).map((request) => request.toString())
        ].join()
        for (const secret of [...secrets, ...proofs.filter((proof) => proof !== "none")]) {
          assert.notInclude(printed, secret)
        }
      }
    }).pipe(Effect.provide([TestAuthorizationServer.layerHttpClient(), DpopSigner.layer()])))

  it.effect("keeps so many requests, and forgets all with reset", () =>
    Effect.gen(function*() {
      const server = yield* Service
      for (let n = 1; n <= 5; n++) yield* verdict({ json: web, url: `/${n}/register` })
      const issuers = (yield* server.requests).map((request) => request.issuer)
      assert.deepStrictEqual(issuers, [`${issuer}/3`, `${issuer}/4`, `${issuer}/5`])
      yield* server.misbehave("server-error")
      yield* server.reset
      assert.deepStrictEqual([yield* server.clients, yield* server.requests], [[], []])
      assert.deepStrictEqual(yield* verdict({ json: web }), [201, undefined])
    }).pipe(Effect.provide(TestAuthorizationServer.layer({ recordedRequests: 3 }))))

  it.effect("is the same from run to run with the same random numbers", () => {
    const run = Effect.map(registerAt(issuer, machine), ({ information }) => ({
      ...information,
      client_secret: Redacted.value(information.client_secret ?? Redacted.make("")),
      registration_access_token: Redacted.value(information.registration_access_token ?? Redacted.make(""))
    })).pipe(Effect.provide(
      TestAuthorizationServer.layer({ random: SecureRandom.make((size) => new Uint8Array(size).fill(7)) }),
      { local: true }
    ))
    return Effect.gen(function*() {
      const first = yield* run
      assert.deepStrictEqual(yield* run, first)
      assert.strictEqual(first.client_id, "BwcHBwcHBwcHBwcHBwcHBw")
    })
  })
})
