/** What 200 MB cost, how well a deadline is kept, and what arrives twice, measured often enough to be figures. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { record } from "../support/longRun.ts"
import { runSlow, slowServers } from "../support/socketDeadline.ts"
import { allowance, type Flood, floods, measure, type Measured } from "../support/socketMemory.ts"
import { runRaces } from "../support/socketRaces.ts"
import { type Transport, transports } from "../support/socketTransports.ts"

const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? assert.fail("nothing was measured")
}

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`

/** fetch and Effect's undici keep each chunk as an object until somebody reads it, which nobody can before it is there. */
const isKnownLimit = (transport: Transport, form: Flood): boolean =>
  form === floods.tinyChunks && transport.name !== "node"

describe("200 MB", () => {
  it.live.each(transports)("in every form: $name", (transport) =>
    Effect.gen(function*() {
      const runs = 5
      const forms = Object.values(floods)
      const repeated = (form?: Flood) =>
        Effect.forEach(Array.from({ length: runs }), () => measure(transport, form), { concurrency: 2 })
      const controls = yield* repeated()
      assert.isTrue(controls.every(({ outcome }) => outcome === "registered"))
      // What a program grows by, and the most that it is: of both the median, and what is above that of a short answer.
      const over = (measured: ReadonlyArray<Measured>, what: "growth" | "peak") =>
        median(measured.map((one) => one[what])) - median(controls.map((one) => one[what]))
      const figures: Record<string, string | number> = {
        "runs of each": runs,
        "a short answer: peak": megabytes(median(controls.map(({ peak }) => peak))),
        "allowed above that: the limit on an answer and 16 MB": megabytes(allowance)
      }
      for (const form of forms) {
        const measured = yield* repeated(form)
        for (const { outcome, sent } of measured) {
          assert.strictEqual(outcome, form.outcome(transport), form.what)
          assert.isBelow(sent, 40_000_000, form.what)
        }
        const above = Math.max(over(measured, "growth"), over(measured, "peak"))
        const isKnown = isKnownLimit(transport, form)
        if (!isKnown) assert.isBelow(above, allowance, form.what)
        figures[
          `${form.what}: peak above that of a short answer${isKnown ? " (a known limit of the transport)" : ""}`
        ] = megabytes(above)
      }
      record({
        id: `sockets-memory-${transport.name}`,
        title: `A server that sends 200 MB: memory of a process that registers there, over ${transport.what}`,
        figures
      })
    }))
})

describe("a deadline of two seconds", () => {
  it.live("is kept", () =>
    Effect.gen(function*() {
      const rounds = 8
      const late = new Map(transports.map(({ name }) => [name, new Array<number>()]))
      for (let round = 0; round < rounds; round++) {
        yield* Effect.forEach(
          slowServers.flatMap((slow) => transports.map((transport) => ({ slow, transport }))),
          ({ slow, transport }) =>
            Effect.map(runSlow(slow, transport, 2_000), (run) => {
              slow.expect(run.error, `${slow.what}, ${transport.name}`, transport)
              assert.strictEqual(run.posts, slow.posts)
              late.get(transport.name)?.push(run.late)
            }),
          { concurrency: "unbounded", discard: true }
        )
      }
      for (const { name, what } of transports) {
        const all = late.get(name) ?? []
        assert.lengthOf(all, rounds * slowServers.length)
        assert.isAtLeast(Math.min(...all), 0)
        assert.isAtMost(Math.max(...all), 1_000)
        record({
          id: `sockets-deadline-${name}`,
          title: `A deadline of 2 seconds and servers that take their time, over ${what}`,
          figures: {
            "registrations": all.length,
            "ways of taking time": slowServers.length,
            "at once, over all transports": slowServers.length * transports.length,
            "ended before the deadline": all.filter((millis) => millis < 0).length,
            "earliest end after the deadline": `${Math.min(...all).toFixed(2)} ms`,
            "median end after the deadline": `${median(all).toFixed(2)} ms`,
            "latest end after the deadline": `${Math.max(...all).toFixed(2)} ms`
          }
        })
      }
    }))
})

describe("connections that the server ends while they are used", () => {
  it.live.each(transports)("nothing arrives twice: $name", (transport) =>
    Effect.gen(function*() {
      const rounds = 2_000
      const { arrivedTwice, registered, registeredWithoutArriving, unknown } = yield* runRaces(transport, rounds)
      assert.strictEqual(registered + unknown, rounds)
      assert.isAtLeast(registered, rounds / 10)
      assert.strictEqual(arrivedTwice, 0)
      assert.strictEqual(registeredWithoutArriving, 0)
      record({
        id: `sockets-races-${transport.name}`,
        title: `Registrations in a race with the end of their connection, over ${transport.what}`,
        figures: {
          "registrations": rounds,
          "that succeeded": registered,
          "that ended as OutcomeUnknown": unknown,
          "that reached the server twice": arrivedTwice,
          "that succeeded, and the server knows nothing of them": registeredWithoutArriving
        }
      })
    }))
})
