/**
 * Every member of a registration, with the guard of its value, in the order of the specifications: the tables of
 * `ClientMetadata` and `ClientInformation` without their schemas. `satisfies` keeps those to these.
 *
 * @internal
 */
import { boolean, number, object, string, strings } from "./guards.ts"

const jwkSet = (value: unknown): value is { readonly keys: ReadonlyArray<Readonly<Record<string, unknown>>> } =>
  object(value) && Array.isArray(value["keys"]) && value["keys"].every(object)

/** What a client can ask for. */
export const metadataGuards = {
  redirect_uris: strings,
  token_endpoint_auth_method: string,
  grant_types: strings,
  response_types: strings,
  client_name: string,
  client_uri: string,
  logo_uri: string,
  scope: string,
  contacts: strings,
  tos_uri: string,
  policy_uri: string,
  jwks_uri: string,
  jwks: jwkSet,
  software_id: string,
  software_version: string,
  software_statement: string,
  application_type: string,
  sector_identifier_uri: string,
  subject_type: string,
  id_token_signed_response_alg: string,
  id_token_encrypted_response_alg: string,
  id_token_encrypted_response_enc: string,
  userinfo_signed_response_alg: string,
  userinfo_encrypted_response_alg: string,
  userinfo_encrypted_response_enc: string,
  request_object_signing_alg: string,
  request_object_encryption_alg: string,
  request_object_encryption_enc: string,
  token_endpoint_auth_signing_alg: string,
  default_max_age: number,
  require_auth_time: boolean,
  default_acr_values: strings,
  initiate_login_uri: string,
  request_uris: strings,
  post_logout_redirect_uris: strings,
  frontchannel_logout_uri: string,
  frontchannel_logout_session_required: boolean,
  backchannel_logout_uri: string,
  backchannel_logout_session_required: boolean,
  tls_client_certificate_bound_access_tokens: boolean,
  tls_client_auth_subject_dn: string,
  tls_client_auth_san_dns: string,
  tls_client_auth_san_uri: string,
  tls_client_auth_san_ip: string,
  tls_client_auth_san_email: string,
  require_signed_request_object: boolean,
  require_pushed_authorization_requests: boolean,
  authorization_details_types: strings,
  dpop_bound_access_tokens: boolean,
  introspection_signed_response_alg: string,
  introspection_encrypted_response_alg: string,
  introspection_encrypted_response_enc: string,
  use_mtls_endpoint_aliases: boolean,
  claims_redirect_uris: strings,
  client_registration_types: strings,
  signed_jwks_uri: string,
  organization_name: string,
  description: string,
  keywords: strings,
  information_uri: string,
  organization_uri: string,
  encrypted_response_enc_values_supported: strings,
  vp_formats_supported: object,
  nfv_token_signed_response_alg: string,
  nfv_token_encrypted_response_alg: string,
  nfv_token_encrypted_response_enc: string,
  authorization_signed_response_alg: string,
  authorization_encrypted_response_alg: string,
  authorization_encrypted_response_enc: string,
  backchannel_token_delivery_mode: string,
  backchannel_client_notification_endpoint: string,
  backchannel_authentication_request_signing_alg: string,
  backchannel_user_code_parameter: boolean,
  response_modes: strings
}

/** What only an answer has. The secrets are text before they are hidden. */
export const answerGuards = {
  client_id: string,
  client_secret: string,
  client_id_issued_at: number,
  client_secret_expires_at: number,
  registration_access_token: string,
  registration_client_uri: string
}

/** Every member of an answer. */
export const memberGuards: { readonly [name: string]: (value: unknown) => boolean } = {
  ...metadataGuards,
  ...answerGuards
}
