/**
 * Why something failed: one schema for every decision that a caller can take.
 *
 * @internal
 */
import * as Schema from "effect/Schema"
import { Violation } from "../Violation.ts"

// -----------------------------------------------------------------------------
// models: the parts that several reasons share
// -----------------------------------------------------------------------------

/**
 * One challenge of a `WWW-Authenticate` header (RFC 9110 §11.6.1), such as `Bearer` (RFC 6750 §3) or `DPoP`
 * (RFC 9449 §7.1). `scheme` keeps the server's spelling, parameter names are in lower case.
 *
 * @since 0.1.0
 * @category models
 */
export const Challenge = Schema.Struct({
  scheme: Schema.String,
  token68: Schema.optional(Schema.String),
  parameters: Schema.Record(Schema.String, Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Challenge = typeof Challenge.Type

/**
 * One attempt of a discovery: the URL that was tried and why it was not the answer.
 *
 * @since 0.1.0
 * @category models
 */
export const DiscoveryAttempt = Schema.Struct({
  url: Schema.String,
  status: Schema.optional(Schema.Int),
  problem: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export type DiscoveryAttempt = typeof DiscoveryAttempt.Type

/** What a server says in an OAuth error object (RFC 7591 §3.2.2, RFC 6749 §5.2): cleaned, shortened, without secrets. */
const serverSays = {
  status: Schema.Int,
  error_description: Schema.optional(Schema.String),
  error_uri: Schema.optional(Schema.String)
}

/** How long the server asked to wait, as a `Duration`; milliseconds in the encoded form. */
const retryAfter = Schema.optional(Schema.DurationFromMillis)

// -----------------------------------------------------------------------------
// reasons: refused here, nothing was sent
// -----------------------------------------------------------------------------

/**
 * The metadata breaks rules of the specifications. Nothing was sent. All violations are listed, and with them the warnings,
 * which often say why: a misspelt name beside the member that is missing.
 *
 * @since 0.1.0
 * @category reasons
 */
export const InvalidMetadata = Schema.TaggedStruct("InvalidMetadata", {
  violations: Schema.Array(Violation)
})

/**
 * An option of the call cannot be honoured: an `authorization` header among the extra headers, a token of the scheme
 * `DPoP` without a signer, a header that HTTP does not allow. Nothing was sent.
 *
 * @since 0.1.0
 * @category reasons
 */
export const InvalidOptions = Schema.TaggedStruct("InvalidOptions", {
  option: Schema.String,
  message: Schema.String
})

/**
 * The URL may not be contacted: it is not https (RFC 7591 §5), or the `EndpointPolicy` refuses it. Nothing was sent.
 *
 * @since 0.1.0
 * @category reasons
 */
export const EndpointRefused = Schema.TaggedStruct("EndpointRefused", {
  /** Which URL it is: `issuer`, `registration_endpoint`, ... */
  role: Schema.String,
  /** The URL without user information, query and fragment. */
  url: Schema.String,
  /** `InsecureScheme` for plain http, `PrivateAddress` and the others for what a policy refuses. */
  rule: Schema.Literals(["InvalidUrl", "InsecureScheme", "UserInformation", "PrivateAddress", "Custom"]),
  message: Schema.String
})

/**
 * The server does not offer what was asked: it has no `registration_endpoint`, or no management URI (RFC 7592).
 *
 * @since 0.1.0
 * @category reasons
 */
export const Unsupported = Schema.TaggedStruct("Unsupported", {
  /** The missing member of the server's metadata or of the registration. */
  feature: Schema.String,
  message: Schema.String
})

/**
 * No DPoP proof could be made: the key cannot sign, or WebCrypto is not there (RFC 9449 §4). Nothing was sent.
 *
 * @since 0.1.0
 * @category reasons
 */
export const ProofFailed = Schema.TaggedStruct("ProofFailed", {
  message: Schema.String
})

// -----------------------------------------------------------------------------
// reasons: the exchange
// -----------------------------------------------------------------------------

/**
 * None of the well-known URLs gave the server's metadata (RFC 8414 §3, OpenID Connect Discovery 1.0 §4). Every attempt
 * is listed.
 *
 * @since 0.1.0
 * @category reasons
 */
export const DiscoveryFailed = Schema.TaggedStruct("DiscoveryFailed", {
  issuer: Schema.String,
  attempts: Schema.Array(DiscoveryAttempt),
  retryAfter
})

/**
 * The connection failed and the request is known not to have been processed (`sent: false`), or it had no effect that
 * matters (`sent: true`, a read). Sending it again is safe.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Transport = Schema.TaggedStruct("Transport", {
  sent: Schema.Boolean,
  /** What failed, in words: `connection refused`, `host name not found`, ... */
  message: Schema.String
})

/**
 * Whether the server processed the request is not known: the connection broke after it was sent, the deadline passed,
 * or the answer of a success broke off before its JSON was whole. **Sending it again may create a second client.**
 *
 * **Details**
 *
 * Of an answer that broke off in the middle of its JSON nothing is kept, no `client_id` either: the secrets that did not
 * arrive cannot be had again but with a token that may be half of one. An answer whose JSON was whole is no failure, but a
 * client with the deviation `truncated`.
 *
 * @since 0.1.0
 * @category reasons
 */
export const OutcomeUnknown = Schema.TaggedStruct("OutcomeUnknown", {
  why: Schema.Literals([
    "ConnectionLost",
    "Deadline",
    "UnreadableBody",
    "TooLarge",
    "RepeatedSend",
    "Backoff"
  ]),
  message: Schema.String,
  /** The status, when one arrived. */
  status: Schema.optional(Schema.Int),
  /** When the next registration is made at the earliest, for the reason `Backoff` of a `Registrar`. */
  retryAfter
})

/**
 * The server answered with a redirect. Redirects are refused, on every transport: following one would hand the
 * metadata and the initial access token to another place.
 *
 * @since 0.1.0
 * @category reasons
 */
export const RedirectRefused = Schema.TaggedStruct("RedirectRefused", {
  status: Schema.optional(Schema.Int),
  /** Where it pointed, without user information, query and fragment. */
  location: Schema.optional(Schema.String)
})

/**
 * Too many requests (429, or 503 with `Retry-After`). The request was not processed.
 *
 * @since 0.1.0
 * @category reasons
 */
export const RateLimited = Schema.TaggedStruct("RateLimited", {
  ...serverSays,
  retryAfter
})

/**
 * The server demanded a DPoP nonce again after a fresh one was used, demanded one without giving any, or demanded one of
 * a caller who makes their own proofs (RFC 9449 §8, §9).
 *
 * @since 0.1.0
 * @category reasons
 */
export const NonceExhausted = Schema.TaggedStruct("NonceExhausted", {
  ...serverSays,
  /** The nonce that came with the last demand, for callers who make their own proofs. A nonce is not a secret. */
  nonce: Schema.optional(Schema.String)
})

// -----------------------------------------------------------------------------
// reasons: what the server answered
// -----------------------------------------------------------------------------

/**
 * `invalid_redirect_uri` (RFC 7591 §3.2.2): the value of one or more redirection URIs is refused.
 *
 * @since 0.1.0
 * @category reasons
 */
export const InvalidRedirectUri = Schema.TaggedStruct("InvalidRedirectUri", serverSays)

/**
 * `invalid_client_metadata` (RFC 7591 §3.2.2): the value of a metadata member is refused.
 *
 * @since 0.1.0
 * @category reasons
 */
export const InvalidClientMetadata = Schema.TaggedStruct("InvalidClientMetadata", serverSays)

/**
 * `invalid_software_statement` (RFC 7591 §3.2.2): the software statement is invalid.
 *
 * @since 0.1.0
 * @category reasons
 */
export const InvalidSoftwareStatement = Schema.TaggedStruct("InvalidSoftwareStatement", serverSays)

/**
 * `unapproved_software_statement` (RFC 7591 §3.2.2): the software statement is not approved for this server.
 *
 * @since 0.1.0
 * @category reasons
 */
export const UnapprovedSoftwareStatement = Schema.TaggedStruct("UnapprovedSoftwareStatement", serverSays)

/**
 * Any other OAuth error code that the server answered with.
 *
 * @since 0.1.0
 * @category reasons
 */
export const OAuthError = Schema.TaggedStruct("OAuthError", {
  ...serverSays,
  error: Schema.String
})

/**
 * The server wants a token, or another one: 401 or 403, with its challenges (RFC 9110 §11.6.1, RFC 6750 §3,
 * RFC 9449 §7.1), of which there may be none.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Unauthorized = Schema.TaggedStruct("Unauthorized", {
  ...serverSays,
  error: Schema.optional(Schema.String),
  challenges: Schema.Array(Challenge),
  /** The option with which the call brings the token that the server wants, when it brought none. */
  missing: Schema.optional(Schema.Literal("initialAccessToken"))
})

/**
 * A status that says neither success nor an OAuth error.
 *
 * @since 0.1.0
 * @category reasons
 */
export const UnexpectedStatus = Schema.TaggedStruct("UnexpectedStatus", {
  status: Schema.Int,
  /** A short, cleaned, single-line excerpt of a text body. Never HTML. */
  excerpt: Schema.optional(Schema.String),
  retryAfter
})

/**
 * The server answered with success, but what it sent cannot be used: it is not a JSON object, it has no `client_id`, or
 * it names another client than the one that was asked for. After a registration, a client may exist there.
 *
 * @since 0.1.0
 * @category reasons
 */
export const UnusableAnswer = Schema.TaggedStruct("UnusableAnswer", {
  status: Schema.Int,
  problem: Schema.Literals(["Empty", "NotJson", "NotAnObject", "MissingClientId", "OtherClient"]),
  message: Schema.String
})

/**
 * The registration succeeded, but the answer departs from the specifications and the caller asked for
 * `deviations: "fail"`. The live registration is in {@link RegistrationError.registered}.
 *
 * @since 0.1.0
 * @category reasons
 */
export const DeviationsRefused = Schema.TaggedStruct("DeviationsRefused", {
  /** The ids of the deviations, in their stable order. */
  deviations: Schema.Array(Schema.String)
})

/**
 * The store of registrations failed. What the server granted before that is in {@link RegistrationError.registered}, if
 * there is anything.
 *
 * @since 0.1.0
 * @category reasons
 */
export const StoreFailed = Schema.TaggedStruct("StoreFailed", {
  operation: Schema.Literals(["load", "save", "remove", "list", "lease"]),
  problem: Schema.Literals([
    /** The store does not answer. */
    "Unavailable",
    /** There is no room left. */
    "Full",
    /** The store may be read, but not written. */
    "ReadOnly",
    /** The entry is not one of this SDK's. It was set aside, not deleted, where the store can do that. */
    "Corrupted",
    /** The entry was written by a newer version of this SDK. */
    "NewerFormat",
    /** The entry cannot be decrypted with the keys at hand. */
    "Undecryptable",
    /** Somebody else wrote the entry in the meantime. */
    "Conflict",
    /** The lease expired, or somebody else holds a newer one. */
    "LeaseLost"
  ]),
  message: Schema.String
})

/**
 * Why a registration, or a step on the way to one, failed.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Reason = Schema.Union([
  InvalidMetadata,
  InvalidOptions,
  EndpointRefused,
  Unsupported,
  ProofFailed,
  DiscoveryFailed,
  Transport,
  OutcomeUnknown,
  RedirectRefused,
  RateLimited,
  NonceExhausted,
  InvalidRedirectUri,
  InvalidClientMetadata,
  InvalidSoftwareStatement,
  UnapprovedSoftwareStatement,
  OAuthError,
  Unauthorized,
  UnexpectedStatus,
  UnusableAnswer,
  DeviationsRefused,
  StoreFailed
])

/**
 * @since 0.1.0
 * @category reasons
 */
export type Reason = typeof Reason.Type

/**
 * The reason of a given tag: `ReasonOf<"RateLimited">`.
 *
 * @since 0.1.0
 * @category reasons
 */
export type ReasonOf<Tag extends Reason["_tag"]> = Extract<Reason, { readonly _tag: Tag }>
