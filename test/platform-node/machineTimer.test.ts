/** Deadlines by the timers of Node. */
import { deadlineTimer, sleeping } from "@effect-dcr/core/DeadlineTimer"
import { NodeRegistration } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { vi } from "vitest"
import { within } from "../../packages/core/src/internal/deadline.ts"

/** Watches the timers of Node: says how many of so many milliseconds were started, and how many of those were stopped. */
const watched = Effect.acquireRelease(
  Effect.sync(() => ({ set: vi.spyOn(globalThis, "setTimeout"), clear: vi.spyOn(globalThis, "clearTimeout") })),
  ({ clear, set }) =>
    Effect.sync(() => {
      set.mockRestore()
      clear.mockRestore()
    })
).pipe(Effect.map(({ clear, set }) => (milliseconds: number) => {
  const own = set.mock.results.filter((_, index) => set.mock.calls[index]?.[1] === milliseconds)
  const cleared = new Set<unknown>(clear.mock.calls.map(([timer]) => timer))
  return { started: own.length, stopped: own.filter(({ value }) => cleared.has(value)).length }
}))

const limited = <A>(effect: Effect.Effect<A>, deadline: number) =>
  Effect.contextWith((context: Context.Context<never>) =>
    within(Effect.as(effect, "in time"), context, deadline, { late: () => Effect.succeed("late") })
  )

const waiting = Effect.callback<never>(() => {})

const layers = [
  { what: "layer", layer: NodeRegistration.layer },
  { what: "layerDpop", layer: NodeRegistration.layerDpop() },
  { what: "layerOptions", layer: NodeRegistration.layerOptions({}) },
  { what: "layerConfig", layer: NodeRegistration.layerConfig({}) }
]

describe("the timer of NodeRegistration", () => {
  it.live("rings when it is time, and is stopped when it is not needed any more", () =>
    Effect.gen(function*() {
      const timers = yield* watched
      assert.strictEqual(yield* limited(waiting, 21), "late")
      assert.strictEqual(timers(21).started, 1)
      assert.strictEqual(yield* limited(Effect.yieldNow, 60_001), "in time")
      assert.deepStrictEqual(timers(60_001), { started: 1, stopped: 1 })
      const fiber = yield* Effect.forkChild(limited(waiting, 60_002), { startImmediately: true })
      assert.deepStrictEqual(timers(60_002), { started: 1, stopped: 0 })
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(timers(60_002), { started: 1, stopped: 1 })
    }).pipe(Effect.provide(NodeRegistration.layer)))

  it.live("does not ring early when it is asked for more time than Node has timers for", () =>
    Effect.gen(function*() {
      const timers = yield* watched
      assert.strictEqual(yield* limited(Effect.sleep(20), 2 ** 31), "in time")
      assert.deepStrictEqual(timers(2 ** 31), { started: 0, stopped: 0 })
    }).pipe(Effect.provide(NodeRegistration.layer)))

  it.live.each([0, -5])("is over at once when there is no time: %i", (deadline) =>
    Effect.gen(function*() {
      const timers = yield* watched
      const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
      const working = Effect.forEach([1, 2, 3], () => turn)
      assert.strictEqual(yield* limited(working, deadline), "late")
      assert.strictEqual(timers(deadline).started, 0)
    }).pipe(Effect.provide(NodeRegistration.layer)))

  it.effect.each(layers)("goes by the clock in force: $what", ({ layer }) =>
    Effect.gen(function*() {
      const timers = yield* watched
      const fiber = yield* Effect.forkChild(limited(waiting, 5003), { startImmediately: true })
      assert.strictEqual(timers(5003).started, 0)
      yield* TestClock.adjust(5002)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Fiber.join(fiber), "late")
    }).pipe(Effect.provide(layer)))

  it.effect.each(layers)("is in force: $what", ({ layer }) =>
    Effect.gen(function*() {
      const timer = Context.get(yield* Effect.context<never>(), deadlineTimer)
      assert.notStrictEqual(timer, sleeping)
    }).pipe(Effect.provide(layer)))
})
