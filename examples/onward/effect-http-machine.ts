/**
 * Registers a client that has no users, and gets it a token with Effect's `HttpClient`: client credentials.
 *
 * ```
 * ISSUER=https://op.example.com node examples/onward/effect-http-machine.ts
 * DPOP=true ISSUER=https://op.example.com node examples/onward/effect-http-machine.ts
 * ```
 */
import { AuthorizationServer, ClientRegistration, type RegisteredClient } from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Console, Data, Effect, Layer, Redacted, Schema } from "effect"
import { HttpClientRequest, HttpClientResponse } from "effect/http"
import { methodOf } from "../support/clientAuthentication.ts"
import { execute } from "../support/proven.ts"

/** The client has no token. */
class NoToken extends Data.TaggedError("NoToken")<{ readonly message: string }> {}

const Tokens = Schema.Struct({
  access_token: Schema.RedactedFromValue(Schema.String, { label: "access token" }),
  token_type: Schema.String,
  expires_in: Schema.Number
})

export const program = Effect.gen(function*() {
  const issuer = yield* Config.String("ISSUER")
  const dpop = yield* Config.withDefault(Config.Boolean("DPOP"), false)
  const method = yield* Config.withDefault(Config.String("AUTH_METHOD"), "client_secret_basic")

  const server = yield* AuthorizationServer.discover(issuer)
  const client = yield* ClientRegistration.register(server, {
    client_name: "Effect example",
    grant_types: ["client_credentials"],
    token_endpoint_auth_method: method,
    ...(dpop ? { dpop_bound_access_tokens: true } : undefined)
  })

  if (server.token_endpoint === undefined || server.introspection_endpoint === undefined) {
    return yield* new NoToken({ message: "The server has no token endpoint, or no introspection" })
  }
  const tokens = yield* HttpClientRequest.post(server.token_endpoint).pipe(
    authenticated(client, { grant_type: "client_credentials" }),
    execute,
    Effect.flatMap(HttpClientResponse.schemaBodyJson(Tokens))
  )
  const token = yield* HttpClientRequest.post(server.introspection_endpoint).pipe(
    authenticated(client, { token: Redacted.value(tokens.access_token) }),
    execute,
    Effect.flatMap(HttpClientResponse.schemaBodyJson(Schema.Struct({ active: Schema.Boolean })))
  )
  const state = token.active ? "active" : "not active"
  yield* Console.log(`The ${tokens.token_type} token is ${state}, for ${tokens.expires_in} seconds`)
}).pipe(
  Effect.provide(Layer.unwrap(
    Effect.map(
      Config.withDefault(Config.Boolean("DPOP"), false),
      (dpop) => dpop ? NodeRegistration.layerDpop() : NodeRegistration.layer
    )
  ))
)

/** A form with what proves that it is this client. The secret is read here and nowhere before. */
const authenticated =
  (client: RegisteredClient.RegisteredClient, form: Readonly<Record<string, string>>) =>
  (request: HttpClientRequest.HttpClientRequest) => {
    const { client_id, client_secret } = client.information
    if (client_secret === undefined) return HttpClientRequest.bodyUrlParams(request, { ...form, client_id })
    return methodOf(client) === "client_secret_post"
      ? HttpClientRequest.bodyUrlParams(request, { ...form, client_id, client_secret: Redacted.value(client_secret) })
      : HttpClientRequest.bodyUrlParams(request, form).pipe(
        // RFC 6749 §2.3.1: both are form-encoded first
        HttpClientRequest.basicAuth(formEncoded(client_id), formEncoded(Redacted.value(client_secret)))
      )
  }

const formEncoded = (text: string): string => new URLSearchParams([["", text]]).toString().slice(1)

if (import.meta.main) NodeRuntime.runMain(program)
