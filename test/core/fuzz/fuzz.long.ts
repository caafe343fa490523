/** The long form of fuzzing. `FUZZ_SEED=5 npm run test:long -- fuzz` runs it on other inputs. */
import { assert, describe, it } from "@effect/vitest"
import { record } from "../../support/longRun.ts"
import { seed, type Tally } from "./support/run.ts"
import { fuzzInWorkers } from "./support/workers.ts"

/** In parts of a size that one processor does in a minute. */
const shards = 4

const figures = (what: string, { cases, outcomes, slowest }: Tally) => ({
  [what]: cases,
  ...Object.fromEntries(Object.entries(outcomes).map(([outcome, count]) => [`of these: ${outcome}`, count])),
  "defects, hangs, exceptions, lost client_ids, secrets shown": 0,
  "slowest case": `${slowest} ms`,
  "seeds": `${seed} to ${seed + shards - 1}`
})

describe("fuzzing", () => {
  it("answers: 120,000", async () => {
    const tally = await fuzzInWorkers("answers", { cases: 120_000, seed, shards })
    assert.isAbove(tally.outcomes["Success"] ?? 0, 20_000)
    record({
      id: "fuzz-answers",
      title: "Fuzzing: arbitrary JSON, mutated valid answers and arbitrary bytes through every operation",
      figures: figures("answers", tally)
    })
  })

  it("metadata: 110,000", async () => {
    const tally = await fuzzInWorkers("metadata", { cases: 110_000, seed, shards })
    assert.isAbove(tally.outcomes["Success"] ?? 0, 10_000)
    record({
      id: "fuzz-metadata",
      title: "Fuzzing: metadata from the schemas' own generators and as a JavaScript caller may pass it",
      figures: figures("metadata inputs", tally)
    })
  })

  it("discovery: 30,000", async () => {
    const tally = await fuzzInWorkers("discovery", { cases: 30_000, seed, shards })
    assert.isAbove(tally.outcomes["Success"] ?? 0, 5000)
    record({
      id: "fuzz-discovery",
      title: "Fuzzing: server metadata through discovery and registration",
      figures: figures("documents", tally)
    })
  })
})
