/**
 * All that a registration needs on Node, in one layer: the transport and the signer of proofs.
 *
 * **Gotchas**
 *
 * Provide these layers to the program that registers (`Effect.provide`, `Layer.provide`), do not merge them at the root of an
 * application: their `HttpClient` is made for this SDK and should not become the application's. Each build makes a transport
 * and, with proofs, a key of its own: an application that registers again and again builds the layer once
 * (`ManagedRuntime`, or one layer that all programs share).
 *
 * @since 0.1.0
 */
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { machineTimer } from "./internal/machineTimer.ts"
import { unwrapConfig } from "./internal/unwrapConfig.ts"
import * as NodeDpopSigner from "./NodeDpopSigner.ts"
import * as NodeHttpClient from "./NodeHttpClient.ts"

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
  /** The transport: connections, time limits, client certificates. Default: the defaults of `NodeHttpClient`. */
  readonly http?: NodeHttpClient.Options | undefined
  /** The proofs; `{}` makes them with a new key. Default: none are made. */
  readonly dpop?: NodeDpopSigner.Options | undefined
}

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * Plain registrations, with the default transport.
 *
 * **Example** (A registration)
 *
 * ```ts
 * import { AuthorizationServer, ClientRegistration } from "@effect-dcr/core"
 * import { NodeRegistration } from "@effect-dcr/platform-node"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const server = yield* AuthorizationServer.discover("https://op.example.com")
 *   return yield* ClientRegistration.register(server, { redirect_uris: ["https://app.example.com/cb"] })
 * }).pipe(Effect.provide(NodeRegistration.layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<HttpClient | DpopSigner.DpopSigner> = Layer.mergeAll(
  NodeHttpClient.layer,
  DpopSigner.layerNone,
  machineTimer
)

/**
 * Registrations with DPoP proofs (RFC 9449), with the default transport. Without options the key is a new one, for `ES256`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerDpop = (
  options?: NodeDpopSigner.Options
): Layer.Layer<HttpClient | DpopSigner.DpopSigner, RegistrationError> =>
  Layer.mergeAll(NodeHttpClient.layer, NodeDpopSigner.layer(options), machineTimer)

/**
 * Registrations with other options than the defaults.
 *
 * **Example** (A client certificate)
 *
 * ```ts
 * import { NodeRegistration } from "@effect-dcr/platform-node"
 * import { Redacted } from "effect"
 * import { readFileSync } from "node:fs"
 *
 * const layer = NodeRegistration.layerOptions({
 *   http: { tls: { cert: readFileSync("client.pem"), key: Redacted.make(readFileSync("client.key")) } }
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerOptions = (
  options: Options
): Layer.Layer<HttpClient | DpopSigner.DpopSigner, RegistrationError> =>
  Layer.mergeAll(
    options.http === undefined ? NodeHttpClient.layer : NodeHttpClient.layerOptions(options.http),
    options.dpop === undefined ? DpopSigner.layerNone : NodeDpopSigner.layer(options.dpop),
    machineTimer
  )

/**
 * Registrations whose options come from `Config`.
 *
 * **Example** (A key in a variable)
 *
 * ```ts
 * import { NodeRegistration } from "@effect-dcr/platform-node"
 * import { Config } from "effect"
 *
 * const layer = NodeRegistration.layerConfig({ dpop: { key: Config.Redacted("DPOP_PRIVATE_KEY") } })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<HttpClient | DpopSigner.DpopSigner, RegistrationError | Config.ConfigError> =>
  Layer.unwrap(Effect.map(unwrapConfig(options), layerOptions))
