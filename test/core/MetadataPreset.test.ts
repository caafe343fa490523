import { ClientRegistration, DpopSigner, MetadataPreset, MetadataRule } from "@effect-dcr/core"
import type { ClientMetadata } from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"

const issuer = "https://op.example.com"

const web: ClientMetadata.ClientMetadata = { redirect_uris: ["https://app.example.com/cb"] }

const jwks = { keys: [{ kty: "EC", crv: "P-256", x: "x", y: "y", use: "sig" }] }

/** The ids of the preset's own rules that metadata breaks, with the members. */
const broken = (preset: MetadataPreset.MetadataPreset, metadata: ClientMetadata.ClientMetadata) =>
  MetadataRule.validate(metadata, { rules: preset.rules })
    .filter(({ rule }) => preset.rules.some(({ id }) => id === rule))
    .map(({ member, rule }) => [rule, member])

const register = (
  metadata: ClientMetadata.ClientMetadata,
  options: ClientRegistration.RegisterOptions
) =>
  Effect.gen(function*() {
    const server = yield* TestAuthorizationServer.TestAuthorizationServer
    return yield* ClientRegistration.register(server.metadata(issuer), metadata, options)
  }).pipe(
    Effect.provide(Layer.mergeAll(TestAuthorizationServer.layerHttpClient(), DpopSigner.layerNone))
  )

describe("openid", () => {
  it("fills in the code flow and the scope, and needs openid in it", () => {
    assert.deepStrictEqual(MetadataPreset.openid.fillIn(web), {
      grant_types: ["authorization_code"],
      response_types: ["code"],
      scope: "openid"
    })
    assert.deepStrictEqual(broken(MetadataPreset.openid, { ...web, scope: "openid email" }), [])
    assert.deepStrictEqual(broken(MetadataPreset.openid, { ...web, scope: "openidx email" }), [[
      "openid-scope",
      "scope"
    ]])
  })
})

describe("fapi2", () => {
  const complete = { ...web, ...MetadataPreset.fapi2.fillIn(web), jwks }

  it("what it fills in keeps its own rules and those of everybody", () => {
    assert.deepStrictEqual(MetadataRule.validate(complete, { rules: MetadataPreset.fapi2.rules }), [])
  })

  it("binds tokens by DPoP, unless they are bound to a certificate", () => {
    const bound = { ...web, tls_client_certificate_bound_access_tokens: true }
    assert.strictEqual(MetadataPreset.fapi2.fillIn(web).dpop_bound_access_tokens, true)
    assert.strictEqual(MetadataPreset.fapi2.fillIn(bound).dpop_bound_access_tokens, undefined)
    assert.deepStrictEqual(broken(MetadataPreset.fapi2, { ...complete, dpop_bound_access_tokens: false }), [
      ["fapi2-sender-constrained", "dpop_bound_access_tokens"]
    ])
  })

  it("refuses secrets, other flows, other algorithms and plain http", () => {
    const cases: ReadonlyArray<readonly [ClientMetadata.ClientMetadata, string, string]> = [
      [
        { token_endpoint_auth_method: "client_secret_basic" },
        "fapi2-client-authentication",
        "token_endpoint_auth_method"
      ],
      [{ token_endpoint_auth_method: "none" }, "fapi2-client-authentication", "token_endpoint_auth_method"],
      [{ response_types: ["code id_token"] }, "fapi2-code-flow", "response_types"],
      [{ grant_types: ["authorization_code", "password"] }, "fapi2-code-flow", "grant_types"],
      [{ id_token_signed_response_alg: "RS256" }, "fapi2-algorithms", "id_token_signed_response_alg"],
      [{ request_object_signing_alg: "none" }, "fapi2-algorithms", "request_object_signing_alg"],
      [{ redirect_uris: ["http://127.0.0.1/cb"] }, "fapi2-redirect-https", "redirect_uris[0]"]
    ]
    for (const [change, rule, member] of cases) {
      assert.deepStrictEqual(broken(MetadataPreset.fapi2, { ...complete, ...change }), [[rule, member]])
    }
  })
})

describe("mcp", () => {
  it("says the application type itself, by the redirect URIs", () => {
    const types = [
      ["https://app.example.com/cb", "web"],
      ["http://127.0.0.1:4711/cb", "native"],
      ["http://localhost/cb", "native"],
      ["com.example.app:/cb", "native"]
    ] as const
    for (const [uri, type] of types) {
      assert.strictEqual(MetadataPreset.mcp.fillIn({ redirect_uris: [uri] }).application_type, type, uri)
    }
  })

  it("takes https, loopback and custom schemes, and no plain http elsewhere", () => {
    assert.deepStrictEqual(broken(MetadataPreset.mcp, { redirect_uris: ["http://127.0.0.1/cb", "app:/cb"] }), [])
    assert.deepStrictEqual(
      broken(MetadataPreset.mcp, { redirect_uris: ["https://a.example/cb", "http://a.example/cb"] }),
      [
        ["mcp-redirect-uris", "redirect_uris[1]"]
      ]
    )
    assert.deepStrictEqual(broken(MetadataPreset.mcp, { ...web, response_types: ["token"] }), [
      ["mcp-code-flow", "response_types"]
    ])
  })
})

describe("register with a preset", () => {
  it.effect("what the caller said goes before what is filled in, and the result says which is which", () =>
    Effect.gen(function*() {
      const client = yield* register({ ...web, grant_types: ["authorization_code"] }, { preset: MetadataPreset.mcp })
      assert.deepStrictEqual(client.requested, {
        redirect_uris: ["https://app.example.com/cb"],
        grant_types: ["authorization_code"],
        application_type: "web",
        response_types: ["code"]
      })
      assert.sameMembers([...client.filledIn], ["application_type", "response_types"])
    }))

  it.effect("its rules stop the request, and can be turned off by name", () =>
    Effect.gen(function*() {
      const asked = { ...web, scope: "email" }
      const error = yield* Effect.flip(register(asked, { preset: MetadataPreset.openid }))
      assert.deepStrictEqual(
        error.reason._tag === "InvalidMetadata" && error.reason.violations.map(({ rule }) => rule),
        ["openid-scope"]
      )
      const client = yield* register(asked, { preset: MetadataPreset.openid, rulesOff: ["openid-scope"] })
      assert.strictEqual(client.requested.scope, "email")
    }))

  it.effect("warnings stand on the client, and stop the request on demand", () =>
    Effect.gen(function*() {
      const asked = { redirect_uris: ["https://app.example.com/cb?state=mine"] }
      const client = yield* register(asked, {})
      assert.deepStrictEqual(client.warnings.map(({ rule, severity }) => [rule, severity]), [
        ["redirect-uri-query", "warning"]
      ])
      const error = yield* Effect.flip(register(asked, { failOnWarnings: true }))
      assert.strictEqual(error.reason._tag, "InvalidMetadata")
    }))
})
