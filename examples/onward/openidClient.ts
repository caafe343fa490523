/** Takes a registration into `openid-client`. */
import type { RegisteredClient } from "@effect-dcr/core"
import { Effect, Redacted } from "effect"
import * as openid from "openid-client"
import { methodOf } from "../support/clientAuthentication.ts"

/** The configuration of `openid-client` for a registered client. It finds the server by the issuer that the client belongs to. */
export const configurationOf = (client: RegisteredClient.RegisteredClient, privateKey?: openid.PrivateKey) => {
  const { default_max_age, id_token_signed_response_alg, require_auth_time, userinfo_signed_response_alg } =
    client.information
  return Effect.tryPromise(() =>
    openid.discovery(
      new URL(client.issuer),
      client.information.client_id,
      // what it checks answers by; it knows no member that is there and undefined
      {
        ...(default_max_age === undefined ? undefined : { default_max_age }),
        ...(id_token_signed_response_alg === undefined ? undefined : { id_token_signed_response_alg }),
        ...(require_auth_time === undefined ? undefined : { require_auth_time }),
        ...(userinfo_signed_response_alg === undefined ? undefined : { userinfo_signed_response_alg })
      },
      authenticationOf(client, privateKey),
      // plain http is for loopback addresses, and registration was possible at no other
      { execute: client.issuer.startsWith("http:") ? [openid.allowInsecureRequests] : [] }
    )
  )
}

const authenticationOf = (
  client: RegisteredClient.RegisteredClient,
  privateKey: openid.PrivateKey | undefined
): openid.ClientAuth => {
  const method = methodOf(client)
  const { client_secret } = client.information
  // The secret is read here and nowhere before.
  if (method === "none") return openid.None()
  if (method === "client_secret_basic" && client_secret) return openid.ClientSecretBasic(Redacted.value(client_secret))
  if (method === "client_secret_post" && client_secret) return openid.ClientSecretPost(Redacted.value(client_secret))
  if (method === "private_key_jwt" && privateKey) return openid.PrivateKeyJwt(privateKey)
  throw new Error(`The client cannot authenticate with ${method}`)
}
