/**
 * The rules of the specifications that a client can check before it asks, as data.
 *
 * A rule of severity `error` stops the request before anything is sent; a `warning` does not. Under a software statement,
 * whose values win over the plain members (RFC 7591 §3.1.1), presence and consistency are the statement's matter: those
 * rules are warnings then.
 *
 * @see RFC 7591 §2, OpenID Connect Dynamic Client Registration 1.0 §2
 * @since 0.1.0
 */
import type { AuthorizationServer } from "./AuthorizationServer.ts"
import type { ClientMetadata } from "./ClientMetadata.ts"
import { typedMembers, violationsOf } from "./internal/judgeMetadata.ts"
import * as internal from "./internal/metadataRules.ts"
import type { MetadataRule } from "./internal/metadataRules.ts"
import { isObject } from "./internal/selectMembers.ts"
import type { supportedByServerId } from "./internal/supportedByServer.ts"
import type { Violation } from "./Violation.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

export type {
  /**
   * What a rule finds.
   *
   * @since 0.1.0
   * @category models
   */
  Finding,
  /**
   * A rule.
   *
   * @since 0.1.0
   * @category models
   */
  MetadataRule
} from "./internal/metadataRules.ts"

/**
 * The id of a rule of this module.
 *
 * @since 0.1.0
 * @category models
 */
export type RuleId = (typeof internal.rules)[number]["id"] | typeof supportedByServerId

/**
 * How metadata is judged.
 *
 * @since 0.1.0
 * @category options
 */
export interface ValidateOptions {
  /** The server that will be asked: what it does not say that it supports is a warning. Default: none. */
  readonly server?: AuthorizationServer | undefined
  /** More rules, such as those of a `MetadataPreset`. Default: none. */
  readonly rules?: ReadonlyArray<MetadataRule> | undefined
  /** Rules that are not applied. Default: none. */
  readonly rulesOff?: ReadonlyArray<RuleId | (string & {})> | undefined
  /** Whether a warning counts as an error. Default: `false`. */
  readonly failOnWarnings?: boolean | undefined
}

// -----------------------------------------------------------------------------
// rules
// -----------------------------------------------------------------------------

/**
 * Every rule, in the order in which violations are listed.
 *
 * @since 0.1.0
 * @category rules
 */
export const rules: ReadonlyArray<MetadataRule & { readonly id: RuleId }> = internal.rules

// -----------------------------------------------------------------------------
// validation
// -----------------------------------------------------------------------------

/**
 * Checks metadata by every rule, and returns all violations at once, warnings included.
 *
 * @since 0.1.0
 * @category validation
 */
export const validate = (metadata: ClientMetadata, options: ValidateOptions = {}): ReadonlyArray<Violation> => {
  if (!isObject(metadata)) return [internal.notAnObject]
  return validateTyped(metadata, typedMembers(metadata), options)
}

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

/**
 * Checks an object of which it is known which members have their type.
 *
 * @internal
 */
export const validateTyped = (
  metadata: ClientMetadata,
  typed: ClientMetadata,
  options: ValidateOptions
): ReadonlyArray<Violation> => {
  const all: ReadonlyArray<MetadataRule> = options.rules === undefined ? rules : [...rules, ...options.rules]
  const { rulesOff, failOnWarnings } = options
  const violations = violationsOf(metadata, typed, all, options.server)
  if (rulesOff === undefined && failOnWarnings !== true) return violations
  return violations
    .filter((violation) => rulesOff?.includes(violation.rule) !== true)
    .map((violation) => failOnWarnings === true ? { ...violation, severity: "error" } : violation)
}
