/** 8 processes that stand still for longer than their leases last, so that others take what they work on: nobody overwrites anything. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { walk } from "../support/fleetChecks.ts"
import { postgres, redis } from "../support/fleetServers.ts"
import { serverFor } from "../support/fleetSuite.ts"
import { record } from "../support/longRun.ts"

const whole = { processes: 8, tenants: 500, issuers: 20 }

for (const [name, server] of Object.entries({ postgres, redis })) {
  describe(`a fleet on ${name}`, () => {
    const store = serverFor(server)

    it.live("10,000 registrations, asked for by 8 processes that stand still at random", () =>
      Effect.gen(function*() {
        const figures = yield* walk(store(), { ...whole, seed: 26, concurrency: 8, pauses: 60, every: 1000 })
        assert.strictEqual(figures.registrations, 10_000)
        assert.isAtLeast(figures.pauses, 20, "it lasts long enough to be disturbed")
        record({
          id: `fleet-${name}-paused`,
          title: `The same while processes stand still for longer than their leases last, on ${name}`,
          figures: {
            "processes": whole.processes,
            "tenants at each of 20 issuers": whole.tenants,
            "registrations that are kept": figures.keys,
            "registrations at the servers": figures.registrations,
            "times a process stood still": figures.pauses,
            "clients that came too late, and that their process removed": figures.removals,
            "possible orphans that are listed": figures.listed,
            "seconds": Math.round(figures.seconds)
          }
        })
      }))
  })
}
