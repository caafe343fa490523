/** Processes that share a store of files, many times over. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { record } from "../support/longRun.ts"
import { askAtOnce, killHolders, stopHolders } from "../support/processChecks.ts"

describe("processes that share a store of files, many times over", () => {
  it.live("ask at once, are killed, are stopped", () =>
    Effect.gen(function*() {
      const groups = 12
      for (let group = 0; group < groups; group++) yield* askAtOnce(8)
      const ttl = 700
      const lanes = 4
      const delays = (yield* Effect.forEach(
        Array.from({ length: lanes }),
        (_, lane) => killHolders(25, 11 + lane, ttl),
        { concurrency: "unbounded" }
      )).flat()
      const stops = 200
      const { noticed, taken } = yield* stopHolders(stops, 12, 100)
      assert.isAbove(noticed, 0)
      record({
        id: "registration-store-processes",
        title: "Processes of one machine that share a store of files",
        figures: {
          "groups of 8 processes that asked for the same client at once": groups,
          "registrations at the server": groups,
          "processes killed while they held the lease": delays.length,
          "lease in milliseconds": ttl,
          "longest wait of the next holder in milliseconds": Math.round(Math.max(...delays)),
          "mean wait of the next holder in milliseconds": Math.round(
            delays.reduce((sum, each) => sum + each, 0) / delays.length
          ),
          "times a process was stopped at any point": stops,
          "of them while it held the lease, which ran out": taken,
          "of them where it then tried to save and was refused": noticed,
          "entries that it overwrote": 0
        }
      })
    }))
})
