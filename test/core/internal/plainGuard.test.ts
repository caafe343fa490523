import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { members } from "../../../packages/core/src/ClientInformation.ts"
import { guardOf, once, plainGuard } from "../../../packages/core/src/internal/plainGuard.ts"
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

describe("guardOf", () => {
  for (const [name, schema] of Object.entries(members)) {
    it(`takes for ${name} what its schema takes`, () => {
      const asSchema = Schema.is(schema)
      for (const value of values) assert.strictEqual(guardOf(schema)(value), asSchema(value), JSON.stringify(value))
    })
  }
})

describe("plainGuard", () => {
  it("leaves alone a schema that says more than a type", () => {
    const special: ReadonlyArray<Schema.Constraint> = [
      Schema.String.check(Schema.isMinLength(3)),
      Schema.NumberFromString,
      Schema.Literals(["a", "b"]),
      Schema.Union([Schema.String, Schema.Number]),
      Schema.Tuple([Schema.String]),
      Schema.Array(Schema.Number),
      Schema.Array(Schema.String).check(Schema.isMinLength(1)),
      Schema.RedactedFromValue(Schema.String)
    ]
    for (const schema of special) assert.isUndefined(plainGuard(schema))
  })

  it("knows most members", () => {
    const known = Object.values(members).filter((schema) => plainGuard(schema) !== undefined)
    assert.isAbove(known.length / Object.keys(members).length, 0.9)
  })
})

describe("once", () => {
  it("makes a function when it is first called, and once", () => {
    let made = 0
    const increment = once(() => {
      made++
      return (value: number) => value + 1
    })
    assert.strictEqual(made, 0)
    assert.deepStrictEqual([increment(1), increment(2)], [2, 3])
    assert.strictEqual(made, 1)
  })
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
