import { ClientConfiguration, ClientMetadata, ClientRegistration, DpopSigner, RetryPolicy } from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"

const issuer = "https://op.example.com"

const metadata = ClientMetadata.withExtensions(
  { redirect_uris: ["https://app.example.com/cb"], client_name: "My app", client_uri: "https://app.example.com" },
  { vendor_tier: "gold" }
)

const layer = Layer.mergeAll(
  TestAuthorizationServer.layerHttpClient({ unknownMembers: "keep" }),
  DpopSigner.layerNone,
  RetryPolicy.layerNone
)

const register = Effect.gen(function*() {
  const server = yield* TestAuthorizationServer.TestAuthorizationServer
  return { server, client: yield* ClientRegistration.register(server.metadata(issuer), metadata) }
})

const reveal = (secret: Redacted.Redacted<string> | undefined) =>
  secret === undefined ? undefined : Redacted.value(secret)

const decodeBody = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

/** The bodies of the updates that the server got. */
const updates = Effect.gen(function*() {
  const server = yield* TestAuthorizationServer.TestAuthorizationServer
  const requests = yield* server.requests
  return requests.filter(({ method }) => method === "PUT").map(({ body }) => decodeBody(body))
})

describe("read", () => {
  it.effect("gives the registration as it is at the server", () =>
    Effect.gen(function*() {
      const { client } = yield* register
      const read = yield* ClientConfiguration.read(client)
      assert.deepStrictEqual(read.deviations, [])
      assert.strictEqual(read.information.client_id, client.information.client_id)
      assert.deepStrictEqual(read.extensions, { vendor_tier: "gold" })
    }).pipe(Effect.provide(layer)))

  it.effect("a 401 is Unauthorized, and the registration at hand stays as it is", () =>
    Effect.gen(function*() {
      const { client, server } = yield* register
      yield* server.forget(client.information.client_id)
      const error = yield* Effect.flip(ClientConfiguration.read(client))
      assert.strictEqual(error.reason._tag, "Unauthorized")
      assert.isDefined(client.information.registration_access_token)
    }).pipe(Effect.provide(layer)))

  it.effect("follows no redirect with the token", () =>
    Effect.gen(function*() {
      const { client, server } = yield* register
      yield* server.misbehave("redirect")
      const error = yield* Effect.flip(ClientConfiguration.read(client))
      assert.strictEqual(error.reason._tag, "RedirectRefused")
      const asked = yield* server.requests
      assert.deepStrictEqual(asked.map(({ url }) => new URL(url).origin).filter((origin) => origin !== issuer), [])
    }).pipe(Effect.provide(layer)))

  it.effect("without a management URI is unsupported, and nothing is sent", () =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      yield* server.misbehave("no-registration-client-uri")
      const client = yield* ClientRegistration.register(server.metadata(issuer), metadata)
      const before = (yield* server.requests).length
      const error = yield* Effect.flip(ClientConfiguration.read(client))
      assert.strictEqual(error.reason._tag, "Unsupported")
      assert.lengthOf(yield* server.requests, before)
    }).pipe(Effect.provide(layer)))
})

describe("update", () => {
  it.effect("sends everything back as the server returned it, with the change, and none of what the server sets", () =>
    Effect.gen(function*() {
      const { client } = yield* register
      const updated = yield* ClientConfiguration.update(client, {
        set: { client_name: "Renamed" },
        remove: ["client_uri"]
      })
      const [sent = {}] = yield* updates
      assert.strictEqual(sent["client_id"], client.information.client_id)
      assert.strictEqual(sent["client_name"], "Renamed")
      assert.strictEqual(sent["vendor_tier"], "gold")
      assert.deepStrictEqual(sent["grant_types"], client.information.grant_types)
      for (
        const name of [
          "client_uri",
          "client_secret",
          "registration_access_token",
          "registration_client_uri",
          "client_secret_expires_at",
          "client_id_issued_at"
        ]
      ) {
        assert.notProperty(sent, name)
      }
      assert.strictEqual(updated.information.client_name, "Renamed")
      assert.strictEqual(updated.information.client_uri, undefined)
    }).pipe(Effect.provide(layer)))

  it.effect("is judged by the rules before anything is sent", () =>
    Effect.gen(function*() {
      const { client, server } = yield* register
      const before = (yield* server.requests).length
      const error = yield* Effect.flip(ClientConfiguration.update(client, { set: { redirect_uris: [] } }))
      assert.strictEqual(error.reason._tag, "InvalidMetadata")
      assert.lengthOf(yield* server.requests, before)
    }).pipe(Effect.provide(layer)))
})

describe("rotation", () => {
  it.effect("of token and secret replaces the old ones in one step, from a read too", () =>
    Effect.gen(function*() {
      const { client, server } = yield* register
      yield* server.misbehave("rotates-token")
      yield* server.misbehave("rotates-secret")
      const read = yield* ClientConfiguration.read(client)
      assert.notStrictEqual(
        reveal(read.information.registration_access_token),
        reveal(client.information.registration_access_token)
      )
      assert.notStrictEqual(reveal(read.information.client_secret), reveal(client.information.client_secret))
      const { isTokenNew } = yield* ClientConfiguration.rotate(read)
      assert.isTrue(isTokenNew)
      const old = yield* Effect.flip(ClientConfiguration.read(client))
      assert.strictEqual(old.reason._tag, "Unauthorized")
    }).pipe(Effect.provide(layer)))
})

describe("remove", () => {
  it.effect("is sent once more after an unknown outcome, and a 401 then is success", () =>
    Effect.gen(function*() {
      const { client, server } = yield* register
      yield* server.misbehave("reset-after-processing", { times: 1, on: "remove" })
      const fiber = yield* Effect.forkChild(ClientConfiguration.remove(client))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.lengthOf(yield* server.clients, 0)
    }).pipe(Effect.provide(layer)))
})
