/** The long form of fuzzing. `FUZZ_SEED=5 npm run test:long -- fuzz` runs it on other inputs. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { record } from "../../support/longRun.ts"
import { checkAnswer, makeFixture } from "./support/answerProperty.ts"
import { answerCase } from "./support/answers.ts"
import { checkDiscovery } from "./support/discoveryProperty.ts"
import { metadataCase } from "./support/metadata.ts"
import { checkMetadata } from "./support/metadataProperty.ts"
import { fuzz, seed, type Tally } from "./support/run.ts"
import { discoveryCase } from "./support/serverDocuments.ts"

const figures = (what: string, { cases, outcomes, slowest }: Tally) => ({
  [what]: cases,
  ...Object.fromEntries(Object.entries(outcomes).map(([outcome, count]) => [`of these: ${outcome}`, count])),
  "defects, hangs, exceptions, lost client_ids, secrets shown": 0,
  "slowest case": `${slowest} ms`,
  seed
})

describe("fuzzing", () => {
  it("answers: 120,000", async () => {
    const fixture = await Effect.runPromise(makeFixture)
    const tally = await fuzz("answers", answerCase, (input) => checkAnswer(input, fixture), { cases: 120_000, seed })
    assert.isAbove(tally.outcomes["Success"] ?? 0, 20_000)
    record({
      id: "fuzz-answers",
      title: "Fuzzing: arbitrary JSON, mutated valid answers and arbitrary bytes through every operation",
      figures: figures("answers", tally)
    })
  })

  it("metadata: 110,000", async () => {
    const tally = await fuzz("metadata", metadataCase, checkMetadata, { cases: 110_000, seed })
    assert.isAbove(tally.outcomes["Success"] ?? 0, 10_000)
    record({
      id: "fuzz-metadata",
      title: "Fuzzing: metadata from the schemas' own generators and as a JavaScript caller may pass it",
      figures: figures("metadata inputs", tally)
    })
  })

  it("discovery: 30,000", async () => {
    const tally = await fuzz("documents", discoveryCase, checkDiscovery, { cases: 30_000, seed })
    assert.isAbove(tally.outcomes["Success"] ?? 0, 5000)
    record({
      id: "fuzz-discovery",
      title: "Fuzzing: server metadata through discovery and registration",
      figures: figures("documents", tally)
    })
  })
})
