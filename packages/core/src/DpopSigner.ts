/**
 * Makes DPoP proofs (RFC 9449) for the requests of this SDK, or none.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { RegistrationError } from "./RegistrationError.ts"

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
// layers
// -----------------------------------------------------------------------------

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
