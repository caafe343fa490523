/** Many processes, many tenants, many issuers: one registration each, whoever is killed and whatever is away. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { walk } from "../support/fleetChecks.ts"
import { postgres, redis } from "../support/fleetServers.ts"
import { serverFor } from "../support/fleetSuite.ts"

const kinds = { postgres, redis }

for (const [name, server] of Object.entries(kinds)) {
  describe(`a fleet on ${name}`, () => {
    const store = serverFor(server)

    it.live("registers each tenant once at each issuer", () =>
      Effect.gen(function*() {
        const { registrations } = yield* walk(store(), {
          processes: 4,
          tenants: 8,
          issuers: 5,
          seed: 1,
          concurrency: 4
        })
        assert.strictEqual(registrations, 40)
      }))

    it.live("while processes are killed: at most one orphan for each, and each is listed", () =>
      Effect.gen(function*() {
        const { kills } = yield* walk(store(), {
          processes: 3,
          tenants: 10,
          issuers: 5,
          seed: 2,
          concurrency: 1,
          kills: 3
        })
        assert.isAbove(kills, 0)
      }))

    it.live("while processes stand still for longer than their leases last", () =>
      Effect.gen(function*() {
        const { orphans, pauses } = yield* walk(store(), {
          processes: 3,
          tenants: 20,
          issuers: 5,
          seed: 4,
          concurrency: 4,
          pauses: 3,
          every: 200
        })
        assert.isAbove(pauses, 0)
        assert.strictEqual(orphans, 0)
      }))

    it.live("while the store is stopped and started again: the failures say so, and nothing is lost", () =>
      Effect.gen(function*() {
        const { outages } = yield* walk(store(), {
          processes: 3,
          tenants: 10,
          issuers: 5,
          seed: 3,
          concurrency: 2,
          outages: 2
        })
        assert.isAbove(outages, 0)
      }))
  })
}
