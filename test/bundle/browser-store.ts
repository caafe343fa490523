/** The application of baseline.ts, which also keeps its registration in the browser. */
import * as Registrar from "@effect-dcr/core/Registrar"
import * as BrowserRegistration from "@effect-dcr/platform-browser/BrowserRegistration"
import * as BrowserRegistrationStore from "@effect-dcr/platform-browser/BrowserRegistrationStore"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
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
  const registrar = yield* Registrar.Registrar
  const client = yield* registrar.ensure({
    server: "https://op.example.com",
    profile: "default",
    metadata: { redirect_uris: ["https://app.example.com/callback"], client_name: "My app" }
  })
  yield* Effect.log(client.information.client_id)
}).pipe(Effect.provide(
  Registrar.layer().pipe(
    Layer.provide([BrowserRegistrationStore.layer(), BrowserRegistration.layer])
  )
))

Effect.runFork(Effect.andThen(registerClient, greet.pipe(Effect.provide(FetchHttpClient.layer))))
