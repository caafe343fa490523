/** What stores on a server of their own promise on top of the contract of stores: what they say and do when it is not as it should be. */
import { type RegistrationError, RegistrationStore } from "@effect-dcr/core"
import * as CachedRegistrationStore from "@effect-dcr/core/CachedRegistrationStore"
import { RegistrationChanges } from "@effect-dcr/core/RegistrationChanges"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Duration, Effect, Fiber, Layer, Option, Schedule, type Scope, Stream } from "effect"
import { inspect } from "node:util"
import { failsWith } from "./failure.ts"
import { relayTo, type StoreServer } from "./fleetServers.ts"
import { newPrefix, storeLayer, type StoreOptions } from "./fleetStores.ts"
import { unchecked } from "./unchecked.ts"

type Store = RegistrationStore.RegistrationStore["Service"]

// -----------------------------------------------------------------------------
// parts
// -----------------------------------------------------------------------------

/** Its profile is nothing that an error may say. */
export const key: RegistrationStore.Key = { issuer: "https://op.example.com", profile: "canary-profile" }

export const name = RegistrationStore.encodeKey(key)

export const ttl = Duration.minutes(1)

export const acquire = (store: Store, of = key) => Effect.flatMap(store.acquire(of, ttl), Effect.fromOption)

/** What no error may say, in the clear and as PostgreSQL shows bytes. */
export const canaries = ["canary", Buffer.from("canary").toString("hex")]

/** Expects a failure of the store for this reason, which says nothing of what is kept. */
export const failsAs =
  (problem: RegistrationError.ReasonOf<"StoreFailed">["problem"]) =>
  <A, R>(effect: Effect.Effect<A, RegistrationError.RegistrationError, R>) =>
    Effect.map(failsWith("StoreFailed")(effect), ({ error, reason }) => {
      assert.strictEqual(reason.problem, problem, reason.message)
      const shown = inspect(error, { depth: 20, showHidden: true })
      const all = `${error.message} ${JSON.stringify(error)} ${String(error.stack)} ${shown}`
      for (const form of canaries) assert.notInclude(all, form)
      return error
    })

const valueOf = (store: Store) => Effect.map(store.load(key), (entry) => Option.getOrThrow(entry).value)

// -----------------------------------------------------------------------------
// contract
// -----------------------------------------------------------------------------

/** What is done to the server, past the store. All of it is about the one prefix. */
export interface Tampering {
  /** Loses all that is kept, as a failover may. */
  readonly loseAll: Effect.Effect<void>
  /** Goes back to when the lease of `key` had this token, and was given back. */
  readonly backTo: (token: number) => Effect.Effect<void>
  /** Puts something in the place of the entry of `key` that is none, one thing after the other. */
  readonly spoil: ReadonlyArray<Effect.Effect<void>>
  /** How many things were set aside. */
  readonly aside: Effect.Effect<number>
  /** Adds entries of these names. */
  readonly add: (names: ReadonlyArray<string>) => Effect.Effect<void>
}

/** Runs the contract of a store on a server, which stands still and is taken away in the course of it. */
export const fleetStoreContract = (
  kind: string,
  server: () => StoreServer,
  tampering: (options: StoreOptions) => Effect.Effect<Tampering, never, Scope.Scope>
): void => {
  const layerOf = (options: Partial<StoreOptions>) =>
    Effect.map(newPrefix(server().place), (prefix) => {
      const all = { place: server().place, prefix, listens: true, ...options }
      return { all, layer: Layer.fresh(storeLayer(all)) }
    })
  const open = (layer: Layer.Layer<RegistrationStore.RegistrationStore, RegistrationError.RegistrationError>) =>
    Effect.map(Layer.build(layer), (context) => Context.get(context, RegistrationStore.RegistrationStore))
  const withStore = <A, E>(
    use: (store: Store, tampering: Tampering) => Effect.Effect<A, E, Scope.Scope>,
    options: Partial<StoreOptions> = {}
  ) =>
    Effect.gen(function*() {
      const { all, layer } = yield* layerOf(options)
      return yield* use(yield* open(layer), yield* tampering(all))
    }).pipe(Effect.scoped)

  describe(`a store on ${kind}`, () => {
    it.live("a change may be repeated by its own lease, and by no other", () =>
      withStore((store) =>
        Effect.gen(function*() {
          const lease = yield* acquire(store)
          const first = yield* store.save(lease, "value", 0)
          assert.strictEqual(yield* store.save(lease, "value", 0), first)
          yield* store.save(lease, "another", 0).pipe(failsAs("Conflict"))
          const second = yield* store.save(lease, "value 2", first)
          assert.strictEqual(yield* store.save(lease, "value 2", first), second)
          yield* store.release(lease)
          const next = yield* acquire(store)
          yield* store.save(next, "value 2", first).pipe(failsAs("Conflict"))
          yield* store.remove(next, second)
          yield* store.remove(next, second)
          yield* store.release(next)
          const last = yield* acquire(store)
          yield* store.remove(last, second).pipe(failsAs("Conflict"))
        })
      ))

    it.live("a change that was made, and whose answer was lost, says that it does not know, and may be repeated", () =>
      Effect.gen(function*() {
        const { all, layer } = yield* layerOf({ listens: false })
        const direct = yield* open(layer)
        const relay = yield* relayTo(all.place)
        const store = yield* open(Layer.fresh(storeLayer({ ...all, place: relay.place, maxConnections: 1 })))
        const repeated = <A>(change: Effect.Effect<A, RegistrationError.RegistrationError>) =>
          Effect.gen(function*() {
            yield* relay.loseAnswer
            yield* change.pipe(failsAs("Unavailable"))
            return Effect.retry(change, { times: 20, schedule: Schedule.spaced("100 millis") })
          })
        const lease = yield* acquire(store)
        // Whatever has to be prepared for it is.
        const first = yield* store.save(lease, "first", 0)
        const saved = yield* repeated(store.save(lease, "second", first))
        assert.strictEqual(yield* valueOf(direct), "second")
        const second = yield* saved
        assert.strictEqual(second, first + 1)
        yield* store.remove(lease, second)
        const third = yield* store.save(lease, "third", 0)
        const removed = yield* repeated(store.remove(lease, third))
        assert.deepStrictEqual(yield* direct.load(key), Option.none())
        yield* removed
      }).pipe(Effect.scoped))

    it.live("what is no entry is set aside, once, and not lost", () =>
      withStore((store, { aside, spoil }) =>
        Effect.gen(function*() {
          const lease = yield* acquire(store)
          yield* store.remove(lease, yield* store.save(lease, "value", 0))
          for (const each of spoil) {
            yield* each
            yield* store.load(key).pipe(failsAs("Corrupted"))
            assert.deepStrictEqual(yield* store.load(key), Option.none())
          }
          assert.strictEqual(yield* aside, spoil.length)
          yield* store.save(lease, "anew", 0)
        })
      ))

    // -------------------------------------------------------------------------
    // failover and clocks
    // -------------------------------------------------------------------------

    it.live("a failover that loses changes hands out no token twice", () =>
      withStore((store, { loseAll }) =>
        Effect.gen(function*() {
          const before = yield* acquire(store)
          yield* loseAll
          assert.isFalse(yield* store.renew(before, ttl))
          yield* store.save(before, "stale", 0).pipe(failsAs("LeaseLost"))
          const after = yield* acquire(store)
          assert.isAbove(after.token, before.token)
          yield* store.save(before, "stale", 0).pipe(failsAs("LeaseLost"))
          yield* store.save(after, "value", 0)
        })
      ))

    it.live("a failover that loses the last lease does not hand out its token again", () =>
      withStore((store, { backTo }) =>
        Effect.gen(function*() {
          const kept = yield* acquire(store)
          yield* store.release(kept)
          const lost = yield* acquire(store)
          yield* backTo(kept.token)
          yield* Effect.sleep("5 millis")
          const next = yield* acquire(store)
          assert.notStrictEqual(next.token, lost.token)
          yield* store.save(lost, "stale", 0).pipe(failsAs("LeaseLost"))
          // By a clock that was ahead.
          yield* backTo(4_000_000_000_000_000)
          assert.isAbove((yield* acquire(store)).token, 4_000_000_000_000_000)
        })
      ))

    it.live("does not trust the clock of a machine", () =>
      withStore((store) =>
        Effect.gen(function*() {
          const clock = yield* Clock.Clock
          const hour = 3_600_000
          const ahead = unchecked<Clock.Clock>(Object.setPrototypeOf({
            currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + hour),
            currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + hour,
            monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe() + BigInt(hour) * 1_000_000n
          }, clock))
          const elsewhere = Effect.provideService(Clock.Clock, ahead)
          yield* acquire(store)
          assert.isTrue(Option.isNone(yield* elsewhere(store.acquire(key, ttl))))
          const now = Date.now()
          yield* elsewhere(store.postpone(key.issuer, now + hour + 60_000))
          assert.strictEqual(yield* elsewhere(store.notBefore(key.issuer)), now + hour + 60_000)
          const here = yield* store.notBefore(key.issuer)
          assert.closeTo(here, now + 60_000, 5000)
        })
      ))

    // -------------------------------------------------------------------------
    // lists and news
    // -------------------------------------------------------------------------

    it.live("lists more keys than come at once", () =>
      withStore((store, { add }) =>
        Effect.gen(function*() {
          yield* add(
            Array.from(
              { length: 2500 },
              (_, index) => RegistrationStore.encodeKey({ ...key, profile: `tenant-${index}` })
            )
          )
          const keys = yield* Stream.runCollect(store.keys)
          assert.strictEqual(new Set(Array.from(keys, ({ profile }) => profile)).size, 2500)
          yield* add(["a name that is none"])
          let told = 0
          yield* Stream.runForEach(store.keys, () => Effect.sync(() => told++)).pipe(failsAs("Corrupted"))
          assert.strictEqual(told, 2500)
        })
      ))

    it.live("tells each change, and not what it says", () =>
      Effect.gen(function*() {
        const { layer } = yield* layerOf({})
        const context = yield* Layer.build(layer)
        const store = Context.get(context, RegistrationStore.RegistrationStore)
        const heard = yield* Context.get(context, RegistrationChanges).pipe(
          Stream.take(3),
          Stream.runCollect,
          Effect.forkChild({ startImmediately: true })
        )
        yield* Effect.sleep("300 millis")
        const lease = yield* acquire(store)
        const version = yield* store.save(lease, "value", 0)
        yield* store.save(lease, "never", 7).pipe(failsAs("Conflict"))
        yield* store.remove(lease, version)
        assert.deepStrictEqual(Array.from(yield* Fiber.join(heard)), ["all", key, key])
      }).pipe(Effect.scoped))

    it.live("copies do not outlive news that were lost, whatever the bound of their age", () =>
      Effect.gen(function*() {
        const { all, layer } = yield* layerOf({})
        const store = yield* open(layer)
        const relay = yield* relayTo(all.place)
        const behind = Layer.fresh(storeLayer({ ...all, place: relay.place }))
        const copies = yield* open(CachedRegistrationStore.layer({ maxAge: "1 hour" }).pipe(Layer.provide(behind)))
        const lease = yield* acquire(store)
        const before = yield* store.save(lease, "before", 0)
        yield* Effect.sleep("300 millis")
        assert.strictEqual(yield* valueOf(copies), "before")
        yield* relay.stop
        const unheard = yield* store.save(lease, "unheard", before)
        yield* relay.start
        yield* Effect.sleep("6 seconds")
        assert.strictEqual(yield* valueOf(copies), "unheard")
        // And hears the next ones again.
        yield* store.save(lease, "after", unheard)
        yield* Effect.sleep("300 millis")
        assert.strictEqual(yield* valueOf(copies), "after")
      }).pipe(Effect.scoped))

    // -------------------------------------------------------------------------
    // away
    // -------------------------------------------------------------------------

    it.live("a server that stands still, and one that is away, fail within the time, and serve again", () =>
      withStore((store) =>
        Effect.gen(function*() {
          const lease = yield* acquire(store)
          const version = yield* store.save(lease, "value", 0)
          const { pause, resume, start, stop } = server()
          yield* pause
          const paused = performance.now()
          yield* store.load(key).pipe(failsAs("Unavailable"))
          yield* store.save(lease, "canary", version).pipe(failsAs("Unavailable"))
          assert.isBelow(performance.now() - paused, 15_000)
          yield* resume
          yield* stop
          const stopped = performance.now()
          yield* store.load(key).pipe(failsAs("Unavailable"))
          yield* store.acquire({ ...key, profile: "another" }, ttl).pipe(failsAs("Unavailable"))
          assert.isBelow(performance.now() - stopped, 15_000)
          yield* start
          const value = yield* Effect.retry(valueOf(store), { times: 20, schedule: Schedule.spaced("200 millis") })
          // The change that nobody heard of was made, or it was not.
          assert.include(["value", "canary"], value)
        }), { timeout: "800 millis", listens: false }))
  })
}
