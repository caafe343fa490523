/**
 * A rule that client metadata breaks.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * One broken rule of the client metadata: which member, which rule, and where the rule stands.
 *
 * @since 0.1.0
 * @category models
 */
export const Violation = Schema.Struct({
  /** Stable id of the rule, such as `redirect-uris-required`. */
  rule: Schema.String,
  /** The member at fault, with the position inside it where that helps: `redirect_uris[1]`. */
  member: Schema.String,
  /** `error` stops the request before it is sent, `warning` does not. */
  severity: Schema.Literals(["error", "warning"]),
  /** The specification and section that says so: `RFC 7591 §2`. */
  section: Schema.String,
  /** One sentence for a person. Never the value of the member. */
  message: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export type Violation = typeof Violation.Type
