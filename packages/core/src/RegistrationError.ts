/**
 * The one error of this SDK, with a tagged `reason` for every decision that a caller can take.
 *
 * Each reason is plain data. The RFC 7591 error codes are reasons of their own; everything else that can go wrong
 * between "the metadata breaks a rule" and "the answer cannot be used" has exactly one reason too. An error knows
 * whether sending the same request again is safe ({@link RegistrationError.isSafeToRepeat}) and when
 * ({@link RegistrationError.retryAfter}).
 *
 * **Gotchas**
 *
 * No reason, message or encoded form holds a token, a secret, a private key or an HTML page. The live `cause` of a
 * transport failure and the live registration inside an error stay in the process: they are left out of JSON and of
 * the schema-encoded form.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { cleanServerText, listed, shorten } from "./internal/serverText.ts"
import type { RegisteredClient } from "./RegisteredClient.ts"
import { Violation } from "./Violation.ts"

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

// -----------------------------------------------------------------------------
// errors
// -----------------------------------------------------------------------------

/** By its mark, not by its class: an error must not load what a registration is made of. */
const isRegisteredClient = (u: unknown): u is RegisteredClient =>
  Predicate.hasProperty(u, "~@effect-dcr/core/RegisteredClient")

/** A field that lives in this process only: it is left out when the error is encoded and absent when it is decoded. */
const liveOnly = <A>(schema: Schema.Codec<A, unknown>) =>
  Schema.optionalKey(schema).pipe(
    Schema.encodeTo(Schema.optionalKey(Schema.Never), { decode: SchemaGetter.omit(), encode: SchemaGetter.omit() })
  )

/**
 * The failure of every operation of this SDK.
 *
 * **When to use**
 *
 * Match on the reason: `Effect.catchReason("RegistrationError", "RateLimited", (reason, error) => ...)`.
 *
 * **Details**
 *
 * `method` and `url` (without user information, query and fragment) are there when a request was in play. When a client
 * exists at the server although the operation failed, `clientId` and `issuer` name it, and {@link registered} is the
 * live registration with which it can be deleted (RFC 7592); the encoded error keeps the two names only.
 *
 * @since 0.1.0
 * @category errors
 */
export class RegistrationError extends Schema.TaggedError<RegistrationError>("@effect-dcr/core/RegistrationError")(
  "RegistrationError",
  {
    reason: Reason,
    method: Schema.optionalKey(Schema.String),
    url: Schema.optionalKey(Schema.String),
    issuer: Schema.optionalKey(Schema.String),
    clientId: Schema.optionalKey(Schema.String),
    registered: liveOnly(Schema.declare(isRegisteredClient)),
    cause: liveOnly(Schema.Unknown)
  }
) {
  override get message(): string {
    const place = this.method !== undefined && this.url !== undefined ? ` (${this.method} ${shorten(this.url)})` : ""
    const warning = place !== "" && this.method === "POST" && this.reason._tag === "OutcomeUnknown" &&
        ["ConnectionLost", "Deadline"].includes(this.reason.why)
      ? "; sending it again may create a second client"
      : ""
    return describe(this.reason) + warning + place
  }

  /**
   * Whether the very same request may be sent again without the risk of a second client: it was refused before it was
   * processed, or never left. `false` for everything that needs a change first.
   */
  get isSafeToRepeat(): boolean {
    switch (this.reason._tag) {
      case "Transport":
      case "RateLimited":
        return true
      case "DiscoveryFailed": {
        // It reads only; but what the server said for good it says again. Without a status the connection failed.
        const status = this.reason.attempts.at(-1)?.status ?? 503
        return this.reason.retryAfter !== undefined || status === 429 || status > 499
      }
      default:
        return false
    }
  }

  /**
   * Whether the server may have done what was asked although the operation failed: the outcome is not known, or the answer
   * of a success cannot be used. Sending the request again may then create a second client.
   */
  get mayHaveSucceeded(): boolean {
    switch (this.reason._tag) {
      case "OutcomeUnknown":
      case "UnusableAnswer":
      case "DeviationsRefused":
        return true
      case "UnexpectedStatus":
      case "OAuthError":
        return this.reason.status >= 500
      case "RedirectRefused":
        // A 303 points to what came of a request (RFC 9110 §15.4.4); without a status it was followed, or nobody knows.
        return this.reason.status === undefined || this.reason.status === 303
      default:
        return false
    }
  }

  /**
   * How long to wait before the next attempt, when the server said so (`Retry-After`, RFC 9110 §10.2.3) or a `Registrar`
   * pauses. It is a `Duration`: `Duration.format` makes `1m 30s` of it, `Duration.toSeconds` a number.
   */
  get retryAfter(): Duration.Duration | undefined {
    return "retryAfter" in this.reason ? this.reason.retryAfter : undefined
  }

  /** The same error, with the live registration of a client that exists at the server. */
  withRegistered(client: RegisteredClient): RegistrationError {
    return new RegistrationError({
      reason: this.reason,
      ...(this.method === undefined ? undefined : { method: this.method }),
      ...(this.url === undefined ? undefined : { url: this.url }),
      ...(this.cause === undefined ? undefined : { cause: this.cause }),
      issuer: client.issuer,
      clientId: client.information.client_id,
      registered: client
    })
  }

  override toJSON(): unknown {
    return {
      _tag: this._tag,
      message: this.message,
      reason: this.reason,
      ...(this.method === undefined ? undefined : { method: this.method }),
      ...(this.url === undefined ? undefined : { url: this.url }),
      ...(this.issuer === undefined ? undefined : { issuer: this.issuer }),
      ...(this.clientId === undefined ? undefined : { clientId: this.clientId })
    }
  }
}

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const quoteServer = (text: string | undefined): string => text === undefined ? "" : `: ${text}`

/** A 401 owes a challenge (RFC 9110 §15.5.2). */
const isWithoutWord = ({ challenges, error, status }: ReasonOf<"Unauthorized">): boolean =>
  status === 401 && challenges.length === 0 && error === undefined

const withoutWord = ". It does not say why, or not so that a page may read it: for pages it has to send " +
  "Access-Control-Expose-Headers: WWW-Authenticate, DPoP-Nonce"

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "InvalidMetadata":
      return `The client metadata breaks ${reason.violations.length === 1 ? "a rule" : "rules"}: ${
        // The names of members are the caller's, who may have them from elsewhere.
        listed(
          "; ",
          reason.violations,
          (v) => `${cleanServerText(v.member, []) ?? "(unnamed)"}: ${shorten(v.message)} (${v.section}, ${v.rule})`
        )}`
    case "InvalidOptions":
      return `The option ${reason.option} cannot be honoured: ${reason.message}`
    case "EndpointRefused":
      return `The ${reason.role} ${shorten(reason.url)} is not contacted: ${reason.message}`
    case "Unsupported":
    case "ProofFailed":
    case "Transport":
    case "OutcomeUnknown":
    case "UnusableAnswer":
    case "StoreFailed":
      return reason.message
    case "DiscoveryFailed":
      return `No authorization server metadata found for ${shorten(reason.issuer)}: ${
        listed("; ", reason.attempts, (attempt) => `${shorten(attempt.url)}: ${attempt.problem}`)
      }`
    case "RedirectRefused":
      return `The server answered with a redirect${
        reason.location === undefined ? "" : ` to ${reason.location}`
      }, and redirects are not followed`
    case "RateLimited":
      return `The server limits the rate of requests (status ${reason.status})${quoteServer(reason.error_description)}`
    case "NonceExhausted":
      return `The server demanded a DPoP nonce${
        reason.nonce === undefined
          ? " and gave none, or none that a page may read: for pages it has to send Access-Control-Expose-Headers: DPoP-Nonce"
          : " that the proof did not have"
      }${quoteServer(reason.error_description)}`
    case "InvalidRedirectUri":
      return `The server refused a redirect URI (invalid_redirect_uri)${quoteServer(reason.error_description)}`
    case "InvalidClientMetadata":
      return `The server refused the metadata (invalid_client_metadata)${quoteServer(reason.error_description)}`
    case "InvalidSoftwareStatement":
      return `The server refused the software statement (invalid_software_statement)${
        quoteServer(reason.error_description)
      }`
    case "UnapprovedSoftwareStatement":
      return `The server does not approve the software statement (unapproved_software_statement)${
        quoteServer(reason.error_description)
      }`
    case "OAuthError":
      return `The server answered with the error ${reason.error} (status ${reason.status})${
        quoteServer(reason.error_description)
      }`
    case "Unauthorized":
      return `${
        reason.missing === undefined
          ? "The server did not accept the credentials of this request"
          : `The server wants a token, and none was sent: give one as ${reason.missing}`
      } (status ${reason.status}${reason.error === undefined ? "" : `, ${reason.error}`})${
        quoteServer(reason.error_description)
      }${isWithoutWord(reason) ? withoutWord : ""}`
    case "UnexpectedStatus":
      return `The server answered with status ${reason.status}${quoteServer(reason.excerpt)}`
    case "DeviationsRefused":
      return `The client was registered, but the answer departs from the specifications: ${
        listed(", ", reason.deviations, (id) => id)
      }`
  }
}
