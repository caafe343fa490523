/**
 * Every HTTP exchange of this SDK: one place for the endpoint policy, proofs and nonces, redirects, the deadline, the cap on
 * the answer's size, and the translation of transport failures.
 *
 * @internal
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { DpopSigner } from "../DpopSigner.ts"
import type { RegistrationError } from "../RegistrationError.ts"

/** An answer whose body was read to its end within the limits. */
export interface Answer {
  readonly request: HttpClientRequest.HttpClientRequest
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  /** The body as UTF-8 text. Empty when there was none. */
  readonly text: string
}

export interface ExchangeOptions {
  /** Which URL is contacted, for the endpoint policy and for errors. */
  readonly role: string
  /** `dangerouslyAllowInsecureRequests` of the caller. */
  readonly allowInsecure: boolean
  /** Overall deadline of the exchange; the default of `ExchangeLimits` when absent. */
  readonly deadline?: Duration.Input | undefined
}

/** One exchange without proofs. A body-less GET, as in discovery, may be repeated by whatever client is underneath. */
export declare const exchange: (
  request: HttpClientRequest.HttpClientRequest,
  options: ExchangeOptions
) => Effect.Effect<Answer, RegistrationError, HttpClient.HttpClient>

/** One exchange with the signer's proofs, answering a nonce challenge once. */
export declare const exchangeWithProofs: (
  request: HttpClientRequest.HttpClientRequest,
  options: ExchangeOptions
) => Effect.Effect<Answer, RegistrationError, HttpClient.HttpClient | DpopSigner>
