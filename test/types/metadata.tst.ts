/** Closed for the eye: a misspelt member does not compile, an open enumeration takes any word, a secret is no string. */
import {
  type AuthorizationServer,
  type ClientInformation,
  ClientMetadata,
  type RegisteredClient
} from "@effect-dcr/core"
import type { Redacted } from "effect"
import { pin, type Same } from "./same.ts"

type Metadata = ClientMetadata.ClientMetadata

const redirect_uris = ["https://app.example.com/cb"]

// -----------------------------------------------------------------------------
// what is asked
// -----------------------------------------------------------------------------

export const complete: Metadata = {
  redirect_uris,
  client_name: "My app",
  "client_name#ja-Jpan-JP": "クライアント名",
  "logo_uri#de": "https://app.example.com/de.png",
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "private_key_jwt",
  jwks: { keys: [{ kty: "EC", crv: "P-256", x: "x", y: "y" }] },
  default_max_age: 3600,
  require_auth_time: true,
  contacts: undefined
}

// @ts-expect-error redirect_uris
export const misspelt: Metadata = { redirect_urls: redirect_uris }
// @ts-expect-error client_name#ja
export const misspeltLocalised: Metadata = { "client_nam#ja": "クライアント名" }
// @ts-expect-error redirect URIs have no language
export const notLocalisable: Metadata = { "redirect_uris#ja": redirect_uris }
// @ts-expect-error a name is a text, in every language
export const localisedNumber: Metadata = { "client_name#ja": 1 }
// @ts-expect-error a list, also of one
export const oneUri: Metadata = { redirect_uris: "https://app.example.com/cb" }
// @ts-expect-error scopes are one text
export const scopeList: Metadata = { scope: ["openid"] }
// @ts-expect-error seconds are a number
export const maxAge: Metadata = { default_max_age: "3600" }
// @ts-expect-error a flag
export const flag: Metadata = { require_auth_time: "true" }
// @ts-expect-error what is left out is undefined; null asks for deletion
export const nothing: Metadata = { client_uri: null }
// @ts-expect-error only an answer has it
export const identifier: Metadata = { client_id: "1" }
// @ts-expect-error a set of keys
export const keys: Metadata = { jwks: [{ kty: "EC" }] }

// Registries grow: enumerations take any word, and offer those that are known.
export const future: Metadata = {
  grant_types: ["urn:example:params:oauth:grant-type:future"],
  response_types: ["code future"],
  token_endpoint_auth_method: "future_jwt",
  application_type: "spa",
  subject_type: "ephemeral"
}
// In a plain string the known words would be lost, and with them what an editor can offer.
pin<Same<Extract<ClientMetadata.GrantType, "authorization_code">, "authorization_code">>()
pin<Same<Extract<ClientMetadata.ResponseType, "code id_token">, "code id_token">>()
pin<Same<Extract<ClientMetadata.AuthenticationMethod, "none">, "none">>()
pin<Same<Extract<Metadata["application_type"], "native">, "native">>()
// @ts-expect-error any word, but a word
export const numericGrant: Metadata = { grant_types: [1] }

// Other members go in by name, and those that are registered have their own place.
const extended = ClientMetadata.withExtensions(complete, { vendor_tier: "gold", vendor: { nested: [1, null, true] } })
pin<Same<typeof extended, Metadata>>()
// @ts-expect-error a registered name is no extension
ClientMetadata.withExtensions(complete, { redirect_uris })
// @ts-expect-error also one of another specification
ClientMetadata.withExtensions(complete, { dpop_bound_access_tokens: true })
// @ts-expect-error what is no JSON cannot be sent
ClientMetadata.withExtensions(complete, { vendor: new Date() })

// -----------------------------------------------------------------------------
// what is granted
// -----------------------------------------------------------------------------

declare const client: RegisteredClient.RegisteredClient
const { information } = client
pin<Same<typeof information, ClientInformation.ClientInformation>>()
pin<Same<typeof information.client_id, string>>()
pin<Same<typeof information.client_secret, Redacted.Redacted<string> | undefined>>()
pin<Same<typeof information.registration_access_token, Redacted.Redacted<string> | undefined>>()
pin<Same<typeof information.registration_client_uri, string | undefined>>()
pin<Same<typeof information.client_secret_expires_at, number | undefined>>()
pin<Same<typeof information.redirect_uris, ReadonlyArray<string> | undefined>>()

// @ts-expect-error client_secret
export const misspeltSecret: unknown = information.client_secrte
// @ts-expect-error an extension, read with client.extensions
export const vendorMember: unknown = information.vendor_tier
// @ts-expect-error a secret is Redacted, so that nobody prints it by accident
export const secret: string | undefined = information.client_secret
// @ts-expect-error and so is this one
export const token: string | undefined = information.registration_access_token
export const localised: string | undefined = information["client_name#ja"]
// @ts-expect-error without an identifier there is no client
export const anonymous: ClientInformation.ClientInformation = { redirect_uris }

// -----------------------------------------------------------------------------
// the server's metadata
// -----------------------------------------------------------------------------

export const server: AuthorizationServer.AuthorizationServer = {
  issuer: "https://op.example.com",
  registration_endpoint: "https://op.example.com/reg",
  mtls_endpoint_aliases: { registration_endpoint: "https://mtls.op.example.com/reg" }
}
// @ts-expect-error registration_endpoint
export const misspeltServer: AuthorizationServer.AuthorizationServer = { issuer: "https://a", registration_endpont: "" }
// @ts-expect-error the issuer is what a server is known by
export const anybody: AuthorizationServer.AuthorizationServer = { registration_endpoint: "https://op.example.com/reg" }
