/**
 * The key pair that DPoP proofs are made with (RFC 9449 §4.2).
 *
 * Keys from elsewhere are read by `DpopKeyImport` (JWK, PEM); this module needs nothing but WebCrypto.
 *
 * @since 0.1.0
 */
import * as Signature from "effect/crypto/Signature"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { RegistrationError } from "./RegistrationError.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * The algorithms that proofs can be signed with, by their JWS names (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2).
 *
 * **Details**
 *
 * `EdDSA` and `Ed25519` are two names of the same signature over Ed25519 keys. RFC 9864 deprecates the first; servers
 * that were not told yet know only that one. Look at the server's `dpop_signing_alg_values_supported`.
 *
 * **Gotchas**
 *
 * Ed25519 needs Chrome 137, Firefox 129 or Safari 17.
 *
 * @since 0.1.0
 * @category models
 */
export type Algorithm =
  | "ES256"
  | "ES384"
  | "ES512"
  | "Ed25519"
  | "EdDSA"
  | "PS256"
  | "PS384"
  | "PS512"
  | "RS256"
  | "RS384"
  | "RS512"

/**
 * Whether a value is the name of one of the algorithms.
 *
 * @since 0.1.0
 * @category guards
 */
export const isAlgorithm = (u: unknown): u is Algorithm => algorithms.some((algorithm) => algorithm === u)

/**
 * A key pair and the algorithm that it signs with, such as {@link generate} makes.
 *
 * **Details**
 *
 * Both keys are `CryptoKey`s, so a browser can keep the object in IndexedDB as it is, a private key that nobody can
 * export included.
 *
 * @since 0.1.0
 * @category models
 */
export interface DpopKey {
  readonly algorithm: Algorithm
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

/**
 * A key pair of any origin: a {@link DpopKey}, WebCrypto's `CryptoKeyPair`, a `KeyPair` of `effect/crypto/Signature`.
 *
 * **Details**
 *
 * The private key need not be extractable, the public key must be. Without `algorithm` the key decides; an Ed25519
 * key then signs as `Ed25519`.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeyPair {
  readonly algorithm?: Algorithm | undefined
  readonly privateKey: CryptoKey | Signature.PrivateKey
  readonly publicKey: CryptoKey | Signature.PublicKey
}

/**
 * @since 0.1.0
 * @category models
 */
export interface GenerateOptions {
  /** What the key signs with. Default: `ES256`. */
  readonly algorithm?: Algorithm | undefined
  /** The size of an RSA key, in bits, at least 2048. Default: 2048. The other algorithms have no choice of size. */
  readonly modulusLength?: number | undefined
  /** Whether the private key can be exported. Default: `false`. */
  readonly extractable?: boolean | undefined
}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Generates a key pair by the `Crypto` object of the `effect/crypto/WebCrypto` reference.
 *
 * **Details**
 *
 * Fails with the reason `ProofFailed` where the algorithm or WebCrypto itself is missing (a page that was loaded over
 * plain http), with `InvalidOptions` for an RSA key of less than 2048 bits. RSA keys take a tenth of a second and more.
 *
 * @since 0.1.0
 * @category constructors
 */
export const generate = (options?: GenerateOptions): Effect.Effect<DpopKey, RegistrationError> =>
  Effect.suspend(() => {
    const algorithm = options?.algorithm ?? "ES256"
    const modulusLength = options?.modulusLength ?? minimumModulusLength
    if (!isAlgorithm(algorithm)) return unknownAlgorithm(algorithm)
    if (!Number.isSafeInteger(modulusLength) || modulusLength < minimumModulusLength) {
      return new RegistrationError({
        reason: {
          _tag: "InvalidOptions",
          option: "modulusLength",
          message: `an RSA key has at least ${minimumModulusLength} bits (RFC 7518 §3.3, §3.5)`
        }
      })
    }
    return Effect.map(
      withSubtle(`generate a key for ${algorithm}`, async (subtle) => {
        const params = importParams(signatures[algorithm])
        const extractable = options?.extractable ?? false
        if ("namedCurve" in params) return subtle.generateKey(params, extractable, usages)
        return "hash" in params
          ? subtle.generateKey(
            { ...params, modulusLength, publicExponent: Uint8Array.of(1, 0, 1) },
            extractable,
            usages
          )
          : subtle.generateKey(params, extractable, usages)
      }),
      ({ privateKey, publicKey }) => ({ algorithm, privateKey, publicKey })
    )
  })

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

/**
 * The required public members of a key, in the lexicographic order of RFC 7638 §3.
 *
 * @internal
 */
export interface PublicJwk {
  readonly crv?: string
  readonly e?: string
  readonly kty?: string
  readonly n?: string
  readonly x?: string
  readonly y?: string
}

/**
 * A key pair that was checked: what stands in the header verifies what the private key signs.
 *
 * @internal
 */
export interface CheckedKey {
  readonly algorithm: Algorithm
  readonly jwk: PublicJwk
  readonly privateKey: Signature.PrivateKey
}

/**
 * Makes a key pair ready for signing, or says why it cannot be used: not asymmetric, another curve, hash or kind than
 * the algorithm needs, a short RSA key, a public key that cannot be exported or that belongs to another private key.
 *
 * @internal
 */
export const check = Effect.fnUntraced(
  function*(pair: KeyPair): Effect.fn.Return<CheckedKey, RegistrationError, Signature.Signature> {
    const kind = kindOfKey(pair.privateKey)
    const algorithm = pair.algorithm ?? algorithmOf(kind)
    if (!isAlgorithm(algorithm)) {
      return yield* unknownAlgorithm(algorithm ?? `a key of the kind ${kind}`)
    }
    const expected = signatures[algorithm]
    const expectedKind = kindOf(importParams(expected))
    for (const [name, actual] of [["private", kind], ["public", kindOfKey(pair.publicKey)]]) {
      if (actual !== expectedKind) {
        return yield* proofFailed(
          `The ${name} key of DPoP is of the kind ${actual}, and ${algorithm} needs ${expectedKind}`
        )
      }
    }
    const privateKey = Signature.isPrivateKey(pair.privateKey)
      ? pair.privateKey
      : yield* Effect.mapError(
        Signature.privateKeyFromCryptoKey(expected, pair.privateKey),
        (error) => proofFailed(`The private key of DPoP cannot be used: ${error.reason.message}`)
      )

    const jwk = yield* publicJwk(pair.publicKey, expected)
    // Made of the header's own members, so that what servers will read is what is checked.
    const verifier = yield* withSubtle(
      "read the public key of DPoP",
      (subtle) => subtle.importKey("jwk", { ...jwk }, importParams(expected), true, ["verify"])
    )
    if ("modulusLength" in verifier.algorithm && Number(verifier.algorithm.modulusLength) < minimumModulusLength) {
      return yield* proofFailed(`An RSA key for DPoP has at least ${minimumModulusLength} bits (RFC 7518 §3.3, §3.5)`)
    }
    const signature = yield* Signature.Signature
    const probe = new TextEncoder().encode("dpop+jwt")
    const matches = yield* Signature.publicKeyFromCryptoKey(expected, verifier).pipe(
      Effect.flatMap((publicKey) =>
        Effect.flatMap(signature.sign(privateKey, probe), (signed) => signature.verify(publicKey, signed, probe))
      ),
      Effect.mapError((error) => proofFailed(`The private key of DPoP cannot sign: ${error.reason.message}`)),
      Effect.catchDefect((cause) => Effect.fail(proofFailed("The private key of DPoP cannot sign", cause)))
    )
    return matches
      ? { algorithm, jwk, privateKey }
      : yield* proofFailed("The public key of DPoP does not belong to the private key")
  }
)

/** @internal */
export const proofFailed = (message: string, cause?: unknown): RegistrationError =>
  new RegistrationError({ reason: { _tag: "ProofFailed", message }, ...(cause === undefined ? undefined : { cause }) })

const unknownAlgorithm = (algorithm: string): RegistrationError =>
  proofFailed(`DPoP proofs cannot be signed with ${algorithm}: use ${algorithms.join(", ")}`)

const minimumModulusLength = 2048

const usages: ReadonlyArray<"sign" | "verify"> = ["sign", "verify"]

/** In this order: `Ed25519` comes before `EdDSA`, for a key that does not say. */
const algorithms = [
  "ES256",
  "ES384",
  "ES512",
  "Ed25519",
  "EdDSA",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512"
] as const

const signatures: Readonly<Record<Algorithm, Signature.Algorithm>> = {
  ES256: Signature.ecdsaP256,
  ES384: Signature.ecdsaP384,
  ES512: Signature.ecdsaP521,
  Ed25519: Signature.ed25519,
  EdDSA: Signature.ed25519,
  PS256: Signature.rsaPssSha256,
  PS384: Signature.rsaPssSha384,
  PS512: Signature.rsaPssSha512,
  RS256: Signature.rsaPkcs1v15Sha256,
  RS384: Signature.rsaPkcs1v15Sha384,
  RS512: Signature.rsaPkcs1v15Sha512
}

/** What tells keys apart, in words: `ECDSA P-256`, `Ed25519`, `RSA-PSS SHA-256`. */
const kindOf = (algorithm: { readonly name: string }): string => {
  const curve = Predicate.hasProperty(algorithm, "namedCurve") ? algorithm.namedCurve : undefined
  const hash = Predicate.hasProperty(algorithm, "hash") ? algorithm.hash : undefined
  // A name in parameters, an object in a key.
  const hashName = Predicate.hasProperty(hash, "name") ? hash.name : hash
  return [algorithm.name, curve, hashName].filter(Predicate.isString).join(" ")
}

const kindOfKey = (key: CryptoKey | Signature.PrivateKey | Signature.PublicKey): string =>
  Signature.isPrivateKey(key) || Signature.isPublicKey(key)
    ? kindOf(importParams(key.algorithm))
    // Callers without types hand in all sorts of things.
    : Predicate.hasProperty(key, "algorithm") && Predicate.hasProperty(key.algorithm, "name")
    ? kindOf(key.algorithm)
    : "unknown"

const algorithmOf = (kind: string): Algorithm | undefined =>
  algorithms.find((algorithm) => kindOf(importParams(signatures[algorithm])) === kind)

const importParams = (
  algorithm: Signature.Algorithm
): { readonly name: "Ed25519" } | EcKeyImportParams | RsaHashedImportParams => {
  switch (algorithm._tag) {
    case "Ed25519":
      return { name: "Ed25519" }
    case "Ecdsa":
      return { name: "ECDSA", namedCurve: algorithm.namedCurve }
    case "RsaPss":
      return { name: "RSA-PSS", hash: algorithm.hash.name }
    case "RsaPkcs1v15":
      return { name: "RSASSA-PKCS1-v1_5", hash: algorithm.hash.name }
  }
}

/** Only these members leave the key, whatever else an export holds: `d` cannot get into a header. */
const requiredMembers = ["crv", "e", "kty", "n", "x", "y"] as const

const publicJwk = (
  key: CryptoKey | Signature.PublicKey,
  expected: Signature.Algorithm
): Effect.Effect<PublicJwk, RegistrationError> => {
  const cryptoKey = Signature.isPublicKey(key)
    ? Signature.toBytes(key).pipe(
      Effect.mapError((error) => proofFailed(`The public key of DPoP cannot be read: ${error.reason.message}`)),
      Effect.flatMap((bytes) =>
        withSubtle("read the public key of DPoP", (subtle) =>
          subtle.importKey(
            key.algorithm._tag.startsWith("Rsa") ? "spki" : "raw",
            Uint8Array.from(bytes),
            importParams(expected),
            true,
            ["verify"]
          ))
      )
    )
    : key.type !== "public"
    ? proofFailed(`The public key of DPoP is a ${key.type} key`)
    : key.extractable
    ? Effect.succeed(key)
    : proofFailed("The public key of DPoP must be extractable: it stands in each proof (RFC 9449 §4.2)")
  return Effect.flatMap(cryptoKey, (cryptoKey) =>
    Effect.map(
      withSubtle("read the public key of DPoP", (subtle) => subtle.exportKey("jwk", cryptoKey)),
      (jwk) => {
        const members: { -readonly [Member in keyof PublicJwk]: PublicJwk[Member] } = {}
        for (const member of requiredMembers) {
          if (jwk[member] !== undefined) members[member] = jwk[member]
        }
        return members
      }
    ))
}

/** Runs on `crypto.subtle`; that it is missing, or refuses, is a failure, where `effect/crypto` would die. */
const withSubtle = <A>(
  purpose: string,
  f: (subtle: SubtleCrypto) => Promise<A>
): Effect.Effect<A, RegistrationError> =>
  WebCrypto.WebCrypto.use((crypto: Crypto | undefined) => {
    const subtle: SubtleCrypto | undefined = crypto?.subtle
    return subtle === undefined
      ? proofFailed(
        "DPoP needs WebCrypto, and crypto.subtle is not there: browsers offer it to pages from https or localhost only. " +
          "Elsewhere provide WebCrypto.layer of effect/crypto with an implementation"
      )
      : Effect.tryPromise({
        try: () => f(subtle),
        catch: (cause) =>
          proofFailed(
            Predicate.hasProperty(cause, "name") && cause.name === "NotSupportedError"
              ? `WebCrypto cannot ${purpose}: it does not support the algorithm`
              : `WebCrypto cannot ${purpose}`,
            cause
          )
      })
  })
