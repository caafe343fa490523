/** Three clients and the same awkward answers, from real servers: `docs/awkward-answers.md`. */
import { assert, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { isLost, page, run } from "../support/awkwardAnswers.ts"

describe("docs/awkward-answers.md", () => {
  it.live("is what the clients do", () =>
    Effect.gen(function*() {
      const rows = yield* run
      assert.isAtLeast(rows.length, 20)
      // What can be read is read.
      const unreadable = rows.filter((row) => isLost(row, "this SDK"))
      assert.deepStrictEqual(unreadable.map((row) => row.case.answer), [
        "201 without a body",
        "201 with 4 MB of JSON",
        "the connection is reset after the client was created",
        "no answer, although the client was created"
      ])
      for (const { outcomes } of rows) assert.isFalse(outcomes["this SDK"].sentElsewhere)
      yield* Effect.promise(() => expect(page(rows)).toMatchFileSnapshot("../../docs/awkward-answers.md"))
    }))
})
