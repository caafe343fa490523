/** What the form knows about a member: asked of the SDK's schemas and of the server's metadata. */
import type { AuthorizationServer } from "@effect-dcr/core/AuthorizationServer"
import * as ClientMetadata from "@effect-dcr/core/ClientMetadata"
import * as Schema from "effect/Schema"

export type Kind = "text" | "list" | "number" | "boolean" | "json"

/** Shown from the start; the others are added one by one. */
export const primary: ReadonlyArray<string> = [
  "client_name",
  "redirect_uris",
  "application_type",
  "token_endpoint_auth_method",
  "grant_types",
  "response_types",
  "scope",
  "contacts"
]

export const groups: ReadonlyArray<readonly [title: string, members: ReadonlyArray<string>]> = [
  ["RFC 7591", Object.keys(ClientMetadata.rfc7591)],
  ["OpenID Connect Registration", Object.keys(ClientMetadata.openidRegistration)],
  ["OpenID Connect Logout", Object.keys(ClientMetadata.openidLogout)],
  ["Mutual TLS (RFC 8705)", Object.keys(ClientMetadata.rfc8705)],
  ["Request objects (RFC 9101)", Object.keys(ClientMetadata.rfc9101)],
  ["Pushed requests (RFC 9126)", Object.keys(ClientMetadata.rfc9126)],
  ["Rich requests (RFC 9396)", Object.keys(ClientMetadata.rfc9396)],
  ["DPoP (RFC 9449)", Object.keys(ClientMetadata.rfc9449)],
  ["Introspection (RFC 9701)", Object.keys(ClientMetadata.rfc9701)],
  ["FAPI 2.0", Object.keys(ClientMetadata.fapi2)],
  ["UMA 2.0", Object.keys(ClientMetadata.uma2)],
  ["OpenID Federation", Object.keys(ClientMetadata.openidFederation)],
  ["OpenID4VP", Object.keys(ClientMetadata.openid4vp)],
  ["ETSI NFV", Object.keys(ClientMetadata.etsiNfv)],
  ["JARM", Object.keys(ClientMetadata.jarm)],
  ["CIBA", Object.keys(ClientMetadata.ciba)],
  ["Response modes", Object.keys(ClientMetadata.responseModes)]
]

/** The kind of value that a member takes, found by asking its schema; that of a stranger, by looking at the value. */
export const kindOf = (name: string, value: unknown): Kind => {
  if (!ClientMetadata.isMember(name)) return kindOfValue(value)
  const schema: Schema.Constraint = ClientMetadata.members[name]
  const takes = Schema.is(schema)
  return takes("") ? "text" : takes([""]) ? "list" : takes(0) ? "number" : takes(true) ? "boolean" : "json"
}

const kindOfValue = (value: unknown): Kind => {
  if (value === undefined || typeof value === "string") return "text"
  if (typeof value === "number") return "number"
  if (typeof value === "boolean") return "boolean"
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? "list" : "json"
}

/** One of a few values, rather than any text. */
export const isChoice = (name: string): boolean => Object.hasOwn(known, name) || name.endsWith("_alg")

const known: { readonly [name: string]: ReadonlyArray<string> } = {
  token_endpoint_auth_method: ClientMetadata.AuthenticationMethod.members[0].literals,
  grant_types: ClientMetadata.GrantType.members[0].literals,
  response_types: ClientMetadata.ResponseType.members[0].literals,
  application_type: ClientMetadata.openidRegistration.application_type.members[0].literals,
  subject_type: ClientMetadata.openidRegistration.subject_type.members[0].literals
}

const announced: { readonly [name: string]: keyof AuthorizationServer } = {
  token_endpoint_auth_method: "token_endpoint_auth_methods_supported",
  token_endpoint_auth_signing_alg: "token_endpoint_auth_signing_alg_values_supported",
  grant_types: "grant_types_supported",
  response_types: "response_types_supported",
  subject_type: "subject_types_supported",
  id_token_signed_response_alg: "id_token_signing_alg_values_supported",
  userinfo_signed_response_alg: "userinfo_signing_alg_values_supported",
  request_object_signing_alg: "request_object_signing_alg_values_supported",
  authorization_signed_response_alg: "authorization_signing_alg_values_supported"
}

const isStrings = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((item) => typeof item === "string")

/** What the server says that it supports, else what the specifications know. */
export const suggestions = (name: string, server: AuthorizationServer | undefined): ReadonlyArray<string> => {
  const member = announced[name]
  const supported = member === undefined ? undefined : server?.[member]
  return isStrings(supported) && supported.length > 0 ? supported : known[name] ?? []
}

/** A sentence for those that are always there. */
export const hints: { readonly [name: string]: string } = {
  client_name: "The name that your users see",
  redirect_uris: "Where they are sent back to, compared as strings",
  application_type: "If left out: native for loopback and custom schemes, else web",
  token_endpoint_auth_method: "If left out: client_secret_basic",
  grant_types: "If left out: authorization_code",
  response_types: "If left out: code",
  scope: "Separated by spaces",
  contacts: "Ways to reach the people in charge"
}
