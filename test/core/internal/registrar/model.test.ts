/** Scenarios in which everything around a registrar goes wrong; see `support/registrarModel.ts` for what must hold. */
import { assert, describe, it } from "@effect/vitest"
import { checkRegistrar, seed } from "../../../support/registrarModel.ts"

describe("a registrar, whatever happens around it", () => {
  it("loses nothing, mixes nothing up, and lists what may be left behind", async () => {
    const figures = await checkRegistrar({ scenarios: 25, actions: 40, seed })
    // It was hit where it hurts.
    assert.isAbove(figures.crashes, 10)
    assert.isAbove(figures.orphans, 0)
  }, 120_000)
})
