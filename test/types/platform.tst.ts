/** What the layers of the platforms give, and with what they fail. */
import {
  AuthorizationServer,
  ClientRegistration,
  type DpopSigner,
  type RegistrationError,
  type RegistrationStore
} from "@effect-dcr/core"
import {
  BrowserDpopSigner,
  BrowserHttpClient,
  BrowserRegistration,
  BrowserRegistrationStore
} from "@effect-dcr/platform-browser"
import { NodeDpopSigner, NodeHttpClient, NodeRegistration, NodeRegistrationStore } from "@effect-dcr/platform-node"
import { Config, Effect, type Layer, Redacted, type Scope } from "effect"
import type { HttpClient } from "effect/http"
import { expectTypeOf } from "vitest"

type Both = HttpClient.HttpClient | DpopSigner.DpopSigner
type Failure = RegistrationError.RegistrationError
type Store = RegistrationStore.RegistrationStore

expectTypeOf(NodeRegistration.layer).toEqualTypeOf<Layer.Layer<Both>>()
expectTypeOf(NodeRegistration.layerDpop).returns.toEqualTypeOf<Layer.Layer<Both, Failure>>()
expectTypeOf(NodeRegistration.layerOptions).returns.toEqualTypeOf<Layer.Layer<Both, Failure>>()
expectTypeOf(NodeRegistration.layerConfig).returns.toEqualTypeOf<Layer.Layer<Both, Failure | Config.ConfigError>>()

expectTypeOf(NodeHttpClient.make).returns.toEqualTypeOf<Effect.Effect<HttpClient.HttpClient, never, Scope.Scope>>()
expectTypeOf(NodeHttpClient.layer).toEqualTypeOf<Layer.Layer<HttpClient.HttpClient>>()
expectTypeOf(NodeHttpClient.layerOptions).returns.toEqualTypeOf<Layer.Layer<HttpClient.HttpClient>>()
expectTypeOf(NodeHttpClient.layerConfig).returns.toEqualTypeOf<Layer.Layer<HttpClient.HttpClient, Config.ConfigError>>()

expectTypeOf(NodeDpopSigner.layer).returns.toEqualTypeOf<Layer.Layer<DpopSigner.DpopSigner, Failure>>()
expectTypeOf(NodeDpopSigner.layerConfig).returns.toEqualTypeOf<
  Layer.Layer<DpopSigner.DpopSigner, Failure | Config.ConfigError>
>()

expectTypeOf(NodeRegistrationStore.layer).returns.toEqualTypeOf<Layer.Layer<Store, Failure>>()
NodeRegistrationStore.layer({ application: "my-app" })
NodeRegistrationStore.layerConfig({ directory: Config.String("STORE") })
// Nobody shares a store without having named it.
// @ts-expect-error: it needs one of the two
NodeRegistrationStore.layer()
// @ts-expect-error: it needs one of the two
NodeRegistrationStore.layer({})
// @ts-expect-error: it needs one of the two
NodeRegistrationStore.layer({ application: "my-app", directory: "registrations" })

expectTypeOf(BrowserRegistration.layer).toEqualTypeOf<Layer.Layer<Both>>()
expectTypeOf(BrowserRegistration.layerDpop).returns.toEqualTypeOf<Layer.Layer<Both, Failure>>()
expectTypeOf(BrowserRegistration.layerOptions).returns.toEqualTypeOf<Layer.Layer<Both, Failure>>()
expectTypeOf(BrowserRegistration.layerConfig).returns.toEqualTypeOf<Layer.Layer<Both, Failure | Config.ConfigError>>()

expectTypeOf(BrowserHttpClient.make).returns.toEqualTypeOf<Effect.Effect<HttpClient.HttpClient>>()
expectTypeOf(BrowserHttpClient.layer).toEqualTypeOf<Layer.Layer<HttpClient.HttpClient>>()

expectTypeOf(BrowserDpopSigner.layer).returns.toEqualTypeOf<Layer.Layer<DpopSigner.DpopSigner, Failure>>()
expectTypeOf(BrowserDpopSigner.rotate).returns.toEqualTypeOf<Effect.Effect<void, Failure>>()

expectTypeOf(BrowserRegistrationStore.make).returns.toEqualTypeOf<
  Effect.Effect<Store["Service"], Failure, Scope.Scope>
>()
expectTypeOf(BrowserRegistrationStore.layer).returns.toEqualTypeOf<Layer.Layer<Store, Failure>>()
expectTypeOf(BrowserRegistrationStore.layerEncrypted).returns.toEqualTypeOf<Layer.Layer<Store, Failure>>()
expectTypeOf(BrowserRegistrationStore.persist).toEqualTypeOf<Effect.Effect<boolean>>()

// One layer is all that a registration needs.
const program = Effect.flatMap(
  AuthorizationServer.discover("https://op.example.com"),
  (server) => ClientRegistration.register(server, { redirect_uris: ["https://app.example.com/cb"] })
)
expectTypeOf(program.pipe(Effect.provide(NodeRegistration.layer))).toExtend<Effect.Effect<unknown, Failure>>()
expectTypeOf(program.pipe(Effect.provide(BrowserRegistration.layer))).toExtend<Effect.Effect<unknown, Failure>>()
// @ts-expect-error the transport alone makes no decision about proofs
program.pipe(Effect.provide(NodeHttpClient.layer), Effect.runPromise)

// Options may come from Config one by one, or all at once.
NodeRegistration.layerConfig({ http: { idleTimeout: Config.Duration("IDLE") }, dpop: { key: Config.Redacted("KEY") } })
NodeRegistration.layerConfig(Config.succeed({ dpop: {} }))

// @ts-expect-error a private key is Redacted
NodeHttpClient.layerOptions({ tls: { key: "-----BEGIN PRIVATE KEY-----" } })
NodeHttpClient.layerOptions({ tls: { key: Redacted.make("-----BEGIN PRIVATE KEY-----") } })
// @ts-expect-error there is no such option
NodeHttpClient.layerOptions({ conections: 1 })
// @ts-expect-error no such algorithm
NodeRegistration.layerDpop({ algorithm: "HS256" })
// @ts-expect-error the key of a browser is never extractable
BrowserRegistration.layerDpop({ extractable: true })
