import { type ClientMetadata, MetadataPreset } from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { fingerprint } from "../../../packages/core/src/internal/fingerprint.ts"
import { unchecked } from "../../support/unchecked.ts"

const of = (members: object) => fingerprint(unchecked<ClientMetadata.ClientMetadata>(members))

const base = { redirect_uris: ["https://a.example/1", "https://a.example/2"], client_name: "A", scope: "openid email" }

const statement = (claims: object, header = "e30") =>
  `${header}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature`

describe("fingerprint", () => {
  it.each<readonly [string, object, object]>([
    ["members in another order", base, { scope: base.scope, client_name: "A", redirect_uris: base.redirect_uris }],
    ["a member that is undefined", base, { ...base, logo_uri: undefined }],
    ["a set in another order", base, { ...base, redirect_uris: [...base.redirect_uris].reverse() }],
    ["a set that repeats itself", base, { ...base, redirect_uris: [...base.redirect_uris, base.redirect_uris[0]] }],
    ["words of the scope in another order", base, { ...base, scope: "email  openid" }],
    ["words of a response type in another order", { response_types: ["code id_token", "code"] }, {
      response_types: ["code", "id_token code"]
    }],
    ["a language tag in another spelling", { "client_name#ja-JP": "a" }, { "client_name#ja-jp": "a" }],
    ["members inside a member in another order", { jwks: { keys: [{ kty: "EC", crv: "P-256" }] } }, {
      jwks: { keys: [{ crv: "P-256", kty: "EC" }] }
    }],
    [
      "a statement that was signed anew about the same software",
      { software_statement: statement({ software_id: "s", software_version: "1", iat: 1 }) },
      { software_statement: statement({ iat: 2, software_version: "1", software_id: "s" }, "e30K") }
    ]
  ])("is the same for %s", (_, one, other) => assert.strictEqual(of(one), of(other)))

  it.each<readonly [string, object, object]>([
    ["another value", base, { ...base, client_name: "B" }],
    ["one member more", base, { ...base, logo_uri: "https://a.example/logo" }],
    ["one item less", base, { ...base, redirect_uris: base.redirect_uris.slice(1) }],
    ["another case", base, { ...base, client_name: "a" }],
    ["another type", { default_max_age: 1 }, { default_max_age: "1" }],
    ["an order that is a preference", { default_acr_values: ["a", "b"] }, { default_acr_values: ["b", "a"] }],
    ["an order inside a vendor's member", { vendor: { list: ["a", "b"] } }, { vendor: { list: ["b", "a"] } }],
    ["an order of objects", { vendor: [{ a: 1 }, { b: 1 }] }, { vendor: [{ b: 1 }, { a: 1 }] }],
    ["an object and a list of its members", { vendor: { a: 1 } }, { vendor: [["a", 1]] }],
    ["two words and one of both", { contacts: ["a b"] }, { contacts: ["a", "b"] }],
    ["another language", { "client_name#ja": "a" }, { "client_name#de": "a" }],
    ["a localised value and a plain one", { "client_name#ja": "a" }, { client_name: "a" }],
    [
      "another version of the software",
      { software_statement: statement({ software_id: "s", software_version: "1" }) },
      { software_statement: statement({ software_id: "s", software_version: "2" }) }
    ],
    [
      "other statements that do not name their software",
      { software_statement: statement({ iat: 1 }) },
      { software_statement: statement({ iat: 2 }) }
    ],
    ["statements that are none", { software_statement: "one" }, { software_statement: "other" }],
    ["the member __proto__", JSON.parse("{\"__proto__\":\"a\"}"), {}]
  ])("differs for %s", (_, one, other) => assert.notStrictEqual(of(one), of(other)))

  it("takes what a preset fills in for asked, and what was asked before it", () => {
    const { openid } = MetadataPreset
    assert.strictEqual(fingerprint({}, openid), of({ ...openid.fillIn({}) }))
    assert.notStrictEqual(fingerprint({}, openid), fingerprint({}))
    assert.strictEqual(
      fingerprint({ scope: "openid mine" }, openid),
      of({ ...openid.fillIn({}), scope: "mine openid" })
    )
  })

  it("keeps what was asked from a preset that writes into it", () => {
    const fillIn = (said: ClientMetadata.ClientMetadata) =>
      Object.assign(said, { scope: "filled", client_name: "filled" })
    assert.strictEqual(
      fingerprint({ scope: "mine" }, { fillIn, rules: [] }),
      of({ scope: "mine", client_name: "filled" })
    )
  })

  it("does not hold the statement", () =>
    assert.notInclude(of({ software_statement: statement({ software_id: "s" }) }), "signature"))
})
