/**
 * All that a registration needs in a browser, in one layer: `fetch` and the signer of proofs. Works in windows, workers and
 * service workers; no Node polyfill is needed.
 *
 * **Gotchas**
 *
 * A page sees the answers of another origin only where that one allows it (CORS), and `DPoP-Nonce` and `WWW-Authenticate`
 * only where they are exposed. What a browser says of a failed `fetch` does not tell whether the server processed the request,
 * so a registration whose answer does not arrive ends as `OutcomeUnknown`; see `BrowserHttpClient` for what its error says.
 *
 * A page that is closed, and a service worker that is stopped (after some 30 seconds without an event; keep the event open with
 * `waitUntil`), end what is under way: the registration may exist at the server all the same. With a `Registrar` on
 * `BrowserRegistrationStore` the next page knows that it may.
 *
 * Provide these layers to the program that registers (`Effect.provide`, `Layer.provide`), do not merge them at the root of an
 * application: their `HttpClient` is made for this SDK and should not become the application's.
 *
 * @since 0.1.0
 */
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as BrowserDpopSigner from "./BrowserDpopSigner.ts"
import * as BrowserHttpClient from "./BrowserHttpClient.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * The options of both pieces.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The transport. Default: the defaults of `BrowserHttpClient`. */
  readonly http?: BrowserHttpClient.Options | undefined
  /** The proofs; `{}` makes them with the key that is kept in this browser. Default: none are made. */
  readonly dpop?: BrowserDpopSigner.Options | undefined
}

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * Plain registrations over `fetch`.
 *
 * **Example** (A registration)
 *
 * ```ts
 * import { AuthorizationServer, ClientRegistration } from "@effect-dcr/core"
 * import { BrowserRegistration } from "@effect-dcr/platform-browser"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const server = yield* AuthorizationServer.discover("https://op.example.com")
 *   return yield* ClientRegistration.register(server, { redirect_uris: ["https://app.example.com/cb"] })
 * }).pipe(Effect.provide(BrowserRegistration.layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<HttpClient | DpopSigner.DpopSigner> = Layer.merge(
  BrowserHttpClient.layer,
  DpopSigner.layerNone
)

/**
 * Registrations over `fetch` with DPoP proofs (RFC 9449), by a key that cannot be exported and is kept in this browser. See
 * `BrowserDpopSigner.make` for where that fails.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerDpop = (
  options?: BrowserDpopSigner.Options
): Layer.Layer<HttpClient | DpopSigner.DpopSigner, RegistrationError> =>
  Layer.merge(BrowserHttpClient.layer, BrowserDpopSigner.layer(options))

/**
 * Registrations with other options than the defaults.
 *
 * **Example** (Nothing but the requests themselves)
 *
 * ```ts
 * import { BrowserRegistration } from "@effect-dcr/platform-browser"
 *
 * const layer = BrowserRegistration.layerOptions({ http: { probe: false } })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerOptions = (
  options: Options
): Layer.Layer<HttpClient | DpopSigner.DpopSigner, RegistrationError> =>
  Layer.merge(
    BrowserHttpClient.layerOptions(options.http ?? {}),
    options.dpop === undefined ? DpopSigner.layerNone : BrowserDpopSigner.layer(options.dpop)
  )

/**
 * Registrations whose options come from `Config`, such as a `ConfigProvider` of what the bundler filled in.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<HttpClient | DpopSigner.DpopSigner, RegistrationError | Config.ConfigError> =>
  Layer.unwrap(Effect.map(Config.unwrap(options), layerOptions))
