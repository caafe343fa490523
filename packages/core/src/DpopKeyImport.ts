/**
 * Reads private keys for DPoP from JWK and PEM, by `jose`.
 *
 * A module of its own, which the package's root does not name, so that a registration that makes its keys itself does not
 * load `jose`.
 *
 * **Example** (A signer of a key from the configuration)
 *
 * ```ts
 * import { DpopSigner } from "@effect-dcr/core"
 * import * as DpopKeyImport from "@effect-dcr/core/DpopKeyImport"
 * import { Config, Effect, Layer } from "effect"
 *
 * const layer = Layer.unwrap(Effect.gen(function*() {
 *   const pem = yield* Config.Redacted("DPOP_PRIVATE_KEY")
 *   return DpopSigner.layerKeyPair(yield* DpopKeyImport.fromPkcs8Pem(pem, { algorithm: "ES256" }))
 * }))
 * ```
 *
 * **Gotchas**
 *
 * `jose` works on `globalThis.crypto`, whatever `Crypto` object the `effect/crypto/WebCrypto` reference holds.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Jose from "jose"
import * as DpopKey from "./DpopKey.ts"
import type { RegistrationError } from "./RegistrationError.ts"

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Reads a private JWK (RFC 7517, RFC 7518 §6, RFC 8037 §2), as an object or as JSON text.
 *
 * **Details**
 *
 * What it signs with is `algorithm`, else the JWK's own `alg`, else what its curve allows; an RSA key has to say. The
 * imported private key cannot be exported. Fails with the reason `ProofFailed`, whose message tells nothing of the key.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromJwk = (
  jwk: Redacted.Redacted<string | object>,
  options?: { readonly algorithm?: DpopKey.Algorithm | undefined }
): Effect.Effect<DpopKey.DpopKey, RegistrationError> =>
  Effect.suspend(() => {
    const value = Redacted.value(jwk)
    const members = typeof value === "string" ? parse(value) : value
    if (!Predicate.isObject(members)) return DpopKey.proofFailed("The JWK for DPoP is not a JSON object")
    if (typeof members["d"] !== "string") {
      return DpopKey.proofFailed("The key for DPoP is not an asymmetric private key")
    }
    if (members["use"] !== undefined && members["use"] !== "sig") {
      return DpopKey.proofFailed("The key for DPoP is not meant for signatures, by its own use member (RFC 7517 §4.2)")
    }
    const own = members["alg"] ?? algorithmOfCurve(members["crv"])
    const algorithm = options?.algorithm ?? own
    if (!DpopKey.isAlgorithm(algorithm)) {
      return DpopKey.proofFailed(
        algorithm === undefined
          ? "The key for DPoP does not say its algorithm: give it in the option algorithm"
          : "The key for DPoP is for an algorithm that proofs cannot be signed with"
      )
    }
    if (members["alg"] !== undefined && modern(members["alg"]) !== modern(algorithm)) {
      return DpopKey.proofFailed(`The key for DPoP is meant for another algorithm than ${algorithm} (RFC 7517 §4.4)`)
    }
    return tryImport(algorithm, async () => ({
      algorithm,
      privateKey: await importKey(pick(members, privateMembers), algorithm, false),
      publicKey: await importKey(pick(members, publicMembers), algorithm, true)
    }))
  })

/**
 * Reads a private key in PEM: PKCS#8 (RFC 5958), `-----BEGIN PRIVATE KEY-----`, not encrypted.
 *
 * **Details**
 *
 * The imported private key cannot be exported. Fails with the reason `ProofFailed`, whose message tells nothing of the
 * key, when the text is something else or not a key for `algorithm`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromPkcs8Pem = (
  pem: Redacted.Redacted<string>,
  options: { readonly algorithm: DpopKey.Algorithm }
): Effect.Effect<DpopKey.DpopKey, RegistrationError> =>
  Effect.suspend(() => {
    const text = Redacted.value(pem).trim()
    if (!text.startsWith("-----BEGIN PRIVATE KEY-----")) {
      return DpopKey.proofFailed(
        "The PEM for DPoP is not an unencrypted PKCS#8 private key: `openssl pkcs8 -topk8 -nocrypt` makes one of the others"
      )
    }
    return Effect.flatMap(
      tryImport(options.algorithm, async () => {
        // Exported once for its public half. The key that is kept is imported from the JWK and cannot be exported.
        const extractable = await Jose.importPKCS8(text, options.algorithm, { extractable: true })
        return Redacted.make(await Jose.exportJWK(extractable))
      }),
      (jwk) => fromJwk(jwk, options)
    )
  })

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const publicMembers = ["kty", "crv", "x", "y", "n", "e"]

const privateMembers = [...publicMembers, "d", "p", "q", "dp", "dq", "qi"]

/** Without `use`, `key_ops` and the like, of which `jose` makes the usages of the key. */
const pick = (jwk: object, members: ReadonlyArray<string>): Jose.JWK =>
  Object.fromEntries(Object.entries(jwk).filter(([member]) => members.includes(member)))

const importKey = async (jwk: Jose.JWK, algorithm: DpopKey.Algorithm, extractable: boolean): Promise<CryptoKey> => {
  const key = await Jose.importJWK(jwk, algorithm, { extractable })
  if (key instanceof Uint8Array) throw new TypeError("a symmetric key")
  return key
}

/** No cause: what a parser says quotes the text, and the text is a private key. */
const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const algorithmOfCurve = (crv: unknown): DpopKey.Algorithm | undefined =>
  crv === "P-256"
    ? "ES256"
    : crv === "P-384"
    ? "ES384"
    : crv === "P-521"
    ? "ES512"
    : crv === "Ed25519"
    ? "Ed25519"
    : undefined

/** One name for the two of one algorithm (RFC 9864 §2.2). */
const modern = (algorithm: unknown): unknown => algorithm === "EdDSA" ? "Ed25519" : algorithm

const tryImport = <A>(
  algorithm: DpopKey.Algorithm,
  f: () => Promise<A>
): Effect.Effect<A, RegistrationError> =>
  Effect.tryPromise({
    try: f,
    catch: () => DpopKey.proofFailed(`The private key for DPoP cannot be read as a key for ${algorithm}`)
  })
