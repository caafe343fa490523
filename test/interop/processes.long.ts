/** Processes that share a store of files, many times over. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { record } from "../support/longRun.ts"
import { askAtOnce, killHolders, stopHolders } from "../support/processChecks.ts"

describe("processes that share a store of files, many times over", () => {
  it.live("ask at once, are killed, are stopped", () =>
    Effect.gen(function*() {
      const groups = 20
      for (let group = 0; group < groups; group++) yield* askAtOnce(8)
      const ttl = 700
      const kills = 100
      const { longest, mean } = yield* killHolders(kills, 11, ttl)
      assert.isBelow(longest, ttl + 500)
      const stops = 300
      const { noticed, taken } = yield* stopHolders(stops, 12, 100)
      assert.isAbove(noticed, 0)
      record({
        id: "registration-store-processes",
        title: "Processes of one machine that share a store of files",
        figures: {
          "groups of 8 processes that asked for the same client at once": groups,
          "registrations at the server": groups,
          "processes killed while they held the lease": kills,
          "lease in milliseconds": ttl,
          "longest wait of the next holder in milliseconds": Math.round(longest),
          "mean wait of the next holder in milliseconds": Math.round(mean),
          "times a process was stopped at any point": stops,
          "of them while it held the lease, which ran out": taken,
          "of them where it then tried to save and was refused": noticed,
          "entries that it overwrote": 0
        }
      })
    }))
})
