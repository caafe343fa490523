/**
 * Where an answer departs from the specifications although it created or described a client.
 *
 * An answer that created a client is never thrown away: what can be repaired is repaired, what cannot is left out, and
 * each departure is named here. A deviation never holds the value of a member.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The ids, in the order in which deviations are listed.
 *
 * @internal
 */
export const deviationIds = [
  /** Another status of success than the specification names. */
  "status",
  /** Another media type than `application/json`. */
  "content-type",
  /** No `Cache-Control: no-store` on an answer with credentials. */
  "cacheable",
  /**
   * The body did not end as it should: the connection broke, its length or its last chunk was wrong, the deadline passed, or
   * the limit on its size was reached. Its text was a whole JSON object all the same, after which nothing can follow but
   * white space, so nothing of the registration is missing. With less than that, the outcome is `OutcomeUnknown`.
   */
  "truncated",
  /** `null`; the member is left out. */
  "null-member",
  /** An empty string; the member is left out. */
  "empty-member",
  /** A number, a boolean or a list written as a string, or the like; repaired. */
  "repaired-member",
  /** A value that cannot be read, or is nested too deeply; the member is left out. */
  "malformed-member",
  /** A secret of the exchange in a member that is not the secret's own; the member is left out. */
  "repeated-secret",
  /** A time in milliseconds; turned into seconds. */
  "milliseconds",
  /** A secret without `client_secret_expires_at`. */
  "missing-secret-expiry",
  /** A secret that has expired already. */
  "expired-secret",
  /** A `registration_client_uri` that is not fully qualified; resolved against the endpoint. */
  "relative-registration-client-uri",
  /** A `registration_access_token` without `registration_client_uri`. */
  "missing-registration-client-uri",
  /** A `registration_client_uri` without `registration_access_token`. */
  "missing-registration-access-token",
  /** The client has to authenticate with a secret, and none came. */
  "missing-secret",
  /** A secret for a client that authenticates without one. */
  "needless-secret",
  /** A redirect URI that was asked for is not registered. */
  "dropped-redirect-uri",
  /** The software statement did not come back as it was sent. */
  "changed-software-statement"
] as const

/**
 * The ids, in the order in which deviations are listed.
 *
 * @since 0.1.0
 * @category schemas
 */
export const DeviationId = Schema.Literals(deviationIds)

/**
 * @since 0.1.0
 * @category models
 */
export type DeviationId = typeof DeviationId.Type

/**
 * One departure from the specifications.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Deviation = Schema.Struct({
  id: DeviationId,
  /** The member it is about, if it is about one. */
  member: Schema.optionalKey(Schema.String),
  /** What the server should have done: `RFC 7591 §3.2.1`. */
  section: Schema.String,
  /** One sentence for a person, without any value. */
  message: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export type Deviation = typeof Deviation.Type
