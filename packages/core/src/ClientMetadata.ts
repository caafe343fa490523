/**
 * What a client asks for: its metadata, by the names of the IANA registry "OAuth Dynamic Client Registration Metadata".
 *
 * The types are closed for the eye and the schemas open for the wire: a misspelt `redirect_urls` does not compile, while
 * members that this module does not know pass through at run time, in both directions. Extension members go in by name
 * with {@link withExtensions}. `undefined` means "left out".
 *
 * @see RFC 7591 §2, OpenID Connect Dynamic Client Registration 1.0 §2
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import type { Schemas } from "./internal/guards.ts"
import { metadataGuards } from "./internal/memberGuards.ts"
import { localizedMembers, type LocalizedName, otherMembers } from "./internal/openMembers.ts"

// -----------------------------------------------------------------------------
// models and schemas: values
// -----------------------------------------------------------------------------

const open = <const Literals extends ReadonlyArray<string>>(literals: Literals) =>
  Schema.Union([Schema.Literals(literals), Schema.StringForLiteralAutocomplete])

const strings = Schema.Array(Schema.String)

/**
 * How the client authenticates at the token endpoint. Open: a server may know others.
 *
 * @since 0.1.0
 * @category schemas
 */
export const AuthenticationMethod = open([
  "none",
  "client_secret_post",
  "client_secret_basic",
  "client_secret_jwt",
  "private_key_jwt",
  "tls_client_auth",
  "self_signed_tls_client_auth"
])

/**
 * @since 0.1.0
 * @category models
 */
export type AuthenticationMethod = typeof AuthenticationMethod.Type

/**
 * A grant type that the client uses (RFC 7591 §2). Open.
 *
 * @since 0.1.0
 * @category schemas
 */
export const GrantType = open([
  "authorization_code",
  "implicit",
  "password",
  "client_credentials",
  "refresh_token",
  "urn:ietf:params:oauth:grant-type:jwt-bearer",
  "urn:ietf:params:oauth:grant-type:saml2-bearer",
  "urn:ietf:params:oauth:grant-type:device_code",
  "urn:ietf:params:oauth:grant-type:token-exchange",
  "urn:openid:params:grant-type:ciba"
])

/**
 * @since 0.1.0
 * @category models
 */
export type GrantType = typeof GrantType.Type

/**
 * A response type that the client uses; the order of the words is free (RFC 6749 §3.1.1). Open.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ResponseType = open([
  "code",
  "token",
  "id_token",
  "none",
  "code id_token",
  "code token",
  "id_token token",
  "code id_token token"
])

/**
 * @since 0.1.0
 * @category models
 */
export type ResponseType = typeof ResponseType.Type

/**
 * A JWK Set (RFC 7517 §5). Public keys only, in a registration.
 *
 * @since 0.1.0
 * @category schemas
 */
export const JwkSet = Schema.Struct({
  keys: Schema.Array(Schema.Record(Schema.String, Schema.Unknown))
})

/**
 * @since 0.1.0
 * @category models
 */
export type JwkSet = typeof JwkSet.Type

// -----------------------------------------------------------------------------
// models and schemas: members, by the specification that defines them
// -----------------------------------------------------------------------------

/**
 * RFC 7591 §2.
 *
 * @since 0.1.0
 * @category members
 */
export const rfc7591 = {
  /** Where the user is sent back to. Required for clients of redirect flows. */
  redirect_uris: strings,
  /** How the client authenticates at the token endpoint. The server's default is `client_secret_basic`. */
  token_endpoint_auth_method: AuthenticationMethod,
  /** The grant types that the client uses. The server's default is `["authorization_code"]`. */
  grant_types: Schema.Array(GrantType),
  /** The response types that the client uses. The server's default is `["code"]`. */
  response_types: Schema.Array(ResponseType),
  /** The name that the user sees. May be localised: `client_name#ja-Jpan-JP` (§2.2). */
  client_name: Schema.String,
  /** A page about the client. May be localised. */
  client_uri: Schema.String,
  /** The client's logo. May be localised. */
  logo_uri: Schema.String,
  /** The scope values that the client can use, separated by spaces. */
  scope: Schema.String,
  /** Ways to reach the people in charge, often e-mail addresses. */
  contacts: strings,
  /** The terms of service. May be localised. */
  tos_uri: Schema.String,
  /** How personal data is used. May be localised. */
  policy_uri: Schema.String,
  /** Where the client's JWK Set is. Excludes `jwks`. */
  jwks_uri: Schema.String,
  /** The client's JWK Set by value: public keys. Excludes `jwks_uri`. */
  jwks: JwkSet,
  /** Identifies the software; the same for all its instances and versions. */
  software_id: Schema.String,
  /** The version of the software; changes with each update. */
  software_version: Schema.String,
  /** A signed or MACed JWT with metadata, sent as it is (§2.3). Its values win over the plain members. */
  software_statement: Schema.String
}

/**
 * OpenID Connect Dynamic Client Registration 1.0 §2.
 *
 * @since 0.1.0
 * @category members
 */
export const openidRegistration = {
  /** `web` (the server's default) or `native`. */
  application_type: open(["web", "native"]),
  /** https URL of the JSON array of all redirect URIs, for pairwise subjects (§5). */
  sector_identifier_uri: Schema.String,
  /** `pairwise` or `public` subject identifiers. */
  subject_type: open(["pairwise", "public"]),
  /** JWS algorithm of ID tokens. The server's default is `RS256`. */
  id_token_signed_response_alg: Schema.String,
  /** JWE algorithm of ID tokens. */
  id_token_encrypted_response_alg: Schema.String,
  /** JWE content encryption of ID tokens. Only with its `_alg`. */
  id_token_encrypted_response_enc: Schema.String,
  /** JWS algorithm of UserInfo answers. */
  userinfo_signed_response_alg: Schema.String,
  /** JWE algorithm of UserInfo answers. */
  userinfo_encrypted_response_alg: Schema.String,
  /** JWE content encryption of UserInfo answers. Only with its `_alg`. */
  userinfo_encrypted_response_enc: Schema.String,
  /** JWS algorithm that request objects must have. */
  request_object_signing_alg: Schema.String,
  /** JWE algorithm of request objects. */
  request_object_encryption_alg: Schema.String,
  /** JWE content encryption of request objects. Only with its `_alg`. */
  request_object_encryption_enc: Schema.String,
  /** JWS algorithm of client assertions, for `private_key_jwt` and `client_secret_jwt`. Not `none`. */
  token_endpoint_auth_signing_alg: Schema.String,
  /** Default for the age of an authentication, in seconds. */
  default_max_age: Schema.Number,
  /** Whether `auth_time` is required in ID tokens. */
  require_auth_time: Schema.Boolean,
  /** Authentication context classes that are asked for by default. */
  default_acr_values: strings,
  /** https URL where a third party can start a login. */
  initiate_login_uri: Schema.String,
  /** Request URIs that the server may fetch ahead. */
  request_uris: strings
}

/**
 * OpenID Connect RP-Initiated Logout 1.0 §3.1, Front-Channel Logout 1.0 §2, Back-Channel Logout 1.0 §2.2.
 *
 * @since 0.1.0
 * @category members
 */
export const openidLogout = {
  /** Where the user may be sent after logging out. */
  post_logout_redirect_uris: strings,
  /** Loaded in a frame to log the user out. Scheme, host and port of a redirect URI. */
  frontchannel_logout_uri: Schema.String,
  /** Whether `iss` and `sid` are to be sent there. */
  frontchannel_logout_session_required: Schema.Boolean,
  /** Receives logout tokens. Absolute, without fragment. */
  backchannel_logout_uri: Schema.String,
  /** Whether logout tokens must hold `sid`. */
  backchannel_logout_session_required: Schema.Boolean
}

/**
 * RFC 8705 §2.1.2, §3.4.
 *
 * @since 0.1.0
 * @category members
 */
export const rfc8705 = {
  /** Whether access tokens are bound to the client's certificate (§3.4). */
  tls_client_certificate_bound_access_tokens: Schema.Boolean,
  /** Subject of the client's certificate, for `tls_client_auth`: exactly one of these five (§2.1.2). */
  tls_client_auth_subject_dn: Schema.String,
  /** DNS name in the client's certificate. */
  tls_client_auth_san_dns: Schema.String,
  /** URI in the client's certificate. */
  tls_client_auth_san_uri: Schema.String,
  /** IP address in the client's certificate. */
  tls_client_auth_san_ip: Schema.String,
  /** E-mail address in the client's certificate. */
  tls_client_auth_san_email: Schema.String
}

/**
 * RFC 9101 §10.5.
 *
 * @since 0.1.0
 * @category members
 */
export const rfc9101 = {
  /** Whether authorization requests must be signed request objects. */
  require_signed_request_object: Schema.Boolean
}

/**
 * RFC 9126 §6.
 *
 * @since 0.1.0
 * @category members
 */
export const rfc9126 = {
  /** Whether authorization requests must be pushed. */
  require_pushed_authorization_requests: Schema.Boolean
}

/**
 * RFC 9396 §10.
 *
 * @since 0.1.0
 * @category members
 */
export const rfc9396 = {
  /** The types of authorization details that the client uses. */
  authorization_details_types: strings
}

/**
 * RFC 9449 §5.2.
 *
 * @since 0.1.0
 * @category members
 */
export const rfc9449 = {
  /** Whether the client always asks for DPoP-bound access tokens. */
  dpop_bound_access_tokens: Schema.Boolean
}

/**
 * RFC 9701 §6.
 *
 * @since 0.1.0
 * @category members
 */
export const rfc9701 = {
  /** JWS algorithm of introspection answers. */
  introspection_signed_response_alg: Schema.String,
  /** JWE algorithm of introspection answers. */
  introspection_encrypted_response_alg: Schema.String,
  /** JWE content encryption of introspection answers. Only with its `_alg`. */
  introspection_encrypted_response_enc: Schema.String
}

/**
 * FAPI 2.0 Security Profile §8.1.1.
 *
 * @since 0.1.0
 * @category members
 */
export const fapi2 = {
  /** Whether the client uses the mTLS endpoint aliases of the server. */
  use_mtls_endpoint_aliases: Schema.Boolean
}

/**
 * User-Managed Access 2.0 Grant §2.
 *
 * @since 0.1.0
 * @category members
 */
export const uma2 = {
  /** Where a requesting party is sent after claims were gathered. */
  claims_redirect_uris: strings
}

/**
 * OpenID Federation 1.0 §5.1.2, §5.2.
 *
 * @since 0.1.0
 * @category members
 */
export const openidFederation = {
  /** `automatic` and `explicit` registration. */
  client_registration_types: strings,
  /** Where the client's signed JWK Set is. */
  signed_jwks_uri: Schema.String,
  /** The organization behind the client. */
  organization_name: Schema.String,
  /** What the client is. */
  description: Schema.String,
  /** Search words. */
  keywords: strings,
  /** A page with information about the client. */
  information_uri: Schema.String,
  /** A page about the organization. */
  organization_uri: Schema.String
}

/**
 * OpenID for Verifiable Presentations 1.0 §11.1.
 *
 * @since 0.1.0
 * @category members
 */
export const openid4vp = {
  /** JWE content encryptions that the verifier takes. */
  encrypted_response_enc_values_supported: strings,
  /** Credential formats that the verifier takes. */
  vp_formats_supported: Schema.Record(Schema.String, Schema.Unknown)
}

/**
 * ETSI GS NFV-SEC 022.
 *
 * @since 0.1.0
 * @category members
 */
export const etsiNfv = {
  /** JWS algorithm of NFV tokens. */
  nfv_token_signed_response_alg: Schema.String,
  /** JWE algorithm of NFV tokens. */
  nfv_token_encrypted_response_alg: Schema.String,
  /** JWE content encryption of NFV tokens. Only with its `_alg`. */
  nfv_token_encrypted_response_enc: Schema.String
}

/**
 * JWT Secured Authorization Response Mode (JARM) §4. In use, not registered.
 *
 * @since 0.1.0
 * @category members
 */
export const jarm = {
  /** JWS algorithm of authorization responses. */
  authorization_signed_response_alg: Schema.String,
  /** JWE algorithm of authorization responses. */
  authorization_encrypted_response_alg: Schema.String,
  /** JWE content encryption of authorization responses. Only with its `_alg`. */
  authorization_encrypted_response_enc: Schema.String
}

/**
 * OpenID Connect Client-Initiated Backchannel Authentication (CIBA) 1.0 §4. In use, not registered.
 *
 * @since 0.1.0
 * @category members
 */
export const ciba = {
  /** How tokens are delivered. */
  backchannel_token_delivery_mode: open(["poll", "ping", "push"]),
  /** Where the server notifies the client. */
  backchannel_client_notification_endpoint: Schema.String,
  /** JWS algorithm of signed authentication requests. */
  backchannel_authentication_request_signing_alg: Schema.String,
  /** Whether the client supports user codes. */
  backchannel_user_code_parameter: Schema.Boolean
}

/**
 * OAuth 2.0 Multiple Response Types: `response_modes` as some servers take it. In use, not registered.
 *
 * @since 0.1.0
 * @category members
 */
export const responseModes = {
  /** The response modes that the client uses. */
  response_modes: strings
}

/**
 * Every member that a client can ask for, with the schema of its value.
 *
 * @since 0.1.0
 * @category members
 */
export const members = (() => ({
  // Called, because a bundler leaves out an unused call that is marked as pure, and not an object made of others.
  ...rfc7591,
  ...openidRegistration,
  ...openidLogout,
  ...rfc8705,
  ...rfc9101,
  ...rfc9126,
  ...rfc9396,
  ...rfc9449,
  ...rfc9701,
  ...fapi2,
  ...uma2,
  ...openidFederation,
  ...openid4vp,
  ...etsiNfv,
  ...jarm,
  ...ciba,
  ...responseModes
} satisfies Schemas<typeof metadataGuards>))()

// -----------------------------------------------------------------------------
// models and schemas: the whole
// -----------------------------------------------------------------------------

type Members = {
  readonly [Name in keyof typeof members]?: (typeof members)[Name]["Type"] | undefined
}

/**
 * Members with a BCP 47 language tag: `client_name#ja-Jpan-JP` (RFC 7591 §2.2). Tags compare case-insensitively; an
 * untagged value is to be sent too.
 *
 * @since 0.1.0
 * @category models
 */
export type LocalizedMembers = {
  readonly [Name in LocalizedName]?: string | undefined
}

/**
 * What a client asks for. Every registered name, the localised members, and no other: extensions go in with
 * {@link withExtensions}.
 *
 * **Example** (A member that no specification registers)
 *
 * ```ts
 * import { ClientMetadata } from "@effect-dcr/core"
 *
 * const metadata = ClientMetadata.withExtensions({ redirect_uris: ["https://app.example.com/cb"] }, {
 *   "com.example.tier": "gold"
 * })
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientMetadata extends Members, LocalizedMembers {}

/**
 * Client metadata on the wire. Members of other names are kept as they are.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ClientMetadata: Schema.Codec<ClientMetadata, { readonly [name: string]: unknown }> = Schema.StructWithRest(
  Schema.Struct(members).mapFields(Struct.map(Schema.optional)),
  [localizedMembers, otherMembers(members)]
)

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Adds members that no specification registers, by name.
 *
 * **Details**
 *
 * A server ignores what it does not understand (RFC 7591 §2); some answer 400 instead. A registered name does not belong
 * here and does not compile.
 *
 * @since 0.1.0
 * @category constructors
 */
export const withExtensions = (
  metadata: ClientMetadata,
  extensions: { readonly [name: string]: Schema.Json } & { readonly [Name in keyof typeof members]?: never }
): ClientMetadata => ({ ...extensions, ...metadata })

// -----------------------------------------------------------------------------
// accessors
// -----------------------------------------------------------------------------

/**
 * Whether a name is one that this module declares.
 *
 * @since 0.1.0
 * @category guards
 */
export const isMember = (name: string): name is keyof typeof members => Object.hasOwn(metadataGuards, name)
