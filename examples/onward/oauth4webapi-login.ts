/**
 * Registers a client and logs a user in with `oauth4webapi`: authorization code with PKCE.
 *
 * ```
 * ISSUER=https://op.example.com node examples/onward/oauth4webapi-login.ts
 * ```
 */
import { AuthorizationServer, ClientRegistration } from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Console, Effect } from "effect"
import * as oauth from "oauth4webapi"
import { askingFor, clientKey } from "../support/clientAuthentication.ts"
import { login, LoginFailed } from "../support/login.ts"
import { registeredRedirectUri } from "../support/loopbackRedirect.ts"
import { onwardOf } from "./oauth4webapi.ts"

export const program = Effect.gen(function*() {
  const issuer = yield* Config.String("ISSUER")
  const method = yield* Config.withDefault(Config.String("AUTH_METHOD"), "none")
  const key = yield* clientKey

  const server = yield* AuthorizationServer.discover(issuer)
  const registered = yield* ClientRegistration.register(server, {
    client_name: "oauth4webapi example",
    redirect_uris: [registeredRedirectUri],
    ...askingFor(method, key)
  })

  const onward = yield* onwardOf(registered, { key: key.privateKey, kid: key.kid })
  const tokens = yield* login(onward, { scope: "openid" })
  const subject = oauth.getValidatedIdTokenClaims(tokens)?.sub
  if (subject === undefined) return yield* new LoginFailed({ message: "The server gave no ID token" })
  const user = yield* Effect.tryPromise(async () => {
    const { client, http, server } = onward
    const response = await oauth.userInfoRequest(server, client, tokens.access_token, http)
    return await oauth.processUserInfoResponse(server, client, subject, response)
  })
  yield* Console.log(`Logged in as ${user.sub}`)
}).pipe(Effect.provide(NodeRegistration.layer), Effect.scoped)

if (import.meta.main) NodeRuntime.runMain(program)
