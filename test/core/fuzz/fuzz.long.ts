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

/** What is fuzzed, how often, and how often at the least it is to succeed: what only ever fails is not fuzzed. */
const runs = [
  {
    kind: "answers",
    title: "Fuzzing: arbitrary JSON, mutated valid answers and arbitrary bytes through every operation",
    what: "answers",
    cases: 120_000,
    successes: 20_000
  },
  {
    kind: "metadata",
    title: "Fuzzing: metadata from the schemas' own generators and as a JavaScript caller may pass it",
    what: "metadata inputs",
    cases: 110_000,
    successes: 10_000
  },
  {
    kind: "discovery",
    title: "Fuzzing: server metadata through discovery and registration",
    what: "documents",
    cases: 30_000,
    successes: 5000
  }
] as const

describe("fuzzing", () => {
  for (const { cases, kind, successes, title, what } of runs) {
    it(`${kind}: ${cases.toLocaleString("en-US")}`, async () => {
      const tally = await fuzzInWorkers(kind, { cases, seed, shards })
      assert.isAbove(tally.outcomes["Success"] ?? 0, successes)
      record({ id: `fuzz-${kind}`, title, figures: figures(what, tally) })
    })
  }
})
