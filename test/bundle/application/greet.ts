/** An application before it registers clients: it already has Effect, an HttpClient and a Schema. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Schema from "effect/Schema"

const Greeting = Schema.Struct({
  id: Schema.Int,
  text: Schema.String,
  language: Schema.optionalKey(Schema.String)
})

export const greet = Effect.gen(function*() {
  const client = yield* HttpClient.HttpClient
  const response = yield* client.get("https://api.example.com/greeting")
  const greeting = yield* HttpClientResponse.schemaBodyJson(Greeting)(response)
  yield* Effect.log(greeting.text)
})
