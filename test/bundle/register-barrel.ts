/**
 * register.ts with every import through a barrel, as examples write it: rollup sees through, esbuild does not. It stands alone,
 * because the parts that the others share import deep.
 */
import { AuthorizationServer, ClientRegistration, DpopSigner } from "@effect-dcr/core"
import { Effect, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpClientResponse } from "effect/http"

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
}).pipe(Effect.provide(DpopSigner.layerNone))

Effect.runFork(Effect.andThen(registerClient, greet).pipe(Effect.provide(FetchHttpClient.layer)))
