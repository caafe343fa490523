/** The store in Redis: the contract of stores on a server, and what is its own. */
import type { RegistrationStore } from "@effect-dcr/core"
import * as RedisRegistrationStore from "@effect-dcr/core/RedisRegistrationStore"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Logger, Option, type Scope, Stream } from "effect"
import { Redis } from "effect/persistence"
import { redis, redisCluster } from "../support/fleetServers.ts"
import { acquire, failsAs, fleetStoreContract, key, name, ttl } from "../support/fleetStoreContract.ts"
import { newPrefix, redisLayer, redisOptions, type StoreOptions } from "../support/fleetStores.ts"
import { serverFor } from "../support/fleetSuite.ts"

type Store = RegistrationStore.RegistrationStore["Service"]

const server = serverFor(redis)

const placeOf = ({ place }: Pick<StoreOptions, "place">) =>
  place.kind === "redis" ? place : assert.fail("another server")

const connect = (options: Pick<StoreOptions, "place">) =>
  Effect.map(
    Effect.orDie(Layer.build(Layer.fresh(redisLayer(placeOf(options))))),
    (context) => Context.get(context, Redis.Redis)
  )

fleetStoreContract("Redis", server, (options) =>
  Effect.map(connect(options), (redis) => {
    const entry = `${options.prefix}entry:${name}`
    const send = (command: string, ...args: ReadonlyArray<string>) => Effect.orDie(redis.send(command, ...args))
    const keys = (pattern: string) =>
      Effect.orDie(redis.send<ReadonlyArray<string>>("KEYS", `${options.prefix}${pattern}`))
    return {
      loseAll: Effect.flatMap(keys("*"), (all) => send("DEL", ...all)),
      backTo: (token) =>
        Effect.andThen(
          send("DEL", `${options.prefix}lease:${name}`),
          send("HSET", `${options.prefix}fence:${name}`, "token", String(token))
        ),
      spoil: [
        send("SET", entry, "not a hash"),
        send("HSET", entry, "something", "else"),
        send("HSET", entry, "version", "one", "value", "x"),
        send("HSET", entry, "version", "1")
      ],
      aside: Effect.map(keys("set-aside:*"), ({ length }) => length),
      add: (names) => send("ZADD", `${options.prefix}keys`, ...names.flatMap((each) => ["0", each]))
    }
  }))

const withStore = <A, E>(
  use: (store: Store, redis: Redis.Redis["Service"], prefix: string) => Effect.Effect<A, E, Scope.Scope>
) =>
  Effect.gen(function*() {
    const { place } = server()
    const prefix = yield* newPrefix(place)
    const redis = yield* connect({ place })
    const store = yield* Effect.provideService(RedisRegistrationStore.make({ prefix }), Redis.Redis, redis)
    return yield* use(store, redis, prefix)
  }).pipe(Effect.scoped)

/** Sets something at the server for as long as the scope lasts. */
const configured = (redis: Redis.Redis["Service"], name: string, value: string, before: string) =>
  Effect.acquireRelease(
    redis.send("CONFIG", "SET", name, value),
    () => Effect.orDie(redis.send("CONFIG", "SET", name, before))
  )

/** The settings of somebody else's server are not touched. */
const isOurs = () => !("url" in server().place)

describe("a store in Redis", () => {
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

  it.live("its client keeps what it is asked while Redis is away, unless its queue is switched off", () =>
    Effect.gen(function*() {
      if (!isOurs()) return
      const { place, start, stop } = server()
      const open = (disableOfflineQueue: boolean) =>
        Effect.map(
          Layer.build(Layer.fresh(NodeRedis.layer({ ...redisOptions(placeOf({ place })), disableOfflineQueue }))),
          (context) => Context.get(context, Redis.Redis)
        )
      const patient = yield* open(false)
      const strict = yield* open(true)
      yield* stop
      const kept = yield* Effect.gen(function*() {
        // Each sees by this that its connection has ended.
        for (const client of [patient, strict]) {
          yield* client.send("PING").pipe(Effect.timeout("200 millis"), Effect.ignore)
        }
        assert.isTrue(Exit.isFailure(yield* Effect.exit(strict.send("PING"))))
        const kept = yield* Effect.forkChild(patient.send<string>("PING"))
        yield* Effect.sleep("200 millis")
        assert.isUndefined(kept.pollUnsafe())
        return kept
      }).pipe(Effect.ensuring(start))
      assert.strictEqual(yield* Fiber.join(kept), "PONG")
    }).pipe(Effect.scoped))

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

  it.live("a server that takes no changes, and one without room, say so", () =>
    withStore((store, redis) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        const version = yield* store.save(lease, "value", 0)
        if (!isOurs()) return
        yield* Effect.scoped(Effect.andThen(
          configured(redis, "min-replicas-to-write", "1", "0"),
          store.save(lease, "canary", version).pipe(failsAs("ReadOnly"))
        ))
        yield* Effect.scoped(Effect.andThen(
          configured(redis, "maxmemory", "1", "0"),
          store.save(lease, "canary", version).pipe(failsAs("Full"))
        ))
        assert.strictEqual(Option.getOrThrow(yield* store.load(key)).value, "value")
      })
    ))

  it.live("a user that may not tell of a change makes none, and one that may only read says so", () =>
    withStore((store, redis, prefix) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        const version = yield* store.save(lease, "value", 0)
        // Somebody else's server has the users that it has.
        const { place } = server()
        if (place.kind !== "redis" || "url" in place) return
        const open = (rules: ReadonlyArray<string>) =>
          Effect.gen(function*() {
            const username = `${prefix}${rules.length}`
            yield* Effect.acquireRelease(
              redis.send("ACL", "SETUSER", username, "on", ">canary", `~${prefix}*`, ...rules),
              () => Effect.orDie(redis.send("ACL", "DELUSER", username))
            )
            const theirs = NodeRedis.layer({ socket: { path: place.path, tls: false }, username, password: "canary" })
            const context = yield* Layer.build(Layer.fresh(theirs))
            return yield* Effect.provideContext(RedisRegistrationStore.make({ prefix }), context)
          })
        const silent = yield* open(["+@all", "resetchannels"])
        for (let time = 0; time < 2; time++) {
          yield* silent.save(lease, "canary", version).pipe(failsAs("ReadOnly"))
          yield* silent.remove(lease, version).pipe(failsAs("ReadOnly"))
        }
        assert.strictEqual(Option.getOrThrow(yield* silent.load(key)).value, "value")
        const reader = yield* open(["+@all", "-@write", `&${prefix}*`])
        yield* reader.save(lease, "canary", version).pipe(failsAs("ReadOnly"))
        yield* reader.acquire({ ...key, profile: "another" }, ttl).pipe(failsAs("ReadOnly"))
        assert.strictEqual(Option.getOrThrow(yield* reader.load(key)).value, "value")
        // What the guide says that is needed.
        const guide = "+@read +@write +@pubsub +@scripting +@connection +@transaction +time".split(" ")
        const enough = yield* open([...guide, `&${prefix}*`])
        yield* enough.remove(lease, yield* enough.save(lease, "theirs", version))
        yield* enough.release(lease)
        assert.isTrue(Option.isSome(yield* enough.acquire(key, ttl)))
      })
    ))

  it.live("serves from a cluster with a hash tag in the prefix, and says what is the matter without one", () =>
    Effect.gen(function*() {
      const cluster = yield* redisCluster
      if (cluster === undefined) return
      const redis = yield* connect(cluster)
      const open = (prefix: string) =>
        Effect.provideService(RedisRegistrationStore.make({ prefix }), Redis.Redis, redis)
      const store = yield* open("{dcr}:")
      const lease = yield* acquire(store)
      const version = yield* store.save(lease, "value", 0)
      assert.isTrue(yield* store.renew(lease, ttl))
      assert.deepStrictEqual(Array.from(yield* Stream.runCollect(store.keys)), [key])
      yield* redis.send("SET", `{dcr}:entry:${name}`, "no entry")
      yield* store.load(key).pipe(failsAs("Corrupted"))
      yield* store.remove(lease, version).pipe(failsAs("Conflict"))
      yield* store.remove(lease, yield* store.save(lease, "anew", 0))
      yield* store.release(lease)
      yield* store.postpone(key.issuer, Date.now() + 60_000)
      assert.isAbove(yield* store.notBefore(key.issuer), Date.now())
      const error = yield* Effect.flatMap(open("dcr:"), (store) => store.acquire(key, ttl).pipe(failsAs("Unavailable")))
      assert.include(error.message, "CROSSSLOT")
    }).pipe(Effect.scoped))

  it.live("warns of a server that throws keys away", () =>
    withStore((_, redis, prefix) =>
      Effect.gen(function*() {
        if (!isOurs()) return
        const warnings: Array<string> = []
        const open = RedisRegistrationStore.make({ prefix }).pipe(
          Effect.provideService(Redis.Redis, redis),
          Effect.provide(Logger.layer([Logger.make(({ message }) => warnings.push(String(message)))]))
        )
        yield* open
        yield* configured(redis, "maxmemory-policy", "allkeys-lru", "noeviction")
        // Without a bound of its memory, it throws away nothing.
        yield* open
        assert.deepStrictEqual(warnings, [])
        yield* configured(redis, "maxmemory", "1gb", "0")
        yield* open
        assert.strictEqual(warnings.length, 1)
        assert.include(warnings[0], "allkeys-lru")
        const silent = { ...redis, send: () => Effect.fail(new Redis.RedisError({ cause: new Error("NOPERM") })) }
        yield* RedisRegistrationStore.make({ prefix }).pipe(Effect.provideService(Redis.Redis, silent))
      })
    ))
})
