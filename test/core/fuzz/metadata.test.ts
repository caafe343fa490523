/** Whatever a caller asks for: judged or sent as it is, no defect. The long form is `fuzz.long.ts`. */
import { assert, describe, it } from "@effect/vitest"
import { seed } from "./support/run.ts"
import { fuzzInWorkers } from "./support/workers.ts"

describe("metadata", () => {
  it("is judged or sent, whatever it is", async () => {
    const tally = await fuzzInWorkers("metadata", { cases: 900, seed })
    assert.isAbove(tally.outcomes["Success"] ?? 0, 100)
  }, 120_000)
})
