/** The store in Redis: what it says and does when Redis is not as it should be. */
import { type RegistrationError, RegistrationStore } from "@effect-dcr/core"
import * as RedisRegistrationStore from "@effect-dcr/core/RedisRegistrationStore"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Exit, Fiber, Layer, Option, Schedule, Scope, Stream } from "effect"
import { Redis } from "effect/persistence"
import { inspect } from "node:util"
import { failsWith } from "../support/failure.ts"
import { type Place, redis, type StoreServer } from "../support/fleetServers.ts"
import { newPrefix, redisLayer } from "../support/fleetStores.ts"

type Store = RegistrationStore.RegistrationStore["Service"]

const key: RegistrationStore.Key = { issuer: "https://op.example.com", profile: "canary-profile" }
const name = RegistrationStore.encodeKey(key)
const ttl = Duration.minutes(1)

const scope = Scope.makeUnsafe()
let server: StoreServer
beforeAll(() =>
  Effect.runPromise(Effect.map(Scope.provide(redis, scope), (started) => {
    server = started
  }))
)
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const place = (): Extract<Place, { kind: "redis" }> => {
  if (server.place.kind !== "redis") throw new Error("another server")
  return server.place
}

const withStore = <A, E>(
  use: (store: Store, redis: Redis.Redis["Service"], prefix: string) => Effect.Effect<A, E, Scope.Scope | Redis.Redis>,
  options: RedisRegistrationStore.Options = {}
) =>
  Effect.gen(function*() {
    const prefix = newPrefix()
    const context = yield* Layer.build(Layer.fresh(redisLayer(place())))
    return yield* Effect.flatMap(
      RedisRegistrationStore.make({ prefix, ...options }),
      (store) => use(store, Context.get(context, Redis.Redis), prefix)
    ).pipe(Effect.provideContext(context))
  }).pipe(Effect.scoped)

const acquire = (store: Store, of = key) => Effect.flatMap(store.acquire(of, ttl), Effect.fromOption)

const failsAs =
  (problem: RegistrationError.ReasonOf<"StoreFailed">["problem"]) =>
  <A, R>(effect: Effect.Effect<A, RegistrationError.RegistrationError, R>) =>
    Effect.map(failsWith("StoreFailed")(effect), ({ error, reason }) => {
      assert.strictEqual(reason.problem, problem, reason.message)
      const shown = `${error.message} ${JSON.stringify(error)} ${String(error.stack)} ${
        inspect(error, { depth: 20, showHidden: true })
      }`
      assert.notInclude(shown, "canary")
      return error
    })

describe("a store in Redis", () => {
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

  it.live("tells each change, and not what it says", () =>
    withStore((store, _, prefix) =>
      Effect.gen(function*() {
        const heard = yield* RedisRegistrationStore.changes({ prefix }).pipe(
          Stream.take(3),
          Stream.runCollect,
          Effect.forkChild({ startImmediately: true })
        )
        yield* Effect.sleep("200 millis")
        const lease = yield* acquire(store)
        const version = yield* store.save(lease, "value", 0)
        yield* store.save(lease, "never", 7).pipe(failsAs("Conflict"))
        yield* store.remove(lease, version)
        assert.deepStrictEqual(Array.from(yield* Fiber.join(heard)), ["all", key, key])
      })
    ))

  it.live("what is no entry is set aside, once, and not lost", () =>
    withStore((store, redis, prefix) =>
      Effect.gen(function*() {
        const broken: ReadonlyArray<ReadonlyArray<string>> = [
          ["SET", `${prefix}entry:${name}`, "not a hash"],
          ["HSET", `${prefix}entry:${name}`, "something", "else"],
          ["HSET", `${prefix}entry:${name}`, "version", "one", "value", "x"],
          ["HSET", `${prefix}entry:${name}`, "version", "1"]
        ]
        for (const [command = "", ...args] of broken) {
          yield* redis.send(command, ...args)
          yield* store.load(key).pipe(failsAs("Corrupted"))
          assert.deepStrictEqual(yield* store.load(key), Option.none())
        }
        const aside = yield* redis.send<ReadonlyArray<string>>("KEYS", `${prefix}set-aside:*`)
        assert.strictEqual(aside.length, broken.length)
        yield* store.save(yield* acquire(store), "anew", 0)
      })
    ))

  it.live("an entry that is written while it is looked for is not taken for a broken one", () =>
    withStore((store, redis, prefix) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        // Right after the first look.
        const between = yield* RedisRegistrationStore.make({ prefix }).pipe(
          Effect.provideService(Redis.Redis, {
            ...redis,
            send: <A>(command: string, ...args: ReadonlyArray<string>) =>
              Effect.tap(redis.send<A>(command, ...args), () =>
                command === "HMGET" ? Effect.ignore(store.save(lease, "value", 0)) : Effect.void)
          })
        )
        assert.strictEqual(Option.getOrThrow(yield* between.load(key)).value, "value")
        assert.strictEqual(Option.getOrThrow(yield* store.load(key)).value, "value")
      })
    ))

  it.live("a failover that loses changes hands out no token twice", () =>
    withStore((store, redis, prefix) =>
      Effect.gen(function*() {
        const before = yield* acquire(store)
        const keys = yield* redis.send<ReadonlyArray<string>>("KEYS", `${prefix}*`)
        yield* redis.send("DEL", ...keys)
        const after = yield* acquire(store)
        assert.isAbove(after.token, before.token)
        yield* store.save(before, "stale", 0).pipe(failsAs("LeaseLost"))
        yield* store.save(after, "value", 0)
      })
    ))

  it.live("a failover that loses the last lease does not hand out its token again", () =>
    withStore((store, redis, prefix) =>
      Effect.gen(function*() {
        const kept = yield* acquire(store)
        yield* store.release(kept)
        const lost = yield* acquire(store)
        const back = (token: string) =>
          Effect.andThen(
            redis.send("DEL", `${prefix}lease:${name}`),
            redis.send("HSET", `${prefix}fence:${name}`, "token", token)
          )
        yield* back(String(kept.token))
        const next = yield* acquire(store)
        assert.notStrictEqual(next.token, lost.token)
        yield* store.save(lost, "stale", 0).pipe(failsAs("LeaseLost"))
        // By a clock that was ahead.
        yield* back("4000000000000000")
        assert.isAbove((yield* acquire(store)).token, 4_000_000_000_000_000)
      })
    ))

  it.live("leaves nothing behind of a key without an entry but what goes by itself", () =>
    withStore((store, redis, prefix) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        const version = yield* store.save(lease, "value", 0)
        yield* store.remove(lease, version)
        yield* store.release(lease)
        yield* store.postpone(key.issuer, Date.now() + 60_000)
        for (const each of yield* redis.send<ReadonlyArray<string>>("KEYS", `${prefix}*`)) {
          assert.isAbove(yield* redis.send<number>("PTTL", each), 0, each)
        }
      })
    ))

  it.live("lists more keys than come at once", () =>
    withStore((store, redis, prefix) =>
      Effect.gen(function*() {
        const names = Array.from(
          { length: 2500 },
          (_, index) => RegistrationStore.encodeKey({ ...key, profile: `tenant-${index}` })
        )
        yield* redis.send("ZADD", `${prefix}keys`, ...names.flatMap((each) => ["0", each]))
        const keys = yield* Stream.runCollect(store.keys)
        assert.strictEqual(new Set(Array.from(keys, ({ profile }) => profile)).size, 2500)
        yield* redis.send("ZADD", `${prefix}keys`, "0", "a name that is none")
        let told = 0
        yield* Stream.runForEach(store.keys, () => Effect.sync(() => told++)).pipe(failsAs("Corrupted"))
        assert.strictEqual(told, 2500)
      })
    ))

  it.live("a server that takes no changes, and one without room, say so", () =>
    withStore((store, redis) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        const version = yield* store.save(lease, "value", 0)
        // The settings of somebody else's server are not touched.
        if ("url" in place()) return
        const configured = (name: string, value: string, before: string) =>
          Effect.acquireRelease(
            redis.send("CONFIG", "SET", name, value),
            () => Effect.orDie(redis.send("CONFIG", "SET", name, before))
          )
        yield* Effect.scoped(Effect.andThen(
          configured("min-replicas-to-write", "1", "0"),
          store.save(lease, "canary", version).pipe(failsAs("ReadOnly"))
        ))
        yield* Effect.scoped(Effect.andThen(
          configured("maxmemory", "1", "0"),
          store.save(lease, "canary", version).pipe(failsAs("Full"))
        ))
        assert.strictEqual(Option.getOrThrow(yield* store.load(key)).value, "value")
      })
    ))

  it.live("a server that stands still, and one that is away, fail within the time, and serve again", () =>
    withStore((store) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        const version = yield* store.save(lease, "value", 0)
        yield* server.pause
        const paused = performance.now()
        yield* store.load(key).pipe(failsAs("Unavailable"))
        yield* store.save(lease, "canary", version).pipe(failsAs("Unavailable"))
        assert.isBelow(performance.now() - paused, 15_000)
        yield* server.resume
        yield* server.stop
        const stopped = performance.now()
        yield* store.load(key).pipe(failsAs("Unavailable"))
        yield* store.acquire({ ...key, profile: "another" }, ttl).pipe(failsAs("Unavailable"))
        assert.isBelow(performance.now() - stopped, 15_000)
        yield* server.start
        const entry = yield* Effect.retry(store.load(key), { times: 20, schedule: Schedule.spaced("200 millis") })
        assert.include(["value", "canary"], Option.getOrThrow(entry).value)
      }), { timeout: "800 millis" }))
})
