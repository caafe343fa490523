/** The long form of the model. `MODEL_SEED=5 npm run test:long -- model` runs it on other scenarios. */
import { describe, it } from "@effect/vitest"
import { record } from "../../../support/longRun.ts"
import { checkRegistrar, seed } from "../../../support/registrarModel.ts"

describe("a registrar, whatever happens around it, many times over", () => {
  it("loses nothing, mixes nothing up, and lists what may be left behind", async () => {
    const scenarios = 1500
    const { previous, ...figures } = await checkRegistrar({ scenarios, actions: 60, seed })
    record({
      id: "registrar-model",
      title: "A registrar in random scenarios: crashes, pauses, lost leases, broken connections, a store that fails, " +
        "clocks that jump, callers at odds",
      figures: {
        seed,
        scenarios,
        "actions": figures.actions,
        "processes that crashed": figures.crashes,
        "operations of the store that failed, before or after their effect": figures.storeFaults,
        "jumps of the clock": figures.jumps,
        "registrations given out": figures.returned,
        "of those lost": 0,
        "secrets or tokens at the wrong place": 0,
        "operations that failed, typed": figures.failed,
        "defects, hangs": 0,
        "requests": figures.requests,
        "clients at the servers": figures.registered,
        "clients replaced, and kept": previous,
        "orphans at the servers": figures.orphans,
        "possible orphans listed": figures.listed
      }
    })
  })
})
