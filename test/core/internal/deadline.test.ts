import { assert, describe, it } from "@effect/vitest"
import { Clock, type Context, Deferred, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { within } from "../../../packages/core/src/internal/deadline.ts"

/** Five seconds for an effect. */
const inTime = <E>(effect: Effect.Effect<string, E>, late: Effect.Effect<string, E> = Effect.succeed("late")) =>
  Effect.contextWith((context: Context.Context<never>) => within(effect, context, 5000, { late: () => late }))

/** The clock in force, that sleeps otherwise. */
const sleepingBy = (clock: Clock.Clock, sleep: Clock.Clock["sleep"]): Clock.Clock =>
  new Proxy(clock, {
    get: (target, name): unknown => name === "sleep" ? sleep : Reflect.get(target, name)
  })

describe("within", () => {
  it.effect("gives what comes in time, and fails as it fails", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* inTime(Effect.succeed("at once")), "at once")
      assert.strictEqual(yield* Effect.flip(inTime(Effect.fail("refused"))), "refused")
      const slow = yield* Effect.forkChild(inTime(Effect.as(Effect.sleep("4 seconds"), "slow")))
      const broken = yield* Effect.forkChild(inTime(Effect.andThen(Effect.sleep("4 seconds"), Effect.fail("broken"))))
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(yield* Fiber.join(slow), "slow")
      assert.strictEqual(yield* Effect.flip(Fiber.join(broken)), "broken")
    }))

  it.effect("interrupts what takes longer, and waits until that has ended", () =>
    Effect.gen(function*() {
      const order: Array<string> = []
      const cleanUp = Effect.andThen(Effect.sleep("1 second"), Effect.sync(() => order.push("cleaned up")))
      const late = Effect.sync(() => {
        order.push("late")
        return "late"
      })
      const fiber = yield* Effect.forkChild(inTime(Effect.onInterrupt(Effect.never, () => cleanUp), late))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(order, [])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "late")
      assert.deepStrictEqual(order, ["cleaned up", "late"])
    }))

  it.effect("interrupts the effect with whoever waits for it, and waits until that has ended", () =>
    Effect.gen(function*() {
      const cleaned = yield* Deferred.make<void>()
      const cleanUp = Effect.andThen(Effect.sleep("1 second"), Deferred.succeed(cleaned, undefined))
      const fiber = yield* Effect.forkChild(inTime(Effect.onInterrupt(Effect.never, () => cleanUp)))
      yield* TestClock.adjust("1 second")
      const interruption = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* TestClock.adjust("999 millis")
      assert.isUndefined(interruption.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(interruption)
      assert.isTrue(yield* Deferred.isDone(cleaned))
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
    }))

  it.effect("dies at once with what is no effect, sooner or later", () =>
    Effect.gen(function*() {
      // @ts-expect-error a client in JavaScript, or an async function, may return anything
      const noEffect: Effect.Effect<string> = Promise.resolve("no effect")
      assert.isTrue(Exit.hasDies(yield* Effect.exit(inTime(noEffect))))
      const later = yield* Effect.forkChild(inTime(Effect.andThen(Effect.sleep("1 second"), () => noEffect)))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.hasDies(yield* Fiber.await(later)))
    }))

  it.effect("leaves no timer behind, and dies with a clock that does", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const sleeping = new Set<symbol>()
      const counting = sleepingBy(clock, (duration) =>
        Effect.suspend(() => {
          const mark = Symbol("a sleeper")
          sleeping.add(mark)
          return Effect.ensuring(clock.sleep(duration), Effect.sync(() => sleeping.delete(mark)))
        }))
      const answer = yield* Deferred.make<string>()
      const fiber = yield* Effect.forkChild(
        Effect.provideService(inTime(Deferred.await(answer)), Clock.Clock, counting)
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual(sleeping.size, 1)
      yield* Deferred.succeed(answer, "in time")
      assert.strictEqual(yield* Fiber.join(fiber), "in time")
      assert.strictEqual(sleeping.size, 0)

      const broken = sleepingBy(clock, () => Effect.die("no clock"))
      const exit = yield* Effect.exit(Effect.provideService(inTime(Effect.never), Clock.Clock, broken))
      assert.isTrue(Exit.hasDies(exit))
    }))
})
