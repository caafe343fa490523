/** Whatever a discovery gets: the server that was asked, or a failure that says why. The long form is `fuzz.long.ts`. */
import { assert, describe, it } from "@effect/vitest"
import { seed } from "./support/run.ts"
import { fuzzInWorkers } from "./support/workers.ts"

describe("discovery", () => {
  it("finds the server that was asked and no other, whatever it gets", async () => {
    const tally = await fuzzInWorkers("discovery", { cases: 300, seed })
    assert.isAbove(tally.outcomes["Success"] ?? 0, 60)
  }, 120_000)
})
