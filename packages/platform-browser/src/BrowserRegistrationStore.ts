/**
 * Registrations in IndexedDB, for the tabs and workers of one origin in one browser profile.
 *
 * Each change is compared and set in one transaction, which is on the disk when it ends (`durability: "strict"`). A lease is a
 * row with a fencing token and a time, and a Web Lock beside it as a sign of life: when its holder closes the tab or crashes,
 * the browser takes the lock away, and the next one need not wait for the time. Works in windows, workers and service workers.
 *
 * **Gotchas**
 *
 * A browser may delete what a site keeps when it is short of room, and Safari does so after seven days of its use in which
 * nobody touched the site: ask for {@link persist}. Private windows forget with their last tab. The origin is the border: `app.example.com` and
 * `www.example.com` keep registrations of their own.
 *
 * Any script of the origin can read what is kept. {@link layerEncrypted} encrypts it with a key that no script can export: who
 * copies the files of the profile then has less, a script that runs in the page as much as before.
 *
 * A service worker may be stopped between two events. A lease that it held is free at once, and what it had sent is what
 * `Registrar` calls a crash: keep the event open with `waitUntil`.
 *
 * @since 0.1.0
 */
import * as RegistrationEncryption from "@effect-dcr/core/RegistrationEncryption"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import { type Key, type Lease, RegistrationStore } from "@effect-dcr/core/RegistrationStore"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Database from "./internal/database.ts"
import { DatabaseProblem, translate } from "./internal/databaseFailure.ts"
import * as EncryptionKey from "./internal/encryptionKey.ts"
import * as Liveness from "./internal/liveness.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * Which database, and how it is kept.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /**
   * The name of the database in this origin. Applications of one origin that name the same share their registrations. Default:
   * `effect-dcr`.
   */
  readonly database?: string | undefined
  /**
   * Whether the browser is asked, when the store opens, not to delete it when it is short of room. Firefox then asks the
   * person; a warning is logged when it is refused. Default: `false`; see {@link persist}.
   */
  readonly persistent?: boolean | undefined
}

const Entry = Schema.Struct({ format: Schema.Literal(1), version: Schema.Int, value: Schema.String })

const LeaseRow = Schema.Struct({
  token: Schema.Int,
  /** In milliseconds of a clock that does not jump and that all tabs have in common. */
  expires: Schema.Finite,
  /** In milliseconds. */
  ttl: Schema.Finite,
  /** The name of the Web Lock of its holder, empty where there are none. */
  lock: Schema.String
})

type LeaseRow = typeof LeaseRow.Type

/** In milliseconds since the epoch. */
const Postponement = Schema.Struct({ since: Schema.Finite, until: Schema.Finite })

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Opens a store in IndexedDB.
 *
 * **Details**
 *
 * Every failure has the reason `StoreFailed`: `Full` when the site has no room left, `NewerFormat` for what a newer version of
 * this SDK wrote, `Corrupted` once for an entry that is not one (it is set aside, never deleted), `Unavailable` for everything
 * else: a private window or blocked site data, where a page may keep nothing, and a profile that is damaged.
 *
 * A database that is deleted while it is open is made anew, empty.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(
  options: Options = {}
): Effect.fn.Return<RegistrationStore["Service"], RegistrationError, Scope.Scope> {
  const database = yield* Database.open(options.database ?? Database.defaultName, "registrations")
  const liveness = yield* Liveness.make
  if (options.persistent === true && !(yield* persist)) {
    yield* Effect.logWarning(
      "the browser may delete registrations when it is short of room: it did not agree to keep them"
    )
  }
  // Web Locks of the leases that are held here.
  const locks = new Map<number, string>()
  const dropLock = (token: number) =>
    Effect.suspend(() => {
      const lock = locks.get(token)
      locks.delete(token)
      return lock === undefined ? Effect.void : liveness.drop(lock)
    })

  const write = <A>(
    operation: "save" | "remove",
    lease: Lease,
    expected: number | "any",
    change: (entries: Entries) => Promise<A>
  ): Effect.Effect<A, RegistrationError> =>
    database.run(operation, ["entries", "leases"], "readwrite", async (transaction) => {
      const path = pathOf(lease.key)
      if (readLease(await transaction.objectStore("leases").get(path))?.token !== lease.token) {
        throw new DatabaseProblem("LeaseLost", "somebody else took the lease in the meantime, or it was given back")
      }
      const entries = entriesOf(transaction)
      if (expected !== "any" && versionOf(await entries.get(path)) !== expected) {
        throw new DatabaseProblem("Conflict", "somebody else wrote the entry in the meantime")
      }
      return change(entries)
    })

  /** Takes the lease of a key, unless it is held, by somebody else than who is known to be gone. */
  const take = Effect.fnUntraced(function*(key: Key, ttl: Duration.Duration, gone: string | undefined) {
    const lock = yield* liveness.hold
    const wall = yield* Clock.currentTimeMillis
    const now = yield* commonMillis
    const token = yield* Effect.onError(
      database.run("lease", ["leases", "state"], "readwrite", async (transaction) => {
        const leases = transaction.objectStore("leases")
        const row = readLease(await leases.get(pathOf(key)))
        if (row !== undefined && isInTime(row, now) && (gone === undefined || row.lock !== gone)) return undefined
        const state = transaction.objectStore("state")
        const last: unknown = await state.get("token")
        // A database that was deleted begins anew, above all that was handed out of it before.
        const token = typeof last === "number" ? last + 1 : Math.max(1, Math.floor(wall))
        await state.put(token, "token")
        await leases.put({ token, ...lasting(ttl, now), lock }, pathOf(key))
        return token
      }),
      () => liveness.drop(lock)
    )
    if (token === undefined) {
      yield* liveness.drop(lock)
      return Option.none()
    }
    locks.set(token, lock)
    return Option.some({ key, token })
  })

  return RegistrationStore.of({
    reach: "machine",
    load: (key) =>
      Effect.flatMap(
        database.run("load", ["entries"], "readonly", (transaction) =>
          transaction.objectStore("entries").get(pathOf(key))),
        (found) => {
          if (found === undefined) {
            return Effect.succeedNone
          }
          const entry = readEntry(found)
          if (Option.isSome(entry)) {
            const { value, version } = entry.value
            return Effect.succeedSome({ value, version })
          }
          return setAside(database, key)
        }
      ),
    save: (lease, value, expected) =>
      write("save", lease, expected, async (entries) => {
        await entries.put({ format: 1, version: expected + 1, value }, pathOf(lease.key))
        return expected + 1
      }),
    remove: (lease, expected) => write("remove", lease, expected, (entries) => entries.delete(pathOf(lease.key))),
    keys: Stream.unwrap(
      Effect.map(
        database.run("list", ["entries"], "readonly", (transaction) => transaction.objectStore("entries").getAllKeys()),
        // Only what this store wrote has such a path.
        (paths) => Stream.fromIterable(paths.filter(isPath).map(([issuer, profile]) => ({ issuer, profile })))
      )
    ),
    acquire: (key, ttl) =>
      Effect.uninterruptible(Effect.gen(function*() {
        const now = yield* commonMillis
        const row = yield* database.run("lease", ["leases"], "readonly", async (transaction) =>
          readLease(await transaction.objectStore("leases").get(pathOf(key))))
        if (row === undefined || !isInTime(row, now)) {
          return yield* take(key, ttl, undefined)
        }
        return (yield* liveness.isGone(row.lock)) ? yield* take(key, ttl, row.lock) : Option.none()
      })),
    renew: ({ key, token }, ttl) =>
      Effect.gen(function*() {
        const now = yield* commonMillis
        const isHeld = yield* database.run("lease", ["leases"], "readwrite", async (transaction) => {
          const leases = transaction.objectStore("leases")
          const row = readLease(await leases.get(pathOf(key)))
          if (row?.token !== token) return false
          await leases.put({ ...row, ...lasting(ttl, now) }, pathOf(key))
          return true
        })
        if (!isHeld) yield* dropLock(token)
        return isHeld
      }),
    release: ({ key, token }) =>
      database.run("lease", ["leases"], "readwrite", async (transaction) => {
        const leases = transaction.objectStore("leases")
        if (readLease(await leases.get(pathOf(key)))?.token === token) await leases.delete(pathOf(key))
      }).pipe(Effect.ensuring(dropLock(token))),
    notBefore: (issuer) =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        return yield* database.run("load", ["issuers"], "readonly", async (transaction) =>
          endOf(await transaction.objectStore("issuers").get(issuer), now))
      }),
    postpone: (issuer, until) =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        yield* database.run("save", ["issuers"], "readwrite", async (transaction) => {
          const issuers = transaction.objectStore("issuers")
          if (until > endOf(await issuers.get(issuer), now)) await issuers.put({ since: now, until }, issuer)
        })
      })
  })
})

/**
 * Asks the browser not to delete what this origin keeps when it is short of room, and says whether it agrees. Some browsers
 * ask the person, and are better asked after a click; workers cannot ask, and get the answer of before.
 *
 * @since 0.1.0
 * @category utilities
 */
export const persist: Effect.Effect<boolean> = Effect.promise(async () => {
  try {
    const { storage }: { readonly storage: StorageManager | undefined } = navigator
    if (storage === undefined) return false
    return typeof storage.persist === "function" ? await storage.persist() : await storage.persisted()
  } catch {
    return false
  }
})

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * A store in IndexedDB, of reach `machine`: this origin in this browser profile. See {@link make}.
 *
 * **Example** (Registrations that outlive the page)
 *
 * ```ts
 * import { Registrar } from "@effect-dcr/core"
 * import { BrowserRegistration, BrowserRegistrationStore } from "@effect-dcr/platform-browser"
 * import { Layer } from "effect"
 *
 * const layer = Registrar.layer().pipe(
 *   Layer.provide([BrowserRegistrationStore.layer(), BrowserRegistration.layer])
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<RegistrationStore, RegistrationError> =>
  Layer.effect(RegistrationStore, make(options))

/**
 * The same, with entries encrypted by an AES-256-GCM key that no script can export. It is made once, and kept beside them. See
 * `RegistrationEncryption` of `@effect-dcr/core`.
 *
 * **Details**
 *
 * Entries that were written in the clear before are read, and encrypted when they change. Without its key an entry fails with
 * `Undecryptable`. Fails with `Unavailable` where WebCrypto is missing, such as in a page from plain http.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerEncrypted = (options?: Options): Layer.Layer<RegistrationStore, RegistrationError> =>
  Layer.unwrap(
    Effect.map(
      EncryptionKey.obtain(options?.database ?? Database.defaultName),
      (key) => RegistrationEncryption.layer({ key, readUnencrypted: true })
    )
  ).pipe(Layer.provide(layer(options)))

/**
 * A store whose options come from `Config`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<RegistrationStore, RegistrationError | Config.ConfigError> =>
  Layer.effect(RegistrationStore, Effect.flatMap(Config.unwrap(options), make))

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

type Entries = ReturnType<typeof entriesOf>

const entriesOf = (transaction: Database.Transaction<"readwrite">) => transaction.objectStore("entries")

const readEntry = Schema.decodeUnknownOption(Entry)

const readPostponement = Schema.decodeUnknownOption(Postponement)

const decodeLease = Schema.decodeUnknownOption(LeaseRow)

/** What is no lease holds nobody up. */
const readLease = (row: unknown): LeaseRow | undefined => Option.getOrUndefined(decodeLease(row))

const pathOf = ({ issuer, profile }: Key): Database.KeyPath => [issuer, profile]

const isPath = (path: unknown): boolean => Array.isArray(path) && path.length === 2 && path.every(Predicate.isString)

/** That of what cannot be read is none that anybody names. */
const versionOf = (found: unknown): number =>
  found === undefined ? 0 : Option.match(readEntry(found), { onNone: () => -1, onSome: ({ version }) => version })

/** The clock that does not jump counts from when a tab was opened: when that was, by the same clock, all tabs know. */
const commonMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => performance.timeOrigin + Number(nanos) / 1_000_000)

const lasting = (ttl: Duration.Duration, now: number) => ({
  expires: now + Duration.toMillis(ttl),
  ttl: Duration.toMillis(ttl)
})

/** Nobody can have twice as much left as there was: such a time is from before the browser was started anew. */
const isInTime = ({ expires, ttl }: LeaseRow, now: number): boolean => now < expires && expires - now <= 2 * ttl

/** A clock that jumped back by more than the whole of a wait does not make it endless. */
const endOf = (found: unknown, now: number): number =>
  Option.match(readPostponement(found), {
    onNone: () => 0,
    onSome: ({ since, until }) => now < until && until - now <= 2 * (until - since) ? until : 0
  })

/** Out of the way, for somebody to look at, unless it is of a newer version. */
const setAside = (database: Database.Database, key: Key): Effect.Effect<never, RegistrationError> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.flatMap(
      database.run("load", ["entries", "setAside"], "readwrite", async (transaction) => {
        const entries = entriesOf(transaction)
        const found: unknown = await entries.get(pathOf(key))
        if (Predicate.hasProperty(found, "format") && typeof found.format === "number" && found.format > 1) {
          return new DatabaseProblem(
            "NewerFormat",
            "an entry was written by a newer version of this SDK: reload the page"
          )
        }
        // Somebody else may have seen to it by now.
        if (found !== undefined && Option.isNone(readEntry(found))) {
          await transaction.objectStore("setAside").put(found, [now, key.issuer, key.profile])
          await entries.delete(pathOf(key))
        }
        return new DatabaseProblem("Corrupted", "an entry is not one of this store, and was set aside")
      }),
      (problem) => Effect.fail(translate("load", "registrations")(problem))
    ))
