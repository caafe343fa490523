/** What the application does anyway: a request, and an answer that is decoded. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Schema from "effect/Schema"
import { origin } from "./done.ts"

const Greeting = Schema.Struct({
  issuer: Schema.String,
  scopes_supported: Schema.Array(Schema.String),
  language: Schema.optionalKey(Schema.String)
})

export const greet = HttpClient.get(`${origin}/.well-known/greeting`).pipe(
  Effect.flatMap(HttpClientResponse.schemaBodyJson(Greeting)),
  Effect.provide(NodeHttpClient.layerUndici)
)
