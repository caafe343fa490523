/** Whatever a server answers: no defect, no hang, no registration lost, no secret shown. The long form is `fuzz.long.ts`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { checkAnswer, makeFixture } from "./support/answerProperty.ts"
import { answerCase } from "./support/answers.ts"
import { fuzz, seed } from "./support/run.ts"

describe("answers", () => {
  it("are read or refused, whatever they are", async () => {
    const fixture = await Effect.runPromise(makeFixture)
    const tally = await fuzz("answers", answerCase, (input) => checkAnswer(input, fixture), { cases: 1200, seed })
    assert.isAbove(tally.outcomes["Success"] ?? 0, 200)
  }, 60_000)
})
