/**
 * What an ecosystem asks of its clients: a preset fills in what the caller left out and adds rules.
 *
 * @since 0.1.0
 */
import type { ClientMetadata } from "./ClientMetadata.ts"
import { isLoopbackHost, isNativeRedirect } from "./internal/url.ts"
import type { Finding, MetadataRule, RuleId } from "./MetadataRule.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * A preset. Make one of your own for an ecosystem that is not here.
 *
 * @since 0.1.0
 * @category models
 */
export interface MetadataPreset {
  /** Members to fill in; what the caller said goes before them. */
  readonly fillIn: (metadata: ClientMetadata) => ClientMetadata
  /** Rules on top of those of `MetadataRule`. */
  readonly rules: ReadonlyArray<MetadataRule>
}

/**
 * How metadata is completed and judged before it is sent.
 *
 * @since 0.1.0
 * @category options
 */
export interface MetadataOptions {
  /** Fills in and checks what an ecosystem asks for, such as {@link fapi2}. Default: none. */
  readonly preset?: MetadataPreset | undefined
  /** Ids of rules that are not applied, for a server that is known to want what they forbid. Default: none. */
  readonly rulesOff?: ReadonlyArray<RuleId | (string & {})> | undefined
  /** Whether a warning stops the request too. Default: `false`. */
  readonly failOnWarnings?: boolean | undefined
}

// -----------------------------------------------------------------------------
// presets
// -----------------------------------------------------------------------------

/**
 * An OpenID Connect relying party: the code flow, the scope `openid`.
 *
 * @see OpenID Connect Core 1.0 §3.1.2.1
 * @since 0.1.0
 * @category presets
 */
export const openid: MetadataPreset = {
  fillIn: () => ({ grant_types: ["authorization_code"], response_types: ["code"], scope: "openid" }),
  rules: [
    {
      id: "openid-scope",
      member: "scope",
      severity: "error",
      section: "OpenID Connect Core §3.1.2.1",
      isPresence: true,
      check: ({ scope }) => finding(scope !== undefined && !scope.split(" ").includes("openid"), "must contain openid")
    }
  ]
}

const senderConstrained = ["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"]

const fapiAlgorithms = ["PS256", "ES256", "EdDSA", "Ed25519"]

const fapiAlgorithmMembers = [
  "id_token_signed_response_alg",
  "token_endpoint_auth_signing_alg",
  "request_object_signing_alg",
  "authorization_signed_response_alg",
  "userinfo_signed_response_alg",
  "introspection_signed_response_alg"
] as const

/**
 * A client of the FAPI 2.0 Security Profile: confidential, authenticated by a key or a certificate, sender-constrained
 * tokens, pushed authorization requests, the code flow.
 *
 * **Details**
 *
 * Tokens are bound by DPoP unless the metadata binds them to a certificate. The key (`jwks` or `jwks_uri`) is yours to give.
 *
 * @see FAPI 2.0 Security Profile §5.3
 * @since 0.1.0
 * @category presets
 */
export const fapi2: MetadataPreset = {
  fillIn: (metadata) => ({
    token_endpoint_auth_method: "private_key_jwt",
    grant_types: ["authorization_code"],
    response_types: ["code"],
    id_token_signed_response_alg: "PS256",
    ...(["tls_client_auth", "self_signed_tls_client_auth"].includes(metadata.token_endpoint_auth_method ?? "")
      ? undefined
      : { token_endpoint_auth_signing_alg: "PS256" }),
    require_pushed_authorization_requests: true,
    ...(metadata.tls_client_certificate_bound_access_tokens === true ? undefined : { dpop_bound_access_tokens: true })
  }),
  rules: [
    {
      id: "fapi2-client-authentication",
      member: "token_endpoint_auth_method",
      severity: "error",
      section: "FAPI 2.0 Security Profile §5.3.2.1",
      isPresence: true,
      check: (metadata) =>
        finding(
          !senderConstrained.includes(metadata.token_endpoint_auth_method ?? ""),
          "must be private_key_jwt, tls_client_auth or self_signed_tls_client_auth"
        )
    },
    {
      id: "fapi2-sender-constrained",
      member: "dpop_bound_access_tokens",
      severity: "error",
      section: "FAPI 2.0 Security Profile §5.3.2.1",
      isPresence: true,
      check: (metadata) =>
        finding(
          metadata.dpop_bound_access_tokens !== true && metadata.tls_client_certificate_bound_access_tokens !== true,
          "access tokens must be bound by DPoP or to a certificate"
        )
    },
    {
      id: "fapi2-code-flow",
      member: "response_types",
      severity: "error",
      section: "FAPI 2.0 Security Profile §5.3.2.2",
      isPresence: true,
      check: (metadata) => [
        ...finding(
          metadata.response_types?.some((type) => type !== "code") === true,
          "only the response type code is allowed"
        ),
        ...finding(
          metadata.grant_types?.some((grant) => grant === "implicit" || grant === "password") === true,
          "the implicit and password grants are not allowed",
          "grant_types"
        )
      ]
    },
    {
      id: "fapi2-algorithms",
      member: "*",
      severity: "error",
      section: "FAPI 2.0 Security Profile §5.4.1",
      check: (metadata) =>
        fapiAlgorithmMembers.flatMap((member) =>
          finding(
            metadata[member] !== undefined && !fapiAlgorithms.includes(metadata[member]),
            "must be PS256, ES256 or EdDSA (Ed25519)",
            member
          )
        )
    },
    {
      id: "fapi2-redirect-https",
      member: "redirect_uris",
      severity: "error",
      section: "FAPI 2.0 Security Profile §5.3.2.2",
      check: (metadata) => everyRedirect(metadata, "must be an https URL", (url) => url.protocol === "https:")
    }
  ]
}

/**
 * A client of the Model Context Protocol, revision 2026-07-28: it says its `application_type` itself, uses the code flow
 * with refresh tokens, and its redirect URIs are https or on loopback.
 *
 * **Details**
 *
 * `application_type` is `native` for loopback and custom-scheme redirect URIs, `web` otherwise.
 *
 * **Gotchas**
 *
 * A loopback redirect URI is registered with the port that it names. A server should take any port there (RFC 8252 §7.3); one
 * that compares the whole string does not, so listen on the very port that was registered.
 *
 * @see Model Context Protocol, revision 2026-07-28, Authorization: Client Registration
 * @since 0.1.0
 * @category presets
 */
export const mcp: MetadataPreset = {
  fillIn: (metadata) => ({
    application_type: metadata.redirect_uris?.some(isNativeRedirect) === true ? "native" : "web",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"]
  }),
  rules: [
    {
      id: "mcp-redirect-uris",
      member: "redirect_uris",
      severity: "error",
      section: "MCP 2026-07-28, Authorization",
      check: (metadata) =>
        everyRedirect(
          metadata,
          "must be https, http on loopback, or a custom scheme of a native application",
          (url) => url.protocol !== "http:" || isLoopbackHost(url.hostname)
        )
    },
    {
      id: "mcp-code-flow",
      member: "response_types",
      severity: "error",
      section: "MCP 2026-07-28, Authorization",
      check: ({ response_types }) =>
        finding(
          response_types?.some((type) => type !== "code") === true,
          "only the response type code is used (OAuth 2.1)"
        )
    }
  ]
}

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const finding = (broken: boolean, message: string, member?: string): ReadonlyArray<Finding> =>
  broken ? [{ message, member }] : []

const everyRedirect = (
  { redirect_uris }: ClientMetadata,
  message: string,
  isRight: (url: URL) => boolean
): ReadonlyArray<Finding> =>
  (redirect_uris ?? []).flatMap((uri, index) =>
    // What is not a URL is judged by a rule of its own.
    finding(URL.canParse(uri) && !isRight(new URL(uri)), message, `redirect_uris[${index}]`)
  )
