import { RegistrationEncryption, type RegistrationError, RegistrationStore } from "@effect-dcr/core"
import * as CachedRegistrationStore from "@effect-dcr/core/CachedRegistrationStore"
import { type Change, RegistrationChanges } from "@effect-dcr/core/RegistrationChanges"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Deferred, Duration, Effect, Fiber, Layer, Option, Queue, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import { failsWith } from "../support/failure.ts"
import { storeFailed } from "../support/registrars.ts"
import { registrationStoreContract } from "../support/registrationStoreContract.ts"
import { unchecked } from "../support/unchecked.ts"

type Store = RegistrationStore.RegistrationStore["Service"]

registrationStoreContract(
  "memory, with copies in front",
  Effect.gen(function*() {
    const store = yield* RegistrationStore.makeMemory
    const cached = Effect.orDie(CachedRegistrationStore.make({ maxAge: "1 hour" }))
    return { open: Effect.provideService(cached, RegistrationStore.RegistrationStore, store) }
  }),
  { reach: "process" }
)

const keyOf = (tenant: number): RegistrationStore.Key => ({
  issuer: "https://op.example.com",
  profile: `tenant-${tenant}`
})
const key = keyOf(1)

/** A store whose loads are counted, a cache on it, and the news that it hears. */
const makeWorld = (
  options: CachedRegistrationStore.Options = {},
  on: (store: Store) => Partial<Store> = () => ({}),
  otherNews?: Stream.Stream<Change, RegistrationError.RegistrationError>
) =>
  Effect.gen(function*() {
    const memory = yield* RegistrationStore.makeMemory
    let loads = 0
    const store: Store = { ...memory, ...on(memory) }
    const news = yield* Queue.unbounded<Change, RegistrationError.RegistrationError>()
    const cached = yield* CachedRegistrationStore.make(options).pipe(
      Effect.provideService(RegistrationStore.RegistrationStore, {
        ...store,
        load: (key) =>
          Effect.suspend(() => {
            loads++
            return store.load(key)
          })
      }),
      Effect.provideService(RegistrationChanges, otherNews ?? Stream.fromQueue(news))
    )
    yield* TestClock.adjust(0)
    /** Changes the entry behind the back of the cache, as another machine does. */
    const write = (value: string, of = key) =>
      RegistrationStore.withLease(
        memory,
        of,
        { ttl: "1 minute" },
        (lease) =>
          Effect.flatMap(
            memory.load(of),
            (entry) =>
              memory.save(lease, value, Option.match(entry, { onNone: () => 0, onSome: ({ version }) => version }))
          )
      )
    const tell = (change: Change) => Effect.andThen(Queue.offer(news, change), TestClock.adjust(0))
    const valueOf = (of = key) => Effect.map(cached.load(of), (entry) => Option.getOrUndefined(entry)?.value)
    return { cached, memory, write, tell, news, valueOf, loads: () => loads }
  })

describe("copies of a store", () => {
  it.effect("asks the store once, and again when the copy is as old as it may be", () =>
    Effect.gen(function*() {
      const { loads, valueOf, write } = yield* makeWorld({ maxAge: "2 seconds" })
      yield* write("old")
      assert.strictEqual(yield* valueOf(), "old")
      yield* write("new")
      yield* TestClock.adjust("1999 millis")
      assert.strictEqual(yield* valueOf(), "old")
      assert.strictEqual(loads(), 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* valueOf(), "new")
      assert.strictEqual(loads(), 2)
    }))

  it.effect("counts the age from before the store was asked", () =>
    Effect.gen(function*() {
      const { valueOf, write } = yield* makeWorld({ maxAge: "2 seconds" }, (store) => ({
        load: (key) => Effect.tap(store.load(key), () => Effect.sleep("1500 millis"))
      }))
      yield* write("old")
      const first = yield* Effect.forkChild(valueOf(), { startImmediately: true })
      yield* TestClock.adjust("1500 millis")
      assert.strictEqual(yield* Fiber.join(first), "old")
      yield* write("new")
      yield* TestClock.adjust("500 millis")
      const second = yield* Effect.forkChild(valueOf(), { startImmediately: true })
      yield* TestClock.adjust("1500 millis")
      assert.strictEqual(yield* Fiber.join(second), "new")
    }))

  it.effect("is not younger for a clock that jumps", () =>
    Effect.gen(function*() {
      const { valueOf, write } = yield* makeWorld({ maxAge: "2 seconds" })
      yield* TestClock.setTime(1_800_000_000_000)
      yield* write("old")
      assert.strictEqual(yield* valueOf(), "old")
      yield* write("new")
      yield* TestClock.setTime(1_700_000_000_000)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* valueOf(), "new")
    }))

  it.effect("is as old as the time says that passed while the machine was suspended", () =>
    Effect.gen(function*() {
      // A suspended machine's clock that does not jump stood still.
      const { valueOf, write } = yield* makeWorld({ maxAge: "2 seconds" })
      const clock = yield* Clock.Clock
      let suspended = 0
      const waking = unchecked<Clock.Clock>(Object.setPrototypeOf({
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + suspended
      }, clock))
      const here = Effect.provideService(Clock.Clock, waking)
      yield* write("old")
      assert.strictEqual(yield* here(valueOf()), "old")
      yield* write("new")
      suspended = 1999
      assert.strictEqual(yield* here(valueOf()), "old")
      suspended = 2000
      assert.strictEqual(yield* here(valueOf()), "new")
    }))

  it.effect("does not remember that there was nothing, nor a failure", () =>
    Effect.gen(function*() {
      let isAway = true
      const { valueOf, write } = yield* makeWorld({}, (store) => ({
        load: (key) => isAway ? Effect.fail(storeFailed("Unavailable")) : store.load(key)
      }))
      yield* valueOf().pipe(failsWith("StoreFailed"))
      isAway = false
      assert.isUndefined(yield* valueOf())
      yield* write("value")
      assert.strictEqual(yield* valueOf(), "value")
    }))

  it.effect("drops what is said to have changed, and nothing else", () =>
    Effect.gen(function*() {
      const { loads, tell, valueOf, write } = yield* makeWorld({ maxAge: "1 hour" })
      yield* write("old")
      yield* write("other", keyOf(2))
      yield* valueOf()
      yield* valueOf(keyOf(2))
      yield* write("new")
      yield* tell(key)
      assert.strictEqual(yield* valueOf(), "new")
      assert.strictEqual(yield* valueOf(keyOf(2)), "other")
      assert.strictEqual(loads(), 3)
      yield* tell("all")
      yield* valueOf()
      yield* valueOf(keyOf(2))
      assert.strictEqual(loads(), 5)
    }))

  it.effect("does not keep, nor hand on, what was read before the news of its change", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      let isSlow = true
      const { loads, tell, valueOf, write } = yield* makeWorld({ maxAge: "1 hour" }, (store) => ({
        load: (key) => Effect.tap(store.load(key), () => isSlow ? Deferred.await(gate) : Effect.void)
      }))
      yield* write("old")
      const early = yield* Effect.forkChild(valueOf(), { startImmediately: true })
      yield* TestClock.adjust(0)
      yield* write("new")
      yield* tell(key)
      isSlow = false
      assert.strictEqual(yield* valueOf(), "new")
      yield* Deferred.succeed(gate, undefined)
      // It asked before there was anything new.
      assert.strictEqual(yield* Fiber.join(early), "old")
      assert.strictEqual(yield* valueOf(), "new")
      assert.strictEqual(loads(), 2)
    }))

  const ends: Readonly<Record<string, Stream.Stream<never, RegistrationError.RegistrationError>>> = {
    fail: Stream.fail(storeFailed("Unavailable")),
    end: Stream.empty,
    // A driver that closes a connection interrupts who listens on it, or has a bug.
    "are interrupted": Stream.fromEffect(Effect.interrupt),
    "die of a defect": Stream.die(new Error("a bug of a driver"))
  }
  for (const [how, end] of Object.entries(ends)) {
    it.effect(`drops all when the news ${how}, and hears them again`, () =>
      Effect.gen(function*() {
        let heard = 0
        const later = yield* Queue.unbounded<Change>()
        const news = Stream.suspend(() =>
          ++heard === 1
            ? Stream.concat(Stream.fromEffectDrain(Effect.sleep("5 seconds")), end)
            : Stream.fromQueue(later)
        )
        const { valueOf, write } = yield* makeWorld({ maxAge: "1 hour" }, undefined, news)
        yield* write("1")
        assert.strictEqual(yield* valueOf(), "1")
        yield* write("2")
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(yield* valueOf(), "2")
        yield* TestClock.adjust("1 seconds")
        assert.strictEqual(heard, 2)
        yield* write("3")
        yield* Queue.offer(later, key)
        yield* TestClock.adjust(0)
        assert.strictEqual(yield* valueOf(), "3")
      }))
  }

  it.effect("does not serve a secret past its expiry", () =>
    Effect.gen(function*() {
      const { loads, valueOf, write } = yield* makeWorld({ maxAge: "1 hour" })
      const record = (secret: string, expiry: number) =>
        JSON.stringify({ current: { information: { client_secret: secret, client_secret_expires_at: expiry } } })
      yield* write(record("one", 60))
      yield* TestClock.adjust("59 seconds")
      yield* valueOf()
      yield* valueOf()
      assert.strictEqual(loads(), 1)
      yield* write(record("two", 0))
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(yield* valueOf(), record("two", 0))
      yield* TestClock.adjust("30 minutes")
      yield* valueOf()
      assert.strictEqual(loads(), 2)
    }))

  it.effect("keeps those that were asked for last", () =>
    Effect.gen(function*() {
      const { loads, valueOf, write } = yield* makeWorld({ capacity: 2 })
      for (const tenant of [1, 2, 3]) yield* write(String(tenant), keyOf(tenant))
      yield* valueOf(keyOf(1))
      yield* valueOf(keyOf(2))
      yield* valueOf(keyOf(1))
      yield* valueOf(keyOf(3))
      assert.strictEqual(loads(), 3)
      yield* valueOf(keyOf(1))
      yield* valueOf(keyOf(3))
      assert.strictEqual(loads(), 3)
      yield* valueOf(keyOf(2))
      assert.strictEqual(loads(), 4)
    }))

  it.effect("those who ask at once cause one load, and one who gives up leaves it to the others", () =>
    Effect.gen(function*() {
      const { loads, valueOf, write } = yield* makeWorld({}, (store) => ({
        load: (key) => Effect.delay(store.load(key), "1 seconds")
      }))
      yield* write("value")
      const first = yield* Effect.forkChild(valueOf(), { startImmediately: true })
      const others = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(valueOf(), { startImmediately: true }))
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("1 seconds")
      assert.deepStrictEqual(yield* Fiber.joinAll(others), ["value", "value", "value"])
      assert.strictEqual(loads(), 1)
    }))

  it.effect("whoever has a lease sees what its last holder wrote", () =>
    Effect.gen(function*() {
      const { cached, valueOf, write } = yield* makeWorld({ maxAge: "1 hour" })
      yield* write("old")
      yield* valueOf()
      yield* write("new")
      yield* RegistrationStore.withLease(cached, key, { ttl: "1 minute" }, (lease) =>
        Effect.gen(function*() {
          const entry = Option.getOrThrow(yield* cached.load(key))
          assert.strictEqual(entry.value, "new")
          yield* cached.save(lease, "newer", entry.version)
          assert.strictEqual(yield* valueOf(), "newer")
          yield* cached.remove(lease, entry.version + 1)
          assert.isUndefined(yield* valueOf())
        }))
    }))

  it.effect("a change of unknown outcome leaves no copy", () =>
    Effect.gen(function*() {
      const { cached, valueOf, write } = yield* makeWorld({ maxAge: "1 hour" }, (store) => ({
        save: (lease, value, expected) =>
          Effect.andThen(store.save(lease, value, expected), Effect.fail(storeFailed("Unavailable")))
      }))
      yield* write("old")
      yield* RegistrationStore.withLease(cached, key, { ttl: "1 minute" }, (lease) =>
        Effect.gen(function*() {
          assert.strictEqual(yield* valueOf(), "old")
          yield* cached.save(lease, "new", 1).pipe(failsWith("StoreFailed"))
          assert.strictEqual(yield* valueOf(), "new")
        }))
    }))

  it.effect("hears the news of a store behind encryption", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      const news = yield* Queue.unbounded<Change>()
      const base = Layer.succeedContext(
        Context.make(RegistrationStore.RegistrationStore, memory).pipe(
          Context.add(RegistrationChanges, Stream.fromQueue(news))
        )
      )
      const encrypted = RegistrationEncryption.layer({
        key: { kid: "1", key: Redacted.make(Buffer.alloc(32, 7).toString("base64")) }
      })
      const open = (layer: Layer.Layer<RegistrationStore.RegistrationStore, RegistrationError.RegistrationError>) =>
        Effect.map(Layer.build(layer), (context) => Context.get(context, RegistrationStore.RegistrationStore))
      const cached = yield* open(
        CachedRegistrationStore.layer({ maxAge: "1 hour" }).pipe(Layer.provide(encrypted), Layer.provide(base))
      )
      const other = yield* open(Layer.fresh(encrypted).pipe(Layer.provide(base)))
      yield* TestClock.adjust(0)
      const lease = Option.getOrThrow(yield* other.acquire(key, Duration.minutes(1)))
      yield* other.save(lease, "old", 0)
      assert.strictEqual(Option.getOrThrow(yield* cached.load(key)).value, "old")
      yield* other.save(lease, "new", 1)
      assert.strictEqual(Option.getOrThrow(yield* cached.load(key)).value, "old")
      yield* Queue.offer(news, key)
      yield* TestClock.adjust(0)
      assert.strictEqual(Option.getOrThrow(yield* cached.load(key)).value, "new")
    }))

  it.effect("refuses a capacity that is none, and an age without an end", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      for (const options of [{ capacity: 0 }, { capacity: -1 }, { capacity: NaN }, { maxAge: Duration.infinity }]) {
        yield* CachedRegistrationStore.make(options).pipe(
          Effect.provideService(RegistrationStore.RegistrationStore, memory),
          failsWith("InvalidOptions")
        )
      }
    }))
})
