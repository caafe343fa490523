/**
 * The rules of the specifications that a client can check before it asks, as a table.
 *
 * @internal
 */
import { answerMembers } from "../ClientInformation.ts"
import * as ClientMetadata from "../ClientMetadata.ts"
import type { Violation } from "../Violation.ts"
import { isEmpty } from "./memberTypes.ts"
import {
  beginsHttp,
  beginsHttps,
  grants,
  hasKeys,
  isAbsoluteUri,
  isHttp,
  isHttps,
  isInformationUri,
  isLoopbackHttp,
  isPrivateJwk,
  keys,
  responses,
  url,
  usesImplicit,
  usesRedirects
} from "./metadataFacts.ts"
import { nearestName } from "./nearestName.ts"
import { isLocalized, localizable } from "./openMembers.ts"
import { isLoopbackHost } from "./url.ts"

/**
 * What a rule finds: the member at fault (the rule's own, unless it says so) and what is wrong with it.
 */
export interface Finding {
  readonly member?: string | undefined
  readonly message: string
}

/**
 * A rule.
 */
export interface MetadataRule {
  /** Stable id, such as `redirect-uris-required`. */
  readonly id: string
  /** The member it is about, `*` for any. */
  readonly member: string
  readonly severity: Violation["severity"]
  /** Where it stands: `RFC 7591 §2`. */
  readonly section: string
  /** Whether it is about presence or consistency, which a software statement may bring. */
  readonly isPresence?: boolean
  /** Whether it looks at values of any type. The others see the members that have the type they should have. */
  readonly isRaw?: boolean
  /** The members of which metadata needs one at least to break the rule: without any of them it is not asked. */
  readonly about?: ReadonlyArray<keyof ClientMetadata.ClientMetadata>
  /** `typed` are the members that have the type they should have. */
  readonly check: (
    metadata: ClientMetadata.ClientMetadata,
    typed: ClientMetadata.ClientMetadata
  ) => ReadonlyArray<Finding>
}

// -----------------------------------------------------------------------------
// what the rules are made of
// -----------------------------------------------------------------------------

const finding = (broken: boolean, message: string, member?: string): ReadonlyArray<Finding> =>
  broken ? [{ message, member }] : noFindings

const noFindings: ReadonlyArray<Finding> = []

const redirects = ["redirect_uris", "post_logout_redirect_uris", "claims_redirect_uris"] as const

const each = (
  metadata: ClientMetadata.ClientMetadata,
  member: "redirect_uris" | "request_uris" | "post_logout_redirect_uris" | "claims_redirect_uris",
  message: string,
  isBroken: (value: string) => boolean
): ReadonlyArray<Finding> =>
  (metadata[member] ?? []).flatMap((value, index) => finding(isBroken(value), message, `${member}[${index}]`))

/** What a JavaScript caller may pass instead of metadata. */
export const notAnObject: Violation = {
  rule: "member-type",
  member: "*",
  severity: "error",
  section: "RFC 7591 §3.1",
  message: "the metadata is not an object"
}

const scriptSchemes: ReadonlyArray<string> = ["javascript:", "data:", "vbscript:", "blob:", "file:", "about:"]

const encryptions = [
  ["id_token_encrypted_response_alg", "id_token_encrypted_response_enc"],
  ["userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc"],
  ["request_object_encryption_alg", "request_object_encryption_enc"],
  ["introspection_encrypted_response_alg", "introspection_encrypted_response_enc"],
  ["authorization_encrypted_response_alg", "authorization_encrypted_response_enc"],
  ["nfv_token_encrypted_response_alg", "nfv_token_encrypted_response_enc"]
] as const

/** Answers that the server encrypts to a key of the client; request objects are encrypted to a key of the server. */
const encryptedToTheClient = encryptions.map(([alg]) => alg).filter((alg) => alg !== "request_object_encryption_alg")

const subjects = [
  "tls_client_auth_subject_dn",
  "tls_client_auth_san_dns",
  "tls_client_auth_san_uri",
  "tls_client_auth_san_ip",
  "tls_client_auth_san_email"
] as const

const isAsymmetric = (algorithm: string): boolean => /^(RSA|ECDH)/.test(algorithm)

const oidc = "OpenID Connect Registration §2"

// -----------------------------------------------------------------------------
// rules
// -----------------------------------------------------------------------------

/** Every rule, in the order in which violations are listed. */
export const rules = [
  {
    id: "member-type",
    member: "*",
    severity: "error",
    section: "RFC 7591 §2",
    isRaw: true,
    check: (metadata, typed) =>
      Object.entries(metadata).flatMap(([name, value]) =>
        finding(
          value !== undefined && !isEmpty(value) && !Object.hasOwn(typed, name),
          "the value has not the type of the member",
          name
        )
      )
  },
  {
    id: "no-null-or-empty",
    member: "*",
    severity: "error",
    section: "RFC 7592 §2.2",
    isRaw: true,
    check: (metadata) =>
      Object.entries(metadata).flatMap(([name, value]) =>
        isEmpty(value)
          ? [{ message: "null and the empty string ask for deletion: leave the member out", member: name }]
          : Array.isArray(value) && value.some(isEmpty)
          ? value.flatMap((item, index) =>
            finding(isEmpty(item), "is null or empty: leave it out", `${name}[${index}]`)
          )
          : noFindings
      )
  },
  {
    id: "redirect-uris-required",
    member: "redirect_uris",
    severity: "error",
    section: "RFC 7591 §2",
    isPresence: true,
    check: (metadata) =>
      finding(
        usesRedirects(metadata) && (metadata.redirect_uris ?? []).length === 0,
        "a client of the authorization_code or implicit grant needs at least one redirect URI"
      )
  },
  {
    id: "redirect-uri-absolute",
    member: "redirect_uris",
    severity: "error",
    section: "RFC 6749 §3.1.2",
    about: ["redirect_uris"],
    check: (metadata) =>
      each(
        metadata,
        "redirect_uris",
        "is not an absolute URI, in which everything beyond ASCII is encoded",
        (uri) => uri !== "" && !isAbsoluteUri(uri)
      )
  },
  {
    id: "redirect-uri-fragment",
    member: "redirect_uris",
    severity: "error",
    section: "RFC 6749 §3.1.2",
    about: ["redirect_uris"],
    check: (metadata) => each(metadata, "redirect_uris", "has a fragment", (uri) => uri.includes("#"))
  },
  {
    id: "redirect-uri-script",
    member: "redirect_uris",
    severity: "error",
    section: "RFC 7591 §5",
    about: redirects,
    check: (metadata) =>
      redirects.flatMap((member) =>
        each(
          metadata,
          member,
          "has a scheme that runs or reads content instead of naming a place",
          // As a browser reads it, which passes over white space.
          (uri) => !beginsHttp.test(uri) && URL.canParse(uri) && scriptSchemes.includes(new URL(uri).protocol)
        )
      )
  },
  {
    id: "web-implicit-https",
    member: "redirect_uris",
    severity: "error",
    section: oidc,
    isPresence: true,
    about: ["redirect_uris"],
    check: (metadata) =>
      (metadata.application_type ?? "web") === "web" && usesImplicit(metadata)
        ? each(
          metadata,
          "redirect_uris",
          "a web client of the implicit flow needs https and another host than localhost",
          (uri) => !isHttps(uri) || url(uri)?.hostname === "localhost"
        )
        : []
  },
  {
    id: "native-redirect-uri",
    member: "redirect_uris",
    severity: "warning",
    section: oidc,
    about: ["application_type"],
    check: (metadata) =>
      metadata.application_type === "native"
        ? each(
          metadata,
          "redirect_uris",
          "a native client uses a custom scheme or http on loopback; some servers refuse https (RFC 8252 §7.2 allows it)",
          isHttps
        )
        : []
  },
  {
    id: "redirect-uri-plain-http",
    member: "redirect_uris",
    severity: "warning",
    section: "RFC 9700 §2.1",
    about: ["redirect_uris"],
    check: (metadata) =>
      each(metadata, "redirect_uris", "is plain http on a host that is not loopback", (uri) => {
        const parsed = beginsHttps.test(uri) ? undefined : url(uri)
        return parsed?.protocol === "http:" && !isLoopbackHost(parsed.hostname)
      })
  },
  {
    id: "redirect-uri-query",
    member: "redirect_uris",
    severity: "warning",
    section: "RFC 6749 §4.1.2",
    about: ["redirect_uris"],
    check: (metadata) =>
      each(metadata, "redirect_uris", "has a query parameter that the answer uses (code, state, response)", (uri) => {
        const query = uri.includes("?") ? url(uri)?.searchParams : undefined
        return query !== undefined && ["code", "state", "response"].some((name) => query.has(name))
      })
  },
  {
    id: "grant-types-for-response-types",
    member: "grant_types",
    severity: "error",
    section: "RFC 7591 §2.1",
    isPresence: true,
    about: ["grant_types", "response_types"],
    check: (metadata) => {
      const granted = grants(metadata)
      const needs = (grant: string, word: string) =>
        finding(
          !granted.includes(grant) && responses(metadata).some((words) => words.includes(word)),
          `a response type with ${word} needs the grant type ${grant}`
        )
      return [...needs("authorization_code", "code"), ...needs("implicit", "token"), ...needs("implicit", "id_token")]
    }
  },
  {
    id: "response-types-for-grant-types",
    member: "response_types",
    severity: "error",
    section: "RFC 7591 §2.1",
    isPresence: true,
    about: ["grant_types", "response_types"],
    check: (metadata) => {
      const used = responses(metadata).flat()
      const granted = grants(metadata)
      return [
        ...finding(
          granted.includes("authorization_code") && !used.includes("code"),
          "the grant type authorization_code needs a response type with code"
        ),
        ...finding(
          granted.includes("implicit") && !used.includes("token") && !used.includes("id_token"),
          "the grant type implicit needs a response type with token or id_token"
        )
      ]
    }
  },
  {
    id: "jwks-or-jwks-uri",
    member: "jwks",
    severity: "error",
    section: "RFC 7591 §2",
    about: ["jwks"],
    check: (metadata) =>
      finding(metadata.jwks !== undefined && metadata.jwks_uri !== undefined, "jwks and jwks_uri exclude each other")
  },
  {
    id: "jwks-uri-https",
    member: "*",
    severity: "error",
    section: `RFC 7591 §2, ${oidc}`,
    about: ["jwks_uri", "signed_jwks_uri"],
    check: (metadata) =>
      (["jwks_uri", "signed_jwks_uri"] as const).flatMap((member) => {
        const value = metadata[member]
        return finding(
          value !== undefined && value !== "" && !isHttps(value) && !isLoopbackHttp(value),
          "must be an https URL, or http on loopback",
          member
        )
      })
  },
  {
    id: "jwks-public",
    member: "jwks",
    severity: "error",
    section: "RFC 7591 §2",
    about: ["jwks"],
    check: (metadata) => {
      const message = "is a private or symmetric key: only public keys are registered"
      return [
        ...finding(isPrivateJwk({ ...metadata.jwks }), message),
        ...keys(metadata).flatMap((key, index) => finding(isPrivateJwk(key), message, `jwks.keys[${index}]`))
      ]
    }
  },
  {
    id: "jwks-use",
    member: "jwks",
    severity: "error",
    section: oidc,
    about: ["jwks"],
    check: (metadata) => {
      const uses = new Set(keys(metadata).map((key) => key["use"]))
      return finding(
        uses.has(undefined) && (uses.has("sig") || uses.has("enc")),
        "every key needs its use when keys for signing and for encryption stand together"
      )
    }
  },
  {
    id: "keys-for-authentication",
    member: "jwks",
    severity: "error",
    section: "RFC 7523 §2.2, RFC 8705 §2.2",
    isPresence: true,
    about: ["token_endpoint_auth_method"],
    check: (metadata) =>
      finding(
        !hasKeys(metadata) &&
          ["private_key_jwt", "self_signed_tls_client_auth"].includes(metadata.token_endpoint_auth_method ?? ""),
        "the client authenticates with a key, which needs jwks or jwks_uri"
      )
  },
  {
    id: "keys-for-encryption",
    member: "jwks",
    severity: "error",
    section: oidc,
    isPresence: true,
    about: encryptedToTheClient,
    check: (metadata) =>
      hasKeys(metadata) ?
        [] :
        encryptedToTheClient.flatMap((alg) =>
          finding(isAsymmetric(metadata[alg] ?? ""), `${alg} needs a key of the client: jwks or jwks_uri`)
        )
  },
  {
    id: "tls-client-auth-subject",
    member: "token_endpoint_auth_method",
    severity: "error",
    section: "RFC 8705 §2.1.2",
    isPresence: true,
    about: ["token_endpoint_auth_method"],
    check: (metadata) =>
      finding(
        metadata.token_endpoint_auth_method === "tls_client_auth" &&
          subjects.filter((member) => metadata[member] !== undefined).length !== 1,
        "tls_client_auth needs exactly one tls_client_auth_* member that names the certificate's subject"
      )
  },
  {
    id: "auth-signing-alg-none",
    member: "token_endpoint_auth_signing_alg",
    severity: "error",
    section: oidc,
    about: ["token_endpoint_auth_signing_alg"],
    check: (metadata) =>
      finding(
        metadata.token_endpoint_auth_signing_alg === "none",
        "a client assertion must be signed: none is not allowed"
      )
  },
  {
    id: "auth-signing-alg-method",
    member: "token_endpoint_auth_signing_alg",
    severity: "warning",
    section: oidc,
    about: ["token_endpoint_auth_signing_alg"],
    check: (metadata) =>
      finding(
        metadata.token_endpoint_auth_signing_alg !== undefined &&
          !["private_key_jwt", "client_secret_jwt"].includes(metadata.token_endpoint_auth_method ?? ""),
        "has a meaning with private_key_jwt and client_secret_jwt only"
      )
  },
  {
    id: "id-token-alg-none",
    member: "id_token_signed_response_alg",
    severity: "error",
    section: oidc,
    isPresence: true,
    about: ["id_token_signed_response_alg"],
    check: (metadata) =>
      finding(
        metadata.id_token_signed_response_alg === "none" &&
          responses(metadata).some((words) => words.includes("id_token")),
        "none is allowed only when no ID token comes from the authorization endpoint"
      )
  },
  {
    id: "enc-needs-alg",
    member: "*",
    severity: "error",
    section: oidc,
    isPresence: true,
    about: encryptions.map(([, enc]) => enc),
    check: (metadata) =>
      encryptions.flatMap(([alg, enc]) =>
        finding(metadata[enc] !== undefined && metadata[alg] === undefined, `needs ${alg} beside it`, enc)
      )
  },
  {
    id: "sector-identifier-https",
    member: "sector_identifier_uri",
    severity: "error",
    section: "OpenID Connect Registration §5",
    about: ["sector_identifier_uri"],
    check: ({ sector_identifier_uri }) =>
      finding(sector_identifier_uri !== undefined && !isHttps(sector_identifier_uri), "must be an https URL")
  },
  {
    id: "sector-identifier-required",
    member: "sector_identifier_uri",
    severity: "error",
    section: "OpenID Connect Core §8.1",
    isPresence: true,
    about: ["subject_type"],
    check: (metadata) =>
      finding(
        metadata.subject_type === "pairwise" && metadata.sector_identifier_uri === undefined &&
          new Set((metadata.redirect_uris ?? []).map((uri) => url(uri)?.hostname ?? "").filter(Boolean)).size > 1,
        "is required for pairwise subjects when redirect URIs have several hosts"
      )
  },
  {
    id: "initiate-login-https",
    member: "initiate_login_uri",
    severity: "error",
    section: oidc,
    about: ["initiate_login_uri"],
    check: ({ initiate_login_uri }) =>
      finding(initiate_login_uri !== undefined && !isHttps(initiate_login_uri), "must be an https URL")
  },
  {
    id: "request-uris-https",
    member: "request_uris",
    severity: "error",
    section: oidc,
    isPresence: true,
    about: ["request_uris"],
    check: (metadata) =>
      metadata.request_object_signing_alg === undefined || metadata.request_object_signing_alg === "none"
        ? each(
          metadata,
          "request_uris",
          "must be an https URL unless request objects are signed",
          (uri) => !isHttps(uri)
        )
        : []
  },
  {
    id: "information-uris",
    member: "*",
    severity: "error",
    section: "RFC 7591 §2",
    check: (metadata) =>
      Object.entries(metadata).flatMap(([name, value]) =>
        finding(
          isInformationUri(name) && typeof value === "string" && value !== "" && !isHttp(value),
          "must be an http or https URL",
          name
        )
      )
  },
  {
    id: "logout-uri",
    member: "*",
    severity: "error",
    section: "OpenID Connect Back-Channel Logout §2.2",
    about: ["post_logout_redirect_uris", "backchannel_logout_uri"],
    check: (metadata) => [
      ...each(
        metadata,
        "post_logout_redirect_uris",
        "must be absolute and have no fragment",
        (uri) => uri !== "" && (!isAbsoluteUri(uri) || uri.includes("#"))
      ),
      ...finding(
        metadata.backchannel_logout_uri !== undefined &&
          (!isHttp(metadata.backchannel_logout_uri) || metadata.backchannel_logout_uri.includes("#")),
        "must be absolute and have no fragment",
        "backchannel_logout_uri"
      )
    ]
  },
  {
    id: "frontchannel-logout-origin",
    member: "frontchannel_logout_uri",
    severity: "error",
    section: "OpenID Connect Front-Channel Logout §2",
    isPresence: true,
    about: ["frontchannel_logout_uri"],
    check: ({ frontchannel_logout_uri, redirect_uris }) =>
      finding(
        frontchannel_logout_uri !== undefined &&
          !(isHttp(frontchannel_logout_uri) &&
            (redirect_uris ?? []).some((uri) => url(uri)?.origin === url(frontchannel_logout_uri)?.origin)),
        "must have the scheme, host and port of a redirect URI"
      )
  },
  {
    id: "default-max-age",
    member: "default_max_age",
    severity: "error",
    section: oidc,
    about: ["default_max_age"],
    check: ({ default_max_age }) =>
      finding(
        default_max_age !== undefined && !(Number.isInteger(default_max_age) && default_max_age >= 0),
        "must be a whole number of seconds, 0 or more"
      )
  },
  {
    id: "one-sender-constraint",
    member: "dpop_bound_access_tokens",
    severity: "warning",
    section: "RFC 9449 §5.2, RFC 8705 §3.4",
    about: ["dpop_bound_access_tokens"],
    check: (metadata) =>
      finding(
        metadata.dpop_bound_access_tokens === true && metadata.tls_client_certificate_bound_access_tokens === true,
        "access tokens are bound to a DPoP key or to a certificate, not to both"
      )
  },
  {
    id: "unregistered-name",
    member: "*",
    severity: "warning",
    section: "RFC 7591 §4.1",
    check: (metadata) =>
      Object.keys(metadata).flatMap((name) => {
        if (ClientMetadata.isMember(name) || isLocalized(name)) return noFindings
        if (Object.hasOwn(answerMembers, name)) {
          return [{ member: name, message: "is given by the server and cannot be asked for" }]
        }
        const near = nearestName(name, Object.keys(ClientMetadata.members))
        return [{ member: name, message: `is not a registered name${near === undefined ? "" : `; is ${near} meant?`}` }]
      })
  },
  {
    id: "untagged-beside-localized",
    member: "*",
    severity: "warning",
    section: "RFC 7591 §2.2",
    check: (metadata) =>
      Object.keys(metadata).some(isLocalized)
        ? localizable.flatMap((member) =>
          finding(
            metadata[member] === undefined && Object.keys(metadata).some((name) => name.startsWith(`${member}#`)),
            "an untagged value is to be sent beside the localised ones",
            member
          )
        )
        : noFindings
  }
] as const satisfies ReadonlyArray<MetadataRule>
