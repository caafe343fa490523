/**
 * Signers of DPoP proofs (RFC 9449) whose key lies in a file, in a variable, or nowhere yet.
 *
 * A key is read in every form that Node's OpenSSL knows: PEM as PKCS#8, SEC 1 or PKCS#1, encrypted with a passphrase or not,
 * and a private JWK (RFC 7517). The signer itself is that of `@effect-dcr/core/DpopSigner`.
 *
 * @since 0.1.0
 */
import type { Algorithm } from "@effect-dcr/core/DpopKey"
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import { RegistrationError } from "@effect-dcr/core/RegistrationError"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createPrivateKey } from "node:crypto"
import * as Fs from "node:fs/promises"
import { unwrapConfig } from "./internal/unwrapConfig.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * Which key, and how proofs are made with it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends DpopSigner.Options {
  /** The private key, as PEM or as the JSON of a JWK. Default: that of `keyFile`, else a new one. */
  readonly key?: Redacted.Redacted<string> | undefined
  /**
   * A file with the private key, as PEM or as the JSON of a JWK. A warning is logged when others than its owner may read it.
   * Default: none.
   */
  readonly keyFile?: string | undefined
  /** What the PEM is encrypted with. Default: it is not encrypted. */
  readonly passphrase?: Redacted.Redacted<string> | undefined
  /** What to sign with. Default: what the key is for, where it says so (RSA keys in PEM do not); `ES256` for a new key. */
  readonly algorithm?: Algorithm | undefined
}

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * A signer of the key in the options, or of a new key when they name none.
 *
 * **Details**
 *
 * Fails with the reason `InvalidOptions` when the file cannot be read or the key cannot be decrypted, and with `ProofFailed`
 * when proofs cannot be signed with the key. No message tells anything of the key.
 *
 * **Gotchas**
 *
 * Without `key` and `keyFile` each build of the layer makes a new key, and what a server bound to the old one is lost with it.
 * A long-lived application builds it once (`ManagedRuntime`, or one layer that all programs share).
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<DpopSigner.DpopSigner, RegistrationError> => {
  const { clockSkewSeconds, nonceCapacity } = options
  return Layer.unwrap(
    Effect.map(readKey(options), (key) =>
      key === undefined
        ? DpopSigner.layer({ algorithm: options.algorithm, clockSkewSeconds, nonceCapacity })
        : DpopSigner.layerKeyPair({ ...key, clockSkewSeconds, nonceCapacity }))
  )
}

/**
 * A signer whose options come from `Config`.
 *
 * **Example** (A key in a variable)
 *
 * ```ts
 * import { NodeDpopSigner } from "@effect-dcr/platform-node"
 * import { Config } from "effect"
 *
 * const layer = NodeDpopSigner.layerConfig({ key: Config.Redacted("DPOP_PRIVATE_KEY") })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<DpopSigner.DpopSigner, RegistrationError | Config.ConfigError> =>
  Layer.unwrap(Effect.map(unwrapConfig(options), layer))

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

/** Far more than any key needs. */
const maximumFileSize = 65_536

const invalid = (option: string, message: string) =>
  new RegistrationError({ reason: { _tag: "InvalidOptions", option, message } })

const readKey = Effect.fnUntraced(function*({ algorithm, key, keyFile, passphrase }: Options) {
  if (key !== undefined && keyFile !== undefined) {
    return yield* invalid("keyFile", "key is given as well, and there can be only one key")
  }
  const text = key ?? (keyFile === undefined ? undefined : yield* readFile(keyFile))
  if (text === undefined) return undefined
  const jwk = Redacted.value(text).trimStart().startsWith("{") ? text : yield* jwkOfPem(text, passphrase)
  // It loads jose, which nobody needs who brings no key.
  const DpopKeyImport = yield* Effect.promise(() => import("@effect-dcr/core/DpopKeyImport"))
  return yield* DpopKeyImport.fromJwk(jwk, { algorithm })
})

const readFile = Effect.fnUntraced(function*(path: string) {
  const { mode, text } = yield* Effect.tryPromise({
    try: async () => {
      const file = await Fs.open(path, "r")
      try {
        const { mode, size } = await file.stat()
        if (size > maximumFileSize) throw Object.assign(new Error("too large"), { code: "EFBIG" })
        return { mode, text: Redacted.make(await file.readFile("utf8"), { label: "private key" }) }
      } finally {
        await file.close()
      }
    },
    catch: (cause) => {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"
      return invalid("keyFile", `${path} cannot be read (${code})`)
    }
  })
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    yield* Effect.logWarning(`others than its owner may access the private key in ${path}: chmod 600 mends it`)
  }
  return text
})

/** No cause: what OpenSSL says is of no use to a caller, and what a caller logs should not depend on OpenSSL. */
const jwkOfPem = (pem: Redacted.Redacted<string>, passphrase: Redacted.Redacted<string> | undefined) =>
  Effect.try({
    try: () =>
      Redacted.make(
        createPrivateKey({
          key: Redacted.value(pem),
          format: "pem",
          ...(passphrase === undefined ? undefined : { passphrase: Redacted.value(passphrase) })
        }).export({ format: "jwk" }),
        { label: "private key" }
      ),
    catch: () =>
      invalid(
        "key",
        passphrase === undefined
          ? "it is neither a JWK nor a private key in PEM, or it is encrypted and the passphrase is missing"
          : "it is neither a JWK nor a private key in PEM, or the passphrase is wrong"
      )
  })
