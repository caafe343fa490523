/** 10,000 tenants provisioned at once, at issuers of which one limits its rate and one is down, by a process that is killed half-way. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { provision } from "../support/fleetChecks.ts"
import { postgres, redis } from "../support/fleetServers.ts"
import { serverFor } from "../support/fleetSuite.ts"
import { record } from "../support/longRun.ts"

for (const [name, server] of Object.entries({ postgres, redis })) {
  describe(`Registrar.ensureAll on ${name}`, () => {
    const store = serverFor(server)

    it.live("10,000 tenants", () =>
      Effect.gen(function*() {
        const figures = yield* provision(store(), {
          tenants: 500,
          issuers: 18,
          concurrency: 16,
          rateLimit: { limit: 50, window: 20_000 },
          seed: 31
        })
        const { heap } = figures
        // The first half is found, and only the second one is registered: what that loads is no growth.
        const [early = 0, ...late] = heap.slice(5)
        const series = heap.map((each) => each.toFixed(1)).join(" ")
        assert.isBelow(Math.max(...late), early + 20, `the heap does not grow with the number: ${series}`)
        assert.isBelow(figures.othersDone, figures.limitedDone / 2, "nobody else is held up")
        // It finds the half that it registered before, besides, and its machine does other things.
        assert.isAbove(figures.beside, figures.alone / 2, "the others are served at full speed")
        record({
          id: `fleet-${name}-ensure-all`,
          title: `10,000 tenants by ensureAll, killed half-way and begun again, on ${name}`,
          figures: {
            "tenants at each of 20 issuers, of which one is down and one limits its rate": 500,
            "done before the process was killed": figures.beforeKill,
            "registered in the end": figures.registered,
            "registered twice": 0,
            "clients that the killed process left behind, each listed": figures.orphans,
            "handed back for another time (the issuer that is down)": figures.postponed,
            "failed (the attempts at it)": figures.failed,
            "registrations per second at the 18 others, without the two": figures.alone.toFixed(0),
            "registrations per second at the 18 others, beside the two": figures.beside.toFixed(0),
            "seconds until the last one of the 18 others": figures.othersDone.toFixed(1),
            "seconds until the last one of the issuer that takes 50 in 20 seconds": figures.limitedDone.toFixed(1),
            "requests at it": figures.limitedPosts,
            "heap in megabytes after each tenth": series
          }
        })
      }))
  })
}
