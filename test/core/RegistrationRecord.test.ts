import { ClientRegistration, DpopSigner, type RegisteredClient, RegistrationRecord } from "@effect-dcr/core"
import * as Misbehaviour from "@effect-dcr/core/testing/Misbehaviour"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Result } from "effect"
import { inspect } from "node:util"
import { failsWith } from "../support/failure.ts"
import { recordedHttpClient } from "../support/recordedHttpClient.ts"
import { key, metadata } from "../support/registrars.ts"
import { unchecked } from "../support/unchecked.ts"

const register = Effect.gen(function*() {
  const server = yield* TestAuthorizationServer.TestAuthorizationServer
  return yield* ClientRegistration.register(server.metadata(), { ...metadata, "client_name#ja": "アプリ" })
})

const plain = ({ information }: RegisteredClient.RegisteredClient) =>
  Object.fromEntries(
    Object.entries(information).map(([name, value]: [string, unknown]) => [
      name,
      Redacted.isRedacted(value) ? Redacted.value(value) : value
    ])
  )

const on = Effect.provide(TestAuthorizationServer.layer())

const kept = (record: RegistrationRecord.RegistrationRecord) =>
  Effect.flatMap(RegistrationRecord.encode(record), (text) => RegistrationRecord.decode(text, key))

describe("RegistrationRecord", () => {
  it.effect("keeps everything, secrets included, and shows none of them", () =>
    Effect.gen(function*() {
      const client = yield* register
      const former = yield* register
      const record: RegistrationRecord.RegistrationRecord = {
        ...key,
        fingerprint: "{}",
        current: client,
        formerToken: Redacted.make("former-canary"),
        previous: [{ client: former, replacedAt: 1, reason: "metadata-changed", retireAt: 2, isDoubtful: true }],
        intent: { kind: "remove", startedAt: 3, clientId: "a" },
        possibleOrphans: [{ startedAt: 4, why: "crashed" }],
        secretSince: 5,
        backoff: { since: 6, until: 7, failures: 8 },
        renewalPause: { since: 9, until: 10, failures: 11 },
        replacedAt: 12,
        invalidatedAt: 13,
        invalidatedBecause: "invalid_client"
      }
      const text = yield* RegistrationRecord.encode(record)
      const again = yield* RegistrationRecord.decode(text, key)
      if (again.current === undefined || again.formerToken === undefined) return assert.fail("something is missing")
      assert.deepStrictEqual(plain(again.current), plain(client))
      assert.deepStrictEqual(again.current.toJSON(), client.toJSON())
      assert.strictEqual(Redacted.value(again.formerToken), "former-canary")
      assert.deepStrictEqual(again.previous.map(({ client }) => plain(client)), [plain(former)])
      assert.deepStrictEqual(JSON.parse(yield* RegistrationRecord.encode(again)), JSON.parse(text))
      const secrets = [
        "former-canary",
        ...[client, former].flatMap((each) => [
          String(plain(each)["client_secret"]),
          String(plain(each)["registration_access_token"])
        ])
      ]
      for (const secret of secrets) {
        assert.include(text, secret)
        for (const shown of [inspect(again, { depth: Infinity }), JSON.stringify(again)]) {
          assert.notInclude(shown, secret)
        }
      }
    }).pipe(on))

  it.effect("keeps a client whatever its server did wrong", () =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      let taken = 0
      for (const { id, kind, on } of Misbehaviour.catalogue) {
        // A body that drips takes the test clock, and a big one takes long.
        if (!on.includes("register") || ["success", "life"].includes(kind) === false) continue
        yield* server.misbehave(id)
        const result = yield* Effect.result(register)
        yield* server.behave
        if (Result.isFailure(result)) continue
        taken += 1
        const client = result.success
        const { current } = yield* kept({ ...RegistrationRecord.empty(key), current: client })
        if (current === undefined) return assert.fail(id)
        assert.deepStrictEqual(plain(current), plain(client), id)
        assert.deepStrictEqual(current.extensions, client.extensions, id)
        assert.deepStrictEqual(current.deviations, client.deviations, id)
      }
      assert.isAbove(taken, 40)
    }).pipe(on))

  it.effect("says of what it cannot read whether it is newer or broken, and quotes nothing", () =>
    Effect.gen(function*() {
      const text = yield* RegistrationRecord.encode({ ...RegistrationRecord.empty(key), current: yield* register })
      const change = (change: (record: Record<string, unknown>) => void) => {
        const record: Record<string, unknown> = unchecked(JSON.parse(text))
        change(record)
        return JSON.stringify(record)
      }
      const cases: ReadonlyArray<readonly [string, "Corrupted" | "NewerFormat" | "Undecryptable"]> = [
        ["", "Corrupted"],
        ["canary", "Corrupted"],
        ["null", "Corrupted"],
        ["[]", "Corrupted"],
        [text.slice(0, -1), "Corrupted"],
        [text.slice(0, text.length / 2), "Corrupted"],
        [change((record) => record["format"] = "1"), "Corrupted"],
        [change((record) => record["format"] = 0), "Corrupted"],
        [change((record) => record["format"] = 2), "NewerFormat"],
        [change((record) => record["format"] = 1e9), "NewerFormat"],
        [change((record) => delete record["previous"]), "Corrupted"],
        [change((record) => record["current"] = { canary: true }), "Corrupted"],
        [change((record) => record["issuer"] = "https://evil.example.com"), "Corrupted"],
        [change((record) => record["profile"] = "tenant-2"), "Corrupted"],
        [
          JSON.stringify({ format: 1, enc: "A256GCM", kid: "1", nonce: "canary", ciphertext: "canary" }),
          "Undecryptable"
        ]
      ]
      for (const [broken, problem] of cases) {
        const { error, reason } = yield* RegistrationRecord.decode(broken, key).pipe(failsWith("StoreFailed"))
        assert.strictEqual(reason.problem, problem, broken.slice(0, 40))
        assert.strictEqual(reason.message.includes("provide RegistrationEncryption"), problem === "Undecryptable")
        assert.notInclude(inspect(error, { depth: Infinity }), "canary")
      }
    }).pipe(on))

  it.effect("reads what a version with more to say wrote in the same format", () =>
    Effect.gen(function*() {
      const client = yield* register
      const deviation = { id: "not-known-here", section: "RFC", message: "something" }
      const text = yield* RegistrationRecord.encode({ ...RegistrationRecord.empty(key), current: client })
      const record: { current: { deviations: Array<unknown> }; more?: unknown } = unchecked(JSON.parse(text))
      record.current.deviations.push(deviation)
      record.more = { a: 1 }
      const { current } = yield* RegistrationRecord.decode(JSON.stringify(record), key)
      assert.deepStrictEqual(current?.deviations, client.deviations)
    }).pipe(on))

  it.effect("keeps what was asked as it was sent, whatever its types", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({ body: { client_id: "client-1" } })
      const server = { issuer: key.issuer, registration_endpoint: `${key.issuer}/register` }
      const odd = unchecked<typeof metadata>({ ...metadata, default_max_age: "3600", contacts: null, logo_uri: "" })
      const client = yield* ClientRegistration.register(server, odd, {
        rulesOff: ["member-type", "no-null-or-empty"]
      }).pipe(Effect.provide(Layer.merge(http.layer, DpopSigner.layerNone)))
      assert.deepStrictEqual(JSON.parse(http.requests[0]?.body ?? ""), odd)
      const { current } = yield* kept({ ...RegistrationRecord.empty(key), current: client })
      assert.deepStrictEqual(current?.requested, client.requested)
    }))
})
