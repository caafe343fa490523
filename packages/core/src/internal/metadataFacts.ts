/**
 * What the rules ask of metadata: what kind of URL a text is, which flows the client uses, whether a key is a private one.
 *
 * @internal
 */
import type { ClientMetadata } from "../ClientMetadata.ts"
import { localizable } from "./openMembers.ts"
import { isLoopbackHost } from "./url.ts"

/** The parser forgives white space and backslashes, which no server has to. */
const isUrl = (text: string): boolean => URL.canParse(text) && !/[\s\\]/.test(text)

export const url = (text: string): URL | undefined => isUrl(text) ? new URL(text) : undefined

// What begins so has no other scheme for the parser to find: no URL has to be made to know it.
export const beginsHttps = /^https:/i
export const beginsHttp = /^https?:/i

/** `client_uri`, `logo_uri`, `tos_uri` and `policy_uri`, and each in another language. */
export const isInformationUri = (name: string): boolean => {
  const mark = name.indexOf("#")
  const member = mark === -1 ? name : name.slice(0, mark)
  return member !== "client_name" && localizable.some((localized) => localized === member)
}

/** An absolute URI to the letter (RFC 3986 §2, §4.3): servers compare redirect URIs as strings. */
export const isAbsoluteUri = (text: string): boolean =>
  /^[a-z][a-z0-9+.-]*:[a-z0-9\-._~:/?#[\]@!$&'()*+,;=%]*$/i.test(text) && !/^https?:(?!\/\/)/i.test(text) &&
  URL.canParse(text)

export const isHttps = (text: string): boolean =>
  beginsHttps.test(text) ? isUrl(text) : url(text)?.protocol === "https:"

/** A client that is tried out on the machine of the server. */
export const isLoopbackHttp = (text: string): boolean => {
  const parsed = url(text)
  return parsed?.protocol === "http:" && isLoopbackHost(parsed.hostname)
}

export const isHttp = (text: string): boolean =>
  beginsHttp.test(text) ? isUrl(text) : /^https?:$/.test(url(text)?.protocol ?? "")

export const grants = (metadata: ClientMetadata): ReadonlyArray<string> =>
  metadata.grant_types ?? ["authorization_code"]

export const responses = (metadata: ClientMetadata): ReadonlyArray<ReadonlyArray<string>> =>
  (metadata.response_types ?? ["code"]).map((type) => type.split(" "))

/** Whether any of the client's flows sends the user back to a redirect URI. */
export const usesRedirects = (metadata: ClientMetadata): boolean =>
  grants(metadata).some((grant) => grant === "authorization_code" || grant === "implicit")

export const usesImplicit = (metadata: ClientMetadata): boolean =>
  responses(metadata).some((words) => words.includes("token") || words.includes("id_token"))

export const keys = (metadata: ClientMetadata): ReadonlyArray<{ readonly [name: string]: unknown }> =>
  metadata.jwks?.keys ?? []

export const hasKeys = (metadata: ClientMetadata): boolean =>
  keys(metadata).length > 0 || metadata.jwks_uri !== undefined || metadata.signed_jwks_uri !== undefined

/** RFC 7518 §6, RFC 8037 §2, and `priv` of the AKP keys of RFC 9964. */
const privateJwkMembers: ReadonlyArray<string> = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"]

export const isPrivateJwk = (key: { readonly [name: string]: unknown }): boolean =>
  key["kty"] === "oct" || privateJwkMembers.some((member) => Object.hasOwn(key, member))
