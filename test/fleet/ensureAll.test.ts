/** Many tenants provisioned at once, at issuers of which one limits its rate and one is down, by a process that is killed half-way. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { provision } from "../support/fleetChecks.ts"
import { redis } from "../support/fleetServers.ts"
import { serverFor } from "../support/fleetSuite.ts"

describe("Registrar.ensureAll in a process of its own", () => {
  const store = serverFor(redis)

  it.live("killed half-way and begun again, it registers nobody twice", () =>
    Effect.gen(function*() {
      const { limitedPosts, postponed } = yield* provision(store(), {
        tenants: 20,
        issuers: 4,
        concurrency: 8,
        rateLimit: { limit: 8, window: 3000 },
        seed: 5
      })
      assert.isAbove(postponed, 0)
      // 20 that were taken, and of each pause those that were on their way when it began.
      assert.isAtMost(limitedPosts, 20 + 2 * 8 * 4)
    }))
})
