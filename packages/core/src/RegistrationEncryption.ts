/**
 * Encrypts what a `RegistrationStore` keeps, whatever it keeps it in.
 *
 * Each entry is sealed with AES-256-GCM under a new random nonce, and bound to its issuer and profile: an entry that somebody
 * moved to another key does not open. The envelope names the key that sealed it, so that keys can be changed: entries are read
 * with any key at hand and written with the newest.
 *
 * **Gotchas**
 *
 * Issuer and profile are what a store finds entries by; they stay readable. Whoever may write to the store cannot read or forge
 * an entry, but can put back an older one of the same key. After 2^32 entries under one key, change it.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Aead from "effect/crypto/Aead"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { storeFailed } from "./internal/storeFailure.ts"
import { RegistrationError } from "./RegistrationError.ts"
import { type Entry, type Key, RegistrationStore } from "./RegistrationStore.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * A key, and the name that an envelope gives it.
 *
 * @since 0.1.0
 * @category models
 */
export interface EncryptionKey {
  /** Stands in the clear in every entry that the key sealed. A name is never used for another key. */
  readonly kid: string
  /**
   * 32 random bytes as base64 or base64url, or an AES-GCM key of WebCrypto of 256 bits that may encrypt and decrypt.
   */
  readonly key: Redacted.Redacted<string> | CryptoKey
}

/**
 * Options of {@link layer}.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** The key that entries are sealed with from now on. It opens them, too. */
  readonly key: EncryptionKey
  /** Keys that open entries which were sealed before. Default: none. */
  readonly formerKeys?: ReadonlyArray<EncryptionKey> | undefined
  /**
   * Whether entries in the clear, written before there was a key, are read; they are sealed when they change. While it is on,
   * whoever may write to the store can put in an entry of their own. Default: `false`, they fail as `Undecryptable`.
   */
  readonly readUnencrypted?: boolean | undefined
}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Puts encryption in front of the store at hand; its reach, its leases and its versions stay what they are.
 *
 * **Details**
 *
 * Fails with the reason `InvalidOptions` when a key is not one. An entry that no key opens fails with `StoreFailed`,
 * `Undecryptable`, and stays as it is.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<
  RegistrationStore["Service"],
  RegistrationError,
  RegistrationStore | Aead.Aead | SecureRandom.SecureRandom
> {
  const store = yield* RegistrationStore
  const aead = yield* Aead.Aead
  const random = yield* SecureRandom.SecureRandom
  const newest = yield* importKey(options.key)
  const keys = new Map([[options.key.kid, newest]])
  for (const former of options.formerKeys ?? []) {
    if (keys.has(former.kid)) return yield* invalid("formerKeys", `the kid ${former.kid} names two keys`)
    keys.set(former.kid, yield* importKey(former))
  }

  const seal = Effect.fnUntraced(function*(key: Key, text: string) {
    const nonce = yield* random.randomBytes(Aead.aes256Gcm.nonceLength)
    const sealed = yield* aead.encrypt(newest, utf8.encode(text), { nonce, aad: boundTo(key, options.key.kid) })
    return encodeEnvelope({
      format: 1,
      enc: "A256GCM",
      kid: options.key.kid,
      nonce: Base64Url.encode(nonce),
      ciphertext: Base64Url.encode(sealed)
    })
  }, Effect.mapError((cause) => storeFailed("save", "Unavailable", "an entry cannot be encrypted", cause)))

  const open = Effect.fnUntraced(function*(key: Key, text: string) {
    const envelope = decodeEnvelope(text)
    if (Option.isNone(envelope)) {
      // What looks like an envelope is not read as if it were none.
      if (Option.isSome(decodeAnyEnvelope(text))) {
        return yield* storeFailed(
          "load",
          "NewerFormat",
          "an entry was encrypted in a way that this version does not know"
        )
      }
      return options.readUnencrypted === true ? text : yield* undecryptable(notEncrypted)
    }
    const { ciphertext, kid, nonce } = envelope.value
    const opener = keys.get(kid)
    if (opener === undefined) {
      return yield* undecryptable(
        `an entry was encrypted with the key ${JSON.stringify(kid)}, which is not at hand: give it among the formerKeys`
      )
    }
    const opened = yield* Effect.fromResult(Result.all([Base64Url.decode(ciphertext), Base64Url.decode(nonce)])).pipe(
      Effect.flatMap(([ciphertext, nonce]) => aead.decrypt(opener, ciphertext, { nonce, aad: boundTo(key, kid) })),
      // Why it does not open, nobody can tell: another key of the same name, another entry, or a change.
      Effect.mapError(() => undecryptable(`the key ${JSON.stringify(kid)} does not open an entry`))
    )
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(opened)
  })

  return RegistrationStore.of({
    ...store,
    load: (key) =>
      Effect.flatMap(
        store.load(key),
        Option.match({
          onNone: () => Effect.succeedNone,
          onSome: ({ value, version }) =>
            Effect.map(open(key, value), (value): Option.Option<Entry> => Option.some({ version, value }))
        })
      ),
    save: (lease, value, expected) =>
      Effect.flatMap(seal(lease.key, value), (sealed) => store.save(lease, sealed, expected))
  })
})

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * The store that is provided to this layer, encrypted with WebCrypto. See {@link make}.
 *
 * @see {@link layerConfig} for a key that comes from the environment
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<RegistrationStore, RegistrationError, RegistrationStore> =>
  Layer.effect(RegistrationStore, make(options)).pipe(Layer.provide(webCrypto))

/**
 * The same with options that come from `Config`.
 *
 * **Example** (Encrypted files)
 *
 * ```ts
 * import { RegistrationEncryption } from "@effect-dcr/core"
 * import { NodeRegistrationStore } from "@effect-dcr/platform-node"
 * import { Config, Layer } from "effect"
 *
 * const layer = RegistrationEncryption.layerConfig({
 *   key: { kid: Config.succeed("2026-01"), key: Config.Redacted("REGISTRATION_KEY") }
 * }).pipe(Layer.provide(NodeRegistrationStore.layer({ application: "my-app" })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<RegistrationStore, RegistrationError | Config.ConfigError, RegistrationStore> =>
  Layer.effect(RegistrationStore, Effect.flatMap(Config.unwrap(options), make)).pipe(Layer.provide(webCrypto))

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const webCrypto = Aead.layerWebCrypto.pipe(Layer.provideMerge(SecureRandom.layerWebCrypto))

const Envelope = Schema.fromJsonString(Schema.Struct({
  format: Schema.Literal(1),
  enc: Schema.Literal("A256GCM"),
  kid: Schema.String,
  nonce: Schema.String,
  ciphertext: Schema.String
}))

const decodeEnvelope = Schema.decodeUnknownOption(Envelope)
const encodeEnvelope = Schema.encodeSync(Envelope)
const decodeAnyEnvelope = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({
  enc: Schema.String,
  ciphertext: Schema.String
})))

const utf8 = new TextEncoder()

/** What an entry is bound to, without ambiguity. */
const boundTo = ({ issuer, profile }: Key, kid: string): Uint8Array =>
  utf8.encode(JSON.stringify(["effect-dcr registration", 1, kid, issuer, profile]))

const notEncrypted =
  "an entry is not encrypted: if it was written before there was a key, the option readUnencrypted reads it"

const undecryptable = (what: string) => storeFailed("load", "Undecryptable", what)

const invalid = (option: string, message: string) =>
  new RegistrationError({ reason: { _tag: "InvalidOptions", option, message } })

/** No cause: whatever was given as a key is not repeated. */
const importKey = ({ key, kid }: EncryptionKey): Effect.Effect<Aead.Key, RegistrationError> => {
  const notOne = () => invalid("key", `the key ${kid} is not one for AES-256-GCM: 32 bytes as base64, or a CryptoKey`)
  if (!Redacted.isRedacted(key)) return Effect.mapError(Aead.fromCryptoKey(Aead.aes256Gcm, key), notOne)
  const text = Redacted.value(key).trim()
  return Effect.fromResult(
    /[-_]/.test(text) || text.length % 4 !== 0 ? Base64Url.decode(text) : Base64.decode(text)
  ).pipe(
    Effect.flatMap((bytes) => Aead.key(Aead.aes256Gcm, bytes)),
    Effect.mapError(notOne)
  )
}
