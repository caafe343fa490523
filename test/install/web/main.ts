/** What an application in the browser bundles. */
import * as AuthorizationServer from "@effect-dcr/core/AuthorizationServer"
import * as ClientRegistration from "@effect-dcr/core/ClientRegistration"
import * as BrowserRegistration from "@effect-dcr/platform-browser/BrowserRegistration"
import * as Effect from "effect/Effect"

const program = Effect.gen(function*() {
  const server = yield* AuthorizationServer.discover("https://op.example.com")
  const client = yield* ClientRegistration.register(server, { redirect_uris: ["https://app.example.com/cb"] })
  document.body.textContent = client.information.client_id
}).pipe(Effect.provide(BrowserRegistration.layer))

void Effect.runPromise(program)
