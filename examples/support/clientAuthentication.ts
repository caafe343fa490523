/** How a registered client authenticates at the token endpoint. */
import type { RegisteredClient } from "@effect-dcr/core"
import { Effect } from "effect"
import { exportJWK, generateKeyPair } from "jose"

/**
 * The method that was granted: as the server said, else as it was asked if the server says nothing of what it registered, else
 * the default of RFC 7591 §2.
 */
export const methodOf = (client: RegisteredClient.RegisteredClient): string =>
  client.information.token_endpoint_auth_method ??
    (client.differences.assumed ? client.requested.token_endpoint_auth_method : undefined) ??
    "client_secret_basic"

/** A key for `private_key_jwt`. An application keeps its own; this one lives as long as the process. */
export const clientKey = Effect.promise(async () => {
  const { privateKey, publicKey } = await generateKeyPair("ES256")
  const kid = "this-client"
  return { privateKey, kid, jwks: { keys: [{ ...await exportJWK(publicKey), kid, alg: "ES256", use: "sig" }] } }
})

/** What a client asks for that wants to authenticate with this method. */
export const askingFor = (
  method: string,
  key: Effect.Success<typeof clientKey>
): Pick<
  RegisteredClient.RegisteredClient["requested"],
  "token_endpoint_auth_method" | "token_endpoint_auth_signing_alg" | "jwks"
> => ({
  token_endpoint_auth_method: method,
  ...(method === "private_key_jwt" ? { token_endpoint_auth_signing_alg: "ES256", jwks: key.jwks } : undefined)
})
