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
        const figures = yield* walk(store(), { ...whole, seed: 22, concurrency: 1, kills: 40, every: 6000 })
        assert.isAtMost(figures.orphans, figures.kills)
        record({
          id: `fleet-${name}-killed`,
          title: `The same while processes are killed, on ${name}`,
          figures: figuresOf(figures)
        })
      }))

    it.live("the same while the store is stopped and started again", () =>
      Effect.gen(function*() {
        const figures = yield* walk(store(), { ...whole, seed: 23, concurrency: 4, outages: 10, every: 15_000 })
        record({
          id: `fleet-${name}-stopped`,
          title: `The same while the store is stopped and started again, on ${name}`,
          figures: figuresOf(figures)
        })
      }))

    it.live("a secret that is rotated reaches everybody", () =>
      Effect.gen(function*() {
        const told: Array<number> = []
        const aged: Array<number> = []
        let uses = 0
        const maxAge = 2000
        const rounds = 5
        for (let round = 0; round < rounds; round++) {
          const common = { processes: 8, secretLifetime: 10_000 }
          const heard = yield* rotate(store(), { ...common, maxAge: 60_000, listens: true, watchFor: 4000 })
          const alone = yield* rotate(store(), { ...common, maxAge, listens: false, watchFor: maxAge + 3000 })
          told.push(heard.longest)
          aged.push(alone.longest)
          uses += heard.uses + alone.uses
        }
        assert.isBelow(Math.max(...told), 1000)
        assert.isBelow(Math.max(...aged), maxAge + 1000)
        record({
          id: `fleet-${name}-rotation`,
          title: `A secret that one of 8 processes rotates, on ${name}`,
          figures: {
            "rotations": 2 * rounds,
            "uses of a secret": uses,
            "longest use of the old secret after the rotation, with news, in milliseconds": Math.max(...told),
            "the same without news, in milliseconds": Math.max(...aged),
            "bound of age without news, in milliseconds": maxAge
          }
        })
      }))
  })
}
