/** What the operations require and fail with, and what does not compile. */
import {
  AuthorizationServer,
  type ClientMetadata,
  ClientRegistration,
  type Deviation,
  DpopSigner,
  type RegisteredClient,
  RegistrationError
} from "@effect-dcr/core"
import { Context, Data, type DateTime, Effect, Layer, type Option, Redacted, Schema } from "effect"
import { FetchHttpClient, type HttpClient, type HttpClientRequest, type HttpClientResponse } from "effect/http"
import { pin, type Same } from "./same.ts"

type Client = RegisteredClient.RegisteredClient
type Failure = RegistrationError.RegistrationError
type Both = HttpClient.HttpClient | DpopSigner.DpopSigner

declare const server: AuthorizationServer.AuthorizationServer
declare const metadata: ClientMetadata.ClientMetadata

// -----------------------------------------------------------------------------
// the promise in one type
// -----------------------------------------------------------------------------

const register = ClientRegistration.register(server, metadata)
pin<Same<typeof register, Effect.Effect<Client, Failure, Both>>>()

const withOptions = ClientRegistration.register(server, metadata, {
  initialAccessToken: Redacted.make("token"),
  initialAccessTokenType: "DPoP",
  headers: { "x-tenant": "7" },
  useMtlsEndpointAliases: true,
  dangerouslyAllowInsecureRequests: true,
  deadline: "2 seconds",
  deviations: "fail"
})
pin<Same<typeof withOptions, Effect.Effect<Client, Failure, Both>>>()

const request = ClientRegistration.request(server, metadata)
pin<Same<typeof request, Effect.Effect<HttpClientRequest.HttpClientRequest, Failure>>>()

declare const built: HttpClientRequest.HttpClientRequest
const send = ClientRegistration.send(built, { deadline: 2000 })
pin<Same<typeof send, Effect.Effect<HttpClientResponse.HttpClientResponse, Failure, Both>>>()

declare const answered: HttpClientResponse.HttpClientResponse
const process = ClientRegistration.process(server, metadata, answered, { deviations: "keep" })
pin<Same<typeof process, Effect.Effect<Client, Failure>>>()

const discover = AuthorizationServer.discover("https://op.example.com")
pin<Same<typeof discover, Effect.Effect<AuthorizationServer.AuthorizationServer, Failure, HttpClient.HttpClient>>>()
const details = AuthorizationServer.discoverDetails(new URL("https://op.example.com"))
pin<Same<typeof details, Effect.Effect<AuthorizationServer.Discovery, Failure, HttpClient.HttpClient>>>()

// A proof is a matter of the signer's layer, and none of them can be forgotten or fail unseen.
pin<Same<typeof DpopSigner.layerNone, Layer.Layer<DpopSigner.DpopSigner>>>()
const signer = DpopSigner.layer()
pin<Same<typeof signer, Layer.Layer<DpopSigner.DpopSigner, Failure>>>()

// -----------------------------------------------------------------------------
// an initial access token that is an effect
// -----------------------------------------------------------------------------

class Vault extends Context.Service<Vault, { readonly read: Effect.Effect<string> }>()("test/Vault") {}
class VaultClosed extends Data.TaggedError("VaultClosed")<{ readonly until: number }> {}

declare const fromVault: Effect.Effect<Redacted.Redacted<string>, VaultClosed, Vault>
const withVault = ClientRegistration.register(server, metadata, { initialAccessToken: fromVault })
pin<Same<typeof withVault, Effect.Effect<Client, Failure | VaultClosed, Both | Vault>>>()
const requestWithVault = ClientRegistration.request(server, metadata, { initialAccessToken: fromVault })
pin<
  Same<typeof requestWithVault, Effect.Effect<HttpClientRequest.HttpClientRequest, Failure | VaultClosed, Vault>>
>()
const withSynchronous = ClientRegistration.register(server, metadata, {
  initialAccessToken: Effect.sync(() => Redacted.make("token"))
})
pin<Same<typeof withSynchronous, Effect.Effect<Client, Failure, Both>>>()

// @ts-expect-error a token is Redacted
ClientRegistration.register(server, metadata, { initialAccessToken: "token" })
// @ts-expect-error also one that is fetched
ClientRegistration.register(server, metadata, { initialAccessToken: Effect.succeed("token") })

// -----------------------------------------------------------------------------
// a missing layer does not compile
// -----------------------------------------------------------------------------

const program = Effect.flatMap(discover, (server) => ClientRegistration.register(server, metadata))
pin<Same<typeof program, Effect.Effect<Client, Failure, Both>>>()

// @ts-expect-error neither transport nor signer
void Effect.runPromise(program)
// @ts-expect-error no signer: whether proofs are made is a decision
void Effect.runPromise(program.pipe(Effect.provide(FetchHttpClient.layer)))
// @ts-expect-error no transport
void Effect.runPromise(program.pipe(Effect.provide(DpopSigner.layerNone)))
// @ts-expect-error the vault is still missing
void Effect.runPromise(withVault.pipe(Effect.provide(Layer.merge(FetchHttpClient.layer, DpopSigner.layerNone))))
void Effect.runPromise(program.pipe(Effect.provide(Layer.merge(FetchHttpClient.layer, DpopSigner.layerNone))))
void Effect.runPromise(program.pipe(Effect.provide(Layer.merge(FetchHttpClient.layer, DpopSigner.layer()))))

// -----------------------------------------------------------------------------
// options
// -----------------------------------------------------------------------------

// @ts-expect-error there are two schemes
ClientRegistration.register(server, metadata, { initialAccessTokenType: "Basic" })
// @ts-expect-error there is no such way to treat deviations
ClientRegistration.register(server, metadata, { deviations: "ignore" })
// @ts-expect-error there is no such option
ClientRegistration.register(server, metadata, { timeout: "2 seconds" })
// @ts-expect-error the loud switch is the only one
ClientRegistration.register(server, metadata, { allowInsecureRequests: true })
// @ts-expect-error no symmetric algorithm
DpopSigner.layer({ algorithm: "HS256" })
// @ts-expect-error there is no such algorithm to find a server
AuthorizationServer.discover("https://op.example.com", { algorithm: "openid" })
// @ts-expect-error an issuer is what credentials belong to
ClientRegistration.register({ registration_endpoint: "https://op.example.com/reg" }, metadata)
ClientRegistration.register({ issuer: "https://op.example.com", registration_endpoint: "https://x.example" }, metadata)

// -----------------------------------------------------------------------------
// the registered client
// -----------------------------------------------------------------------------

declare const client: Client
pin<Same<typeof client.issuer, string>>()
pin<Same<typeof client.filledIn, ReadonlyArray<string>>>()
pin<Same<typeof client.deviations, ReadonlyArray<Deviation.Deviation>>>()
pin<Same<typeof client.secretExpiresAt, Option.Option<DateTime.Utc>>>()
pin<Same<typeof client.extensions, { readonly [name: string]: unknown }>>()

// @ts-expect-error what was granted is not to be changed
client.information.client_id = "another"

// -----------------------------------------------------------------------------
// what crosses a boundary asks for nothing
// -----------------------------------------------------------------------------

declare const failure: Failure
const encoded = Schema.encodeEffect(RegistrationError.RegistrationErrorSchema)(failure)
pin<Same<Effect.Services<typeof encoded>, never>>()
pin<Same<Effect.Success<typeof encoded>, typeof RegistrationError.RegistrationErrorSchema.Encoded>>()
const decoded = Schema.decodeUnknownEffect(RegistrationError.RegistrationErrorSchema)({})
pin<Same<typeof decoded, Effect.Effect<Failure, Schema.SchemaError>>>()
