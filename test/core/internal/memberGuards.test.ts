import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { members } from "../../../packages/core/src/ClientInformation.ts"
import { memberGuards } from "../../../packages/core/src/internal/memberGuards.ts"
import { readRegistration } from "../../../packages/core/src/internal/readRegistration.ts"

const values: ReadonlyArray<unknown> = [
  "text",
  "",
  "native",
  0,
  1.5,
  NaN,
  true,
  false,
  null,
  undefined,
  [],
  ["a"],
  ["authorization_code", "other"],
  ["a", 1],
  [["a"]],
  {},
  { keys: [] },
  { keys: [{ kty: "EC" }] },
  { keys: ["x"] }
]

describe("memberGuards", () => {
  it("has the members of an answer, in the order of the specifications", () => {
    assert.deepStrictEqual(Object.keys(memberGuards), Object.keys(members))
  })

  for (const [name, schema] of Object.entries(members)) {
    it(`takes for ${name} what its schema takes`, () => {
      // A secret is text before it is hidden.
      const asSchema = Schema.is(Schema.toEncoded(schema))
      for (const value of values) {
        assert.strictEqual(memberGuards[name]?.(value), asSchema(value), JSON.stringify(value))
      }
    })
  }
})

describe("a secret", () => {
  for (const name of ["client_secret", "registration_access_token"] as const) {
    it(`${name} is read as its schema reads it`, () => {
      const circumstances = { requested: {}, endpoint: "https://op.example.com/register", now: 0, maxDepth: 64 }
      const read = readRegistration({ client_id: "c", [name]: "a secret text" }, circumstances)?.information[name]
      const decoded = Result.getOrThrow(Schema.decodeUnknownResult(members[name])("a secret text"))
      assert.isTrue(Redacted.isRedacted(read))
      assert.deepStrictEqual(read, decoded)
      assert.strictEqual(JSON.stringify(read), JSON.stringify(decoded))
    })
  }
})
