import type { ClientMetadata } from "@effect-dcr/core/ClientMetadata"
import * as Differences from "@effect-dcr/core/Differences"
import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import { unchecked } from "../support/unchecked.ts"

type Members = Readonly<Record<string, unknown>>

const between = (requested: Members, granted: Members) => {
  const { added, assumed, dropped, replaced } = Differences.between(unchecked<ClientMetadata & Members>(requested), {
    client_id: "c",
    ...unchecked<ClientMetadata & Members>(granted)
  })
  const names = (list: ReadonlyArray<{ readonly member: string }>) => list.map(({ member }) => member)
  return { added: names(added), replaced: names(replaced), dropped: names(dropped), assumed }
}

const none = { added: [], replaced: [], dropped: [], assumed: false }

describe("between", () => {
  it("finds none in a faithful echo", () => {
    const members = {
      redirect_uris: ["https://a.example/"],
      client_name: "A",
      default_max_age: 5,
      require_auth_time: true,
      jwks: { keys: [{ kty: "EC", x: "x" }] },
      vendor: { a: [1, { b: null }] }
    }
    assert.deepStrictEqual(between(members, structuredClone(members)), none)
  })

  it("tells added from replaced from dropped, each with its values", () => {
    assert.deepStrictEqual(
      Differences.between(
        { client_name: "A", scope: "a b", contacts: ["x"] },
        { client_id: "c", client_name: "B", scope: "a", application_type: "web" }
      ),
      {
        added: [{ member: "application_type", granted: "web" }],
        replaced: [
          { member: "client_name", requested: "A", granted: "B" },
          { member: "scope", requested: "a b", granted: "a" }
        ],
        dropped: [{ member: "contacts", requested: ["x"] }],
        assumed: false
      }
    )
  })

  it("says nothing of what only answers have, secrets least of all", () => {
    assert.deepStrictEqual(
      between({ client_name: "A" }, {
        client_name: "A",
        client_secret: Redacted.make("s"),
        client_secret_expires_at: 0,
        client_id_issued_at: 1,
        registration_access_token: Redacted.make("t"),
        registration_client_uri: "https://op.example/c"
      }),
      none
    )
  })

  describe("what is not echoed", () => {
    it("was dropped when anything else came back", () => {
      assert.deepStrictEqual(between({ client_name: "A", scope: "x" }, { client_name: "B" }), {
        ...none,
        replaced: ["client_name"],
        dropped: ["scope"]
      })
    })

    it("is assumed when nothing came back", () => {
      assert.deepStrictEqual(between({ client_name: "A", scope: "x" }, {}), { ...none, assumed: true })
      assert.deepStrictEqual(between({ client_name: "A" }, { application_type: "web" }), {
        ...none,
        added: ["application_type"],
        assumed: true
      })
    })

    it("is nothing when nothing was asked", () => {
      assert.deepStrictEqual(between({}, {}), none)
      assert.deepStrictEqual(between({ client_name: undefined }, { scope: undefined }), none)
    })
  })

  describe("compares", () => {
    const same: ReadonlyArray<readonly [member: string, requested: unknown, granted: unknown]> = [
      ["redirect_uris", ["https://a.example/", "https://b.example/"], ["https://b.example/", "https://a.example/"]],
      ["grant_types", ["a", "b", "a"], ["b", "a"]],
      ["contacts", [], []],
      ["vendor_list", ["x", "y"], ["y", "x"]],
      ["response_types", ["code id_token", "code"], ["code", "id_token code"]],
      ["scope", "openid email", "email  openid"],
      ["scope", "a a b", "b a"],
      ["default_acr_values", ["a", "b"], ["a", "b"]],
      ["jwks", { keys: [{ kty: "EC", x: "x" }] }, { keys: [{ x: "x", kty: "EC" }] }]
    ]
    for (const [member, requested, granted] of same) {
      it(`${member} ${JSON.stringify(requested)} as the same as ${JSON.stringify(granted)}`, () => {
        assert.deepStrictEqual(between({ [member]: requested }, { [member]: granted }), none)
      })
    }

    const other: ReadonlyArray<readonly [member: string, requested: unknown, granted: unknown]> = [
      ["redirect_uris", ["https://a.example/"], ["https://a.example"]],
      ["redirect_uris", ["https://a.example/"], ["https://a.example/", "https://b.example/"]],
      ["redirect_uris", ["https://a.example/", "https://b.example/"], ["https://a.example/"]],
      ["response_types", ["code id_token"], ["code", "id_token"]],
      ["scope", "openid email", "openid"],
      ["scope", "openid", "openid email"],
      ["scope", "openid", "OpenID"],
      // The order of these says which is preferred.
      ["default_acr_values", ["a", "b"], ["b", "a"]],
      ["client_name", "a b", "b a"],
      ["jwks", { keys: [{ kty: "EC", x: "x" }] }, { keys: [{ kty: "EC", x: "y" }] }],
      ["require_auth_time", false, "false"],
      ["default_max_age", 5, 6]
    ]
    for (const [member, requested, granted] of other) {
      it(`${member} ${JSON.stringify(requested)} as another than ${JSON.stringify(granted)}`, () => {
        assert.deepStrictEqual(between({ [member]: requested }, { [member]: granted }), { ...none, replaced: [member] })
      })
    }
  })

  it("compares language tags without regard to case, names with it (RFC 7591 §2.2)", () => {
    assert.deepStrictEqual(between({ "client_name#ja-Jpan-JP": "x" }, { "client_name#JA-jpan-jp": "x" }), none)
    assert.deepStrictEqual(between({ "client_name#de": "x" }, { "client_name#DE": "y" }), {
      ...none,
      replaced: ["client_name#de"]
    })
    assert.deepStrictEqual(between({ client_name: "x" }, { Client_Name: "x" }), {
      ...none,
      added: ["Client_Name"],
      assumed: true
    })
  })

  it("takes a member named __proto__ for what it is", () => {
    const parsed: Members = { ["__proto__"]: 1, client_name: "A" }
    assert.deepStrictEqual(between({ client_name: "A" }, parsed), { ...none, added: ["__proto__"] })
  })
})
