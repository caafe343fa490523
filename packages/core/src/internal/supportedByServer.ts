/**
 * What a server says that it supports, beside the member of the metadata that has to be among it.
 *
 * @internal
 */
import type { AuthorizationServer } from "../AuthorizationServer.ts"
import type { ClientMetadata } from "../ClientMetadata.ts"
import type { Violation } from "../Violation.ts"
import { isStrings, sortedWords, words } from "./wordLists.ts"

const pairs = [
  ["grant_types", "grant_types_supported"],
  ["response_types", "response_types_supported"],
  ["response_modes", "response_modes_supported"],
  ["token_endpoint_auth_method", "token_endpoint_auth_methods_supported"],
  ["token_endpoint_auth_signing_alg", "token_endpoint_auth_signing_alg_values_supported"],
  ["scope", "scopes_supported"],
  ["subject_type", "subject_types_supported"],
  ["default_acr_values", "acr_values_supported"],
  ["id_token_signed_response_alg", "id_token_signing_alg_values_supported"],
  ["id_token_encrypted_response_alg", "id_token_encryption_alg_values_supported"],
  ["id_token_encrypted_response_enc", "id_token_encryption_enc_values_supported"],
  ["userinfo_signed_response_alg", "userinfo_signing_alg_values_supported"],
  ["userinfo_encrypted_response_alg", "userinfo_encryption_alg_values_supported"],
  ["userinfo_encrypted_response_enc", "userinfo_encryption_enc_values_supported"],
  ["request_object_signing_alg", "request_object_signing_alg_values_supported"],
  ["request_object_encryption_alg", "request_object_encryption_alg_values_supported"],
  ["request_object_encryption_enc", "request_object_encryption_enc_values_supported"],
  ["authorization_signed_response_alg", "authorization_signing_alg_values_supported"],
  ["authorization_encrypted_response_alg", "authorization_encryption_alg_values_supported"],
  ["authorization_encrypted_response_enc", "authorization_encryption_enc_values_supported"],
  ["introspection_signed_response_alg", "introspection_signing_alg_values_supported"],
  ["introspection_encrypted_response_alg", "introspection_encryption_alg_values_supported"],
  ["introspection_encrypted_response_enc", "introspection_encryption_enc_values_supported"],
  ["authorization_details_types", "authorization_details_types_supported"],
  ["backchannel_token_delivery_mode", "backchannel_token_delivery_modes_supported"],
  [
    "backchannel_authentication_request_signing_alg",
    "backchannel_authentication_request_signing_alg_values_supported"
  ]
] as const satisfies ReadonlyArray<readonly [keyof ClientMetadata, keyof AuthorizationServer]>

export const supportedByServerId = "supported-by-server"

/** Warnings only: many servers advertise less than they do. */
export const unsupportedByServer = (
  metadata: ClientMetadata,
  server: AuthorizationServer
): ReadonlyArray<Violation> => {
  const violations: Array<Violation> = []
  for (const [member, advertised] of pairs) {
    const asked = metadata[member]
    const supported = server[advertised]
    // What the caller wrote about a server may be anything; what is no list of strings says nothing.
    if (asked === undefined || !isStrings(supported) || isSupported(member, asked, supported)) continue
    violations.push({
      rule: supportedByServerId,
      member,
      severity: "warning",
      section: "RFC 8414 §2",
      message: `has a value that the server does not list in ${advertised}`
    })
  }
  return violations
}

const isSupported = (
  member: string,
  value: string | ReadonlyArray<string>,
  supported: ReadonlyArray<string>
): boolean =>
  typeof value === "string" && member !== "scope"
    ? isAmong(value, supported)
    : (typeof value === "string" ? words(value) : value).every((item) => isAmong(item, supported))

const isAmong = (value: string, supported: ReadonlyArray<string>): boolean => {
  if (supported.includes(value)) return true
  // The order of the words in a response type is free (RFC 6749 §3.1.1); other values have one word.
  const sorted = sortedWords(value)
  return supported.some((known) => sortedWords(known) === sorted)
}
