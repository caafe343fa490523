/** Deadlines by the timers of Node. */
import { deadlineTimer, sleeping } from "@effect-dcr/core/DeadlineTimer"
import { NodeRegistration } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { within } from "../../packages/core/src/internal/deadline.ts"

/** How many timers of Node there are. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length

const limited = <A>(effect: Effect.Effect<A>, deadline: number) =>
  Effect.contextWith((context: Context.Context<never>) =>
    within(Effect.as(effect, "in time"), context, deadline, { late: () => Effect.succeed("late") })
  )

/** Waits, and has no timer that keeps the process alive. */
const waiting = Effect.callback<never>(() => {})

const layers = [
  { what: "layer", layer: NodeRegistration.layer },
  { what: "layerDpop", layer: NodeRegistration.layerDpop() },
  { what: "layerOptions", layer: NodeRegistration.layerOptions({}) },
  { what: "layerConfig", layer: NodeRegistration.layerConfig({}) }
]

describe("the timer of NodeRegistration", () => {
  it.live("rings when it is time, and is gone when it is not needed any more", () =>
    Effect.gen(function*() {
      const before = timers()
      assert.strictEqual(yield* limited(waiting, 20), "late")
      assert.strictEqual(yield* limited(Effect.yieldNow, 60_000), "in time")
      assert.strictEqual(timers(), before)
      const fiber = yield* Effect.forkChild(limited(waiting, 60_000), { startImmediately: true })
      assert.strictEqual(timers(), before + 1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(timers(), before)
    }).pipe(Effect.provide(NodeRegistration.layer)))

  it.live("does not ring early when it is asked for more time than Node has timers for", () =>
    Effect.gen(function*() {
      const before = timers()
      assert.strictEqual(yield* limited(Effect.sleep(20), 2 ** 31), "in time")
      // in the callback of a timer, that one is still there
      yield* Effect.yieldNow
      assert.strictEqual(timers(), before)
    }).pipe(Effect.provide(NodeRegistration.layer)))

  it.live.each([0, -5])("is over at once when there is no time: %i", (deadline) =>
    Effect.gen(function*() {
      const before = timers()
      const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
      const working = Effect.forEach([1, 2, 3], () => turn)
      assert.strictEqual(yield* limited(working, deadline), "late")
      assert.strictEqual(timers(), before)
    }).pipe(Effect.provide(NodeRegistration.layer)))

  it.effect.each(layers)("goes by the clock in force: $what", ({ layer }) =>
    Effect.gen(function*() {
      const before = timers()
      const fiber = yield* Effect.forkChild(limited(waiting, 5000), { startImmediately: true })
      assert.strictEqual(timers(), before)
      yield* TestClock.adjust(4999)
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
