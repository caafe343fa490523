/** The rules of the specifications that a client has to follow or may rely on, what this SDK does about each, and its test. */

export interface ProtocolRule {
  readonly id: string
  readonly section: string
  readonly rule: string
  readonly does: string
  /** A file under `test/`, and words of the title of the test in it. */
  readonly test: readonly [file: string, title: string]
}

const rule = (
  id: string,
  section: string,
  rule: string,
  does: string,
  file: string,
  title: string
): ProtocolRule => ({ id, section, rule, does, test: [file, title] })

export const protocolRules: ReadonlyArray<ProtocolRule> = [
  // Registration
  rule(
    "tls-only",
    "RFC 7591 §5",
    "The registration endpoint is reached over TLS only.",
    "Refuses plain http before anything is sent, but on loopback and by a loudly named switch.",
    "core/internal/exchange.test.ts",
    "refuses ${JSON.stringify(url)} before anything is sent"
  ),
  rule(
    "extension-members",
    "RFC 7591 §2",
    "Other members are legal; a server ignores what it does not understand.",
    "Takes them with `withExtensions`, sends them, and gives back those of the answer by name.",
    "support/misbehaviours.ts",
    "unknown-members-kept"
  ),
  rule(
    "redirect-uris-for-redirect-flows",
    "RFC 7591 §2",
    "Clients of redirect flows must register redirect URIs.",
    "Rule `redirect-uris-required`.",
    "core/MetadataRule.test.ts",
    "redirect-uris-required"
  ),
  rule(
    "defaults-of-the-server",
    "RFC 7591 §2",
    "Members that are left out get the server's defaults.",
    "Sends only what was said or filled in; what the server added is in `differences`.",
    "interop/registration.test.ts",
    "what was asked, granted and filled in"
  ),
  rule(
    "scope-is-one-string",
    "RFC 7591 §2",
    "`scope` is one space-separated string, `contacts` a list of strings.",
    "Types and the rule `member-type`; compared as a set.",
    "core/Differences.test.ts",
    "scope"
  ),
  rule(
    "keys-are-public",
    "RFC 7591 §2",
    "`jwks` and `jwks_uri` exclude each other; keys are public only.",
    "Rules `jwks-or-jwks-uri` and `jwks-public`.",
    "core/MetadataRule.test.ts",
    "jwks-public"
  ),
  rule(
    "software-identity",
    "RFC 7591 §2",
    "`software_id` is the same for all instances and versions, `software_version` changes.",
    "Identifies a software statement by the two, so that a new signature is no other request.",
    "core/internal/fingerprint.test.ts",
    "a statement that was signed anew about the same software"
  ),
  rule(
    "grant-and-response-types-agree",
    "RFC 7591 §2.1",
    "Grant types and response types must agree; the order of words in a response type is free.",
    "Rules in both directions; `response_types: []` is filled in without a redirect grant.",
    "core/MetadataRule.test.ts",
    "response-types-for-grant-types"
  ),
  rule(
    "localised-members",
    "RFC 7591 §2.2",
    "Human-readable members may carry a language tag, compared case-insensitively.",
    "Types them, sends them, compares tags without case, warns without an untagged value.",
    "core/MetadataRule.test.ts",
    "untagged-beside-localized"
  ),
  rule(
    "software-statement-wins",
    "RFC 7591 §2.3, §3.1.1",
    "A software statement is sent as it is, and its values win over plain members.",
    "Fills nothing in beside one; rules about presence and consistency are warnings.",
    "core/MetadataRule.test.ts",
    "inStatement"
  ),
  rule(
    "incomplete-answers",
    "RFC 9112 §8",
    "An answer that breaks off, or never ends, is incomplete.",
    "Reads it all the same when its text is a whole JSON object (deviation `truncated`); else `OutcomeUnknown`.",
    "interop/truncated.test.ts",
    "is the registration that it was going to be"
  ),
  rule(
    "software-statement-unmodified",
    "RFC 7591 §3.2.1",
    "The server returns the software statement unmodified.",
    "Deviation `changed-software-statement`.",
    "core/internal/readRegistration.test.ts",
    "a software statement that did not come back as it was sent"
  ),
  rule(
    "post-json",
    "RFC 7591 §3.1",
    "A registration is a POST of JSON.",
    "Sends just that, with `accept` and `content-type` of JSON.",
    "interop/parity.test.ts",
    "request: POST to the endpoint, JSON asked and sent"
  ),
  rule(
    "initial-access-token",
    "RFC 7591 §3",
    "The endpoint may take an initial access token of any type.",
    "A value or an effect, with an explicit scheme.",
    "interop/registration.test.ts",
    "a fixed token: right, wrong, missing"
  ),
  rule(
    "success-is-201",
    "RFC 7591 §3.2.1",
    "Success is 201, JSON, not to be stored by caches.",
    "Any success with a `client_id` registers; the rest are deviations.",
    "support/misbehaviours.ts",
    "status-200"
  ),
  rule(
    "client-id-required",
    "RFC 7591 §3.2.1",
    "`client_id` is required.",
    "The only member without which an answer cannot be used.",
    "core/internal/readRegistration.test.ts",
    "is all that it takes"
  ),
  rule(
    "secret-expiry",
    "RFC 7591 §3.2.1",
    "`client_secret_expires_at` is required beside a secret, in seconds, 0 for never.",
    "Deviations for a missing one, one in milliseconds and one in the past.",
    "core/internal/readRegistration.test.ts",
    "a secret without expiry, or with one that has passed"
  ),
  rule(
    "server-may-replace",
    "RFC 7591 §3.2.1",
    "A server may replace or reject values; a client checks whether the result is sufficient.",
    "`differences`: added, replaced, dropped, or assumed when nothing was echoed.",
    "core/Differences.test.ts",
    "assumed"
  ),
  rule(
    "registration-errors",
    "RFC 7591 §3.2.2",
    "Errors are 400 with JSON; four codes are defined, others are allowed.",
    "A reason for each of the four, `OAuthError` for others.",
    "interop/registration.test.ts",
    "each error code of RFC 7591 §3.2.2 is its own reason"
  ),
  rule(
    "token-errors",
    "RFC 6750 §3",
    "Errors about the token are 401 or 403 with `WWW-Authenticate`.",
    "`Unauthorized` with every challenge.",
    "interop/parity.test.ts",
    "WWWAuthenticateChallengeError: the challenges"
  ),
  // Management
  rule(
    "uri-and-token-together",
    "RFC 7592 §3",
    "The management URI and its token come together, the URI fully qualified.",
    "Deviations for one without the other, and for a relative URI, which is resolved.",
    "core/internal/readRegistration.test.ts",
    "a token without a URI, and the other way round"
  ),
  rule(
    "uri-never-built",
    "RFC 7592 §3",
    "A client never builds the URI itself.",
    "Uses the URI to the letter; without one, management is `Unsupported`.",
    "core/internal/readRegistration.test.ts",
    "a qualified one stays as it is, to the letter"
  ),
  rule(
    "read",
    "RFC 7592 §2.1",
    "GET gives 200; a client that is gone 401.",
    "`ClientConfiguration.read`; a 401 is `Unauthorized`, and discards nothing.",
    "core/ClientConfiguration.test.ts",
    "a 401 is Unauthorized, and the registration at hand stays as it is"
  ),
  rule(
    "update-replaces-everything",
    "RFC 7592 §2.2",
    "PUT carries all metadata as the server returned it, `client_id`, and none of the members that the server sets.",
    "`ClientConfiguration.update` reads first and sends it all back.",
    "core/ClientConfiguration.test.ts",
    "sends everything back as the server returned it"
  ),
  rule(
    "rotation-voids-the-old",
    "RFC 7592 §2.1, §2.2",
    "A new secret or token makes the old one void at once.",
    "Replaced in one step; a registrar makes it durable before anything else.",
    "core/ClientConfiguration.test.ts",
    "of token and secret replaces the old ones in one step, from a read too"
  ),
  rule(
    "other-client-refused",
    "RFC 7592 §2.1",
    "The answer is about the client that was asked for.",
    "`UnusableAnswer`, `OtherClient`; nothing of it is kept.",
    "support/misbehaviours.ts",
    "other-client-id"
  ),
  rule(
    "delete",
    "RFC 7592 §2.3",
    "DELETE gives 204; some answer 200; unsupported is 405.",
    "`ClientConfiguration.remove`; after an unknown outcome a 401 is success.",
    "support/misbehaviours.ts",
    "delete-unsupported"
  ),
  rule(
    "token-to-its-own-uri",
    "RFC 7592 §1",
    "A token is for its own client alone.",
    "Sent to its own URI and nowhere else, never across a redirect.",
    "core/ClientConfiguration.test.ts",
    "follows no redirect with the token"
  ),
  // OpenID Connect
  rule(
    "application-type",
    "OpenID Connect Registration §2",
    "`web` by default; native clients use custom schemes or http on loopback.",
    "Fills in `native` for such redirect URIs when the caller did not say; rules for the rest.",
    "interop/registration.test.ts",
    "a custom scheme makes it native"
  ),
  rule(
    "sector-identifier",
    "OpenID Connect Registration §5",
    "`sector_identifier_uri` is https, and needed for pairwise subjects with several hosts.",
    "Rules `sector-identifier-https` and `sector-identifier-required`.",
    "core/MetadataRule.test.ts",
    "sector-identifier-required"
  ),
  rule(
    "key-use",
    "OpenID Connect Registration §2",
    "`use` is required when keys for signing and encryption stand together.",
    "Rule `jwks-use`.",
    "core/MetadataRule.test.ts",
    "jwks-use"
  ),
  rule(
    "encryption-pairs",
    "OpenID Connect Registration §2",
    "An `_enc` only with its `_alg`; algorithms fit their use.",
    "Rules `enc-needs-alg`, `auth-signing-alg-none`, `auth-signing-alg-method`, `id-token-alg-none`.",
    "core/MetadataRule.test.ts",
    "enc-needs-alg"
  ),
  rule(
    "login-request-logout-uris",
    "OpenID Connect Registration §2, Logout",
    "`initiate_login_uri` and `request_uris` are https; logout URIs fit their specifications.",
    "Rules `initiate-login-https`, `request-uris-https`, `logout-uri`, `frontchannel-logout-origin`.",
    "core/MetadataRule.test.ts",
    "frontchannel-logout-origin"
  ),
  // DPoP
  rule(
    "proof",
    "RFC 9449 §4.2",
    "A proof has `typ`, an asymmetric `alg`, the public `jwk`, and `jti`, `htm`, `htu`, `iat`, with a token `ath`.",
    "`DpopSigner`, verified by `jose`, `oidc-provider` and `oauth4webapi`.",
    "core/DpopSigner.test.ts",
    "are those of RFC 9449 §4.2, without ath and nonce where there is no token and no nonce"
  ),
  rule(
    "scheme-of-the-token",
    "RFC 9449 §7.1",
    "A DPoP-bound token has the scheme `DPoP`; a Bearer token must not be relabelled.",
    "The caller says the type; a proof may stand beside either.",
    "interop/registration.test.ts",
    "a proof beside a Bearer token succeeds; a token relabelled DPoP does not"
  ),
  rule(
    "nonce-demand",
    "RFC 9449 §8, §9",
    "A nonce is demanded by 400 `use_dpop_nonce`, or by a 401 challenge among others.",
    "Both forms are answered once, with a new proof.",
    "core/internal/nonceDemand.test.ts",
    "is told by the challenge of a resource (RFC 9449 §9), wherever it stands"
  ),
  rule(
    "nonce-with-any-answer",
    "RFC 9449 §8.2",
    "A new nonce may come with any answer, and belongs to one server.",
    "Learned from every answer, per origin, in a bounded cache.",
    "core/internal/exchange.test.ts",
    "one that comes with a success is used next time, for that origin only"
  ),
  rule(
    "no-nonce-loop",
    "RFC 9449 §8",
    "A retry takes a new proof; never a loop.",
    "Once, and only with a nonce that is new; then `NonceExhausted`.",
    "core/internal/exchange.test.ts",
    "demanded again after a fresh one was used: no third attempt"
  ),
  // Discovery
  rule(
    "well-known-order",
    "RFC 8414 §3.1",
    "The well-known part goes between host and path; OpenID appends it.",
    "OAuth inserted, OpenID inserted, OpenID appended, without duplicates; the error lists every attempt.",
    "core/AuthorizationServer.test.ts",
    "tries three URLs for an issuer with a path, in the order of the specifications"
  ),
  rule(
    "issuer-identical",
    "RFC 8414 §3.3",
    "`issuer` must be identical to the one asked.",
    "The very string; an option forgives exactly one trailing slash.",
    "core/AuthorizationServer.test.ts",
    "of the answer must be the very string that was asked"
  ),
  rule(
    "mtls-aliases",
    "RFC 8705 §5",
    "Clients with certificates use the mTLS alias of the endpoint.",
    "By the option or the member `use_mtls_endpoint_aliases`.",
    "core/AuthorizationServer.test.ts",
    "is the conventional one, or the alias for mTLS clients where there is one"
  ),
  rule(
    "protected-resource",
    "RFC 9728 §3",
    "A resource names its authorization servers; `resource` must be identical to the one asked.",
    "`AuthorizationServer.fromProtectedResource`.",
    "core/AuthorizationServer.test.ts",
    "refuses the metadata of another resource"
  )
]
