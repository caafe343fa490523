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
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { describeReason } from "./internal/describeReason.ts"
import { Reason } from "./internal/reasons.ts"
import { shorten } from "./internal/serverText.ts"
import type { RegisteredClient } from "./RegisteredClient.ts"

// -----------------------------------------------------------------------------
// reasons
// -----------------------------------------------------------------------------

export * from "./internal/reasons.ts"

// -----------------------------------------------------------------------------
// errors
// -----------------------------------------------------------------------------

/** By its mark, not by its class: an error must not load what a registration is made of. */
const isRegisteredClient = (u: unknown): u is RegisteredClient =>
  Predicate.hasProperty(u, "~@effect-dcr/core/RegisteredClient")

/** What an error is made of. */
interface Properties {
  /** Why it failed. */
  readonly reason: Reason
  /** The method of the request that was in play. */
  readonly method?: string
  /** The URL of that request, without user information, query and fragment. */
  readonly url?: string
  /** The issuer of the server at which a client exists. */
  readonly issuer?: string
  /** The identifier of the client that exists there. */
  readonly clientId?: string
  /** The live registration of that client. */
  readonly registered?: RegisteredClient
  /** What happened below. */
  readonly cause?: unknown
}

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
export class RegistrationError extends Data.TaggedError("RegistrationError")<Properties> {
  constructor(properties: Properties) {
    super(properties)
    if (properties.registered !== undefined && !isRegisteredClient(properties.registered)) {
      throw new TypeError("registered is no RegisteredClient")
    }
  }

  override get name(): string {
    return "@effect-dcr/core/RegistrationError"
  }

  override get message(): string {
    const place = this.method !== undefined && this.url !== undefined ? ` (${this.method} ${shorten(this.url)})` : ""
    const warning = place !== "" && this.method === "POST" && this.reason._tag === "OutcomeUnknown" &&
        ["ConnectionLost", "Deadline"].includes(this.reason.why)
      ? "; sending it again may create a second client"
      : ""
    return describeReason(this.reason) + warning + place
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
    return registered(this, client)
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
// schemas
// -----------------------------------------------------------------------------

/** What is said of an error outside of the process in which it happened. */
const Told = Schema.TaggedStruct("RegistrationError", {
  reason: Reason,
  method: Schema.optionalKey(Schema.String),
  url: Schema.optionalKey(Schema.String),
  issuer: Schema.optionalKey(Schema.String),
  clientId: Schema.optionalKey(Schema.String)
})

/**
 * The error on its way to another process, by RPC or HTTP.
 *
 * **When to use**
 *
 * Use as the error schema of an RPC or an HTTP endpoint: `Rpc.make("register", { error: RegistrationErrorSchema })`.
 *
 * **Details**
 *
 * The live `cause` and the live {@link RegistrationError.registered} are left out.
 *
 * **Gotchas**
 *
 * It stands apart from the class, so that a page that only registers a client need not load what schemas are made of.
 *
 * @since 0.1.0
 * @category schemas
 */
export const RegistrationErrorSchema = Told.pipe(
  Schema.decodeTo(Schema.instanceOf(RegistrationError), {
    decode: SchemaGetter.transform(({ _tag, ...told }) => new RegistrationError(told)),
    encode: SchemaGetter.transform(({ clientId, issuer, method, reason, url }) => ({
      _tag: "RegistrationError" as const,
      reason,
      ...(method === undefined ? undefined : { method }),
      ...(url === undefined ? undefined : { url }),
      ...(issuer === undefined ? undefined : { issuer }),
      ...(clientId === undefined ? undefined : { clientId })
    }))
  })
)

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

// Not in the class: a bundler gives another name to a class that speaks of itself, and programs log the names of classes.
const registered = ({ cause, method, reason, url }: RegistrationError, client: RegisteredClient): RegistrationError =>
  new RegistrationError({
    reason,
    ...(method === undefined ? undefined : { method }),
    ...(url === undefined ? undefined : { url }),
    ...(cause === undefined ? undefined : { cause }),
    issuer: client.issuer,
    clientId: client.information.client_id,
    registered: client
  })
