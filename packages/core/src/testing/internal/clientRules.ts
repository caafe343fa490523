/**
 * What a strict server refuses in the metadata of a client. Written from the specifications, apart from `MetadataRule`, so
 * that the two check each other.
 *
 * @see RFC 7591 §2, OpenID Connect Dynamic Client Registration 1.0 §2
 * @internal
 */
import * as Schema from "effect/Schema"
import type { AuthorizationServer } from "../../AuthorizationServer.ts"
import { answerMembers } from "../../ClientInformation.ts"
import * as ClientMetadata from "../../ClientMetadata.ts"
import { isJsonObject, type JsonObject } from "../../internal/answer.ts"
import { isLocalized, localizable } from "../../internal/openMembers.ts"
import { isLoopbackHost } from "../../internal/url.ts"
import { fault, type Reply } from "./reply.ts"

// -----------------------------------------------------------------------------
// from a body to metadata
// -----------------------------------------------------------------------------

/** Whether some specification defines the member. */
export const isKnown = (name: string): boolean => ClientMetadata.isMember(name) || isLocalized(name)

const invalid = (description: string): Reply => fault(400, "invalid_client_metadata", description)

const invalidRedirect = (description: string): Reply => fault(400, "invalid_redirect_uri", description)

const isValid = (name: string, value: unknown): boolean =>
  ClientMetadata.isMember(name)
    ? Schema.is(ClientMetadata.members[name])(value)
    : typeof value === "string" && isLanguageTag(name.slice(name.indexOf("#") + 1))

/** The shape of a BCP 47 tag (RFC 5646 §2.1). */
const isLanguageTag = (tag: string): boolean => /^[a-z]{1,8}(-[a-z0-9]{1,8})*$/i.test(tag)

/** The members of the wrong type, and those that only the server gives. */
export const checkTypes = (members: JsonObject): Reply | undefined => {
  const tagged = new Set<string>()
  for (const [name, value] of Object.entries(members)) {
    if (Object.hasOwn(answerMembers, name)) return invalid(`${name} is given by the server, not by the client`)
    if (!isKnown(name)) continue
    if (!isValid(name, value)) {
      return (name === "redirect_uris" ? invalidRedirect : invalid)(`${name} has not the type that it should have`)
    }
    if (value === "") return invalid(`${name} is empty`)
    if (isLocalized(name) && tagged.size === tagged.add(name.toLowerCase()).size) {
      return invalid(`${name} is there twice: language tags compare case-insensitively`)
    }
  }
  return undefined
}

/** What a member left out stands for (RFC 7591 §2, OpenID Connect Registration §2). */
export const withDefaults = (members: JsonObject): JsonObject => ({
  ...members,
  token_endpoint_auth_method: members["token_endpoint_auth_method"] ?? "client_secret_basic",
  grant_types: members["grant_types"] ?? ["authorization_code"],
  response_types: members["response_types"] ?? ["code"],
  application_type: members["application_type"] ?? "web"
})

/** Whether a method authenticates with a secret that the server gives. */
export const needsSecret = (method: unknown): boolean =>
  typeof method === "string" && ["client_secret_basic", "client_secret_post", "client_secret_jwt"].includes(method)

// -----------------------------------------------------------------------------
// rules
// -----------------------------------------------------------------------------

/** The first rule that the metadata breaks, with its defaults filled in. */
export const checkRules = (metadata: JsonObject, server: AuthorizationServer): Reply | undefined => {
  for (const rule of rules) {
    const refusal = rule(metadata, server)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

type Rule = (metadata: JsonObject, server: AuthorizationServer) => Reply | undefined

const list = (value: unknown): ReadonlyArray<string> =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : typeof value === "string" ? [value] : []

const textOf = (value: unknown): string => typeof value === "string" ? value : ""

const parse = (text: string): URL | undefined => URL.canParse(text) ? new URL(text) : undefined

const isHttps = (text: string): boolean => parse(text)?.protocol === "https:"

const isWebPage = (text: string): boolean => ["https:", "http:"].includes(parse(text)?.protocol ?? "")

const requests = (metadata: JsonObject, word: string): boolean =>
  list(metadata["response_types"]).some((type) => type.split(" ").includes(word))

const hasGrant = (metadata: JsonObject, grant: string): boolean => list(metadata["grant_types"]).includes(grant)

const hasKeys = (metadata: JsonObject): boolean =>
  metadata["jwks"] !== undefined || metadata["jwks_uri"] !== undefined || metadata["signed_jwks_uri"] !== undefined

const dangerousSchemes = ["javascript:", "data:", "vbscript:", "blob:", "file:", "about:"]

const redirectUri: Rule = (metadata) => {
  const uris = list(metadata["redirect_uris"])
  const usesRedirects = hasGrant(metadata, "authorization_code") || hasGrant(metadata, "implicit")
  if (usesRedirects && uris.length === 0) return invalidRedirect("redirect_uris is required for redirect flows")
  const isNative = metadata["application_type"] === "native"
  const isImplicit = requests(metadata, "token") || requests(metadata, "id_token")
  for (const uri of uris) {
    const url = parse(uri)
    if (url === undefined) return invalidRedirect("a redirect URI is not absolute")
    if (uri.includes("#")) return invalidRedirect("a redirect URI has a fragment")
    if (dangerousSchemes.includes(url.protocol)) return invalidRedirect("the scheme of a redirect URI is dangerous")
    if (isNative) {
      if (url.protocol === "http:" && !isLoopbackHost(url.hostname)) {
        return invalidRedirect("a native client may use plain http on loopback only")
      }
      continue
    }
    // RFC 9700 §4.1.3: plain http is for native clients on loopback
    if (url.protocol !== "https:") return invalidRedirect("a redirect URI of a web client is not https")
    if (isImplicit && url.hostname === "localhost") {
      return invalidRedirect("a web client of the implicit flow may not use localhost")
    }
  }
  return undefined
}

const agreement: Rule = (metadata) => {
  const needs: ReadonlyArray<readonly [word: string, grant: string]> = [
    ["code", "authorization_code"],
    ["token", "implicit"],
    ["id_token", "implicit"]
  ]
  for (const [word, grant] of needs) {
    if (requests(metadata, word) && !hasGrant(metadata, grant)) {
      return invalid(`a response type with ${word} needs the grant type ${grant}`)
    }
  }
  if (hasGrant(metadata, "authorization_code") && !requests(metadata, "code")) {
    return invalid("the grant type authorization_code needs a response type with code")
  }
  return hasGrant(metadata, "implicit") && !requests(metadata, "token") && !requests(metadata, "id_token")
    ? invalid("the grant type implicit needs a response type with token or id_token")
    : undefined
}

const keySet: Rule = (metadata) => {
  const { jwks, jwks_uri } = metadata
  if (jwks !== undefined && jwks_uri !== undefined) return invalid("jwks and jwks_uri exclude each other")
  if (typeof jwks_uri === "string" && !isHttps(jwks_uri)) return invalid("jwks_uri is not an https URL")
  if (!isJsonObject(jwks) || !Array.isArray(jwks["keys"])) return undefined
  const keys = jwks["keys"].filter(isJsonObject)
  const types = ["RSA", "EC", "OKP", "AKP"]
  if (keys.some((key) => typeof key["kty"] !== "string" || !types.includes(key["kty"]))) {
    return invalid("a key of jwks is not an asymmetric key")
  }
  if (keys.some((key) => ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"].some((name) => name in key))) {
    return invalid("a key of jwks is private")
  }
  const uses = new Set(keys.map((key) => key["use"]))
  return uses.size > 1 && uses.has(undefined) ? invalid("a key of jwks has no use") : undefined
}

const encryptions = ["id_token", "userinfo", "introspection", "authorization", "nfv_token"]

const keysNeeded: Rule = (metadata) => {
  if (hasKeys(metadata)) return undefined
  const method = metadata["token_endpoint_auth_method"]
  if (method === "private_key_jwt" || method === "self_signed_tls_client_auth") {
    return invalid(`${method} needs jwks or jwks_uri`)
  }
  const encrypted = encryptions.map((of) => `${of}_encrypted_response_alg`)
    .find((name) => /^(RSA|ECDH)/.test(textOf(metadata[name])))
  return encrypted === undefined ? undefined : invalid(`${encrypted} needs jwks or jwks_uri`)
}

const encryption: Rule = (metadata) => {
  const pairs = [
    ...encryptions.map((of) => [`${of}_encrypted_response_alg`, `${of}_encrypted_response_enc`] as const),
    ["request_object_encryption_alg", "request_object_encryption_enc"] as const
  ]
  const alone = pairs.find(([alg, enc]) => metadata[enc] !== undefined && metadata[alg] === undefined)
  return alone === undefined ? undefined : invalid(`${alone[1]} needs ${alone[0]}`)
}

const clientAuthentication: Rule = (metadata) => {
  const { token_endpoint_auth_method: method, token_endpoint_auth_signing_alg: alg } = metadata
  if (alg === "none") return invalid("token_endpoint_auth_signing_alg may not be none")
  if (alg !== undefined && method !== "private_key_jwt" && method !== "client_secret_jwt") {
    return invalid("token_endpoint_auth_signing_alg is for private_key_jwt and client_secret_jwt only")
  }
  if (method !== "tls_client_auth") return undefined
  const subjects = ["subject_dn", "san_dns", "san_uri", "san_ip", "san_email"]
    .filter((name) => metadata[`tls_client_auth_${name}`] !== undefined)
  return subjects.length === 1 ? undefined : invalid("tls_client_auth needs exactly one subject")
}

const openid: Rule = (metadata) => {
  const { default_max_age, initiate_login_uri, sector_identifier_uri } = metadata
  if (metadata["id_token_signed_response_alg"] === "none" && requests(metadata, "id_token")) {
    return invalid("id_token_signed_response_alg may not be none when the authorization endpoint gives ID tokens")
  }
  if (typeof sector_identifier_uri === "string" && !isHttps(sector_identifier_uri)) {
    return invalid("sector_identifier_uri is not an https URL")
  }
  const hosts = new Set(list(metadata["redirect_uris"]).map((uri) => parse(uri)?.host))
  if (metadata["subject_type"] === "pairwise" && sector_identifier_uri === undefined && hosts.size > 1) {
    return invalid("pairwise subjects and several hosts need a sector_identifier_uri")
  }
  if (typeof initiate_login_uri === "string" && !isHttps(initiate_login_uri)) {
    return invalid("initiate_login_uri is not an https URL")
  }
  const signed = metadata["request_object_signing_alg"]
  if ((signed === undefined || signed === "none") && list(metadata["request_uris"]).some((uri) => !isHttps(uri))) {
    return invalid("a request URI is not https")
  }
  return typeof default_max_age === "number" && !(Number.isInteger(default_max_age) && default_max_age >= 0)
    ? invalid("default_max_age is not a number of seconds")
    : undefined
}

const logout: Rule = (metadata) => {
  const { backchannel_logout_uri, frontchannel_logout_uri } = metadata
  const isBad = (uri: string) => parse(uri) === undefined || uri.includes("#")
  if (list(metadata["post_logout_redirect_uris"]).some(isBad)) {
    return invalid("a post-logout redirect URI is not absolute or has a fragment")
  }
  if (
    typeof backchannel_logout_uri === "string" && (isBad(backchannel_logout_uri) || !isWebPage(backchannel_logout_uri))
  ) {
    return invalid("backchannel_logout_uri is not absolute or has a fragment")
  }
  return typeof frontchannel_logout_uri === "string" &&
      !list(metadata["redirect_uris"]).some((uri) => parse(uri)?.origin === parse(frontchannel_logout_uri)?.origin)
    ? invalid("frontchannel_logout_uri is not at the origin of a redirect URI")
    : undefined
}

const pages: Rule = (metadata) => {
  for (const [name, value] of Object.entries(metadata)) {
    const isPage = localizable.some((page) => page !== "client_name" && page === name.split("#")[0])
    if (isPage && typeof value === "string" && !isWebPage(value)) return invalid(`${name} is not the URL of a page`)
  }
  return undefined
}

const scope: Rule = (metadata) => {
  const { scope } = metadata
  // scope-token of RFC 6749 §3.3
  return typeof scope === "string" && !/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(scope)
    ? invalid("scope is not a list of scope tokens separated by single spaces")
    : undefined
}

/** The members whose values the server lists, and the members of its metadata that list them. */
const supportedValues: ReadonlyArray<readonly [member: string, listed: keyof AuthorizationServer]> = [
  ["token_endpoint_auth_method", "token_endpoint_auth_methods_supported"],
  ["token_endpoint_auth_signing_alg", "token_endpoint_auth_signing_alg_values_supported"],
  ["grant_types", "grant_types_supported"],
  ["response_types", "response_types_supported"],
  ["response_modes", "response_modes_supported"],
  ["scope", "scopes_supported"],
  ["subject_type", "subject_types_supported"],
  ["default_acr_values", "acr_values_supported"],
  ["authorization_details_types", "authorization_details_types_supported"],
  ["id_token_signed_response_alg", "id_token_signing_alg_values_supported"],
  ["id_token_encrypted_response_alg", "id_token_encryption_alg_values_supported"],
  ["id_token_encrypted_response_enc", "id_token_encryption_enc_values_supported"],
  ["userinfo_signed_response_alg", "userinfo_signing_alg_values_supported"],
  ["userinfo_encrypted_response_alg", "userinfo_encryption_alg_values_supported"],
  ["userinfo_encrypted_response_enc", "userinfo_encryption_enc_values_supported"],
  ["request_object_signing_alg", "request_object_signing_alg_values_supported"],
  ["request_object_encryption_alg", "request_object_encryption_alg_values_supported"],
  ["request_object_encryption_enc", "request_object_encryption_enc_values_supported"],
  ["introspection_signed_response_alg", "introspection_signing_alg_values_supported"],
  ["introspection_encrypted_response_alg", "introspection_encryption_alg_values_supported"],
  ["introspection_encrypted_response_enc", "introspection_encryption_enc_values_supported"],
  ["authorization_signed_response_alg", "authorization_signing_alg_values_supported"],
  ["authorization_encrypted_response_alg", "authorization_encryption_alg_values_supported"],
  ["authorization_encrypted_response_enc", "authorization_encryption_enc_values_supported"],
  ["backchannel_token_delivery_mode", "backchannel_token_delivery_modes_supported"],
  ["backchannel_authentication_request_signing_alg", "backchannel_authentication_request_signing_alg_values_supported"]
]

const support: Rule = (metadata, server) => {
  for (const [member, listed] of supportedValues) {
    const supported = server[listed]
    const value = metadata[member]
    if (!Array.isArray(supported) || value === undefined) continue
    // The order of the words in a response type is free (RFC 6749 §3.1.1).
    const normalize = (item: unknown) =>
      member === "response_types" ? textOf(item).split(" ").sort().join(" ") : textOf(item)
    const wanted = member === "scope" ? textOf(value).split(" ") : list(value)
    const known = new Set(supported.map(normalize))
    if (wanted.some((item) => !known.has(normalize(item)))) {
      return invalid(`${member} has a value that the server does not support`)
    }
  }
  return undefined
}

const rules: ReadonlyArray<Rule> = [
  redirectUri,
  agreement,
  keySet,
  keysNeeded,
  encryption,
  clientAuthentication,
  openid,
  logout,
  pages,
  scope,
  support
]
