import { type Reason, RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as RetryPolicy from "@effect-dcr/core/RetryPolicy"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Layer, Schedule } from "effect"
import { TestClock } from "effect/testing"

const transport: Reason = { _tag: "Transport", sent: false, message: "x" }

const limited = (retryAfter?: Duration.Input): Reason => ({
  _tag: "RateLimited",
  status: 429,
  ...(retryAfter === undefined ? undefined : { retryAfter: Duration.fromInputUnsafe(retryAfter) })
})

const forever = Effect.succeed(Infinity)

/** Fails with each reason in turn, the last one over and over; `undefined` is success. Notes when it was tried. */
const attempts = (...reasons: ReadonlyArray<Reason | undefined>) => {
  const times: Array<number> = []
  const effect = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    times.push(now)
    const reason = reasons[Math.min(times.length, reasons.length) - 1]
    return reason === undefined ? Effect.succeed("done") : Effect.fail(new RegistrationError({ reason }))
  })
  return { times, effect }
}

/** Runs on the test's clock until it ends, at most for an hour, and tells when that was. */
const run = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const start = yield* Clock.currentTimeMillis
    const fiber = yield* Effect.forkChild(Effect.flatMap(Effect.result(effect), (result) =>
      Effect.map(Clock.currentTimeMillis, (end) => ({ result, took: end - start }))))
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.join(fiber)
  })

const spaced = (millis: number, times = 3) =>
  RetryPolicy.layer({ schedule: Schedule.spaced(millis).pipe(Schedule.upTo({ times })) })

const unsafe: ReadonlyArray<Reason> = [
  { _tag: "OutcomeUnknown", why: "ConnectionLost", message: "x" },
  { _tag: "OutcomeUnknown", why: "Deadline", message: "x" },
  { _tag: "UnexpectedStatus", status: 500 },
  { _tag: "UnexpectedStatus", status: 503, retryAfter: Duration.seconds(1) },
  { _tag: "OAuthError", status: 500, error: "temporarily_unavailable" },
  { _tag: "RedirectRefused", status: 307 },
  { _tag: "NonceExhausted", status: 400, nonce: "n" },
  { _tag: "Unauthorized", status: 401, challenges: [] },
  { _tag: "InvalidClientMetadata", status: 400 },
  { _tag: "UnusableAnswer", status: 201, problem: "Empty", message: "x" },
  { _tag: "EndpointRefused", role: "issuer", url: "x", rule: "InsecureScheme", message: "x" },
  { _tag: "ProofFailed", message: "x" }
]

describe("what is repeated", () => {
  for (const reason of unsafe) {
    it.effect(`not ${reason._tag}, which is ambiguous or needs a change`, () =>
      Effect.gen(function*() {
        const { effect, times } = attempts(reason, undefined)
        const { result, took } = yield* run(RetryPolicy.retry(effect, forever))
        assert.strictEqual(times.length, 1)
        assert.strictEqual(took, 0)
        assert.isTrue(result._tag === "Failure" && result.failure.reason._tag === reason._tag)
      }))
  }

  for (const reason of [transport, limited(), limited("3 seconds")]) {
    it.effect(`${reason._tag}, until it succeeds`, () =>
      Effect.gen(function*() {
        const { effect, times } = attempts(reason, reason, undefined)
        const { result } = yield* run(RetryPolicy.retry(effect, forever))
        assert.strictEqual(result._tag, "Success")
        assert.strictEqual(times.length, 3)
      }))
  }

  it.effect("a safe failure, until another one comes", () =>
    Effect.gen(function*() {
      const { effect, times } = attempts(
        transport,
        { _tag: "OutcomeUnknown", why: "ConnectionLost", message: "x" },
        undefined
      )
      const { result } = yield* run(RetryPolicy.retry(effect, forever))
      assert.isTrue(result._tag === "Failure" && result.failure.reason._tag === "OutcomeUnknown")
      assert.strictEqual(times.length, 2)
    }))
})

describe("the standard policy", () => {
  it.effect("makes three more attempts, a quarter of a second apart and doubling, give or take a fifth", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      for (let i = 0; i < 50; i++) {
        const { effect, times } = attempts(transport)
        const { result } = yield* run(RetryPolicy.retry(effect, forever))
        assert.isTrue(result._tag === "Failure" && result.failure.reason._tag === "Transport")
        assert.strictEqual(times.length, 4)
        const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0))
        for (const [index, expected] of [250, 500, 1000].entries()) {
          assert.isAtLeast(pauses[index] ?? 0, expected * 0.8 - 1)
          assert.isAtMost(pauses[index] ?? 0, expected * 1.2 + 1)
        }
        seen.push(pauses[0] ?? 0)
      }
      // Not all alike: those who failed together do not come back together.
      assert.isAbove(new Set(seen).size, 5)
    }))

  it.effect("waits as long as the server says, if that is no longer than 10 seconds, and then its own pause", () =>
    Effect.gen(function*() {
      const seen = new Set<number>()
      for (let i = 0; i < 10; i++) {
        const { effect, times } = attempts(limited("10 seconds"), undefined)
        yield* run(RetryPolicy.retry(effect, forever))
        const pause = (times[1] ?? 0) - (times[0] ?? 0)
        assert.isAtLeast(pause, 10_000 + 250 * 0.8 - 1)
        assert.isAtMost(pause, 10_000 + 250 * 1.2 + 1)
        seen.add(pause)
      }
      // Those who were told the same do not come back together, and nobody earlier than that.
      assert.isAbove(seen.size, 5)
    }))

  it.effect("does not come back earlier than the server says, and gives up at once when that is too late", () =>
    Effect.gen(function*() {
      const { effect, times } = attempts(limited("10001 millis"), undefined)
      const { result, took } = yield* run(RetryPolicy.retry(effect, forever))
      assert.deepStrictEqual(times, [0])
      assert.strictEqual(took, 0)
      assert.isTrue(result._tag === "Failure")
      if (result._tag === "Failure") assert.deepStrictEqual(result.failure.retryAfter, Duration.millis(10_001))
    }))

  it.effect("gives up in the middle, too, with the last failure", () =>
    Effect.gen(function*() {
      const { effect, times } = attempts(transport, limited("1 hour"), undefined)
      const { result } = yield* run(RetryPolicy.retry(effect, forever))
      assert.strictEqual(times.length, 2)
      assert.isTrue(result._tag === "Failure" && result.failure.reason._tag === "RateLimited")
    }))

  it.effect("starts anew for each operation", () =>
    Effect.gen(function*() {
      for (let i = 0; i < 3; i++) {
        const { effect, times } = attempts(transport)
        yield* run(RetryPolicy.retry(effect, forever))
        assert.strictEqual(times.length, 4)
      }
    }))
})

describe("the time that is left", () => {
  it.effect("is not outlasted by a pause", () =>
    Effect.gen(function*() {
      const { effect, times } = attempts(transport)
      const remaining = Effect.map(Clock.currentTimeMillis, (now) => 250 - now)
      const { took } = yield* run(RetryPolicy.retry(effect, remaining).pipe(Effect.provide(spaced(100))))
      // A third pause would end at 300.
      assert.deepStrictEqual(times, [0, 100, 200])
      assert.strictEqual(took, 200)
    }))

  it.effect("is not outlasted by a Retry-After", () =>
    Effect.gen(function*() {
      const { effect, times } = attempts(limited("5 seconds"), undefined)
      const { result, took } = yield* run(
        RetryPolicy.retry(effect, Effect.succeed(5_000)).pipe(Effect.provide(spaced(10)))
      )
      assert.deepStrictEqual(times, [0])
      assert.strictEqual(took, 0)
      assert.isTrue(result._tag === "Failure" && result.failure.retryAfter !== undefined)
      const { effect: other, times: later } = attempts(limited("5 seconds"), undefined)
      yield* run(RetryPolicy.retry(other, Effect.succeed(5_011)).pipe(Effect.provide(spaced(10))))
      assert.strictEqual(later.length, 2)
    }))
})

describe("other policies", () => {
  it.effect("none at all", () =>
    Effect.gen(function*() {
      for (const layer of [RetryPolicy.layerNone, RetryPolicy.layer(RetryPolicy.none)]) {
        for (const reason of [transport, limited(), limited(0), limited("1 second")]) {
          const { effect, times } = attempts(reason, undefined)
          const { took } = yield* run(RetryPolicy.retry(effect, forever).pipe(Effect.provide(layer)))
          assert.strictEqual(times.length, 1)
          assert.strictEqual(took, 0)
        }
      }
    }))

  it.effect("any schedule; what is left out stays as in the standard one", () =>
    Effect.gen(function*() {
      const { effect, times } = attempts(transport, transport, limited("10 seconds"), limited("11 seconds"))
      yield* run(RetryPolicy.retry(effect, forever).pipe(Effect.provide(spaced(7, 10))))
      assert.deepStrictEqual(times, [0, 7, 14, 10_021])
    }))

  it.effect("a schedule that sees the failures", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const schedule = Schedule.spaced("1 second").pipe(
        Schedule.setInputType<RegistrationError>(),
        Schedule.while(({ input }) =>
          Effect.sync(() => {
            seen.push(input.reason._tag)
            return input.reason._tag === "RateLimited"
          })
        )
      )
      const { effect, times } = attempts(limited(), transport, undefined)
      yield* run(RetryPolicy.retry(effect, forever).pipe(Effect.provide(RetryPolicy.layer({ schedule }))))
      assert.deepStrictEqual(seen, ["RateLimited", "Transport"])
      assert.deepStrictEqual(times, [0, 1000])
    }))

  it.effect("another cap; a longer one, too", () =>
    Effect.gen(function*() {
      const within = attempts(limited("30 minutes"), undefined)
      yield* run(
        RetryPolicy.retry(within.effect, forever).pipe(
          Effect.provide(RetryPolicy.layer({ schedule: Schedule.spaced("1 second"), maxRetryAfter: "30 minutes" }))
        )
      )
      assert.deepStrictEqual(within.times, [0, 1_801_000])
      const beyond = attempts(limited("2 seconds"), undefined)
      yield* run(
        RetryPolicy.retry(beyond.effect, forever).pipe(
          Effect.provide(RetryPolicy.layer({ maxRetryAfter: "1 second" }))
        )
      )
      assert.strictEqual(beyond.times.length, 1)
    }))

  it.effect("a pause longer than the Retry-After is kept, behind it", () =>
    Effect.gen(function*() {
      const { effect, times } = attempts(limited("1 second"), undefined)
      yield* run(RetryPolicy.retry(effect, forever).pipe(Effect.provide(spaced(4_000))))
      assert.deepStrictEqual(times, [0, 5_000])
    }))

  it.effect("a policy is the operation's own, wherever it is provided", () =>
    Effect.gen(function*() {
      const { effect, times } = attempts(transport)
      yield* run(
        RetryPolicy.retry(effect, forever).pipe(
          Effect.provideService(RetryPolicy.RetryPolicy, { ...RetryPolicy.standard, schedule: Schedule.recurs(1) }),
          Effect.provide(Layer.mergeAll(spaced(1)))
        )
      )
      assert.strictEqual(times.length, 2)
    }))
})

describe("interruption", () => {
  it.effect("ends a pause", () =>
    Effect.gen(function*() {
      const { effect, times } = attempts(limited("5 seconds"), undefined)
      const fiber = yield* Effect.forkChild(RetryPolicy.retry(effect, forever))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(times.length, 1)
    }))
})
