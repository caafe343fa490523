import { RegistrationError, RegistrationStore } from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Duration, Effect, Fiber, Layer, Option, Stream } from "effect"
import { KeyValueStore } from "effect/persistence"
import { TestClock } from "effect/testing"
import { failsWith } from "../support/failure.ts"
import { registrationStoreContract } from "../support/registrationStoreContract.ts"

registrationStoreContract(
  "memory",
  Effect.map(RegistrationStore.makeMemory, (store) => ({ open: Effect.succeed(store) })),
  { reach: "process" }
)

registrationStoreContract(
  "KeyValueStore",
  RegistrationStore.makeKeyValueStore.pipe(
    Effect.map((store) => ({ open: Effect.succeed(store) })),
    Effect.provide(Layer.fresh(KeyValueStore.layerMemory))
  ),
  { reach: "process" }
)

const key: RegistrationStore.Key = { issuer: "https://op.example.com", profile: "tenant 1" }

const inKeyValueStore = <A, E>(
  use: (kv: KeyValueStore.KeyValueStore, store: RegistrationStore.RegistrationStore["Service"]) => Effect.Effect<A, E>
) =>
  Effect.gen(function*() {
    const kv = yield* KeyValueStore.KeyValueStore
    return yield* use(kv, yield* RegistrationStore.makeKeyValueStore)
  }).pipe(Effect.provide(Layer.fresh(KeyValueStore.layerMemory)))

const acquire = (store: RegistrationStore.RegistrationStore["Service"], of = key) =>
  Effect.flatMap(store.acquire(of, Duration.minutes(1)), Effect.fromOption)

describe("a store in a KeyValueStore", () => {
  it.effect("is there for the next one who opens it", () =>
    inKeyValueStore((kv, store) =>
      Effect.gen(function*() {
        const version = yield* store.save(yield* acquire(store), "value", 0)
        yield* store.postpone(key.issuer, 5000)
        const later = yield* RegistrationStore.makeKeyValueStore.pipe(
          Effect.provideService(KeyValueStore.KeyValueStore, kv)
        )
        assert.deepStrictEqual(yield* later.load(key), Option.some({ version, value: "value" }))
        assert.strictEqual(yield* later.notBefore(key.issuer), 5000)
        assert.deepStrictEqual(yield* Stream.runCollect(later.keys), [key])
      })
    ))

  it.effect("leaves what others keep there alone, and does not list it", () =>
    inKeyValueStore((kv, store) =>
      Effect.gen(function*() {
        for (const name of ["theirs", "registration:no-space", "registration:a b c", "registration:% %"]) {
          yield* kv.set(name, "theirs")
        }
        yield* store.save(yield* acquire(store), "value", 0)
        assert.deepStrictEqual(yield* Stream.runCollect(store.keys), [key])
        assert.strictEqual(yield* kv.get("theirs"), "theirs")
      })
    ))

  it.effect("sets garbage aside, says so once, and deletes nothing", () =>
    inKeyValueStore((kv, store) =>
      Effect.gen(function*() {
        for (
          const garbage of ["canary", "{\"version\":\"1\",\"value\":\"canary\"}", "{\"version\":1.5,\"value\":\"\"}"]
        ) {
          yield* kv.set(`registration:${RegistrationStore.encodeKey(key)}`, garbage)
          const { error, reason } = yield* store.load(key).pipe(failsWith("StoreFailed"))
          assert.strictEqual(reason.problem, "Corrupted")
          assert.notInclude(JSON.stringify(error), "canary")
          assert.deepStrictEqual(yield* store.load(key), Option.none())
          assert.deepStrictEqual(yield* Stream.runCollect(store.keys), [])
          const names = (yield* kv.keys).filter((name) => name.startsWith("set-aside:"))
          assert.include(yield* Effect.forEach(names, (name) => kv.get(name)), garbage)
          yield* TestClock.adjust("1 second")
        }
        yield* kv.set(`postponed:${key.issuer}`, "garbage")
        assert.strictEqual(yield* store.notBefore(key.issuer), 0)
        yield* store.save(yield* acquire(store), "value", 0)
      })
    ))

  it.effect("fails, typed, when the store underneath does, and shows nothing of it", () =>
    Effect.gen(function*() {
      const failing = () =>
        Effect.fail(new KeyValueStore.KeyValueStoreError({ method: "any", key: "canary", message: "canary" }))
      const store = yield* RegistrationStore.makeKeyValueStore.pipe(
        Effect.provideService(
          KeyValueStore.KeyValueStore,
          KeyValueStore.makeStringOnly({
            get: failing,
            set: failing,
            remove: failing,
            clear: failing(),
            size: failing(),
            keys: failing()
          })
        )
      )
      const lease = yield* acquire(store)
      for (
        const [operation, effect] of [
          ["load", store.load(key)],
          ["load", store.save(lease, "value", 0)],
          ["load", store.remove(lease, 0)],
          ["list", Stream.runCollect(store.keys)],
          ["load", store.notBefore(key.issuer)],
          ["save", store.postpone(key.issuer, 1)]
        ] as const
      ) {
        const { error, reason } = yield* Effect.asVoid<unknown, RegistrationError.RegistrationError, never>(effect)
          .pipe(
            failsWith("StoreFailed")
          )
        assert.strictEqual(reason.problem, "Unavailable")
        assert.strictEqual(reason.operation, operation)
        assert.notInclude(`${error.message}${JSON.stringify(error)}`, "canary")
      }
    }))
})

describe("withLease", () => {
  it.effect("asks more and more rarely, and soon enough for a short lease", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      const asked: Array<number> = []
      const store = {
        ...memory,
        acquire: (of: RegistrationStore.Key, ttl: Duration.Duration) =>
          Effect.andThen(
            Effect.map(Clock.currentTimeMillis, (now) => {
              asked.push(now)
            }),
            memory.acquire(of, ttl)
          )
      }
      yield* memory.acquire(key, Duration.seconds(3))
      const fiber = yield* Effect.forkChild(
        RegistrationStore.withLease(store, key, { ttl: "1 second" }, () => Effect.void)
      )
      yield* TestClock.adjust("4 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(asked.slice(0, 7), [0, 10, 30, 70, 150, 250, 350])
      assert.strictEqual(asked.at(-1), 3050)
    }))

  it.effect("a lease that came in the moment of interruption is given back", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      const acquired = yield* Deferred.make<void>()
      const store = {
        ...memory,
        acquire: (of: RegistrationStore.Key, ttl: Duration.Duration) =>
          Effect.tap(memory.acquire(of, ttl), () =>
            // As a store that has it, and takes a moment to say so.
            Effect.andThen(Deferred.succeed(acquired, undefined), Effect.sleep("1 second")))
      }
      const fiber = yield* Effect.forkChild(
        RegistrationStore.withLease(store, key, { ttl: "1 minute" }, () => Effect.void)
      )
      yield* Deferred.await(acquired)
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(interrupting)
      assert.isTrue(Option.isSome(yield* memory.acquire(key, Duration.minutes(1))))
    }))

  it.effect("a lost lease does not interrupt the effect, a store that fails to renew does not lose it", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      let renewals = 0
      const store = {
        ...memory,
        renew: (lease: RegistrationStore.Lease, ttl: Duration.Duration) =>
          Effect.suspend(() => ++renewals < 3 ? Effect.fail(unavailable) : memory.renew(lease, ttl))
      }
      const fiber = yield* Effect.forkChild(
        RegistrationStore.withLease(
          store,
          key,
          { ttl: "40 seconds" },
          (lease) => Effect.andThen(Effect.sleep("100 seconds"), store.save(lease, "value", 0))
        )
      )
      yield* TestClock.adjust("39 seconds")
      yield* TestClock.adjust("2 seconds")
      yield* TestClock.adjust("14 seconds")
      assert.isTrue(Option.isNone(yield* memory.acquire(key, Duration.minutes(10))))
      yield* TestClock.adjust("60 seconds")
      yield* Fiber.join(fiber)

      const robbed = yield* Effect.forkChild(
        RegistrationStore.withLease(
          { ...memory, renew: () => Effect.succeed(false) },
          key,
          { ttl: "1 second" },
          (lease) => Effect.andThen(Effect.sleep("10 seconds"), store.save(lease, "stale", 1))
        )
      )
      yield* TestClock.adjust("2 seconds")
      const taken = yield* Effect.flatMap(memory.acquire(key, Duration.minutes(10)), Effect.fromOption)
      yield* TestClock.adjust("10 seconds")
      const { reason } = yield* Fiber.join(robbed).pipe(failsWith("StoreFailed"))
      assert.strictEqual(reason.problem, "LeaseLost")
      // The end of the one who lost it does not give away that of the next.
      assert.isTrue(yield* memory.renew(taken, Duration.minutes(1)))
      assert.isTrue(Option.isNone(yield* memory.acquire(key, Duration.minutes(10))))
    }))
})

describe("names of keys", () => {
  it("are one per key, and say which", () => {
    const keys = ["", " ", "a b", "a%20b", "a+b", "é", "/", "\u0000", "🔑"].flatMap((part) => [
      { issuer: part, profile: "x" },
      { issuer: "x", profile: part },
      { issuer: part, profile: part }
    ])
    const names = keys.map(RegistrationStore.encodeKey)
    assert.deepStrictEqual(names.flatMap(RegistrationStore.decodeKey), keys)
    for (const name of names) {
      assert.match(name, /^[\x21-\x7e]* [\x21-\x7e]*$/)
    }
    assert.strictEqual(new Set(names).size, new Set(keys.map((each) => JSON.stringify(each))).size)
  })

  it("that are none are none", () => {
    for (const name of ["", "a", "a b c", "% %", "%ff a"]) assert.deepStrictEqual(RegistrationStore.decodeKey(name), [])
  })
})

const unavailable = new RegistrationError.RegistrationError({
  reason: { _tag: "StoreFailed", operation: "lease", problem: "Unavailable", message: "The store failed" }
})
