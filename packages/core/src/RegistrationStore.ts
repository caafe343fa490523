/**
 * Where registrations are kept.
 *
 * A store keeps one entry of text per {@link Key}, with a version for compare-and-set, and hands out one lease per key at a
 * time. What stands in an entry is the matter of `Registrar` (see `RegistrationRecord`); a store neither reads nor changes it.
 * Entries hold secrets: keep them where nobody else reads, or put `RegistrationEncryption.layer` in front.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { isInForce, type Span } from "./internal/pause.ts"
import * as ProcessLeases from "./internal/processLeases.ts"
import { conflict, leaseLost, storeFailed } from "./internal/storeFailure.ts"
import type { RegistrationError } from "./RegistrationError.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * What an entry is kept under: the issuer, as its own metadata spells it, and a stable string that the caller chooses, such as
 * a tenant. Credentials of one issuer are never found under another. Both are compared as they are written: case counts.
 *
 * @since 0.1.0
 * @category models
 */
export interface Key {
  readonly issuer: string
  readonly profile: string
}

/**
 * An entry: text, and the version that a change of it has to name.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry {
  readonly version: number
  readonly value: string
}

/**
 * The exclusive right to change an entry, until it expires.
 *
 * **Details**
 *
 * An expired lease is lost when somebody else takes it, and not before: until then its holder may still save what a request
 * brought, and renew it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Lease {
  readonly key: Key
  /**
   * The fencing token: greater than that of every lease of this key before. A change under a lease that somebody else took
   * since is refused, so a holder that was paused past its lease cannot overwrite.
   */
  readonly token: number
}

/**
 * For whom the store's promises hold: the fibers of one process, the processes of one machine, the machines of a fleet.
 *
 * @since 0.1.0
 * @category models
 */
export type Reach = "process" | "machine" | "fleet"

// -----------------------------------------------------------------------------
// service
// -----------------------------------------------------------------------------

/**
 * Keeps registrations. Every method fails with the reason `StoreFailed`.
 *
 * @since 0.1.0
 * @category services
 */
export class RegistrationStore extends Context.Service<RegistrationStore, {
  /** For whom compare-and-set and leases hold. */
  readonly reach: Reach
  /**
   * The entry of a key, if there is one. What is found there and cannot be an entry of this store fails with `Corrupted` and
   * is set aside, never deleted: the next time there is no entry.
   */
  readonly load: (key: Key) => Effect.Effect<Option.Option<Entry>, RegistrationError>
  /**
   * Writes the entry of a lease's key, durably for the store's kind, and returns its new version. `expected` is the version
   * that it has now, 0 for none: another one fails with `Conflict`. A lease that somebody else took since fails with
   * `LeaseLost`, even when the version fits.
   */
  readonly save: (lease: Lease, value: string, expected: number) => Effect.Effect<number, RegistrationError>
  /**
   * Removes the entry of a lease's key, under the conditions of `save`. With `"any"` whatever version it has, also where it
   * cannot be read.
   */
  readonly remove: (lease: Lease, expected: number | "any") => Effect.Effect<void, RegistrationError>
  /**
   * The keys of all entries, in no order. An entry that does not even say its key is no reason to leave out the others: the
   * failure comes after all that can be told.
   */
  readonly keys: Stream.Stream<Key, RegistrationError>
  /** The lease of a key for `ttl`, or none while somebody else holds it. */
  readonly acquire: (key: Key, ttl: Duration.Duration) => Effect.Effect<Option.Option<Lease>, RegistrationError>
  /** Extends a lease to `ttl` from now, even an expired one that nobody took; `false` when it was lost or given back. */
  readonly renew: (lease: Lease, ttl: Duration.Duration) => Effect.Effect<boolean, RegistrationError>
  /** Gives a lease back. A lost one is none of the holder's business any more. */
  readonly release: (lease: Lease) => Effect.Effect<void, RegistrationError>
  /**
   * Until when an issuer wants no registrations, in milliseconds since the epoch; 0 or a time that is past when there is no
   * such wish, and when the clock jumped back to long before it was remembered.
   */
  readonly notBefore: (issuer: string) => Effect.Effect<number, RegistrationError>
  /** Remembers that and when it was said, for everybody in the store's reach. An earlier time does not replace a later one. */
  readonly postpone: (issuer: string, until: number) => Effect.Effect<void, RegistrationError>
}>()("@effect-dcr/core/RegistrationStore") {}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * A store in the memory of the process: for tests, and for applications that may forget.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeMemory: Effect.Effect<RegistrationStore["Service"]> = Effect.sync(() => {
  const entries = new Map<string, { readonly key: Key; readonly entry: Entry }>()
  const postponements = new Map<string, Span>()
  const leases = ProcessLeases.make()
  const refused = (operation: "save" | "remove", lease: Lease, expected: number | "any") => {
    const name = encodeKey(lease.key)
    if (!leases.isHeld(name, lease.token)) return leaseLost(operation)
    return expected === "any" || (entries.get(name)?.entry.version ?? 0) === expected ? undefined : conflict(operation)
  }
  return RegistrationStore.of({
    reach: "process",
    load: (key) => Effect.sync(() => Option.fromUndefinedOr(entries.get(encodeKey(key))?.entry)),
    save: (lease, value, expected) =>
      Effect.suspend(() => {
        const problem = refused("save", lease, expected)
        if (problem !== undefined) return Effect.fail(problem)
        entries.set(encodeKey(lease.key), { key: lease.key, entry: { version: expected + 1, value } })
        return Effect.succeed(expected + 1)
      }),
    remove: (lease, expected) =>
      Effect.suspend(() => {
        const problem = refused("remove", lease, expected)
        if (problem !== undefined) return Effect.fail(problem)
        entries.delete(encodeKey(lease.key))
        return Effect.void
      }),
    keys: Stream.suspend(() => Stream.fromIterable(Array.from(entries.values(), ({ key }) => key))),
    ...leaseMethods(leases),
    notBefore: (issuer) => Effect.map(Clock.currentTimeMillis, (now) => endOf(postponements.get(issuer), now)),
    postpone: (issuer, until) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        if (until > endOf(postponements.get(issuer), now)) postponements.set(issuer, { since: now, until })
      })
  })
})

/** An entry in a `KeyValueStore`. */
const KeptEntry = Schema.fromJsonString(Schema.Struct({ version: Schema.Int, value: Schema.String }))

const decodeEntry = Schema.decodeUnknownEffect(KeptEntry)
const encodeEntry = Schema.encodeSync(KeptEntry)

/** How long an issuer wants no registrations, in milliseconds since the epoch. */
const KeptSpan = Schema.fromJsonString(Schema.Struct({ since: Schema.Number, until: Schema.Number }))

const decodeSpan = Schema.decodeUnknownOption(KeptSpan)
const encodeSpan = Schema.encodeSync(KeptSpan)

const endOf = (span: Span | undefined, now: number): number =>
  span === undefined || !isInForce(span, now) ? 0 : span.until

/**
 * A store in any `KeyValueStore` of Effect.
 *
 * **Gotchas**
 *
 * A `KeyValueStore` cannot compare and set, so that its promises hold within one process, whatever it is kept in, and among
 * those who share one store: build it once for each `KeyValueStore`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeKeyValueStore: Effect.Effect<RegistrationStore["Service"], never, KeyValueStore.KeyValueStore> = Effect
  .map(KeyValueStore.KeyValueStore, (kv) => {
    const leases = ProcessLeases.make()
    const lock = Semaphore.makeUnsafe(1)
    const locked = lock.withPermits(1)
    const failed = (operation: "load" | "save" | "remove" | "list") => (cause: unknown) =>
      storeFailed(operation, "Unavailable", "the key-value store failed", cause)
    /** Out of the way under a name of its own, for somebody to look at. */
    const setAside = (name: string, text: string) =>
      Effect.flatMap(
        Clock.currentTimeMillis,
        (now) => Effect.andThen(kv.set(`${asidePrefix}${now}:${name}`, text), kv.remove(entryPrefix + name))
      ).pipe(
        Effect.mapError(failed("load"))
      )
    const load = (key: Key) =>
      kv.get(entryPrefix + encodeKey(key)).pipe(
        Effect.mapError(failed("load")),
        Effect.flatMap((text) =>
          text === undefined ? Effect.succeedNone : decodeEntry(text).pipe(
            Effect.map(Option.some),
            Effect.catch(() =>
              Effect.andThen(
                setAside(encodeKey(key), text),
                Effect.fail(storeFailed("load", "Corrupted", "an entry is not one of this store, and was set aside"))
              )
            )
          )
        )
      )
    const check = Effect.fnUntraced(function*(operation: "save" | "remove", lease: Lease, expected: number | "any") {
      if (!leases.isHeld(encodeKey(lease.key), lease.token)) return yield* leaseLost(operation)
      if (expected === "any") return
      const entry = yield* load(lease.key)
      if ((Option.isSome(entry) ? entry.value.version : 0) !== expected) return yield* conflict(operation)
    })
    const notBefore = (issuer: string) =>
      Effect.gen(function*() {
        const text = yield* kv.get(postponedPrefix + issuer)
        return endOf(Option.getOrUndefined(decodeSpan(text)), yield* Clock.currentTimeMillis)
      })
    return RegistrationStore.of({
      reach: "process",
      load: (key) => locked(load(key)),
      save: (lease, value, expected) =>
        locked(Effect.andThen(
          check("save", lease, expected),
          kv.set(entryPrefix + encodeKey(lease.key), encodeEntry({ version: expected + 1, value })).pipe(
            Effect.mapError(failed("save")),
            Effect.as(expected + 1)
          )
        )),
      remove: (lease, expected) =>
        locked(Effect.andThen(
          check("remove", lease, expected),
          Effect.mapError(kv.remove(entryPrefix + encodeKey(lease.key)), failed("remove"))
        )),
      keys: Stream.unwrap(
        kv.keys.pipe(
          Effect.mapError(failed("list")),
          Effect.map((names) =>
            Stream.fromIterable(
              names.flatMap((name) => name.startsWith(entryPrefix) ? decodeKey(name.slice(entryPrefix.length)) : [])
            )
          )
        )
      ),
      ...leaseMethods(leases),
      notBefore: (issuer) => Effect.mapError(notBefore(issuer), failed("load")),
      postpone: (issuer, until) =>
        locked(Effect.gen(function*() {
          if (until <= (yield* notBefore(issuer))) return
          yield* kv.set(
            postponedPrefix + issuer,
            encodeSpan({ since: yield* Clock.currentTimeMillis, until })
          )
        })).pipe(Effect.mapError(failed("save")))
    })
  })

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * A store in the memory of the process.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<RegistrationStore> = Layer.effect(RegistrationStore, makeMemory)

/**
 * A store in any `KeyValueStore` of Effect. See {@link makeKeyValueStore}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerKeyValueStore: Layer.Layer<RegistrationStore, never, KeyValueStore.KeyValueStore> = Layer.effect(
  RegistrationStore,
  makeKeyValueStore
)

// -----------------------------------------------------------------------------
// combinators
// -----------------------------------------------------------------------------

/**
 * Runs an effect while holding the lease of a key, waiting for it as long as it takes.
 *
 * **Details**
 *
 * The lease is renewed at a third of `ttl` while the effect runs, so that it outlasts any request. A holder that dies delays
 * the others by no more than `ttl`.
 *
 * **Gotchas**
 *
 * A lease may be lost all the same, when the process stands still for longer than `ttl`. The effect goes on then, because an
 * answer may be on its way; what it wants to save fails with `LeaseLost`.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withLease = <A, E, R>(
  store: RegistrationStore["Service"],
  key: Key,
  options: {
    /** How long a lease lasts without being renewed. */
    readonly ttl: Duration.Input
  },
  use: (lease: Lease) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | RegistrationError, R> => {
  const ttl = Duration.fromInputUnsafe(options.ttl)
  const keepRenewing = (lease: Lease) =>
    Effect.sleep(Duration.divideUnsafe(ttl, 3)).pipe(
      // A store that fails now may answer the next time.
      Effect.andThen(Effect.orElseSucceed(store.renew(lease, ttl), () => true)),
      Effect.repeat({ while: (isHeld) => isHeld })
    )
  return Effect.uninterruptibleMask((restore) => {
    // Asks more and more rarely. Interruptible between two questions only: an answer is never left lying.
    const longest = Math.min(500, Duration.toMillis(ttl) / 10)
    const ask = (pause: number): Effect.Effect<Lease, RegistrationError> =>
      Effect.flatMap(
        store.acquire(key, ttl),
        Option.match({
          onSome: Effect.succeed,
          onNone: () =>
            Effect.andThen(
              restore(Effect.sleep(pause)),
              Effect.suspend(() => ask(Math.min(pause * 2, longest)))
            )
        })
      )
    return Effect.gen(function*() {
      const lease = yield* ask(Math.min(10, longest))
      const renewing = yield* Effect.forkDetach(keepRenewing(lease))
      // What cannot be given back expires.
      const giveBack = Effect.andThen(Fiber.interrupt(renewing), Effect.ignore(store.release(lease)))
      return yield* Effect.ensuring(restore(Effect.suspend(() => use(lease))), giveBack)
    })
  })
}

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const entryPrefix = "registration:"
const postponedPrefix = "postponed:"
const asidePrefix = "set-aside:"

const leaseMethods = (
  leases: ProcessLeases.ProcessLeases
): Pick<RegistrationStore["Service"], "acquire" | "renew" | "release"> => ({
  acquire: (key, ttl) => Effect.map(leases.acquire(encodeKey(key), ttl), Option.map((token) => ({ key, token }))),
  renew: ({ key, token }, ttl) => leases.renew(encodeKey(key), token, ttl),
  release: ({ key, token }) => leases.release(encodeKey(key), token)
})

/**
 * One string per key, injective: neither part can hold a space once it is encoded. For stores that need a name.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeKey = ({ issuer, profile }: Key): string => `${encodePart(issuer)} ${encodePart(profile)}`

/**
 * The key that {@link encodeKey} was given, or none for what is no such string.
 *
 * @since 0.1.0
 * @category encoding
 */
export const decodeKey = (encoded: string): ReadonlyArray<Key> => {
  const [issuer, profile, ...rest] = encoded.split(" ").map(decodePart)
  return issuer === undefined || profile === undefined || rest.length > 0 ? [] : [{ issuer, profile }]
}

// A lone surrogate cannot be percent-encoded; such a profile has no well-formed name anywhere.
const encodePart = (part: string): string => encodeURIComponent(part.replace(/\p{Surrogate}/gu, "\ufffd"))

const decodePart = (part: string): string | undefined =>
  Result.getOrUndefined(Result.try(() => decodeURIComponent(part)))
