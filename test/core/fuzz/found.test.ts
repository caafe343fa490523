/** What fuzzing has found, each case as small as it can be. */
import {
  type AuthorizationServer,
  type ClientMetadata,
  ClientRegistration,
  DpopSigner,
  MetadataRule
} from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { failsWith } from "../../support/failure.ts"
import { recordedHttpClient } from "../../support/recordedHttpClient.ts"
import { untyped } from "./support/untyped.ts"

const server = { issuer: "https://op.example", registration_endpoint: "https://op.example/register" }

const good = { redirect_uris: ["https://app.example/cb"] }

const circular = (): object => {
  const object: { a?: unknown; b?: unknown } = {}
  object.a = object
  object.b = object
  return object
}

const deep = (depth: number): unknown => Array.from({ length: depth }).reduce((inner) => [inner], 1)

const register = (
  metadata: unknown,
  options?: ClientRegistration.RegisterOptions,
  as: unknown = server
) => {
  const http = recordedHttpClient({ body: { client_id: "c1" } })
  return {
    http,
    outcome: ClientRegistration.register(
      untyped<AuthorizationServer.AuthorizationServer>(server, as),
      untyped<ClientMetadata.ClientMetadata>({}, metadata),
      options
    ).pipe(Effect.provide(Layer.merge(http.layer, DpopSigner.layerNone)))
  }
}

describe("metadata of a JavaScript caller", () => {
  for (const metadata of [null, undefined, "x", 5, true, [], [good]]) {
    it.effect(`is refused when it is no object: ${JSON.stringify(metadata)}`, () =>
      Effect.gen(function*() {
        const { http, outcome } = register(metadata, { rulesOff: ["member-type"] })
        const { reason } = yield* failsWith("InvalidMetadata")(outcome)
        assert.deepStrictEqual(reason.violations.map(({ member, rule }) => [rule, member]), [["member-type", "*"]])
        assert.isEmpty(http.requests)
      }))
  }

  const unsayable: { readonly [what: string]: unknown } = {
    "a bigint": 1n,
    "a function": () => 1,
    "a symbol": Symbol("x"),
    "NaN, which JSON writes as null": NaN,
    "Infinity, which JSON writes as null": Infinity,
    "an object that stands in itself": circular(),
    "a value of great depth": deep(50_000),
    "a date": new Date(0),
    "a map": new Map(),
    "undefined in a list, which JSON writes as null": [undefined],
    "a hole in a list, which JSON writes as null": Array.from({ length: 1 }),
    "an object that writes itself as null": { toJSON: () => null }
  }

  for (const [what, value] of Object.entries(unsayable)) {
    it.effect(`is refused where it has no JSON: ${what}`, () =>
      Effect.gen(function*() {
        for (const members of [{ vendor: value }, { vp_formats_supported: { x: value } }]) {
          const { http, outcome } = register({ ...good, ...members })
          const { reason } = yield* failsWith("InvalidMetadata")(outcome)
          assert.deepStrictEqual(reason.violations.map(({ rule }) => rule), ["member-type"])
          assert.isEmpty(http.requests)
        }
        const { http, outcome } = register({ ...good, vendor: value }, { rulesOff: ["member-type"] })
        const { reason } = yield* failsWith("InvalidOptions")(outcome)
        assert.strictEqual(reason.option, "metadata")
        assert.isEmpty(http.requests)
      }))
  }

  it.effect("is sent where it has: nested, without a prototype, undefined left out", () =>
    Effect.gen(function*() {
      const bare: unknown = Object.assign(Object.create(null), { a: [1, { b: null }], c: undefined })
      const { http, outcome } = register({ ...good, vendor: bare, other: undefined })
      yield* outcome
      assert.deepStrictEqual(JSON.parse(http.requests[0]?.body ?? ""), { ...good, vendor: { a: [1, { b: null }] } })
    }))

  it.effect("is refused where a list holds null or an empty string", () =>
    Effect.gen(function*() {
      const { reason } = yield* failsWith("InvalidMetadata")(register({ ...good, contacts: ["a", ""] }).outcome)
      assert.deepStrictEqual(reason.violations.map(({ member, rule }) => [rule, member]), [
        ["no-null-or-empty", "contacts[1]"]
      ])
      const other = yield* failsWith("InvalidMetadata")(register({ ...good, vendor: [null] }).outcome)
      assert.deepStrictEqual(other.reason.violations.map(({ member, rule }) => [rule, member]), [
        ["no-null-or-empty", "vendor[0]"]
      ])
    }))

  it.effect("cannot forge lines of a log by its names", () =>
    Effect.gen(function*() {
      const { error, reason } = yield* failsWith("InvalidMetadata")(
        register({ ...good, "x\n2026-01-01 all is well": null, "": null }).outcome
      )
      assert.notMatch(error.message, /\n/)
      assert.include(error.message, "(unnamed): ")
      assert.strictEqual(reason.violations[0]?.member, "x\n2026-01-01 all is well")
    }))
})

describe("a server that a JavaScript caller describes", () => {
  const supported = [null, 5, "none", {}, [1], [null]]

  it.effect("says nothing where it has another type", () =>
    Effect.gen(function*() {
      for (const value of supported) {
        const as = {
          ...server,
          token_endpoint_auth_methods_supported: value,
          grant_types_supported: value,
          mtls_endpoint_aliases: value
        }
        const { outcome } = register(good, { useMtlsEndpointAliases: true }, as)
        const client = yield* outcome
        assert.strictEqual(client.information.client_id, "c1")
        assert.isEmpty(client.filledIn)
        assert.isEmpty(
          MetadataRule.validate(good, { server: untyped<AuthorizationServer.AuthorizationServer>(server, as) })
        )
      }
    }))

  it.effect("has no endpoint where that is no text", () =>
    Effect.gen(function*() {
      for (const endpoint of [null, 5, {}, [], true]) {
        const { http, outcome } = register(good, {}, { ...server, registration_endpoint: endpoint })
        const { reason } = yield* failsWith("EndpointRefused")(outcome)
        assert.strictEqual(reason.rule, "InvalidUrl")
        assert.strictEqual(reason.url, "(not a URL)")
        assert.isEmpty(http.requests)
      }
    }))
})
