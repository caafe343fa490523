/** Whatever a caller asks for: judged or sent as it is, no defect. The long form is `fuzz.long.ts`. */
import { assert, describe, it } from "@effect/vitest"
import { metadataCase } from "./support/metadata.ts"
import { checkMetadata } from "./support/metadataProperty.ts"
import { fuzz, seed } from "./support/run.ts"

describe("metadata", () => {
  it("is judged or sent, whatever it is", async () => {
    const tally = await fuzz("metadata", metadataCase, checkMetadata, { cases: 900, seed })
    assert.isAbove(tally.outcomes["Success"] ?? 0, 100)
  }, 60_000)
})
