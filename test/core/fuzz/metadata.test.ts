/** Whatever a caller asks for: judged or sent as it is, no defect. The long form is `fuzz.long.ts`. */
import { assert, describe, it } from "@effect/vitest"
import { metadataCase } from "./support/metadata.ts"
import { checkMetadata } from "./support/metadataProperty.ts"
import { fuzz } from "./support/run.ts"

describe("metadata", () => {
  it("is judged or sent, whatever it is", async () => {
    const tally = await fuzz(metadataCase, checkMetadata, { cases: 2000, seed: 20_260_728 })
    console.info(`metadata: ${JSON.stringify(tally)}`)
    assert.isAbove(tally.outcomes["Success"] ?? 0, 100)
  })
})
