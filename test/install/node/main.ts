/** What somebody runs first after `npm install`: a registration at a server in memory, and all layers built. */
import { AuthorizationServer, ClientRegistration, Registrar } from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { NodeRegistration, NodeRegistrationStore } from "@effect-dcr/platform-node"
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"

const metadata = { redirect_uris: ["https://app.example.com/cb"] }

const program = Effect.gen(function*() {
  const server = yield* AuthorizationServer.discover("https://op.example.com")
  const client = yield* ClientRegistration.register(server, metadata)
  const registrar = yield* Registrar.Registrar
  const wanted = { server: "https://op.example.com", profile: "default", metadata }
  const kept = yield* registrar.ensure(wanted)
  const again = yield* registrar.ensure(wanted)
  yield* Console.log(
    client.information.client_id !== kept.information.client_id &&
      kept.information.client_id === again.information.client_id
      ? "registered and kept"
      : "something is wrong"
  )
})

const registrar = Registrar.layer().pipe(
  Layer.provide(NodeRegistrationStore.layer({ directory: "registrations" })),
  Layer.provideMerge(TestAuthorizationServer.layer())
)

program.pipe(
  Effect.provide(registrar),
  // Built, not used: that they load is what is asked here.
  Effect.provide(NodeRegistration.layerDpop()),
  NodeRuntime.runMain
)
