import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { isDeeperThan, isJsonObject, parseJson } from "../../../packages/core/src/internal/answer.ts"
import { secretsIn } from "../../../packages/core/src/internal/secrets.ts"
import { surveyOf } from "../../../packages/core/src/internal/survey.ts"

const survey = (json: string) => {
  const body = parseJson(json)
  if (!isJsonObject(body)) throw new Error("not an object")
  return surveyOf(body)
}

describe("surveyOf", () => {
  it("counts levels as isDeeperThan does, and finds what secretsIn finds", () => {
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom("text", 1, null, true),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom("a", "b", "client_secret", "registration_access_token"), tie("tree"))
      )
    }))
    const names = fc.constantFrom("a", "__proto__", "client_secret")
    fc.assert(
      fc.property(fc.dictionary(names, tree), (body) => {
        const { depth, secrets } = surveyOf(body)
        assert.isFalse(isDeeperThan(body, depth))
        if (depth > 0) assert.isTrue(isDeeperThan(body, depth - 1))
        assert.sameMembers([...secrets], [...secretsIn(body)])
      }),
      { numRuns: 2000, seed: 1 }
    )
  })

  it("sees a number that is too large, wherever it is", () => {
    assert.isTrue(survey("{\"a\":[{\"b\":-1e400}]}").hasInfinity)
    assert.isTrue(survey("{\"a\":1e999}").hasInfinity)
    assert.isFalse(survey("{\"a\":1e300}").hasInfinity)
  })

  it("finds a secret in a list of clients", () => {
    assert.deepStrictEqual(survey("{\"clients\":[{\"client_secret\":\"s\"}]}").secrets, ["s"])
  })

  it("looks at nothing that every object inherits", () => {
    for (const value of ["text", -Infinity, {}, [{}]]) {
      Object.defineProperty(Object.prototype, "client_secret", { value, enumerable: true, configurable: true })
      let found
      try {
        found = survey("{\"a\":{},\"b\":[]}")
      } finally {
        Reflect.deleteProperty(Object.prototype, "client_secret")
      }
      assert.deepStrictEqual({ ...found }, { depth: 1, hasInfinity: false, secrets: [] })
    }
  })

  it("does not recurse", () => {
    const deep = 1_000_000
    assert.strictEqual(survey(`{"a":${"[".repeat(deep)}${"]".repeat(deep)}}`).depth, deep)
  })
})
