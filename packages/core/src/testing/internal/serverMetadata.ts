/**
 * The metadata document of the test server (RFC 8414 §2, OpenID Connect Discovery §3).
 *
 * @internal
 */
import type { AuthorizationServer } from "../../AuthorizationServer.ts"
import { paths } from "./route.ts"
import type { Settings } from "./settings.ts"

const signingAlgorithms = ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]

export const serverMetadata = (issuer: string, base: string, settings: Settings): AuthorizationServer => ({
  issuer,
  authorization_endpoint: base + paths.authorize,
  token_endpoint: base + paths.token,
  jwks_uri: base + paths.jwks,
  registration_endpoint: base + paths.register,
  response_types_supported: [
    "code",
    "token",
    "id_token",
    "id_token token",
    "code id_token",
    "code token",
    "code id_token token"
  ],
  grant_types_supported: [
    "authorization_code",
    "implicit",
    "password",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange"
  ],
  token_endpoint_auth_methods_supported: [
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "none"
  ],
  token_endpoint_auth_signing_alg_values_supported: [...signingAlgorithms, "HS256"],
  id_token_signing_alg_values_supported: [...signingAlgorithms, "none"],
  subject_types_supported: ["public", "pairwise"],
  code_challenge_methods_supported: ["S256"],
  dpop_signing_alg_values_supported: settings.dpop.algorithms,
  ...settings.metadata
})
