/**
 * A service whose customers each name their own authorization server: one registration per customer, kept in files that are
 * encrypted, replaced when the server has forgotten it.
 *
 * ```
 * export REGISTRATION_KEY=$(openssl rand -base64 32)
 * TENANTS="acme=https://op.example.com globex=https://op.example.com" STORE=./registrations node examples/multi-tenant.ts
 * ```
 */
import {
  EndpointPolicy,
  type RegisteredClient,
  Registrar,
  RegistrationEncryption,
  type RegistrationError
} from "@effect-dcr/core"
import { NodeRegistration, NodeRegistrationStore } from "@effect-dcr/platform-node"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Console, Context, Effect, Layer, Stream } from "effect"

/** What the rest of the service knows of registrations. */
export class Clients extends Context.Service<Clients, {
  /** The registration of a tenant: the one that is kept, unless there is something to do. */
  readonly of: (
    tenant: string,
    issuer: string
  ) => Effect.Effect<RegisteredClient.RegisteredClient, RegistrationError.RegistrationError>
  /** The token endpoint said `invalid_client`: the next one who asks gets another registration. */
  readonly rejected: (
    tenant: string,
    client: RegisteredClient.RegisteredClient
  ) => Effect.Effect<boolean, RegistrationError.RegistrationError>
}>()("examples/multi-tenant/Clients") {}

const clients = Layer.effect(
  Clients,
  Effect.gen(function*() {
    const registrar = yield* Registrar.Registrar
    yield* Effect.forkScoped(
      Stream.runForEach(registrar.events, ({ _tag, profile }) => Console.log(`${profile}: ${_tag}`)),
      { startImmediately: true }
    )
    return {
      of: (tenant, issuer) =>
        registrar.ensure({
          server: issuer,
          profile: tenant,
          metadata: { client_name: "Our service", redirect_uris: [`https://${tenant}.service.example/cb`] }
        }),
      rejected: (tenant, { information, issuer }) =>
        registrar.invalidate({ issuer, profile: tenant, clientId: information.client_id, reason: "invalid_client" })
    }
  })
)

/** Customers name the issuer, so only public addresses are contacted, or this network would become theirs. */
const policy = Layer.unwrap(
  Effect.map(
    Config.withDefault(Config.Boolean("ALLOW_LOOPBACK"), false),
    (allowed) => EndpointPolicy.layer(allowed ? EndpointPolicy.httpsOrLoopback : EndpointPolicy.publicOnly)
  )
)

const store = RegistrationEncryption.layerConfig({
  key: { kid: Config.succeed("2026-01"), key: Config.Redacted("REGISTRATION_KEY") }
}).pipe(Layer.provide(NodeRegistrationStore.layerConfig({ directory: Config.String("STORE") })))

export const layer = clients.pipe(
  Layer.provide(Registrar.layer({ retire: { after: "30 days" } })),
  Layer.provide(store),
  Layer.provide(NodeRegistration.layer),
  Layer.provide(policy)
)

export const program = Effect.gen(function*() {
  const { of } = yield* Clients
  const tenants = (yield* Config.String("TENANTS")).split(" ").map((tenant) => tenant.split("="))
  yield* Effect.forEach(tenants, ([tenant = "", issuer = ""]) =>
    Effect.gen(function*() {
      const { information } = yield* of(tenant, issuer)
      yield* Console.log(`${tenant} is ${information.client_id}`)
    }), { concurrency: 4 })
}).pipe(Effect.provide(layer))

if (import.meta.main) NodeRuntime.runMain(program)
