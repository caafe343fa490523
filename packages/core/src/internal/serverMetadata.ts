/**
 * The members of an authorization server's metadata: every name of the IANA registry "OAuth Authorization Server Metadata"
 * (March 2026) and what is in use without being registered, one table per specification.
 *
 * A member that is not what its specification says is left out of the decoded value, because a server that gets
 * `ui_locales_supported` wrong can still register a client.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Schemas } from "./guards.ts"
import type { serverGuards } from "./serverGuards.ts"

const lenient = <S extends Schema.Constraint>(schema: S) =>
  Schema.optional(schema).pipe(Schema.catchDecoding(() => Effect.succeedNone))

const string = lenient(Schema.String)

/** A URL, as the server spells it. It is judged when it is used. */
const url = string

const strings = lenient(Schema.Array(Schema.String))

const boolean = lenient(Schema.Boolean)

const object = lenient(Schema.Record(Schema.String, Schema.Unknown))

/** The values of a table's members. Homomorphic, so that an editor shows the comment of each member. */
export type Values<Members extends { readonly [name: string]: { readonly Type: unknown } }> = {
  readonly [Name in keyof Members]?: Members[Name]["Type"] | undefined
}

/**
 * An open struct: members that the table does not declare are kept as they are. The record also sees the declared ones,
 * which is harmless here, because none of them is transformed.
 */
export const openStruct = <const Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.StructWithRest(Schema.Struct(fields), [Schema.Record(Schema.String, Schema.Unknown)])

/** RFC 8705 §5: endpoints for a client that authenticates with a certificate. Any endpoint may have an alias. */
export const aliasMembers = {
  /** The token endpoint on the host that asks for a client certificate. */
  token_endpoint: url,
  /** The registration endpoint on the host that asks for a client certificate. */
  registration_endpoint: url,
  /** The revocation endpoint on the host that asks for a client certificate. */
  revocation_endpoint: url,
  /** The introspection endpoint on the host that asks for a client certificate. */
  introspection_endpoint: url,
  /** The device authorization endpoint on the host that asks for a client certificate. */
  device_authorization_endpoint: url,
  /** The pushed authorization request endpoint on the host that asks for a client certificate. */
  pushed_authorization_request_endpoint: url,
  /** The backchannel authentication endpoint on the host that asks for a client certificate. */
  backchannel_authentication_endpoint: url,
  /** The userinfo endpoint on the host that asks for a client certificate. */
  userinfo_endpoint: url
}

export interface MtlsEndpointAliases extends Values<typeof aliasMembers> {}

const aliases: Schema.Codec<MtlsEndpointAliases, { readonly [name: string]: unknown }> = openStruct(aliasMembers)

/** Authorization Server Metadata, RFC 8414 §2. `issuer` stands apart: it alone is required. */
const rfc8414 = {
  /** URL of the authorization endpoint (RFC 8414 §2). */
  authorization_endpoint: url,
  /** URL of the token endpoint (RFC 8414 §2). */
  token_endpoint: url,
  /** URL of the server's JWK Set (RFC 8414 §2). */
  jwks_uri: url,
  /** URL of the dynamic client registration endpoint (RFC 8414 §2, RFC 7591 §3). */
  registration_endpoint: url,
  /** Scope values that the server supports; it may leave some out (RFC 8414 §2). */
  scopes_supported: strings,
  /** Values of `response_type` that the server supports (RFC 8414 §2). */
  response_types_supported: strings,
  /** Values of `response_mode` that the server supports; default `query` and `fragment` (RFC 8414 §2). */
  response_modes_supported: strings,
  /** Grant types that the server supports; default `authorization_code` and `implicit` (RFC 8414 §2). */
  grant_types_supported: strings,
  /** Client authentication methods of the token endpoint; default `client_secret_basic` (RFC 8414 §2). */
  token_endpoint_auth_methods_supported: strings,
  /** Signing algorithms for `private_key_jwt` and `client_secret_jwt` at the token endpoint (RFC 8414 §2). */
  token_endpoint_auth_signing_alg_values_supported: strings,
  /** URL of a page for developers (RFC 8414 §2). */
  service_documentation: url,
  /** Languages of the user interface, as BCP 47 tags (RFC 8414 §2). */
  ui_locales_supported: strings,
  /** URL of the server's rules on how a client may use the data (RFC 8414 §2). */
  op_policy_uri: url,
  /** URL of the server's terms of service (RFC 8414 §2). */
  op_tos_uri: url,
  /** URL of the revocation endpoint (RFC 8414 §2, RFC 7009). */
  revocation_endpoint: url,
  /** Client authentication methods of the revocation endpoint (RFC 8414 §2). */
  revocation_endpoint_auth_methods_supported: strings,
  /** Signing algorithms for client assertions at the revocation endpoint (RFC 8414 §2). */
  revocation_endpoint_auth_signing_alg_values_supported: strings,
  /** URL of the introspection endpoint (RFC 8414 §2, RFC 7662). */
  introspection_endpoint: url,
  /** Client authentication methods of the introspection endpoint (RFC 8414 §2). */
  introspection_endpoint_auth_methods_supported: strings,
  /** Signing algorithms for client assertions at the introspection endpoint (RFC 8414 §2). */
  introspection_endpoint_auth_signing_alg_values_supported: strings,
  /** Code challenge methods of PKCE that the server supports (RFC 8414 §2, RFC 7636). */
  code_challenge_methods_supported: strings,
  /** The metadata as a signed JWT (RFC 8414 §2.1). Not verified here. */
  signed_metadata: string
}

/** Extensions of OAuth, each named in its members. */
const oauthExtensions = {
  /** URL of the device authorization endpoint (RFC 8628 §4). */
  device_authorization_endpoint: url,
  /** Whether the server issues certificate-bound access tokens (RFC 8705 §3.3). */
  tls_client_certificate_bound_access_tokens: boolean,
  /** Endpoints for clients that authenticate with a certificate (RFC 8705 §5). */
  mtls_endpoint_aliases: lenient(aliases),
  /** Whether authorization requests must be signed request objects (RFC 9101 §10.5). */
  require_signed_request_object: boolean,
  /** URL of the pushed authorization request endpoint (RFC 9126 §5). */
  pushed_authorization_request_endpoint: url,
  /** Whether authorization requests must be pushed (RFC 9126 §5). */
  require_pushed_authorization_requests: boolean,
  /** Whether authorization responses name the issuer in `iss` (RFC 9207 §3). */
  authorization_response_iss_parameter_supported: boolean,
  /** Types of authorization details that the server supports (RFC 9396 §10). */
  authorization_details_types_supported: strings,
  /** Signing algorithms for DPoP proofs (RFC 9449 §5.1). */
  dpop_signing_alg_values_supported: strings,
  /** Signing algorithms of introspection answers (RFC 9701 §7). */
  introspection_signing_alg_values_supported: strings,
  /** Key encryption algorithms of introspection answers (RFC 9701 §7). */
  introspection_encryption_alg_values_supported: strings,
  /** Content encryption algorithms of introspection answers (RFC 9701 §7). */
  introspection_encryption_enc_values_supported: strings,
  /** Resource identifiers of the protected resources that use this server (RFC 9728 §4). */
  protected_resources: strings,
  /** URL of the list of this server's status lists (OAuth Token Status List §9). */
  status_list_aggregation_endpoint: url,
  /** Token types that may be requested for another trust domain (OAuth Identity and Authorization Chaining §3). */
  identity_chaining_requested_token_types_supported: strings,
  /** Whether a client identifier may be the URL of a metadata document (OAuth Client ID Metadata Document). */
  client_id_metadata_document_supported: boolean
}

/** OpenID Connect Discovery 1.0 §3, and the logout and session specifications. */
const openid = {
  /** URL of the userinfo endpoint (OpenID Connect Discovery §3). */
  userinfo_endpoint: url,
  /** Authentication context class references that the server supports (OpenID Connect Discovery §3). */
  acr_values_supported: strings,
  /** Subject types, `pairwise` and `public` (OpenID Connect Discovery §3). */
  subject_types_supported: strings,
  /** Signing algorithms of ID tokens (OpenID Connect Discovery §3). */
  id_token_signing_alg_values_supported: strings,
  /** Key encryption algorithms of ID tokens (OpenID Connect Discovery §3). */
  id_token_encryption_alg_values_supported: strings,
  /** Content encryption algorithms of ID tokens (OpenID Connect Discovery §3). */
  id_token_encryption_enc_values_supported: strings,
  /** Signing algorithms of userinfo answers (OpenID Connect Discovery §3). */
  userinfo_signing_alg_values_supported: strings,
  /** Key encryption algorithms of userinfo answers (OpenID Connect Discovery §3). */
  userinfo_encryption_alg_values_supported: strings,
  /** Content encryption algorithms of userinfo answers (OpenID Connect Discovery §3). */
  userinfo_encryption_enc_values_supported: strings,
  /** Signing algorithms of request objects (OpenID Connect Discovery §3). */
  request_object_signing_alg_values_supported: strings,
  /** Key encryption algorithms of request objects (OpenID Connect Discovery §3). */
  request_object_encryption_alg_values_supported: strings,
  /** Content encryption algorithms of request objects (OpenID Connect Discovery §3). */
  request_object_encryption_enc_values_supported: strings,
  /** Values of `display` that the server supports (OpenID Connect Discovery §3). */
  display_values_supported: strings,
  /** Claim types: `normal`, `aggregated`, `distributed` (OpenID Connect Discovery §3). */
  claim_types_supported: strings,
  /** Claims that the server may have values for (OpenID Connect Discovery §3). */
  claims_supported: strings,
  /** Languages of claims, as BCP 47 tags (OpenID Connect Discovery §3). */
  claims_locales_supported: strings,
  /** Whether the `claims` parameter is supported; default `false` (OpenID Connect Discovery §3). */
  claims_parameter_supported: boolean,
  /** Whether the `request` parameter is supported; default `false` (OpenID Connect Discovery §3). */
  request_parameter_supported: boolean,
  /** Whether the `request_uri` parameter is supported; default `true` (OpenID Connect Discovery §3). */
  request_uri_parameter_supported: boolean,
  /** Whether `request_uris` must be registered before use; default `false` (OpenID Connect Discovery §3). */
  require_request_uri_registration: boolean,
  /** Values of `prompt` that the server supports (Initiating User Registration via OpenID Connect). */
  prompt_values_supported: strings,
  /** URL of the frame that answers whether the session has changed (OpenID Connect Session Management §3.3). */
  check_session_iframe: url,
  /** URL that ends the session of the user (OpenID Connect RP-Initiated Logout §2.1). */
  end_session_endpoint: url,
  /** Whether logout through the browser is supported (OpenID Connect Front-Channel Logout §3). */
  frontchannel_logout_supported: boolean,
  /** Whether a front-channel logout names the session (OpenID Connect Front-Channel Logout §3). */
  frontchannel_logout_session_supported: boolean,
  /** Whether logout from server to server is supported (OpenID Connect Back-Channel Logout §2.1). */
  backchannel_logout_supported: boolean,
  /** Whether a logout token names the session (OpenID Connect Back-Channel Logout §2.1). */
  backchannel_logout_session_supported: boolean
}

/** The rest of the OpenID family, and ETSI. */
const otherSpecifications = {
  /** How the client learns that the user has answered: `poll`, `ping`, `push` (OpenID CIBA §4). */
  backchannel_token_delivery_modes_supported: strings,
  /** URL of the backchannel authentication endpoint (OpenID CIBA §4). */
  backchannel_authentication_endpoint: url,
  /** Signing algorithms of backchannel authentication requests (OpenID CIBA §4). */
  backchannel_authentication_request_signing_alg_values_supported: strings,
  /** Whether `user_code` is supported; default `false` (OpenID CIBA §4). */
  backchannel_user_code_parameter_supported: boolean,
  /** Signing algorithms of authorization responses (JARM). */
  authorization_signing_alg_values_supported: strings,
  /** Key encryption algorithms of authorization responses (JARM). */
  authorization_encryption_alg_values_supported: strings,
  /** Content encryption algorithms of authorization responses (JARM). */
  authorization_encryption_enc_values_supported: strings,
  /** What the server allows to be done with grants (Grant Management for OAuth). */
  grant_management_actions_supported: strings,
  /** URL of the grant management endpoint (Grant Management for OAuth). */
  grant_management_endpoint: url,
  /** Whether every authorization request must say what to do with its grant (Grant Management for OAuth). */
  grant_management_action_required: boolean,
  /** Whether a pre-authorized code may be redeemed without a client identifier (OpenID for VCI §12.3). */
  "pre-authorized_grant_anonymous_access_supported": boolean,
  /** How a federated client registers: `automatic`, `explicit` (OpenID Federation §5.1.3). */
  client_registration_types_supported: strings,
  /** URL of the endpoint for explicit registration in a federation (OpenID Federation §5.1.3). */
  federation_registration_endpoint: url,
  /** URL of the server's keys as a signed JWT (OpenID Federation §5.2.1). */
  signed_jwks_uri: url,
  /** The server's JWK Set by value (OpenID Federation §5.2.1). */
  jwks: object,
  /** Name of the organization that runs the server (OpenID Federation §5.2.2). */
  organization_name: string,
  /** Name of the server for people (OpenID Federation §5.2.2). */
  display_name: string,
  /** What the server is, for people (OpenID Federation §5.2.2). */
  description: string,
  /** Words by which the server is found (OpenID Federation §5.2.2). */
  keywords: strings,
  /** How to reach the people who run the server (OpenID Federation §5.2.2). */
  contacts: strings,
  /** URL of the organization's logo (OpenID Federation §5.2.2). */
  logo_uri: url,
  /** URL of a page about the server (OpenID Federation §5.2.2). */
  information_uri: url,
  /** URL of the organization's home page (OpenID Federation §5.2.2). */
  organization_uri: url,
  /** Signing algorithms of NFV tokens (ETSI GS NFV-SEC 022). */
  nfv_token_signing_alg_values_supported: strings,
  /** Key encryption algorithms of NFV tokens (ETSI GS NFV-SEC 022). */
  nfv_token_encryption_alg_values_supported: strings,
  /** Content encryption algorithms of NFV tokens (ETSI GS NFV-SEC 022). */
  nfv_token_encryption_enc_values_supported: strings
}

/** Every optional member, with the schema of its value. */
export const optionalMembers = { ...rfc8414, ...oauthExtensions, ...openid, ...otherSpecifications }

/** Every member, with the schema of its value. */
export const members = {
  issuer: Schema.String,
  ...optionalMembers
} satisfies Schemas<typeof serverGuards>
