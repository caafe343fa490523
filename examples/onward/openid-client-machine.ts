/**
 * Registers a client that has no users, and gets it a token with `openid-client`: client credentials.
 *
 * ```
 * ISSUER=https://op.example.com node examples/onward/openid-client-machine.ts
 * ```
 */
import { AuthorizationServer, ClientRegistration } from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Console, Effect } from "effect"
import * as openid from "openid-client"
import { askingFor, clientKey } from "../support/clientAuthentication.ts"
import { configurationOf } from "./openidClient.ts"

export const program = Effect.gen(function*() {
  const issuer = yield* Config.String("ISSUER")
  const method = yield* Config.withDefault(Config.String("AUTH_METHOD"), "client_secret_basic")
  const key = yield* clientKey

  const server = yield* AuthorizationServer.discover(issuer)
  const client = yield* ClientRegistration.register(server, {
    client_name: "openid-client example",
    grant_types: ["client_credentials"],
    ...askingFor(method, key)
  })

  const config = yield* configurationOf(client, { key: key.privateKey, kid: key.kid })
  const tokens = yield* Effect.tryPromise(() => openid.clientCredentialsGrant(config))
  const token = yield* Effect.tryPromise(() => openid.tokenIntrospection(config, tokens.access_token))
  yield* Console.log(`The token is ${token.active ? "active" : "not active"}, for ${tokens.expiresIn()} seconds`)
}).pipe(Effect.provide(NodeRegistration.layer))

if (import.meta.main) NodeRuntime.runMain(program)
