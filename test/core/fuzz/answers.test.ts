/** Whatever a server answers: no defect, no hang, no registration lost, no secret shown. The long form is `fuzz.long.ts`. */
import { assert, describe, it } from "@effect/vitest"
import { seed } from "./support/run.ts"
import { fuzzInWorkers } from "./support/workers.ts"

describe("answers", () => {
  it("are read or refused, whatever they are", async () => {
    const tally = await fuzzInWorkers("answers", { cases: 1200, seed })
    assert.isAbove(tally.outcomes["Success"] ?? 0, 200)
  }, 120_000)
})
