/**
 * A copy in the process of what a store keeps, in front of any store, so that an `ensure` that finds its registration asks
 * nobody.
 *
 * **Details**
 *
 * An entry is served from the copy for `maxAge` at the most, counted from before it was read: that is the bound within which a
 * change elsewhere is seen by everybody. Where the store tells of changes (`RegistrationChanges`: Redis, and PostgreSQL with
 * `listen`), it is dropped as soon as its change is heard of, and all copies are when news were missed; the bound holds for gaps
 * that nobody notices. What is not there is not remembered. Whoever takes a lease reads the store itself, so that nothing is decided on a copy.
 *
 * An entry is not served past the expiry of its client secret, either.
 *
 * **Gotchas**
 *
 * The copies are in the clear in the memory of the process. In front of `RegistrationEncryption` it saves the decryption as
 * well; behind it, the copies are encrypted, and their expiry cannot be seen.
 *
 * A module of its own, which the package's root does not name.
 *
 * **Example** (Seen by everybody within 2 seconds)
 *
 * ```ts
 * import * as CachedRegistrationStore from "@effect-dcr/core/CachedRegistrationStore"
 * import * as RedisRegistrationStore from "@effect-dcr/core/RedisRegistrationStore"
 * import { Layer } from "effect"
 *
 * const layer = CachedRegistrationStore.layer({ maxAge: "2 seconds", capacity: 50_000 }).pipe(
 *   Layer.provide(RedisRegistrationStore.layer())
 * )
 * ```
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { RegistrationChanges } from "./RegistrationChanges.ts"
import { RegistrationError } from "./RegistrationError.ts"
import { encodeKey, type Entry, RegistrationStore } from "./RegistrationStore.ts"

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
  /** How old a copy may be. Default: 10 seconds. */
  readonly maxAge?: Duration.Input | undefined
  /** How many entries are kept, those that were asked for last. Default: 10,000. */
  readonly capacity?: number | undefined
}

type Outcome = Option.Option<Entry>

interface Copy {
  readonly entry: Outcome
  /** In nanoseconds of the clock that does not jump. */
  readonly since: bigint
  /** In milliseconds since the epoch, because that clock may stand still while the machine is suspended. */
  readonly readAt: number
  /** When its client secret expires, in milliseconds since the epoch. */
  readonly expiry: number
}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Puts copies in front of the store at hand. Its reach, leases and versions stay what they are. Fails with the reason
 * `InvalidOptions` for a capacity that is none, and for an age without an end.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(
  options: Options = {}
): Effect.fn.Return<RegistrationStore["Service"], RegistrationError, RegistrationStore | Scope.Scope> {
  const { capacity = 10_000 } = options
  if (!(capacity >= 1)) return yield* invalid("capacity", "it is not a number above 0")
  const longest = Duration.fromInputUnsafe(options.maxAge ?? "10 seconds")
  if (!Duration.isFinite(longest)) return yield* invalid("maxAge", "it has no end")
  const store = yield* RegistrationStore
  const scope = yield* Scope.Scope
  const maxAge = Duration.toNanosUnsafe(longest)
  const maxMillis = Duration.toMillis(longest)
  // In the order of their last use.
  const copies = new Map<string, Copy>()
  // What is on its way. A change drops it from here, so that nobody who asks afterwards is given it, and it is not kept.
  const underWay = new Map<string, Deferred.Deferred<Outcome, RegistrationError>>()
  const drop = (name: string) => {
    copies.delete(name)
    underWay.delete(name)
  }
  const dropAll = () => {
    copies.clear()
    underWay.clear()
  }

  const usable = (name: string, clock: Clock.Clock): Outcome | undefined => {
    const copy = copies.get(name)
    if (copy === undefined) return undefined
    copies.delete(name)
    const now = clock.currentTimeMillisUnsafe()
    if (
      clock.monotonicTimeNanosUnsafe() - copy.since >= maxAge || now - copy.readAt >= maxMillis || now >= copy.expiry
    ) {
      return undefined
    }
    copies.set(name, copy)
    return copy.entry
  }
  const keep = (name: string, entry: Outcome, age: Pick<Copy, "since" | "readAt">) => {
    if (Option.isNone(entry)) return
    copies.set(name, { entry, ...age, expiry: expiryIn(entry.value.value) })
    for (const oldest of copies.keys()) {
      if (copies.size <= capacity) break
      copies.delete(oldest)
    }
  }
  const load: RegistrationStore["Service"]["load"] = (key) =>
    Effect.clockWith((clock) => {
      const name = encodeKey(key)
      const copy = usable(name, clock)
      if (copy !== undefined) return Effect.succeed(copy)
      const running = underWay.get(name)
      if (running !== undefined) return Deferred.await(running)
      const outcome = Deferred.makeUnsafe<Outcome, RegistrationError>()
      underWay.set(name, outcome)
      // Before it is read: what changes from now on is news.
      const age = { since: clock.monotonicTimeNanosUnsafe(), readAt: clock.currentTimeMillisUnsafe() }
      return Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(Effect.forkIn(Effect.interruptible(store.load(key)), scope), (fiber) => {
          fiber.addObserver((exit) => {
            if (underWay.get(name) === outcome) {
              underWay.delete(name)
              if (exit._tag === "Success") keep(name, exit.value, age)
            }
            Deferred.doneUnsafe(outcome, exit)
          })
          return restore(Deferred.await(outcome))
        })
      )
    })
  /** Before, for those who ask meanwhile and after, whatever came of it. */
  const dropping = <A>(name: string, effect: Effect.Effect<A, RegistrationError>) =>
    Effect.suspend(() => {
      drop(name)
      return Effect.ensuring(effect, Effect.sync(() => drop(name)))
    })

  const changes = yield* RegistrationChanges
  yield* Stream.runForEach(changes, (change) =>
    Effect.sync(() => {
      if (change === "all") dropAll()
      else drop(encodeKey(change))
    })).pipe(
      Effect.ensuring(Effect.sync(dropAll)),
      // Whatever ended them, a driver that interrupts those who listen included.
      Effect.ignoreCause,
      // Until the news come again, the age is the bound.
      Effect.repeat(Schedule.spaced("1 second")),
      Effect.forkScoped
    )

  return RegistrationStore.of({
    ...store,
    load,
    save: (lease, value, expected) => dropping(encodeKey(lease.key), store.save(lease, value, expected)),
    remove: (lease, expected) => dropping(encodeKey(lease.key), store.remove(lease, expected)),
    // What its last holder wrote may not have been heard of yet.
    acquire: (key, ttl) => Effect.tap(store.acquire(key, ttl), () => Effect.sync(() => drop(encodeKey(key))))
  })
})

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * The store that is provided to this layer, with copies in front of it. See {@link make}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<RegistrationStore, RegistrationError, RegistrationStore> =>
  Layer.effect(RegistrationStore, make(options))

/**
 * The same with options that come from `Config`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<RegistrationStore, RegistrationError | Config.ConfigError, RegistrationStore> =>
  Layer.effect(RegistrationStore, Effect.flatMap(Config.unwrap(options), make))

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const invalid = (option: string, message: string) =>
  new RegistrationError({ reason: { _tag: "InvalidOptions", option, message } })

/** As much of a record as says when its secret expires. What is encrypted says nothing. */
const Expiring = Schema.fromJsonString(Schema.Struct({
  current: Schema.Struct({ information: Schema.Struct({ client_secret_expires_at: Schema.Finite }) })
}))

const decodeExpiring = Schema.decodeUnknownOption(Expiring)

/** In milliseconds since the epoch; `Infinity` for never. */
const expiryIn = (value: string): number => {
  const found = decodeExpiring(value)
  const seconds = Option.isSome(found) ? found.value.current.information.client_secret_expires_at : 0
  return seconds === 0 ? Infinity : seconds * 1000
}
