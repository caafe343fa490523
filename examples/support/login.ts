/** A login: authorization code with PKCE, in a browser that comes back to this machine. */
import { Console, Data, Effect } from "effect"
import * as oauth from "oauth4webapi"
import type { Onward } from "../onward/oauth4webapi.ts"
import { loopbackRedirect } from "./loopbackRedirect.ts"

/** The login did not come about. */
export class LoginFailed extends Data.TaggedError("LoginFailed")<{ readonly message: string }> {}

/** Sends the user to the server, and waits until they come back. */
export const visit = Effect.fnUntraced(function*(
  server: { readonly authorization_endpoint?: string | undefined },
  parameters: Readonly<Record<string, string>>,
  port?: number
) {
  if (server.authorization_endpoint === undefined) {
    return yield* new LoginFailed({ message: "The server has no authorization endpoint" })
  }
  const { callback, redirectUri } = yield* loopbackRedirect(port)
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const url = new URL(server.authorization_endpoint)
  url.search = new URLSearchParams({
    response_type: "code",
    redirect_uri: redirectUri,
    state,
    code_challenge: yield* Effect.promise(() => oauth.calculatePKCECodeChallenge(verifier)),
    code_challenge_method: "S256",
    ...parameters
  }).toString()
  yield* Console.log(`Log in at ${url.href}`)
  return { redirectUri, verifier, state, currentUrl: yield* callback }
})

/** Logs the user in with `oauth4webapi`. `parameters` go into both requests. */
export const login = Effect.fnUntraced(function*(
  { authentication, client, http, server }: Onward,
  parameters: Readonly<Record<string, string>>,
  port?: number
) {
  const { currentUrl, redirectUri, state, verifier } = yield* visit(
    server,
    { client_id: client.client_id, ...parameters },
    port
  )
  return yield* Effect.tryPromise(async () => {
    const answer = oauth.validateAuthResponse(server, client, currentUrl, state)
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      answer,
      redirectUri,
      verifier,
      { ...http, additionalParameters: parameters }
    )
    return await oauth.processAuthorizationCodeResponse(server, client, response)
  })
})
