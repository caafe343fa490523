/** What every store of registrations promises, and what one of a wider reach promises on top. Each back end runs all of it. */
import { type RegistrationError, RegistrationStore } from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { type Cause, Deferred, Duration, Effect, Fiber, Option, type Scope, Stream } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { failsWith } from "./failure.ts"

type Store = RegistrationStore.RegistrationStore["Service"]

/**
 * A new place to keep registrations, and how to open a store on it. A store whose reach is wider than the process is opened
 * twice on the same place, as two processes would.
 */
export type Medium<E = never> = Effect.Effect<
  { readonly open: Effect.Effect<Store, E, Scope.Scope> },
  E,
  Scope.Scope
>

export interface ContractOptions {
  readonly reach: RegistrationStore.Reach
  /** Whether time is real time, for stores whose leases do not follow Effect's `Clock`. Default: `false`, a `TestClock`. */
  readonly live?: boolean
  /** Whether the store waits for something real although time is that of a `TestClock`. Default: `false`. */
  readonly waits?: boolean
}

const key: RegistrationStore.Key = { issuer: "https://op.example.com", profile: "tenant-1" }

/** Keys that a careless store confuses, or takes for something else than a name. */
const difficultKeys: ReadonlyArray<RegistrationStore.Key> = [
  key,
  { ...key, profile: "tenant-2" },
  { ...key, profile: "Tenant-1" },
  { ...key, profile: "" },
  { ...key, profile: " " },
  { ...key, profile: "tenant-1 " },
  { ...key, profile: "tenant-1." },
  { ...key, profile: "." },
  { ...key, profile: ".." },
  { ...key, profile: "../tenant-1" },
  { ...key, profile: "a/b" },
  { ...key, profile: "a\\b" },
  { ...key, profile: "a%2Fb" },
  { ...key, profile: "a%2fb" },
  { ...key, profile: "a:b" },
  { ...key, profile: "a\u0000b" },
  { ...key, profile: "a\nb" },
  { ...key, profile: "*?\"<>|" },
  { ...key, profile: "CON" },
  { ...key, profile: "__proto__" },
  { ...key, profile: "e\u0301" },
  { ...key, profile: "\u00e9" },
  { ...key, profile: "テナント🔑" },
  { ...key, profile: "x".repeat(3000) },
  { ...key, profile: `${"x".repeat(2999)}y` },
  { ...key, issuer: "https://op.example.com/" },
  { ...key, issuer: "https://op.example.com/tenant-1" },
  { ...key, issuer: "https://OP.example.com" },
  { issuer: "https://op.example.com tenant", profile: "1" },
  { issuer: "https://op.example.com", profile: "tenant 1" },
  { issuer: "http://127.0.0.1:8080", profile: "tenant-1" }
]

const ttl = Duration.millis(300)

/** Runs the contract of a store. */
export const registrationStoreContract = <E>(name: string, medium: Medium<E>, options: ContractOptions): void => {
  const { live = false, reach, waits = false } = options
  const { idle, watched } = watchfulness()
  const pass = (duration: Duration.Input) =>
    live
      ? Effect.sleep(duration)
      : waits
      // Who was woken is to have done its work before more time passes, however slow the machine is.
      ? Effect.andThen(TestClock.adjust(duration), idle)
      : TestClock.adjust(duration)
  type Program = Effect.Effect<void, RegistrationError.RegistrationError | Cause.NoSuchElementError | E, Scope.Scope>
  const test = (title: string, program: () => Program) => live ? it.live(title, program) : it.effect(title, program)
  const withStore = (title: string, use: (store: Store) => Program) =>
    test(title, () => Effect.flatMap(Effect.map(Effect.flatMap(medium, ({ open }) => open), watched), use))

  const acquire = (store: Store, of: RegistrationStore.Key = key, lasting: Duration.Duration = Duration.minutes(1)) =>
    Effect.flatMap(store.acquire(of, lasting), Effect.fromOption)
  const keysOf = (store: Store) => Effect.map(Stream.runCollect(store.keys), (keys) => Array.from(keys))
  const sorted = (keys: ReadonlyArray<RegistrationStore.Key>) => keys.map((key) => JSON.stringify(key)).sort()

  describe(`store contract: ${name}`, () => {
    withStore("states its reach", (store) => Effect.sync(() => assert.strictEqual(store.reach, reach)))

    // -------------------------------------------------------------------------
    // entries
    // -------------------------------------------------------------------------

    withStore("has nothing to begin with", (store) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* store.load(key), Option.none())
        assert.deepStrictEqual(yield* keysOf(store), [])
        assert.strictEqual(yield* store.notBefore(key.issuer), 0)
      }))

    withStore("gives back exactly what was saved", (store) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        let version = 0
        for (const value of ["", "{}", " line\r\nline\n", "クライアント🔑\u0000\u2028", "long ".repeat(100_000)]) {
          const next = yield* store.save(lease, value, version)
          assert.isAbove(next, version)
          assert.deepStrictEqual(yield* store.load(key), Option.some({ version: next, value }))
          version = next
        }
      }))

    withStore("saves only over the version that was named", (store) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        yield* store.save(lease, "never", 1).pipe(isConflict)
        assert.deepStrictEqual(yield* store.load(key), Option.none())
        const first = yield* store.save(lease, "first", 0)
        yield* store.save(lease, "again", 0).pipe(isConflict)
        const second = yield* store.save(lease, "second", first)
        yield* store.save(lease, "late", first).pipe(isConflict)
        yield* store.save(lease, "early", second + 1).pipe(isConflict)
        assert.deepStrictEqual(yield* store.load(key), Option.some({ version: second, value: "second" }))
      }))

    withStore("of those who save over the same version at once, one succeeds", (store) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        const outcomes = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, index) => String(index)),
          (value) => Effect.option(Effect.as(store.save(lease, value, 0), value)),
          { concurrency: "unbounded" }
        )
        const winners = outcomes.filter(Option.isSome)
        assert.strictEqual(winners.length, 1)
        assert.strictEqual(Option.getOrThrow(yield* store.load(key)).value, winners[0]?.value)
      }))

    withStore("removes only the version that was named, and then there is nothing", (store) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        yield* store.remove(lease, 1).pipe(isConflict)
        const first = yield* store.save(lease, "first", 0)
        const second = yield* store.save(lease, "second", first)
        yield* store.remove(lease, first).pipe(isConflict)
        assert.isTrue(Option.isSome(yield* store.load(key)))
        yield* store.remove(lease, second)
        assert.deepStrictEqual(yield* store.load(key), Option.none())
        assert.deepStrictEqual(yield* keysOf(store), [])
        yield* store.save(lease, "anew", 0)
        assert.strictEqual(Option.getOrThrow(yield* store.load(key)).value, "anew")
      }))

    withStore("removes any version where that is asked for, under the lease alone", (store) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        yield* store.remove(lease, "any")
        yield* store.save(lease, "second", yield* store.save(lease, "first", 0))
        yield* store.remove(lease, "any")
        assert.deepStrictEqual(yield* store.load(key), Option.none())
        yield* store.release(lease)
        const next = yield* acquire(store)
        yield* store.save(next, "of the next holder", 0)
        yield* store.remove(lease, "any").pipe(isLeaseLost)
        assert.isTrue(Option.isSome(yield* store.load(key)))
      }))

    withStore("keeps keys apart that look alike, and lists them as they are", (store) =>
      Effect.gen(function*() {
        for (const [index, each] of difficultKeys.entries()) {
          const lease = yield* acquire(store, each)
          yield* store.save(lease, `value ${index}`, 0)
        }
        for (const [index, each] of difficultKeys.entries()) {
          const entry = yield* Effect.flatMap(store.load(each), Effect.fromOption)
          assert.strictEqual(entry.value, `value ${index}`, JSON.stringify(each))
        }
        assert.deepStrictEqual(sorted(yield* keysOf(store)), sorted(difficultKeys))
      }))

    withStore("says nothing of what it keeps in its failures", (store) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        yield* store.save(lease, "canary-kept", 0)
        const { error } = yield* store.save(lease, "canary-new", 5).pipe(failsWith("StoreFailed"))
        const shown = `${error.message} ${JSON.stringify(error)} ${String(error.stack)}`
        assert.notInclude(shown, "canary")
      }))

    // -------------------------------------------------------------------------
    // leases
    // -------------------------------------------------------------------------

    withStore("hands out one lease per key, with a greater token each time", (store) =>
      Effect.gen(function*() {
        const first = yield* acquire(store)
        assert.deepStrictEqual(first.key, key)
        assert.deepStrictEqual(yield* store.acquire(key, ttl), Option.none())
        const other = yield* acquire(store, { ...key, profile: "tenant-2" })
        assert.strictEqual(other.key.profile, "tenant-2")
        yield* store.release(first)
        const second = yield* acquire(store)
        assert.isAbove(second.token, first.token)
        yield* store.release(second)
        const third = yield* acquire(store)
        assert.isAbove(third.token, second.token)
      }))

    withStore("the token grows over the removal of the entry", (store) =>
      Effect.gen(function*() {
        const first = yield* acquire(store)
        const version = yield* store.save(first, "value", 0)
        yield* store.remove(first, version)
        yield* store.release(first)
        const second = yield* acquire(store)
        assert.isAbove(second.token, first.token)
      }))

    withStore("of those who want a lease at once, one gets it", (store) =>
      Effect.gen(function*() {
        const leases = yield* Effect.forEach(
          Array.from({ length: 50 }),
          () => store.acquire(key, Duration.minutes(1)),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(leases.filter(Option.isSome).length, 1)
      }))

    withStore("a lease ends with its time, and not before", (store) =>
      Effect.gen(function*() {
        const first = yield* acquire(store, key, ttl)
        yield* pass("100 millis")
        assert.isTrue(Option.isNone(yield* store.acquire(key, ttl)))
        yield* pass("400 millis")
        const second = yield* acquire(store)
        assert.isAbove(second.token, first.token)
      }))

    withStore("a renewed lease lasts from then on", (store) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store, key, ttl)
        for (let round = 0; round < 4; round++) {
          yield* pass("100 millis")
          assert.isTrue(yield* store.renew(lease, ttl))
        }
        assert.isTrue(Option.isNone(yield* store.acquire(key, ttl)))
        yield* pass("500 millis")
        assert.isTrue(Option.isSome(yield* store.acquire(key, ttl)))
      }))

    withStore("an expired lease that nobody took can still be used and renewed", (store) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store, key, ttl)
        yield* pass("500 millis")
        const version = yield* store.save(lease, "an answer that came late", 0)
        assert.isTrue(yield* store.renew(lease, Duration.minutes(1)))
        assert.isTrue(Option.isNone(yield* store.acquire(key, ttl)))
        yield* store.save(lease, "another", version)
      }))

    withStore(
      "a holder that was paused past its lease cannot overwrite, renew or give back",
      (store) =>
        Effect.gen(function*() {
          const paused = yield* acquire(store, key, ttl)
          const version = yield* store.save(paused, "before the pause", 0)
          yield* pass("500 millis")
          const next = yield* acquire(store)
          // Even though nothing was saved in between, and the version fits.
          yield* store.save(paused, "stale", version).pipe(isLeaseLost)
          yield* store.remove(paused, version).pipe(isLeaseLost)
          assert.isFalse(yield* store.renew(paused, Duration.minutes(1)))
          yield* store.release(paused)
          assert.isTrue(Option.isNone(yield* store.acquire(key, ttl)))
          const saved = yield* store.save(next, "of the next holder", version)
          yield* store.release(next)
          yield* store.save(paused, "stale", saved).pipe(isLeaseLost)
          assert.isFalse(yield* store.renew(paused, Duration.minutes(1)))
          assert.strictEqual(Option.getOrThrow(yield* store.load(key)).value, "of the next holder")
        })
    )

    withStore("a lease that was given back is not renewed", (store) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        yield* store.release(lease)
        assert.isFalse(yield* store.renew(lease, Duration.minutes(1)))
        assert.isTrue(Option.isSome(yield* store.acquire(key, ttl)))
      }))

    // -------------------------------------------------------------------------
    // withLease
    // -------------------------------------------------------------------------

    withStore("withLease: one after the other, and nobody's change is lost", (store) =>
      Effect.gen(function*() {
        // The longest pause between two questions is a tenth of this, and the lease is renewed meanwhile.
        const increment = RegistrationStore.withLease(store, key, { ttl: live ? "1 second" : "1 minute" }, (lease) =>
          Effect.gen(function*() {
            const entry = yield* store.load(key)
            const { value, version } = Option.getOrElse(entry, () => ({ value: "0", version: 0 }))
            yield* Effect.yieldNow
            yield* store.save(lease, String(Number(value) + 1), version)
          }))
        const fibers = yield* Effect.forEach(Array.from({ length: live ? 8 : 20 }), () =>
          Effect.forkChild(increment))
        const all = yield* Effect.forkChild(Fiber.joinAll(fibers))
        const step = live ? "20 millis" : "500 millis"
        for (let round = 0; round < 1000 && all.pollUnsafe() === undefined; round++) {
          yield* pass(step)
        }
        yield* Fiber.join(all)
        assert.strictEqual(Option.getOrThrow(yield* store.load(key)).value, String(fibers.length))
      }))

    withStore("withLease: the lease is held for as long as the effect runs", (store) =>
      Effect.gen(function*() {
        const done = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(
          RegistrationStore.withLease(
            store,
            key,
            { ttl },
            (lease) => Effect.andThen(Deferred.await(done), store.save(lease, "value", 0))
          ),
          { startImmediately: true }
        )
        for (let round = 0; round < 10; round++) {
          yield* pass("100 millis")
          assert.isTrue(Option.isNone(yield* store.acquire(key, ttl)))
        }
        yield* Deferred.succeed(done, undefined)
        yield* Fiber.join(fiber)
        assert.isTrue(Option.isSome(yield* store.acquire(key, ttl)))
      }))

    withStore(
      "withLease: failure and interruption give the lease back, also while waiting for it",
      (store) =>
        Effect.gen(function*() {
          const failed = yield* Effect.flip(
            RegistrationStore.withLease(store, key, { ttl: "1 minute" }, () => Effect.fail("no" as const))
          )
          assert.strictEqual(failed, "no")
          const holder = yield* Effect.forkChild(
            RegistrationStore.withLease(store, key, { ttl: "1 minute" }, () => Effect.never),
            { startImmediately: true }
          )
          yield* pass("50 millis")
          const waiting = yield* Effect.forkChild(
            RegistrationStore.withLease(store, key, { ttl: "1 minute" }, () => Effect.never),
            { startImmediately: true }
          )
          yield* pass("50 millis")
          assert.isTrue(Option.isNone(yield* store.acquire(key, ttl)))
          yield* Fiber.interrupt(waiting)
          yield* Fiber.interrupt(holder)
          assert.isTrue(Option.isSome(yield* store.acquire(key, ttl)))
        })
    )

    // -------------------------------------------------------------------------
    // not before
    // -------------------------------------------------------------------------

    withStore(
      "remembers the latest time before which an issuer wants no registrations",
      (store) =>
        Effect.gen(function*() {
          yield* pass("10 millis")
          const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          yield* store.postpone(key.issuer, now + 60_000)
          yield* store.postpone(key.issuer, now + 30_000)
          assert.strictEqual(yield* store.notBefore(key.issuer), now + 60_000)
          yield* store.postpone(key.issuer, now + 90_000)
          assert.strictEqual(yield* store.notBefore(key.issuer), now + 90_000)
          assert.strictEqual(yield* store.notBefore("https://another.example.com"), 0)
          assert.strictEqual(yield* store.notBefore(`${key.issuer}/`), 0)
          assert.deepStrictEqual(yield* keysOf(store), [])
        })
    )

    if (!live) {
      withStore("does not believe such a time after the clock jumped back", (store) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(1_800_000_000_000)
          yield* store.postpone(key.issuer, 1_800_000_060_000)
          yield* TestClock.setTime(1_700_000_000_000)
          assert.strictEqual(yield* store.notBefore(key.issuer), 0)
          yield* store.postpone(key.issuer, 1_700_000_060_000)
          assert.strictEqual(yield* store.notBefore(key.issuer), 1_700_000_060_000)
        }))

      withStore("a lease outlasts a clock that jumps", (store) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(1_800_000_000_000)
          const lease = yield* acquire(store)
          yield* TestClock.setTime(1_700_000_000_000)
          assert.isTrue(Option.isNone(yield* store.acquire(key, ttl)))
          assert.isTrue(yield* store.renew(lease, Duration.minutes(1)))
          yield* store.save(lease, "value", 0)
          yield* store.release(lease)
          assert.isTrue(Option.isSome(yield* store.acquire(key, ttl)))
        }))
    }

    // -------------------------------------------------------------------------
    // wider than the process
    // -------------------------------------------------------------------------

    if (reach !== "process") {
      const withTwo = (title: string, use: (one: Store, other: Store) => Program) =>
        test(title, () =>
          Effect.gen(function*() {
            const { open } = yield* medium
            yield* use(watched(yield* open), watched(yield* open))
          }))

      withTwo("two stores see each other's entries and versions", (one, other) =>
        Effect.gen(function*() {
          const lease = yield* acquire(one)
          const version = yield* one.save(lease, "first", 0)
          assert.deepStrictEqual(yield* other.load(key), Option.some({ version, value: "first" }))
          assert.deepStrictEqual(yield* keysOf(other), [key])
          yield* one.release(lease)
          const next = yield* acquire(other)
          assert.isAbove(next.token, lease.token)
          yield* other.save(next, "lost", 0).pipe(isConflict)
          const second = yield* other.save(next, "second", version)
          assert.deepStrictEqual(yield* one.load(key), Option.some({ version: second, value: "second" }))
          yield* other.remove(next, second)
          assert.deepStrictEqual(yield* one.load(key), Option.none())
        }))

      withTwo("two stores exclude each other by their leases", (one, other) =>
        Effect.gen(function*() {
          const lease = yield* acquire(one)
          assert.isTrue(Option.isNone(yield* other.acquire(key, ttl)))
          assert.isTrue(yield* one.renew(lease, ttl))
          yield* pass("500 millis")
          const next = yield* acquire(other)
          assert.isAbove(next.token, lease.token)
          assert.isFalse(yield* one.renew(lease, ttl))
          yield* one.save(lease, "stale", 0).pipe(isLeaseLost)
          yield* one.release(lease)
          assert.isTrue(Option.isNone(yield* one.acquire(key, ttl)))
          yield* other.save(next, "value", 0)
        }))

      withTwo("of two stores that want a lease at once, one gets it", (one, other) =>
        Effect.gen(function*() {
          for (let round = 0; round < 10; round++) {
            const of = { ...key, profile: `tenant-${round}` }
            const leases = yield* Effect.forEach(
              [one, other, one, other],
              (store) => store.acquire(of, Duration.minutes(1)),
              { concurrency: "unbounded" }
            )
            assert.strictEqual(leases.filter(Option.isSome).length, 1)
          }
        }))

      withTwo("two stores know of the same time to wait for", (one, other) =>
        Effect.gen(function*() {
          const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          yield* one.postpone(key.issuer, now + 60_000)
          assert.strictEqual(yield* other.notBefore(key.issuer), now + 60_000)
        }))

      test("what was saved is there when a store is opened later", () =>
        Effect.gen(function*() {
          const { open } = yield* medium
          const version = yield* Effect.scoped(Effect.flatMap(open, (store) =>
            Effect.gen(function*() {
              const lease = yield* acquire(store)
              const version = yield* store.save(lease, "value", 0)
              yield* store.release(lease)
              return version
            })))
          const later = yield* open
          assert.deepStrictEqual(yield* later.load(key), Option.some({ version, value: "value" }))
        }))
    }
  })
}

/** Stores whose operations under way are counted, and how to wait until there are none. */
const watchfulness = () => {
  let underWay = 0
  const watch = <A>(effect: Effect.Effect<A, RegistrationError.RegistrationError>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        underWay += 1
      }),
      () => effect,
      () =>
        Effect.sync(() => {
          underWay -= 1
        })
    )
  return {
    watched: (store: Store): Store => ({
      ...store,
      load: (key) => watch(store.load(key)),
      save: (...args) => watch(store.save(...args)),
      remove: (...args) => watch(store.remove(...args)),
      acquire: (...args) => watch(store.acquire(...args)),
      renew: (...args) => watch(store.renew(...args)),
      release: (lease) => watch(store.release(lease))
    }),
    idle: Effect.promise(async () => {
      for (let quiet = 0; quiet < 3; quiet = underWay === 0 ? quiet + 1 : 0) {
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    })
  }
}

const problem = (expected: string) =>
<A, R>(
  effect: Effect.Effect<A, RegistrationError.RegistrationError, R>
): Effect.Effect<void, never, R> =>
  Effect.map(failsWith("StoreFailed")(effect), ({ reason }) => assert.strictEqual(reason.problem, expected))

const isConflict = problem("Conflict")

const isLeaseLost = problem("LeaseLost")
