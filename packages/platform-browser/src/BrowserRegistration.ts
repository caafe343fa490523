/**
 * All that a registration needs in a browser, in one layer: `fetch` and the signer of proofs.
 *
 * **Gotchas**
 *
 * A page sees the answers of another origin only where that one allows it (CORS), and `DPoP-Nonce` and `WWW-Authenticate`
 * only where they are exposed. A failed `fetch` does not say what happened, so it ends as `OutcomeUnknown`.
 *
 * Provide these layers to the program that registers (`Effect.provide`, `Layer.provide`); do not merge them at the root of an
 * application.
 *
 * @since 0.1.0
 */
import type { GenerateOptions } from "@effect-dcr/core/DpopKey"
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type { HttpClient } from "effect/http/HttpClient"
import * as Layer from "effect/Layer"

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * Plain registrations over `fetch`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<HttpClient | DpopSigner.DpopSigner> = Layer.merge(
  FetchHttpClient.layer,
  DpopSigner.layerNone
)

/**
 * Registrations over `fetch` with DPoP proofs (RFC 9449), by a new key that cannot be exported.
 *
 * **Gotchas**
 *
 * The key lives as long as the page. WebCrypto, and with it this layer, is there only for pages from https or localhost.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerDpop = (
  options?: Omit<GenerateOptions, "extractable"> & DpopSigner.Options
): Layer.Layer<HttpClient | DpopSigner.DpopSigner, RegistrationError> =>
  Layer.merge(FetchHttpClient.layer, DpopSigner.layer(options))
