/**
 * Registers a client and logs a user in with `openid-client`: authorization code with PKCE.
 *
 * ```
 * ISSUER=https://op.example.com node examples/onward/openid-client-login.ts
 * ```
 */
import { AuthorizationServer, ClientRegistration } from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Console, Data, Effect } from "effect"
import * as openid from "openid-client"
import { askingFor, clientKey } from "../support/clientAuthentication.ts"
import { loopbackRedirect, registeredRedirectUri } from "../support/loopbackRedirect.ts"
import { configurationOf } from "./openidClient.ts"

/** The login did not come about. */
class LoginFailed extends Data.TaggedError("LoginFailed")<{ readonly message: string }> {}

export const program = Effect.gen(function*() {
  const issuer = yield* Config.String("ISSUER")
  const method = yield* Config.withDefault(Config.String("AUTH_METHOD"), "none")
  const key = yield* clientKey

  const server = yield* AuthorizationServer.discover(issuer)
  const client = yield* ClientRegistration.register(server, {
    client_name: "openid-client example",
    redirect_uris: [registeredRedirectUri],
    ...askingFor(method, key)
  })

  const config = yield* configurationOf(client, { key: key.privateKey, kid: key.kid })
  const { callback, redirectUri } = yield* loopbackRedirect()
  const pkceCodeVerifier = openid.randomPKCECodeVerifier()
  const expectedState = openid.randomState()
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: "openid",
    state: expectedState,
    code_challenge: yield* Effect.promise(() => openid.calculatePKCECodeChallenge(pkceCodeVerifier)),
    code_challenge_method: "S256"
  })
  yield* Console.log(`Log in at ${url.href}`)

  const currentUrl = yield* callback
  const tokens = yield* Effect.tryPromise(() =>
    openid.authorizationCodeGrant(config, currentUrl, { pkceCodeVerifier, expectedState })
  )
  const subject = tokens.claims()?.sub
  if (subject === undefined) return yield* new LoginFailed({ message: "The server gave no ID token" })
  const user = yield* Effect.tryPromise(() => openid.fetchUserInfo(config, tokens.access_token, subject))
  yield* Console.log(`Logged in as ${user.sub}`)
}).pipe(Effect.provide(NodeRegistration.layer), Effect.scoped)

if (import.meta.main) NodeRuntime.runMain(program)
