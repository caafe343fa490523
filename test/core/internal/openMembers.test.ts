import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import {
  isLocalized,
  localizable,
  localizedMembers,
  otherMembers
} from "../../../packages/core/src/internal/openMembers.ts"

describe("isLocalized (RFC 7591 §2.2)", () => {
  it("knows the human-readable members with a language tag", () => {
    assert.deepStrictEqual([...localizable], ["client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri"])
    for (const member of localizable) {
      for (const tag of ["en", "ja-Jpan-JP", "x-private"]) assert.isTrue(isLocalized(`${member}#${tag}`))
    }
  })

  it("and no other name", () => {
    for (
      const name of ["client_name", "#de", "scope#de", "Client_name#de", "client_names#de", "x_client_name#de", ""]
    ) {
      assert.isFalse(isLocalized(name), name)
    }
  })
})

describe("the records of an open schema", () => {
  const schema = Schema.StructWithRest(Schema.Struct({ a: Schema.optional(Schema.String) }), [
    localizedMembers,
    otherMembers({ a: true })
  ])
  const decode = Schema.decodeUnknownEffect(schema)

  it.effect("judge each member once: declared, localised, or neither", () =>
    Effect.gen(function*() {
      const members = { a: "x", "client_name#de": "y", "scope#de": 5, b: { c: [null] }, toString: 1 }
      assert.deepStrictEqual<object>(yield* decode(members), members)
    }))

  it.effect("a localised member is text", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(decode({ "client_name#de": 5 }))
      assert.include(error.message, "client_name#de")
    }))
})
