/** Discovers a server and registers a client there. */
import * as AuthorizationServer from "@effect-dcr/core/AuthorizationServer"
import * as ClientRegistration from "@effect-dcr/core/ClientRegistration"
import * as Effect from "effect/Effect"

export const registerClient = Effect.gen(function*() {
  const server = yield* AuthorizationServer.discover("https://op.example.com")
  const client = yield* ClientRegistration.register(server, {
    redirect_uris: ["https://app.example.com/callback"],
    client_name: "My app"
  })
  yield* Effect.log(client.information.client_id)
})
