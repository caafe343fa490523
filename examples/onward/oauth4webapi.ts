/** Takes a registration into `oauth4webapi`. */
import type { RegisteredClient } from "@effect-dcr/core"
import { Effect, Redacted } from "effect"
import * as oauth from "oauth4webapi"
import { methodOf } from "../support/clientAuthentication.ts"

/** What every function of `oauth4webapi` asks for. */
export interface Onward {
  readonly server: oauth.AuthorizationServer
  readonly client: oauth.Client
  readonly authentication: oauth.ClientAuth
  /** The last argument of its requests. */
  readonly http: { readonly [oauth.allowInsecureRequests]: boolean }
}

/** A registered client, and the server that it belongs to, in the words of `oauth4webapi`. */
export const onwardOf = (client: RegisteredClient.RegisteredClient, privateKey?: oauth.PrivateKey) =>
  Effect.tryPromise(async (): Promise<Onward> => {
    const issuer = new URL(client.issuer)
    // plain http is for loopback addresses, and registration was possible at no other
    const http = { [oauth.allowInsecureRequests]: issuer.protocol === "http:" }
    const response = await oauth.discoveryRequest(issuer, { ...http, algorithm: "oauth2" })
    return {
      server: await oauth.processDiscoveryResponse(issuer, response),
      client: clientOf(client),
      authentication: authenticationOf(client, privateKey),
      http
    }
  })

/** What it checks answers by. It knows no member that is there and undefined. */
const clientOf = ({ information }: RegisteredClient.RegisteredClient): oauth.Client => {
  const { client_id, default_max_age, id_token_signed_response_alg, require_auth_time, userinfo_signed_response_alg } =
    information
  return {
    client_id,
    ...(default_max_age === undefined ? undefined : { default_max_age }),
    ...(id_token_signed_response_alg === undefined ? undefined : { id_token_signed_response_alg }),
    ...(require_auth_time === undefined ? undefined : { require_auth_time }),
    ...(userinfo_signed_response_alg === undefined ? undefined : { userinfo_signed_response_alg })
  }
}

const authenticationOf = (
  client: RegisteredClient.RegisteredClient,
  privateKey: oauth.PrivateKey | undefined
): oauth.ClientAuth => {
  const method = methodOf(client)
  const { client_secret } = client.information
  // The secret is read here and nowhere before.
  if (method === "none") return oauth.None()
  if (method === "client_secret_basic" && client_secret) return oauth.ClientSecretBasic(Redacted.value(client_secret))
  if (method === "client_secret_post" && client_secret) return oauth.ClientSecretPost(Redacted.value(client_secret))
  if (method === "private_key_jwt" && privateKey) return oauth.PrivateKeyJwt(privateKey)
  throw new Error(`The client cannot authenticate with ${method}`)
}
