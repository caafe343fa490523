/**
 * Registrations in Redis, for the machines of a fleet.
 *
 * It stands on `Redis` of `effect/persistence`, whose client the application brings: `NodeRedis` of `@effect/platform-node`
 * with the package `redis`. A lease is `SET NX PX` with a fencing token, a change is compared and set by a script that looks at
 * the fencing token too, and each change is published, so that others drop what they cached. Time is that of Redis: clocks of
 * machines are not trusted.
 *
 * A module of its own, which the package's root does not name, so that who keeps registrations elsewhere does not load it.
 *
 * **Example** (A fleet on Redis)
 *
 * ```ts
 * import { Registrar } from "@effect-dcr/core"
 * import * as CachedRegistrationStore from "@effect-dcr/core/CachedRegistrationStore"
 * import * as RedisRegistrationStore from "@effect-dcr/core/RedisRegistrationStore"
 * import { NodeRegistration } from "@effect-dcr/platform-node"
 * import { NodeRedis } from "@effect/platform-node"
 * import { Layer } from "effect"
 *
 * const store = CachedRegistrationStore.layer().pipe(
 *   Layer.provide(RedisRegistrationStore.layer()),
 *   Layer.provide(NodeRedis.layer({ url: "redis://redis.internal:6379" }))
 * )
 *
 * const layer = Registrar.layer().pipe(Layer.provide([store, NodeRegistration.layer]))
 * ```
 *
 * **Gotchas**
 *
 * Redis has to keep what it is given: `appendonly yes`, and `maxmemory-policy noeviction`. With `appendfsync everysec`, and with
 * a failover to a replica, it may lose the last second: see the guide on fleets. Keys of a script have to be in one slot of a
 * Redis Cluster: give a prefix with a hash tag there, such as `{effect-dcr}:`, which keeps all of them on one of its servers.
 *
 * The client of `NodeRedis` keeps what it is asked while Redis is away, without a bound: set its `disableOfflineQueue` or
 * `commandsQueueMaxLength`.
 *
 * Secrets are in the entries in the clear, unless `RegistrationEncryption` of `@effect-dcr/core` stands in front.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redis from "effect/persistence/Redis"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { type Operation, within } from "./internal/fleet/bounded.ts"
import { keysOf } from "./internal/fleet/listing.ts"
import { fromRedisError, isWrongType } from "./internal/fleet/redisFailure.ts"
import * as Scripts from "./internal/fleet/redisScripts.ts"
import { readHere } from "./internal/fleet/remoteTime.ts"
import { conflict, leaseLost, storeFailed } from "./internal/storeFailure.ts"
import { type Change, RegistrationChanges } from "./RegistrationChanges.ts"
import type { RegistrationError } from "./RegistrationError.ts"
import { decodeKey, encodeKey, type Entry, type Key, type Lease, RegistrationStore } from "./RegistrationStore.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * Options of {@link layer}.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /**
   * What the names of the keys and of the channel begin with. Stores of one prefix in one database share their registrations.
   * Default: `effect-dcr:`.
   */
  readonly prefix?: string | undefined
  /** How long Redis may take for one command before it counts as away. Default: 5 seconds. */
  readonly timeout?: Duration.Input | undefined
}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Makes the store. Its reach is `fleet`. Warns in the log of a Redis that throws keys away when its memory is full.
 *
 * **Details**
 *
 * A Redis that is away or slow fails each method with the reason `StoreFailed`, `Unavailable`; a replica, and a server that
 * cannot write its disk, with `ReadOnly`; one without room with `Full`. No error says what stood in a command.
 *
 * A `save` or `remove` that is repeated because its answer was lost succeeds.
 *
 * **Gotchas**
 *
 * The client of `NodeRedis` keeps commands while its connection is away, and sends them later. A change that comes so late
 * counts if nobody else took the lease since; a lease that nobody waits for any more expires.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(
  options: Options = {}
): Effect.fn.Return<RegistrationStore["Service"], never, Redis.Redis> {
  const redis = yield* Redis.Redis
  const names = namesOf(options)
  const bounded = within(Duration.fromInputUnsafe(options.timeout ?? "5 seconds"))
  const ask = <A>(operation: Operation, answer: Effect.Effect<A, Redis.RedisError>) =>
    bounded(operation)(Effect.mapError(answer, fromRedisError(operation)))
  yield* Effect.ignore(Effect.flatMap(ask("load", redis.send<string>("INFO", "memory")), warnOfEviction))
  const scripts = {
    acquire: redis.eval(Scripts.acquire),
    renew: redis.eval(Scripts.renew),
    release: redis.eval(Scripts.release),
    save: redis.eval(Scripts.save),
    remove: redis.eval(Scripts.remove),
    setAside: redis.eval(Scripts.setAside),
    postpone: redis.eval(Scripts.postpone),
    notBefore: redis.eval(Scripts.notBefore)
  }
  const changed = (key: Key): Scripts.ChangedKeys => {
    const name = encodeKey(key)
    const { channel, index, last } = names
    return { entry: names.entry(name), fence: names.fence(name), index, last, channel, name }
  }
  const judge = (operation: "save" | "remove") => (answer: string) =>
    answer === "L"
      ? Effect.fail(leaseLost(operation))
      : answer === "C"
      ? Effect.fail(conflict(operation))
      : Effect.succeed(Number(answer))

  const load = (key: Key): Effect.Effect<Option.Option<Entry>, RegistrationError> => {
    const name = encodeKey(key)
    return ask(
      "load",
      redis.send<ReadonlyArray<string | null>>("HMGET", names.entry(name), "version", "value").pipe(
        Effect.catchIf(isWrongType, () => Effect.succeed([]))
      )
    ).pipe(
      Effect.flatMap(([version, value]) =>
        isAbsent(version) || isAbsent(value) || !/^[1-9][0-9]{0,15}$/.test(version)
          ? Effect.flatMap(
            // Nothing, or something else: the script looks again, since somebody may have written it by now.
            ask("load", scripts.setAside(names.entry(name), names.index, names.aside, name)),
            (found) => {
              if (found === 0) return Effect.succeedNone
              return found === 2
                ? Effect.suspend(() => load(key))
                : Effect.fail(storeFailed("load", "Corrupted", "an entry is not one of this store, and was set aside"))
            }
          )
          : Effect.succeedSome<Entry>({ version: Number(version), value })
      )
    )
  }

  return RegistrationStore.of({
    reach: "fleet",
    load,
    save: ({ key, token }, value, expected) =>
      Effect.uninterruptible(Effect.flatMap(
        ask("save", scripts.save(changed(key), String(token), expected, value)),
        judge("save")
      )),
    remove: ({ key, token }, expected) =>
      Effect.uninterruptible(
        Effect.asVoid(Effect.flatMap(
          ask("remove", scripts.remove(changed(key), String(token), expected)),
          judge("remove")
        ))
      ),
    keys: keysOf(Stream.paginate("-", (after: string) =>
      Effect.map(
        ask(
          "list",
          redis.send<ReadonlyArray<string>>("ZRANGEBYLEX", names.index, after, "+", "LIMIT", "0", String(pageSize))
        ),
        (page) => {
          const last = page.length < pageSize ? undefined : page.at(-1)
          return [page, Option.map(Option.fromUndefinedOr(last), (name) => `(${name}`)] as const
        }
      ))),
    acquire: (key, ttl) => {
      const name = encodeKey(key)
      return Effect.uninterruptible(Effect.map(
        ask("lease", scripts.acquire(names.lease(name), names.fence(name), millis(ttl))),
        (token) => isAbsent(token) ? Option.none() : Option.some<Lease>({ key, token: Number(token) })
      ))
    },
    renew: ({ key, token }, ttl) => {
      const name = encodeKey(key)
      return Effect.map(
        ask("lease", scripts.renew(names.lease(name), names.fence(name), String(token), millis(ttl))),
        (renewed) => renewed === 1
      )
    },
    release: ({ key, token }) => {
      const name = encodeKey(key)
      return Effect.uninterruptible(Effect.asVoid(
        ask("lease", scripts.release(names.lease(name), names.fence(name), String(token)))
      ))
    },
    notBefore: (issuer) =>
      readHere(
        Effect.map(
          ask("load", scripts.notBefore(names.issuer(issuer))),
          ([until, left]) => isAbsent(until) ? undefined : { until: Number(until), left }
        )
      ),
    postpone: (issuer, until) =>
      Effect.clockWith((clock) => {
        const left = Math.ceil(until - clock.currentTimeMillisUnsafe())
        return left <= 0
          ? Effect.void
          : Effect.asVoid(ask("save", scripts.postpone(names.issuer(issuer), Math.ceil(until), left)))
      }).pipe(Effect.uninterruptible)
  })
})

/**
 * What changed, from now on.
 *
 * **Details**
 *
 * `NodeRedis` takes up a subscription again after its connection broke off and does not say so. Each change therefore tells which
 * one came before it, and Redis is asked once a second which one was the last: when one is missing, `"all"` is told, about two
 * seconds after it was missed at the latest, as long as Redis answers.
 *
 * @since 0.1.0
 * @category constructors
 */
export const changes = (
  options: Pick<Options, "prefix"> = {}
): Stream.Stream<Change, RegistrationError, Redis.Redis> =>
  Stream.unwrap(Effect.gen(function*() {
    const redis = yield* Redis.Redis
    const names = namesOf(options)
    const heard = yield* redis.subscribe(names.channel)
    const lastTold = Effect.map(redis.send<string | null>("GET", names.last), (number) => number ?? "0")
    /** The number of the change that was heard last, and what it was when Redis named another one. */
    let last = yield* Effect.mapError(lastTold, fromRedisError("load"))
    let suspected: string | undefined
    const gaps = Stream.fromEffectSchedule(Effect.option(lastTold), Schedule.spaced("1 second")).pipe(
      Stream.filter(Option.match({
        onNone: () => false,
        onSome: (number) => {
          // What was told just now may be on its way still.
          const isMissing = number !== last && suspected === last
          suspected = number === last ? undefined : last
          if (isMissing) last = number
          return isMissing
        }
      })),
      Stream.map((): Change => "all")
    )
    const news = Stream.fromQueue(heard).pipe(
      Stream.mapError(fromRedisError("load")),
      Stream.map(({ message }): Change => {
        const [before, number = "", ...name] = message.split(" ")
        const isNext = before === last
        last = number
        return (isNext ? decodeKey(name.join(" "))[0] : undefined) ?? "all"
      })
    )
    return Stream.concat(Stream.succeed<Change>("all"), Stream.merge(news, gaps))
  }))

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * A store in the Redis that is provided to this layer, with its `RegistrationChanges`. See {@link make}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<RegistrationStore, never, Redis.Redis> =>
  Layer.effectContext(Effect.gen(function*() {
    const redis = yield* Redis.Redis
    return Context.make(RegistrationStore, yield* make(options)).pipe(
      Context.add(RegistrationChanges, Stream.provideService(changes(options), Redis.Redis, redis))
    )
  }))

/**
 * The same with options that come from `Config`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<RegistrationStore, Config.ConfigError, Redis.Redis> =>
  Layer.unwrap(Effect.map(Config.unwrap(options), layer))

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const pageSize = 1000

const namesOf = ({ prefix = "effect-dcr:" }: Pick<Options, "prefix">) => ({
  entry: (name: string) => `${prefix}entry:${name}`,
  lease: (name: string) => `${prefix}lease:${name}`,
  fence: (name: string) => `${prefix}fence:${name}`,
  issuer: (issuer: string) => `${prefix}issuer:${encodeKey({ issuer, profile: "" })}`,
  aside: `${prefix}set-aside:`,
  /** The names of all entries, in the order of their bytes. */
  index: `${prefix}keys`,
  channel: `${prefix}changes`,
  /** The number of the change that was told last. */
  last: `${prefix}last-change`
})

const millis = (duration: Duration.Duration): number => Math.max(1, Math.ceil(Duration.toMillis(duration)))

/** Some roles may not ask, and some servers do not say. */
const warnOfEviction = (info: string): Effect.Effect<void> => {
  const told = (name: string) => new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1]
  const policy = told("maxmemory_policy") ?? "noeviction"
  return policy === "noeviction" || (told("maxmemory") ?? "0") === "0"
    ? Effect.void
    : Effect.logWarning(
      `Redis may throw away registrations and leases when its memory is full: maxmemory-policy is ${policy}, not noeviction`
    )
}

/** What is not there is `null` to one driver and `undefined` to another. */
const isAbsent = (answer: string | null | undefined): answer is null | undefined =>
  answer === null || answer === undefined
