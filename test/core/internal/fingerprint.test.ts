import { assert, describe, it } from "@effect/vitest"
import { fingerprint } from "../../../packages/core/src/internal/fingerprint.ts"

const statement = (claims: object, signature: string) =>
  [{ alg: "RS256" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".") +
  `.${signature}`

describe("fingerprint", () => {
  it("is the same whatever the order of members, of sets and of the words of a scope", () => {
    const a = { redirect_uris: ["https://a.example/1", "https://a.example/2"], scope: "read write", client_name: "A" }
    const b = { client_name: "A", scope: "write  read", redirect_uris: ["https://a.example/2", "https://a.example/1"] }
    assert.strictEqual(fingerprint(a), fingerprint({ ...b, client_uri: undefined }))
  })

  it("differs with any value, and with the order of a preference", () => {
    const base = { redirect_uris: ["https://a.example/1"], default_acr_values: ["high", "low"] }
    const all = [
      base,
      { ...base, client_name: "A" },
      { ...base, redirect_uris: ["https://a.example/2"] },
      { ...base, default_acr_values: ["low", "high"] },
      { ...base, require_auth_time: false }
    ]
    assert.strictEqual(new Set(all.map((metadata) => fingerprint(metadata))).size, all.length)
  })

  it("of a software statement, the software counts and not the signature", () => {
    const of = (claims: object, signature: string) => fingerprint({ software_statement: statement(claims, signature) })
    const software = { iss: "v", software_id: "s", software_version: "1" }
    assert.strictEqual(of({ ...software, iat: 1 }, "a"), of({ ...software, iat: 2 }, "b"))
    assert.notStrictEqual(of(software, "a"), of({ ...software, software_version: "2" }, "a"))
    assert.notStrictEqual(of(software, "a"), of({ ...software, software_id: "t" }, "a"))
    // Without an identity, the statement itself is all there is.
    assert.notStrictEqual(of({ iss: "v" }, "a"), of({ iss: "v" }, "b"))
  })
})
