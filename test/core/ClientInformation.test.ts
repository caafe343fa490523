import * as ClientInformation from "@effect-dcr/core/ClientInformation"
import * as ClientMetadata from "@effect-dcr/core/ClientMetadata"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { inspect } from "node:util"

const decode = Schema.decodeUnknownEffect(ClientInformation.ClientInformation)

const wire = {
  client_id: "c",
  client_secret: "s3cret-client",
  client_id_issued_at: 1_700_000_000,
  client_secret_expires_at: 0,
  registration_access_token: "s3cret-token",
  registration_client_uri: "https://op.example/c",
  redirect_uris: ["https://app.example/cb"],
  "client_name#de": "A",
  vendor: { a: [1] }
}

describe("members", () => {
  it("are those of the metadata, and the six of an answer", () => {
    assert.deepStrictEqual(
      Object.keys(ClientInformation.members).toSorted(),
      [
        ...Object.keys(ClientMetadata.members),
        "client_id",
        "client_secret",
        "client_id_issued_at",
        "client_secret_expires_at",
        "registration_access_token",
        "registration_client_uri"
      ].toSorted()
    )
  })
})

describe("the schema", () => {
  it.effect("reads an answer, with its secrets redacted from then on", () =>
    Effect.gen(function*() {
      const { client_secret, registration_access_token, ...others } = yield* decode(wire)
      const { client_secret: _1, registration_access_token: _2, ...expected } = wire
      assert.deepStrictEqual<object>(others, expected)
      assert.strictEqual(client_secret === undefined ? undefined : Redacted.value(client_secret), "s3cret-client")
      assert.strictEqual(
        registration_access_token === undefined ? undefined : Redacted.value(registration_access_token),
        "s3cret-token"
      )
    }))

  it.effect("shows no secret when what it read is printed", () =>
    Effect.gen(function*() {
      const information = yield* decode(wire)
      for (const text of [JSON.stringify(information), inspect(information, { depth: Infinity, showHidden: true })]) {
        assert.notInclude(text, "s3cret")
        assert.include(text, "<redacted:client_secret>")
        assert.include(text, "<redacted:registration_access_token>")
      }
    }))

  it.effect("writes no secret out again", () =>
    Effect.gen(function*() {
      const information = yield* decode(wire)
      for (
        const schema of [ClientInformation.ClientInformation, Schema.toCodecJson(ClientInformation.ClientInformation)]
      ) {
        const error = yield* Effect.flip(Schema.encodeUnknownEffect(schema)(information))
        assert.notInclude(error.message, "s3cret")
      }
      const { client_secret: _1, registration_access_token: _2, ...others } = information
      const written = yield* Schema.encodeEffect(ClientInformation.ClientInformation)(others)
      assert.notInclude(JSON.stringify(written), "s3cret")
      assert.strictEqual(written["client_id"], "c")
    }))

  it.effect("judges strictly, and shows no value when it refuses", () =>
    Effect.gen(function*() {
      for (
        const wrong of [
          { client_id: undefined },
          { client_id: 5 },
          { client_id: null },
          { client_secret: { value: "s3cret" } },
          { client_secret_expires_at: "s3cret" },
          { registration_access_token: ["s3cret"] },
          { client_name: 5 }
        ]
      ) {
        const error = yield* Effect.flip(decode({ ...wire, ...wrong }))
        assert.include(error.message, Object.keys(wrong).join())
        assert.notInclude(error.message, "s3cret")
      }
    }))
})
