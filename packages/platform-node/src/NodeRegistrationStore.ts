/**
 * Registrations in files, for the processes of one machine.
 *
 * One folder per key, and in it one file, which holds the entry, its version and its lease. Files have mode 0600 in directories
 * of mode 0700. A file is written whole, made durable and only then given its name; what took its place is removed afterwards.
 *
 * There is no lock. A change is compared and set by the file system (see `internal/generations.ts`), so that a process that
 * dies, or is stopped for an hour, holds up nobody but by the lease that it has, and can overwrite nothing when it goes on.
 *
 * **Gotchas**
 *
 * Not for network file systems: NFS and SMB promise neither that a name is given once nor that another machine sees it, and
 * the time of a lease is that of one machine. The file system needs hard links (ext4, XFS, Btrfs, APFS and NTFS have them, FAT
 * and exFAT have not).
 *
 * Secrets are in the files in the clear, unless `RegistrationEncryption` of `@effect-dcr/core` stands in front.
 *
 * @since 0.1.0
 */
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import { type Key, type Lease, RegistrationStore } from "@effect-dcr/core/RegistrationStore"
import * as Clock from "effect/Clock"
import type * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { createHash, randomBytes } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { FileProblem, type Operation, translate } from "./internal/fileFailure.ts"
import * as Generations from "./internal/generations.ts"
import { storeDirectory } from "./internal/storeDirectory.ts"
import { unwrapConfig } from "./internal/unwrapConfig.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * Where the files are: in a directory, or among the user's data under the name of the application.
 *
 * **Gotchas**
 *
 * There is no default, because who shares a store shares its registrations: two applications that ask there for the same
 * issuer and profile with other metadata would change, or replace, each other's client.
 *
 * @since 0.1.0
 * @category options
 */
export type Options = InDirectory | OfApplication

/**
 * A directory for this store alone.
 *
 * @since 0.1.0
 * @category options
 */
export interface InDirectory {
  /**
   * It is made when it is not there. One that others may enter is closed to them, one that belongs to another user is refused.
   */
  readonly directory: string
  readonly application?: undefined
}

/**
 * The directory `registrations` of an application in the user's data directory.
 *
 * @since 0.1.0
 * @category options
 */
export interface OfApplication {
  /**
   * The name of the application in the user's data directory (`XDG_DATA_HOME`, `~/.local/share`,
   * `~/Library/Application Support`, `%APPDATA%`). `effect-dcr` is the name of this package's command.
   */
  readonly application: string
  readonly directory?: undefined
}

/** What a file says besides what it is about. */
const common = {
  format: Schema.Literal(1),
  issuer: Schema.String,
  /** The latest changes, the newest one last: whoever is not sure whether a change was made finds it here. */
  changes: Schema.Array(Schema.String)
}

/** The file of a key. Without an entry it is there for the token. */
const KeyState = Schema.fromJsonString(Schema.Struct({
  ...common,
  profile: Schema.String,
  /** That of the newest lease. */
  token: Schema.Int,
  /** Absent when it was given back. */
  lease: Schema.optionalKey(Schema.Struct({
    /** In milliseconds of the machine's clock that does not jump, which begins anew with each boot. */
    expires: Schema.Finite,
    /** In milliseconds. */
    ttl: Schema.Finite,
    boot: Schema.optionalKey(Schema.String)
  })),
  entry: Schema.optionalKey(Schema.Struct({ version: Schema.Int, value: Schema.String }))
}))

type KeyState = typeof KeyState.Type

/** The file of an issuer. */
const IssuerState = Schema.fromJsonString(Schema.Struct({
  ...common,
  /** When it was said, in milliseconds since the epoch. */
  since: Schema.Finite,
  /** In milliseconds since the epoch. */
  notBefore: Schema.Finite
}))

type IssuerState = typeof IssuerState.Type

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Opens a store of files. Fails with the reason `StoreFailed` when its directory cannot be used.
 *
 * **Details**
 *
 * A file that is not one of the store's fails once with `Corrupted`, and is renamed to `*.corrupt-<time>`; it is never deleted.
 * One of a newer version of this SDK fails with `NewerFormat` and stays. A full disk is `Full`, a directory that may not be
 * written to is `ReadOnly` (what is in it can still be loaded), everything else is `Unavailable`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<RegistrationStore["Service"], RegistrationError> {
  const directory = yield* storeDirectory(options)
  yield* attempt("load", () => Generations.makePrivate(directory))
  const boot = yield* bootId
  const keyFolders = Path.join(directory, "keys")
  const issuerFolders = Path.join(directory, "issuers")
  const keyFile = (key: Key): StateFile<KeyState> => ({
    folder: Path.join(keyFolders, hash([key.issuer, key.profile])),
    read: readKeyState,
    write: writeKeyState,
    isOwn: ({ issuer, profile }) => issuer === key.issuer && profile === key.profile,
    empty: { format: 1, ...key, changes: [], token: 0 }
  })
  const issuerFile = (issuer: string): StateFile<IssuerState> => ({
    folder: Path.join(issuerFolders, hash([issuer])),
    read: readIssuerState,
    write: writeIssuerState,
    isOwn: (state) => state.issuer === issuer,
    empty: { format: 1, issuer, changes: [], since: 0, notBefore: 0 }
  })
  const isHeld = ({ lease }: KeyState, now: number): boolean =>
    lease !== undefined && lease.boot === boot && now < lease.expires &&
    // Nobody can have so much left: it is from before a boot of which nobody knows.
    lease.expires - now <= lease.ttl
  const leaseFrom = (now: number, ttl: Duration.Duration): NonNullable<KeyState["lease"]> => ({
    expires: now + Duration.toMillis(ttl),
    ttl: Duration.toMillis(ttl),
    ...(boot === undefined ? undefined : { boot })
  })
  const write = <A>(
    operation: "save" | "remove",
    lease: Lease,
    expected: number | "any",
    next: (state: KeyState) => Change<KeyState, A>
  ) =>
    change(operation, keyFile(lease.key), (state) => {
      if (state.token !== lease.token) {
        throw new FileProblem("LeaseLost", "the lease expired, and somebody else holds a newer one")
      }
      if (expected !== "any" && (state.entry?.version ?? 0) !== expected) {
        throw new FileProblem("Conflict", "somebody else wrote the entry in the meantime")
      }
      return next(state)
    })

  return RegistrationStore.of({
    reach: "machine",
    load: (key) => Effect.map(look("load", keyFile(key)), ({ entry }) => Option.fromUndefinedOr(entry)),
    save: (lease, value, expected) => {
      const version = expected + 1
      return write("save", lease, expected, (state) => ({
        result: version,
        next: { ...state, entry: { version, value } }
      }))
    },
    remove: (lease, expected) =>
      write("remove", lease, expected, ({ entry: _, ...state }) => ({ result: undefined, next: state })),
    keys: Stream.unwrap(
      Effect.map(attempt("list", () => Generations.folders(keyFolders)), (names) => {
        let unreadable: RegistrationError | undefined
        return Stream.fromIterable(names).pipe(
          Stream.mapEffect((name) =>
            lookAny("list", Path.join(keyFolders, name)).pipe(
              Effect.catch((error) =>
                Effect.sync(() => {
                  unreadable ??= error
                  return Option.none<Key>()
                })
              )
            )
          ),
          Stream.flatMap(Option.match({ onNone: () => Stream.empty, onSome: (key) => Stream.succeed(key) })),
          Stream.concat(Stream.suspend(() => unreadable === undefined ? Stream.empty : Stream.fail(unreadable)))
        )
      })
    ),
    acquire: (key, ttl) =>
      Effect.clockWith((clock) =>
        change("lease", keyFile(key), (state, number): Change<KeyState, Option.Option<Lease>> => {
          // Read after the state, so that it is never before the time that the holder read.
          const now = monotonicMillis(clock)
          if (isHeld(state, now)) return { result: Option.none() }
          // The number of the file grows with every change, over every removal.
          const token = number + 1
          return { result: Option.some({ key, token }), next: { ...state, token, lease: leaseFrom(now, ttl) } }
        })
      ),
    renew: ({ key, token }, ttl) =>
      Effect.clockWith((clock) =>
        change("lease", keyFile(key), (state): Change<KeyState, boolean> =>
          // An expired lease that nobody took is as good as a new one.
          state.token === token && state.lease !== undefined
            ? { result: true, next: { ...state, lease: leaseFrom(monotonicMillis(clock), ttl) } }
            : { result: false })
      ),
    release: ({ key, token }) =>
      change("lease", keyFile(key), ({ lease, ...state }) =>
        state.token === token && lease !== undefined
          ? { result: undefined, next: state }
          : { result: undefined }),
    notBefore: (issuer) =>
      Effect.flatMap(
        Clock.currentTimeMillis,
        (now) => Effect.map(look("load", issuerFile(issuer)), (state) => endOf(state, now))
      ),
    postpone: (issuer, until) =>
      Effect.flatMap(
        Clock.currentTimeMillis,
        (now) =>
          change("save", issuerFile(issuer), (state) =>
            until > endOf(state, now)
              ? { result: undefined, next: { ...state, since: now, notBefore: until } }
              : { result: undefined })
      )
  })
})

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * A store of files, of reach `machine`. See {@link make}.
 *
 * **Example** (Registrations that outlive the process)
 *
 * ```ts
 * import { Registrar } from "@effect-dcr/core"
 * import { NodeRegistration, NodeRegistrationStore } from "@effect-dcr/platform-node"
 * import { Layer } from "effect"
 *
 * const layer = Registrar.layer().pipe(
 *   Layer.provide([NodeRegistrationStore.layer({ application: "my-app" }), NodeRegistration.layer])
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<RegistrationStore, RegistrationError> =>
  Layer.effect(RegistrationStore, make(options))

/**
 * A store of files whose options come from `Config`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<RegistrationStore, RegistrationError | Config.ConfigError> =>
  Layer.effect(RegistrationStore, Effect.flatMap(unwrapConfig(options), make))

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

/** All that leads to a file, and says whether it is the right one. */
interface StateFile<S> {
  readonly folder: string
  readonly read: (text: string) => Option.Option<S>
  readonly write: (state: S) => string
  readonly isOwn: (state: S) => boolean
  readonly empty: S
}

interface Change<S, A> {
  readonly result: A
  /** Absent when nothing is to be changed. */
  readonly next?: S
}

const readKeyState = Schema.decodeUnknownOption(KeyState)
const writeKeyState = Schema.encodeSync(KeyState)
const readIssuerState = Schema.decodeUnknownOption(IssuerState)
const writeIssuerState = Schema.encodeSync(IssuerState)

const readFormat = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ format: Schema.Finite })))

/** Whatever the format is: a newer version says as well which key it is. */
const readKey = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ issuer: Schema.String, profile: Schema.String }))
)

/** Until when, as far as the clock can be believed: one that jumped back far does not make the wait endless. */
const endOf = ({ notBefore, since }: IssuerState, now: number): number =>
  now < notBefore && notBefore - now <= 2 * (notBefore - since) ? notBefore : 0

/** Short, of letters and digits that every file system keeps apart, and injective: also for what is not well-formed text. */
const hash = (parts: ReadonlyArray<string>): string => createHash("sha256").update(JSON.stringify(parts)).digest("hex")

/** Not interruptible: a change that goes on after its caller has given up would surprise the next holder of the lease. */
const attempt = <A>(operation: Operation, run: () => Promise<A>): Effect.Effect<A, RegistrationError> =>
  Effect.uninterruptible(Effect.tryPromise({ try: run, catch: translate(operation) }))

/** On Node the same for all processes since the machine was started, whatever becomes of the time of day. */
const monotonicMillis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

/** Which boot of the machine this is, where it says so: after the next one no lease is held, and the clock begins anew. */
const bootId = Effect.promise(() =>
  Fs.readFile("/proc/sys/kernel/random/boot_id", "utf8").then((id) => id.trim(), () => undefined)
)

const look = <S>(operation: Operation, file: StateFile<S>): Effect.Effect<S, RegistrationError> =>
  Effect.flatMap(
    Clock.currentTimeMillis,
    (now) => attempt(operation, async () => stateIn(file, await Generations.current(file.folder), now))
  )

/** The key of the entry in a folder, whichever key that is. Of an entry of a newer version that is all that can be told. */
const lookAny = (operation: Operation, folder: string): Effect.Effect<Option.Option<Key>, RegistrationError> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    attempt(operation, async () => {
      const { number, text } = await Generations.current(folder)
      if (text === undefined) return Option.none()
      const state = readKeyState(text)
      const key = readKey(text)
      // In another folder it is found by nobody but here.
      const isAtHome = Option.exists(key, ({ issuer, profile }) => hash([issuer, profile]) === Path.basename(folder))
      if (isAtHome && Option.isNone(state) && isNewer(text)) return key
      return isAtHome && Option.isSome(state)
        ? state.value.entry === undefined ? Option.none() : key
        : await refuse(folder, number, text, now)
    }))

/** Changes a state as `next` says, again and again until nobody else was faster. */
const change = <S extends { readonly changes: ReadonlyArray<string> }, A>(
  operation: Operation,
  file: StateFile<S>,
  next: (state: S, number: number) => Change<S, A>
): Effect.Effect<A, RegistrationError> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    attempt(operation, async () => {
      for (let round = 0; round < mostRounds; round++) {
        const generation = await Generations.current(file.folder)
        const state = await stateIn(file, generation, now)
        const change = next(state, generation.number)
        if (change.next === undefined) return change.result
        const id = randomBytes(9).toString("base64url")
        const text = file.write({ ...change.next, changes: [...state.changes, id].slice(-rememberedChanges) })
        const isIn = (later: string) => Option.exists(file.read(later), ({ changes }) => changes.includes(id))
        if (await Generations.advance(file.folder, generation.number, text, isIn)) return change.result
      }
      throw Generations.tooBusy()
    }))

/** Somebody else makes progress in each of them. */
const mostRounds = 1000

/** As many as others can make while one looks whether its own was made. */
const rememberedChanges = 16

const stateIn = async <S>(file: StateFile<S>, { number, text }: Generations.Generation, now: number): Promise<S> => {
  if (text === undefined) return file.empty
  const state = file.read(text)
  return Option.isSome(state) && file.isOwn(state.value) ? state.value : await refuse(file.folder, number, text, now)
}

const isNewer = (text: string): boolean => Option.exists(readFormat(text), ({ format }) => format > 1)

const refuse = async (folder: string, number: number, text: string, now: number): Promise<never> => {
  if (isNewer(text)) {
    throw new FileProblem("NewerFormat", "a file was written by a newer version of this SDK")
  }
  const name = await Generations.setAside(folder, number, now)
  throw new FileProblem("Corrupted", `a file is not one of this store, and was set aside as ${name}`)
}
