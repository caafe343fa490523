/**
 * Keys and algorithms: what the client proves itself with, what is signed, and what is encrypted to it.
 *
 * @internal
 */
import { hasKeys, isHttps, isLoopbackHttp, isPrivateJwk, keys, responses } from "../metadataFacts.ts"
import { finding, type MetadataRule, openidRegistration } from "./rule.ts"

/** What can be encrypted: each has a member for the key (`_alg`) and one for the content (`_enc`). */
const encryptions = [
  "id_token_encrypted_response",
  "userinfo_encrypted_response",
  "request_object_encryption",
  "introspection_encrypted_response",
  "authorization_encrypted_response",
  "nfv_token_encrypted_response"
] as const

/** Answers that the server encrypts to a key of the client; request objects are encrypted to a key of the server. */
const encryptedToTheClient = encryptions
  .filter((name) => name !== "request_object_encryption")
  .map((name) => `${name}_alg` as const)

const subjects = [
  "tls_client_auth_subject_dn",
  "tls_client_auth_san_dns",
  "tls_client_auth_san_uri",
  "tls_client_auth_san_ip",
  "tls_client_auth_san_email"
] as const

const isAsymmetric = (algorithm: string): boolean => /^(RSA|ECDH)/.test(algorithm)

/** What is asked of keys and algorithms. */
export const keyRules = [
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
    section: `RFC 7591 §2, ${openidRegistration}`,
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
    section: openidRegistration,
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
    section: openidRegistration,
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
    section: openidRegistration,
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
    section: openidRegistration,
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
    section: openidRegistration,
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
    section: openidRegistration,
    isPresence: true,
    about: encryptions.map((name) => `${name}_enc` as const),
    check: (metadata) =>
      encryptions.flatMap((name) =>
        finding(
          metadata[`${name}_enc`] !== undefined && metadata[`${name}_alg`] === undefined,
          `needs ${name}_alg beside it`,
          `${name}_enc`
        )
      )
  }
] as const satisfies ReadonlyArray<MetadataRule>

/** What is asked of access tokens that are bound to a key. */
export const oneSenderConstraint = {
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
} as const satisfies MetadataRule
