/**
 * Signers of DPoP proofs (RFC 9449) whose key stays in this browser: made once, kept in IndexedDB across reloads, shared by
 * the tabs and workers of the origin, and never readable by a script.
 *
 * The private half is a `CryptoKey` that cannot be exported; what is kept is the handle. The signer itself is that of
 * `@effect-dcr/core/DpopSigner`. Works in windows, workers and service workers.
 *
 * **Gotchas**
 *
 * A script that runs in the page cannot steal the key, but can sign with it while it runs. A browser that deletes the data of
 * the site deletes the key, and what a server bound to it is lost.
 *
 * @since 0.1.0
 */
import * as DpopKey from "@effect-dcr/core/DpopKey"
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Database from "./internal/database.ts"
import { DatabaseProblem, translate } from "./internal/databaseFailure.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * Which key is kept.
 *
 * @since 0.1.0
 * @category options
 */
export interface KeyOptions extends Omit<DpopKey.GenerateOptions, "extractable"> {
  /** Which of the keys of this origin. Signers of the same name and algorithm share one. Default: `default`. */
  readonly name?: string | undefined
  /** The name of the database in this origin. Default: `effect-dcr`. */
  readonly database?: string | undefined
}

/**
 * Which key is kept, and how proofs are made with it.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends KeyOptions, DpopSigner.Options {}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Makes a signer of the key that is kept, or of a new one that is kept from now on. Tabs that do so at once get the same key.
 *
 * **Details**
 *
 * After {@link rotate}, in whichever tab, the next proof is made with the new key. While the database cannot be read, and after
 * it was deleted, the signer goes on with the key that it has.
 *
 * Fails with the reason `ProofFailed` in a page that is not a secure context (plain http that is not localhost) and where the
 * algorithm is missing, and with `StoreFailed` when the key cannot be kept: private windows of some browsers, blocked site
 * data, no room. There `DpopSigner.layer` of `@effect-dcr/core` makes one that lives as long as the page.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(options: Options = {}): Effect.fn.Return<
  DpopSigner.DpopSigner["Service"],
  RegistrationError,
  Scope.Scope
> {
  yield* secureContext
  const database = yield* Database.open(options.database ?? Database.defaultName, "the DPoP key")
  const signerOf = (kept: Kept) =>
    Effect.map(
      DpopSigner.make({
        algorithm: kept.key.algorithm,
        privateKey: kept.key.privateKey,
        publicKey: kept.key.publicKey,
        clockSkewSeconds: options.clockSkewSeconds,
        nonceCapacity: options.nonceCapacity
      }),
      (signer) => ({ id: kept.id, signer })
    )
  let current = yield* Effect.flatMap(obtain(database, options), signerOf)
  // One database look-up per proof, of the name alone: a key that was replaced in another tab is used by no proof after that.
  const follow = Effect.gen(function*() {
    const id = yield* currentId(database, options)
    if (id === undefined || id === current.id) return
    const kept = yield* find(database, options)
    if (kept !== undefined) current = yield* signerOf(kept)
  }).pipe(Effect.catchReason("RegistrationError", "StoreFailed", () => Effect.void))
  return {
    get thumbprint() {
      return current.signer.thumbprint
    },
    sign: (request) => Effect.andThen(follow, Effect.suspend(() => current.signer.sign(request))),
    learn: (url, nonce) => Effect.suspend(() => current.signer.learn(url, nonce))
  }
})

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * A signer of the key that is kept in this browser. See {@link make}.
 *
 * **Example** (Proofs by a key that outlives the page)
 *
 * ```ts
 * import { BrowserDpopSigner } from "@effect-dcr/platform-browser"
 *
 * const layer = BrowserDpopSigner.layer({ algorithm: "ES256" })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<DpopSigner.DpopSigner, RegistrationError> =>
  Layer.effect(DpopSigner.DpopSigner, make(options))

/**
 * A signer whose options come from `Config`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<DpopSigner.DpopSigner, RegistrationError | Config.ConfigError> =>
  Layer.unwrap(Effect.map(Config.unwrap(options), layer))

// -----------------------------------------------------------------------------
// the key
// -----------------------------------------------------------------------------

/**
 * Puts a new key in the place of the one that is kept, for all signers of this name and algorithm, in all tabs. The old one is
 * gone, and with it what servers bound to it, such as access tokens.
 *
 * @since 0.1.0
 * @category the key
 */
export const rotate = (options: KeyOptions = {}): Effect.Effect<void, RegistrationError> =>
  withDatabase(
    options,
    (database) =>
      Effect.flatMap(generate(options), (made) =>
        database.run("save", ["keys"], "readwrite", async (transaction) => {
          const keys = transaction.objectStore("keys")
          await keys.delete(rangeOf(options))
          await keys.add(made.key, pathOf(options, made.id))
        }))
  )

/**
 * Deletes the key that is kept. Signers that are there go on with it until they end; the next one makes a new key.
 *
 * @since 0.1.0
 * @category the key
 */
export const forget = (options: KeyOptions = {}): Effect.Effect<void, RegistrationError> =>
  withDatabase(
    options,
    (database) =>
      database.run("remove", ["keys"], "readwrite", (transaction) =>
        transaction.objectStore("keys").delete(rangeOf(options)))
  )

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

/** A key, and what tells it from the one that it replaced. */
interface Kept {
  readonly id: string
  readonly key: DpopKey.DpopKey
}

const secureContext = Effect.suspend(() =>
  globalThis.isSecureContext === false
    ? Effect.fail(
      new RegistrationError({
        reason: {
          _tag: "ProofFailed",
          message: "DPoP proofs need a secure context, and this page is none: load it from https, or from localhost"
        }
      })
    )
    : Effect.void
)

const withDatabase = <A>(
  options: KeyOptions,
  use: (database: Database.Database) => Effect.Effect<A, RegistrationError>
): Effect.Effect<A, RegistrationError> =>
  Effect.scoped(Effect.andThen(
    secureContext,
    Effect.flatMap(Database.open(options.database ?? Database.defaultName, "the DPoP key"), use)
  ))

const pathOf = ({ algorithm = "ES256", name = "default" }: KeyOptions, ...id: ReadonlyArray<string>): Array<string> => [
  "dpop",
  name,
  algorithm,
  ...id
]

/** Of all keys under a name and an algorithm, of which there is one: no string is greater than an array. */
const rangeOf = (options: KeyOptions): IDBKeyRange => IDBKeyRange.bound(pathOf(options), [...pathOf(options), []])

const generate = (options: KeyOptions): Effect.Effect<Kept, RegistrationError> =>
  Effect.map(
    DpopKey.generate({ algorithm: options.algorithm, modulusLength: options.modulusLength }),
    (key) => ({ id: crypto.randomUUID(), key })
  )

const currentId = (database: Database.Database, options: KeyOptions) =>
  database.run(
    "load",
    ["keys"],
    "readonly",
    async (transaction) => (await transaction.objectStore("keys").getKey(rangeOf(options)))?.at(-1)
  )

const find = Effect.fnUntraced(function*(database: Database.Database, options: KeyOptions) {
  const found = yield* database.run("load", ["keys"], "readonly", (transaction) => findIn(transaction, options))
  return found === undefined ? undefined : yield* read(found)
})

const findIn = async (transaction: Database.Transaction<Database.Mode>, options: KeyOptions) => {
  const keys = transaction.objectStore("keys")
  const id = (await keys.getKey(rangeOf(options)))?.at(-1)
  if (id === undefined) return undefined
  const key: unknown = await keys.get(pathOf(options, id))
  return { id, key }
}

const read = ({ id, key }: { readonly id: string; readonly key: unknown }): Effect.Effect<Kept, RegistrationError> =>
  isDpopKey(key)
    ? Effect.succeed({ id, key })
    : Effect.fail(
      translate("load", "the DPoP key")(new DatabaseProblem("Corrupted", "what is kept is no key pair: rotate it"))
    )

const isDpopKey = (found: unknown): found is DpopKey.DpopKey =>
  Predicate.hasProperty(found, "algorithm") && DpopKey.isAlgorithm(found.algorithm) &&
  Predicate.hasProperty(found, "privateKey") && found.privateKey instanceof CryptoKey &&
  Predicate.hasProperty(found, "publicKey") && found.publicKey instanceof CryptoKey

/** The key that is kept. A new one is made before the transaction, which does not wait for anything else. */
const obtain = Effect.fnUntraced(function*(database: Database.Database, options: KeyOptions) {
  const found = yield* find(database, options)
  if (found !== undefined) return found
  const made = yield* generate(options)
  return yield* Effect.flatMap(
    database.run("save", ["keys"], "readwrite", async (transaction) => {
      const found = await findIn(transaction, options)
      if (found === undefined) await transaction.objectStore("keys").add(made.key, pathOf(options, made.id))
      return found ?? made
    }),
    read
  )
})
