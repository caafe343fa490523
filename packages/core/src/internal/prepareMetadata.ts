/**
 * From what the caller asks for to what is sent: members that the caller left out are filled in where leaving them out
 * would earn a refusal, and the whole is checked.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { AuthorizationServer } from "../AuthorizationServer.ts"
import type { ClientMetadata } from "../ClientMetadata.ts"
import { usesRedirects, validate } from "../MetadataRule.ts"
import { RegistrationError } from "../RegistrationError.ts"
import { definedMembers } from "./selectMembers.ts"
import { isLoopbackHost } from "./url.ts"

export interface PreparedMetadata {
  readonly metadata: ClientMetadata
  /** The names of the members that were filled in. */
  readonly filledIn: ReadonlyArray<string>
}

export const prepareMetadata = (
  server: AuthorizationServer,
  asked: ClientMetadata
): Effect.Effect<PreparedMetadata, RegistrationError> => {
  const said = definedMembers(asked)
  const filled: ClientMetadata = said.software_statement === undefined ? fillIns(server, said) : {}
  const metadata = { ...said, ...filled }
  const violations = validate(metadata).filter((violation) => violation.severity === "error")
  return violations.length === 0
    ? Effect.succeed({ metadata, filledIn: Object.keys(filled) })
    : Effect.fail(new RegistrationError({ reason: { _tag: "InvalidMetadata", violations } }))
}

/** Members of which the server's default would be wrong for this client. */
const fillIns = (server: AuthorizationServer, said: ClientMetadata): ClientMetadata => {
  const method = said.token_endpoint_auth_method ?? negotiatedMethod(server, said)
  return {
    ...(said.application_type === undefined && isNative(said) ? { application_type: "native" } : undefined),
    ...(said.response_types === undefined && said.grant_types !== undefined && !usesRedirects(said)
      ? { response_types: [] }
      : undefined),
    ...(said.token_endpoint_auth_method === undefined && method !== undefined
      ? { token_endpoint_auth_method: method }
      : undefined)
  }
}

/** A loopback or custom-scheme redirect URI makes a native client (OpenID Connect Registration §2); the default is web. */
const isNative = ({ redirect_uris }: ClientMetadata): boolean =>
  Array.isArray(redirect_uris) && redirect_uris.some((uri: unknown) => {
    if (typeof uri !== "string" || !URL.canParse(uri)) return false
    const { hostname, protocol } = new URL(uri)
    return protocol === "http:" ? isLoopbackHost(hostname) : protocol !== "https:"
  })

/** The default is `client_secret_basic` (RFC 7591 §2). A server that says it does not take that is asked for the next best. */
const negotiatedMethod = (
  { token_endpoint_auth_methods_supported: supported }: AuthorizationServer,
  { jwks, jwks_uri }: ClientMetadata
): string | undefined => {
  if (supported === undefined || supported.length === 0 || supported.includes("client_secret_basic")) return undefined
  const usable = [
    "client_secret_post",
    ...(jwks === undefined && jwks_uri === undefined ? [] : ["private_key_jwt"]),
    "none"
  ]
  return usable.find((method) => supported.includes(method))
}
