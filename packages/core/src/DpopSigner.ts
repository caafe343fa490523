/**
 * Makes DPoP proofs (RFC 9449) for the requests of this SDK, or none.
 *
 * A signer is one key pair and the nonces that servers handed out. {@link layer} makes a new key, {@link layerKeyPair}
 * takes one that exists, {@link layerNone} makes no proofs. The clock is Effect's `Clock`; keys, signatures and random bytes come
 * from the `effect/crypto/WebCrypto` reference.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as DpopKey from "./DpopKey.ts"
import * as Base64Url from "./internal/base64url.ts"
import * as NonceCache from "./internal/nonceCache.ts"
import { RegistrationError } from "./RegistrationError.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * The request that a proof is made for.
 *
 * @since 0.1.0
 * @category models
 */
export interface ProofRequest {
  /** The HTTP method, `htm`. */
  readonly method: string
  /** The URL; `htu` is made of it without query and fragment (RFC 9449 §4.2). */
  readonly url: URL
  /** The access token that the request presents, for `ath` (RFC 9449 §4.2). */
  readonly accessToken?: Redacted.Redacted<string> | undefined
}

/**
 * A proof for one request, and the nonce that stands in it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Proof {
  /** The value of the `DPoP` header: a JWT in compact form. */
  readonly jwt: string
  /** The nonce inside it, if the server's origin has given one before. */
  readonly nonce: string | undefined
}

/**
 * What holds for a signer of any key.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Whole seconds that are added to the clock in `iat`, for a machine whose clock is known to be wrong; negative when it
   * runs ahead. Default: 0.
   */
  readonly clockSkewSeconds?: number | undefined
  /** Of how many origins the last nonce is kept; the one learned longest ago is dropped. Default: 100. */
  readonly nonceCapacity?: number | undefined
}

// -----------------------------------------------------------------------------
// service
// -----------------------------------------------------------------------------

/**
 * Makes a DPoP proof for a request, and remembers the nonces that servers hand out.
 *
 * @since 0.1.0
 * @category services
 */
export class DpopSigner extends Context.Service<DpopSigner, {
  /**
   * The JWK SHA-256 thumbprint (RFC 7638) of the key that proofs are made with, or none when no proofs are made.
   */
  readonly thumbprint: Option.Option<string>
  /**
   * Makes a new proof, with its own `jti` and `iat` and the origin's last nonce. None when this signer makes no proofs.
   */
  readonly sign: (request: ProofRequest) => Effect.Effect<Option.Option<Proof>, RegistrationError>
  /**
   * Remembers the nonce of a `DPoP-Nonce` header for the origin of `url` (RFC 9449 §8.2).
   */
  readonly learn: (url: URL, nonce: string) => Effect.Effect<void>
}>()("@effect-dcr/core/DpopSigner") {}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Makes a signer of a key pair that exists.
 *
 * **Details**
 *
 * The pair is checked once, by a signature: fails with the reason `ProofFailed` when it cannot sign proofs of its
 * algorithm or its halves do not belong together, with `InvalidOptions` for an option out of range.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(options: DpopKey.KeyPair & Options): Effect.fn.Return<
  DpopSigner["Service"],
  RegistrationError
> {
  const clockSkewSeconds = options.clockSkewSeconds ?? 0
  if (!Number.isSafeInteger(clockSkewSeconds)) return yield* invalidOption("clockSkewSeconds", "a whole number")
  const nonceCapacity = options.nonceCapacity ?? 100
  if (!Number.isSafeInteger(nonceCapacity) || nonceCapacity < 1) {
    // Without any room a demanded nonce could not get into the second attempt.
    return yield* invalidOption("nonceCapacity", "a whole number from 1")
  }
  const key = yield* DpopKey.check(options)
  const crypto = yield* WebCrypto.WebCrypto

  const encoder = new TextEncoder()
  const sha256 = (text: string): Effect.Effect<string, RegistrationError> =>
    Effect.map(
      DpopKey.withSubtle("make a SHA-256 digest", (subtle) => subtle.digest("SHA-256", encoder.encode(text))),
      (digest) => Base64Url.encodeBytes(new Uint8Array(digest))
      // Whoever signs later may have another reference, or none: what this signer was built with goes for all that it does.
    ).pipe(Effect.provideService(WebCrypto.WebCrypto, crypto))
  const thumbprint = yield* sha256(JSON.stringify(key.jwk))
  // The same in every proof: encoded once.
  const header = Base64Url.encodeText(JSON.stringify({ typ: "dpop+jwt", alg: key.algorithm, jwk: key.jwk }))
  const nonces = NonceCache.make(nonceCapacity)

  // Random bytes for several proofs at once: a draw costs more than all else that a proof needs beside the signature.
  const pool = new Uint8Array(poolBytes)
  let used = poolBytes
  const takeJti = (): string => {
    if (used === poolBytes) {
      crypto.getRandomValues(pool)
      used = 0
    }
    return Base64Url.encodeBytes(pool.subarray(used, used += jtiBytes))
  }

  const signingInput = (
    { method, url }: ProofRequest,
    origin: string,
    now: number,
    nonce: string | undefined,
    ath?: string
  ): string => {
    const claims = {
      jti: takeJti(),
      htm: method,
      htu: origin + url.pathname,
      iat: Math.floor(now / 1000) + clockSkewSeconds,
      ath,
      nonce
    }
    return `${header}.${Base64Url.encodeText(JSON.stringify(claims))}`
  }
  const proof = (
    request: ProofRequest,
    clock: Clock.Clock,
    ath?: string
  ): Effect.Effect<Option.Option<Proof>, RegistrationError> =>
    // Not Effect.tryPromise, whose AbortController nobody could use here.
    Effect.callback((resume) => {
      const fail = (cause: unknown) => resume(DpopKey.proofFailed("The DPoP proof could not be signed", cause))
      try {
        const { origin } = request.url
        const nonce = nonces.get(origin)
        const input = signingInput(request, origin, clock.currentTimeMillisUnsafe(), nonce, ath)
        key.sign(encoder.encode(input)).then((signature) => {
          const jwt = `${input}.${Base64Url.encodeBytes(new Uint8Array(signature))}`
          resume(Effect.succeed(Option.some({ jwt, nonce })))
        }, fail)
      } catch (cause) {
        fail(cause)
      }
    })

  return {
    thumbprint: Option.some(thumbprint),
    sign: (request) =>
      Clock.clockWith((clock) => {
        const problem = problemOf(request)
        if (problem !== undefined) return DpopKey.proofFailed(problem)
        return request.accessToken === undefined
          ? proof(request, clock)
          : Effect.flatMap(sha256(Redacted.value(request.accessToken)), (ath) => proof(request, clock, ath))
      }),
    learn: (url, nonce) => Effect.sync(() => nonces.set(url.origin, nonce))
  }
})

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * A signer with a new key pair, whose private key cannot be exported.
 *
 * **Details**
 *
 * Fails with the reason `ProofFailed` where WebCrypto, or the algorithm, is missing.
 *
 * **Gotchas**
 *
 * Each build of the layer makes a new key, and what a server bound to the old one is lost with it. A long-lived
 * application builds it once (`ManagedRuntime`, or one layer that all programs share); what has to outlive the process
 * needs {@link layerKeyPair} and a key that was kept.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: Omit<DpopKey.GenerateOptions, "extractable"> & Options
): Layer.Layer<DpopSigner, RegistrationError> =>
  Layer.effect(
    DpopSigner,
    Effect.flatMap(
      DpopKey.generate({ algorithm: options?.algorithm, modulusLength: options?.modulusLength }),
      (key) => make({ ...options, ...key })
    )
  )

/**
 * A signer of a key pair that exists: WebCrypto's, or one that `DpopKeyImport` read.
 *
 * **Details**
 *
 * The private key need not be extractable, the public key must be. Fails with the reason `ProofFailed` when the pair
 * cannot sign: not asymmetric, another kind than `algorithm`, an RSA key of less than 2048 bits, two halves of two pairs.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerKeyPair = (options: DpopKey.KeyPair & Options): Layer.Layer<DpopSigner, RegistrationError> =>
  Layer.effect(DpopSigner, make(options))

/**
 * A signer that makes no proofs: plain registrations.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerNone: Layer.Layer<DpopSigner> = Layer.succeed(DpopSigner, {
  thumbprint: Option.none(),
  sign: () => Effect.succeedNone,
  learn: () => Effect.void
})

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

/** 128 random bits; RFC 9449 §4.2 asks for 96. */
const jtiBytes = 16

const poolBytes = 32 * jtiBytes

const invalidOption = (option: string, expected: string) =>
  new RegistrationError({ reason: { _tag: "InvalidOptions", option, message: `it must be ${expected}` } })

/** Why no proof can be made for a request, whatever the key. */
const problemOf = ({ accessToken, method, url }: ProofRequest): string | undefined => {
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return `A DPoP proof is for an http or https URL, not for ${url.protocol}`
  }
  if (!tokenSyntax.test(method)) return "A DPoP proof needs the name of an HTTP method"
  // What the bytes of such a token are is beyond doubt, for `ath`.
  if (accessToken !== undefined && !visibleAscii.test(Redacted.value(accessToken))) {
    return "The access token holds characters that no token has (RFC 6750 §2.1)"
  }
  return undefined
}

/** RFC 9110 §5.6.2. */
const tokenSyntax = /^[\w!#$%&'*+.^`|~-]+$/

const visibleAscii = /^[\x21-\x7e]+$/
