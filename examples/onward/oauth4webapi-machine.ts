/**
 * Registers a client that has no users, and gets it a token with `oauth4webapi`: client credentials.
 *
 * ```
 * ISSUER=https://op.example.com node examples/onward/oauth4webapi-machine.ts
 * ```
 */
import { AuthorizationServer, ClientRegistration } from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Console, Effect } from "effect"
import * as oauth from "oauth4webapi"
import { askingFor, clientKey } from "../support/clientAuthentication.ts"
import { onwardOf } from "./oauth4webapi.ts"

export const program = Effect.gen(function*() {
  const issuer = yield* Config.String("ISSUER")
  const method = yield* Config.withDefault(Config.String("AUTH_METHOD"), "client_secret_basic")
  const key = yield* clientKey

  const found = yield* AuthorizationServer.discover(issuer)
  const registered = yield* ClientRegistration.register(found, {
    client_name: "oauth4webapi example",
    grant_types: ["client_credentials"],
    ...askingFor(method, key)
  })

  const { authentication, client, http, server } = yield* onwardOf(registered, { key: key.privateKey, kid: key.kid })
  const tokens = yield* Effect.tryPromise(async () => {
    const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, {}, http)
    return await oauth.processClientCredentialsResponse(server, client, response)
  })
  const token = yield* Effect.tryPromise(async () => {
    const response = await oauth.introspectionRequest(server, client, authentication, tokens.access_token, http)
    return await oauth.processIntrospectionResponse(server, client, response)
  })
  yield* Console.log(`The token is ${token.active ? "active" : "not active"}, for ${tokens.expires_in ?? 0} seconds`)
}).pipe(Effect.provide(NodeRegistration.layer))

if (import.meta.main) NodeRuntime.runMain(program)
