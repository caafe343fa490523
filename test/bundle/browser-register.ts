/** The application of baseline.ts, which also registers a client, by the layer for browsers. */
import * as AuthorizationServer from "@effect-dcr/core/AuthorizationServer"
import * as ClientRegistration from "@effect-dcr/core/ClientRegistration"
import * as BrowserRegistration from "@effect-dcr/platform-browser/BrowserRegistration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Schema from "effect/Schema"

const Greeting = Schema.Struct({
  id: Schema.Int,
  text: Schema.String,
  language: Schema.optionalKey(Schema.String)
})

const greet = Effect.gen(function*() {
  const client = yield* HttpClient.HttpClient
  const response = yield* client.get("https://api.example.com/greeting")
  const greeting = yield* HttpClientResponse.schemaBodyJson(Greeting)(response)
  yield* Effect.log(greeting.text)
})

const registerClient = Effect.gen(function*() {
  const server = yield* AuthorizationServer.discover("https://op.example.com")
  const client = yield* ClientRegistration.register(server, {
    redirect_uris: ["https://app.example.com/callback"],
    client_name: "My app"
  })
  yield* Effect.log(client.information.client_id)
}).pipe(Effect.provide(BrowserRegistration.layer))

Effect.runFork(Effect.andThen(registerClient, greet.pipe(Effect.provide(FetchHttpClient.layer))))
