/**
 * The key pair that DPoP proofs are made with (RFC 9449 §4.2).
 *
 * Keys from elsewhere are read by `DpopKeyImport` (JWK, PEM); this module needs nothing but WebCrypto.
 *
 * @since 0.1.0
 */
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
 * A key pair of WebCrypto, of any origin: a {@link DpopKey}, a `CryptoKeyPair`.
 *
 * **Details**
 *
 * The private key need not be extractable, the public key must be. Without `algorithm` the key decides; an Ed25519
 * key then signs as `Ed25519`. A private key of `effect/crypto/Signature` is read as the JWK that `KeyFormat.encode` makes of
 * it, by `DpopKeyImport.fromJwk`.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeyPair {
  readonly algorithm?: Algorithm | undefined
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
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
        const { key: params } = signatures[algorithm]
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
  /** Signs as JWS asks (RFC 7518 §3): of ECDSA that is r and s, one after the other. */
  readonly sign: (data: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>
}

/**
 * Makes a key pair ready for signing, or says why it cannot be used: not asymmetric, another curve, hash or kind than
 * the algorithm needs, a short RSA key, a public key that cannot be exported or that belongs to another private key.
 *
 * @internal
 */
export const check = Effect.fnUntraced(
  function*({ algorithm: asked, privateKey, publicKey }: KeyPair): Effect.fn.Return<CheckedKey, RegistrationError> {
    const kind = kindOfKey(privateKey)
    const algorithm = asked ?? algorithmOf(kind)
    if (!isAlgorithm(algorithm)) {
      return yield* unknownAlgorithm(algorithm ?? `a key of the kind ${kind}`)
    }
    const { key: expected, signature } = signatures[algorithm]
    const expectedKind = kindOf(expected)
    for (const [name, actual] of [["private", kind], ["public", kindOfKey(publicKey)]]) {
      if (actual !== expectedKind) {
        return yield* proofFailed(
          `The ${name} key of DPoP is of the kind ${actual}, and ${algorithm} needs ${expectedKind}`
        )
      }
    }
    const jwk = yield* publicJwk(publicKey)
    // Made of the header's own members, so that what servers will read is what is checked.
    const verifier = yield* withSubtle(
      "read the public key of DPoP",
      (subtle) => subtle.importKey("jwk", { ...jwk }, expected, true, ["verify"])
    )
    if ("modulusLength" in verifier.algorithm && Number(verifier.algorithm.modulusLength) < minimumModulusLength) {
      return yield* proofFailed(`An RSA key for DPoP has at least ${minimumModulusLength} bits (RFC 7518 §3.3, §3.5)`)
    }
    if (privateKey.type !== "private" || !privateKey.usages.includes("sign")) {
      return yield* proofFailed("The private key of DPoP cannot sign: it is no private key with that usage")
    }
    return yield* withSubtle("sign with the private key of DPoP", async (subtle) => {
      const sign: CheckedKey["sign"] = (data) => subtle.sign(signature, privateKey, data)
      const probe = new TextEncoder().encode("dpop+jwt")
      return await subtle.verify(signature, verifier, await sign(probe), probe) ? { algorithm, jwk, sign } : undefined
    }).pipe(Effect.flatMap((checked) =>
      checked === undefined
        ? proofFailed("The public key of DPoP does not belong to the private key")
        : Effect.succeed(checked)
    ))
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

/** What WebCrypto has to be told of an algorithm: to make or read a key, and to sign with it. */
interface WebSignature {
  readonly key: EcKeyImportParams | RsaHashedImportParams | { readonly name: "Ed25519" }
  readonly signature: AlgorithmIdentifier | EcdsaParams | RsaPssParams
}

const ecdsa = (namedCurve: string, hash: string): WebSignature => ({
  key: { name: "ECDSA", namedCurve },
  signature: { name: "ECDSA", hash }
})

/** The salt is as long as the hash (RFC 7518 §3.5). */
const rsaPss = (hash: string, saltLength: number): WebSignature => ({
  key: { name: "RSA-PSS", hash },
  signature: { name: "RSA-PSS", saltLength }
})

const rsaPkcs1 = (hash: string): WebSignature => ({
  key: { name: "RSASSA-PKCS1-v1_5", hash },
  signature: { name: "RSASSA-PKCS1-v1_5" }
})

const ed25519: WebSignature = { key: { name: "Ed25519" }, signature: { name: "Ed25519" } }

const signatures: Readonly<Record<Algorithm, WebSignature>> = {
  ES256: ecdsa("P-256", "SHA-256"),
  ES384: ecdsa("P-384", "SHA-384"),
  ES512: ecdsa("P-521", "SHA-512"),
  Ed25519: ed25519,
  EdDSA: ed25519,
  PS256: rsaPss("SHA-256", 32),
  PS384: rsaPss("SHA-384", 48),
  PS512: rsaPss("SHA-512", 64),
  RS256: rsaPkcs1("SHA-256"),
  RS384: rsaPkcs1("SHA-384"),
  RS512: rsaPkcs1("SHA-512")
}

/** What tells keys apart, in words: `ECDSA P-256`, `Ed25519`, `RSA-PSS SHA-256`. */
const kindOf = (algorithm: { readonly name: string }): string => {
  const curve = Predicate.hasProperty(algorithm, "namedCurve") ? algorithm.namedCurve : undefined
  const hash = Predicate.hasProperty(algorithm, "hash") ? algorithm.hash : undefined
  // A name in parameters, an object in a key.
  const hashName = Predicate.hasProperty(hash, "name") ? hash.name : hash
  return [algorithm.name, curve, hashName].filter(Predicate.isString).join(" ")
}

/** Callers without types hand in all sorts of things. */
const kindOfKey = (key: unknown): string =>
  Predicate.hasProperty(key, "algorithm") && Predicate.hasProperty(key.algorithm, "name") &&
    Predicate.isString(key.algorithm.name)
    ? kindOf({ ...key.algorithm, name: key.algorithm.name })
    : "unknown"

const algorithmOf = (kind: string): Algorithm | undefined =>
  algorithms.find((algorithm) => kindOf(signatures[algorithm].key) === kind)

/** Only these members leave the key, whatever else an export holds: `d` cannot get into a header. */
const requiredMembers = ["crv", "e", "kty", "n", "x", "y"] as const

const publicJwk = (key: CryptoKey): Effect.Effect<PublicJwk, RegistrationError> => {
  if (key.type !== "public") return proofFailed(`The public key of DPoP is a ${key.type} key`)
  if (!key.extractable) {
    return proofFailed("The public key of DPoP must be extractable: it stands in each proof (RFC 9449 §4.2)")
  }
  return Effect.map(
    withSubtle("read the public key of DPoP", (subtle) => subtle.exportKey("jwk", key)),
    (jwk) => {
      const members: { -readonly [Member in keyof PublicJwk]: PublicJwk[Member] } = {}
      for (const member of requiredMembers) {
        if (jwk[member] !== undefined) members[member] = jwk[member]
      }
      return members
    }
  )
}

/**
 * Runs on `crypto.subtle`; that it is missing, or refuses, is a failure.
 *
 * @internal
 */
export const withSubtle = <A>(
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
