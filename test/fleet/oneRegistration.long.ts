/** 8 processes, 500 tenants, 20 issuers: 10,000 registrations and no more; the same while processes are killed and the store is stopped. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { rotate, walk, type WalkFigures } from "../support/fleetChecks.ts"
import { postgres, redis } from "../support/fleetServers.ts"
import { serverFor } from "../support/fleetSuite.ts"
import { record } from "../support/longRun.ts"

const whole = { processes: 8, tenants: 500, issuers: 20 }

const figuresOf = ({ failures, keys, kills, listed, orphans, outages, registrations, seconds }: WalkFigures) => ({
  "processes": whole.processes,
  "tenants at each of 20 issuers": whole.tenants,
  "registrations that are kept": keys,
  "registrations at the servers": registrations,
  ...(kills > 0 ? { "processes killed at random": kills } : undefined),
  ...(outages > 0 ? { "times the store was stopped and started again": outages } : undefined),
  ...(kills + outages > 0
    ? { "clients at the servers that nobody has": orphans, "possible orphans that are listed": listed }
    : undefined),
  ...Object.fromEntries(Object.entries(failures).map(([what, times]) => [`failures of ensure: ${what}`, times])),
  "seconds": Math.round(seconds)
})

for (const [name, server] of Object.entries({ postgres, redis })) {
  describe(`a fleet on ${name}`, () => {
    const store = serverFor(server)

    it.live("10,000 registrations, asked for by 8 processes", () =>
      Effect.gen(function*() {
        const figures = yield* walk(store(), { ...whole, seed: 21, concurrency: 8 })
        assert.strictEqual(figures.registrations, 10_000)
        record({
          id: `fleet-${name}`,
          title: `8 processes that ask for 10,000 registrations, on ${name}`,
          figures: figuresOf(figures)
        })
      }))

    it.live("the same while processes are killed", () =>
      Effect.gen(function*() {
        const figures = yield* walk(store(), { ...whole, seed: 22, concurrency: 1, kills: 40, every: 3000 })
        assert.isAtMost(figures.orphans, figures.kills)
        assert.isAtLeast(figures.kills, 20, "it lasts long enough to be disturbed")
        record({
          id: `fleet-${name}-killed`,
          title: `The same while processes are killed, on ${name}`,
          figures: figuresOf(figures)
        })
      }))

    it.live("the same while the store is stopped and started again", () =>
      Effect.gen(function*() {
        const figures = yield* walk(store(), { ...whole, seed: 23, concurrency: 4, outages: 10, every: 5000 })
        assert.isAtLeast(figures.outages, 5, "it lasts long enough to be disturbed")
        record({
          id: `fleet-${name}-stopped`,
          title: `The same while the store is stopped and started again, on ${name}`,
          figures: figuresOf(figures)
        })
      }))

    it.live("a secret that is rotated reaches everybody", () =>
      Effect.gen(function*() {
        const maxAge = 2000
        const common = { processes: 8, rotations: 20 }
        const heard = yield* rotate(store(), { ...common, maxAge: 60_000, listens: true, every: 1500, seed: 24 })
        const alone = yield* rotate(store(), { ...common, maxAge, listens: false, every: maxAge + 1000, seed: 25 })
        assert.isBelow(heard.longest, 500, "as soon as they hear of it")
        // What a busy machine takes from the answer to writing down that it was used.
        assert.isBelow(alone.longest, maxAge + 200, "within the bound")
        assert.isAbove(alone.longest, maxAge / 2, "the bound is put to the test")
        record({
          id: `fleet-${name}-rotation`,
          title: `A secret that one of 8 processes rotates, on ${name}`,
          figures: {
            "rotations": heard.rotations + alone.rotations,
            "uses of a secret": heard.uses + alone.uses,
            "longest use of the old secret after the rotation, with news, in milliseconds": heard.longest,
            "the same without news, in milliseconds": alone.longest,
            "bound of age without news, in milliseconds": maxAge
          }
        })
      }))
  })
}
