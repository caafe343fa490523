/** A secret that one process rotates, and when the others use it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { rotate } from "../support/fleetChecks.ts"
import { postgres, redis } from "../support/fleetServers.ts"
import { serverFor } from "../support/fleetSuite.ts"

const kinds = { postgres, redis }

/** What a busy machine may take to be told, to ask and to write down. In milliseconds. */
const slack = 1000

/** Most of the time of each is waited. */
const together = { concurrent: true }

for (const [name, server] of Object.entries(kinds)) {
  describe(`a secret that is rotated, on ${name}`, () => {
    const store = serverFor(server)

    it.live("is used by all others at once when they hear of it", () =>
      Effect.gen(function*() {
        // The bound is far away: it is the news that does it.
        const { longest } = yield* rotate(store(), {
          processes: 3,
          maxAge: 60_000,
          listens: true,
          rotations: 2,
          every: 2 * slack,
          seed: 41
        })
        assert.isBelow(longest, slack)
      }), together)

    it.live("is used by all others within the bound of age when they do not", () =>
      Effect.gen(function*() {
        const maxAge = 1500
        const { longest } = yield* rotate(store(), {
          processes: 3,
          maxAge,
          listens: false,
          rotations: 2,
          every: maxAge + 2 * slack,
          seed: 42
        })
        assert.isBelow(longest, maxAge + slack)
        // Who was never late would have heard of it.
        assert.isAbove(longest, 0)
      }), together)
  })
}
