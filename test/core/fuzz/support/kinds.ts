/** What is fuzzed: inputs, and what must hold of each. */
import { Effect } from "effect"
import * as fc from "fast-check"
import { checkAnswer, makeFixture } from "./answerProperty.ts"
import { answerCase } from "./answers.ts"
import { checkDiscovery } from "./discoveryProperty.ts"
import { metadataCase } from "./metadata.ts"
import { checkMetadata } from "./metadataProperty.ts"
import { fuzz, shown, type Tally } from "./run.ts"
import { discoveryCase } from "./serverDocuments.ts"

export interface Kind {
  readonly run: (
    options: { readonly cases: number; readonly seed: number; readonly onCase: (index: number) => void }
  ) => Promise<Tally>
  /** The input of this number, from 0. */
  readonly input: (seed: number, index: number) => string
}

const kind = <A>(inputs: fc.Arbitrary<A>, makeProperty: () => Promise<(input: A) => Promise<string>>): Kind => ({
  run: async (options) => fuzz(inputs, await makeProperty(), options),
  input: (seed, index) => shown(fc.sample(inputs, { seed, numRuns: index + 1 }).at(-1))
})

export const kinds = {
  answers: kind(answerCase, async () => {
    const fixture = await Effect.runPromise(makeFixture)
    return (input) => checkAnswer(input, fixture)
  }),
  metadata: kind(metadataCase, async () => checkMetadata),
  discovery: kind(discoveryCase, async () => checkDiscovery)
}

export type KindName = keyof typeof kinds
