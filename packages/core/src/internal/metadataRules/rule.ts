/**
 * What a rule of the metadata is, and what rules are made of.
 *
 * @internal
 */
import type { ClientMetadata } from "../../ClientMetadata.ts"
import type { Violation } from "../../Violation.ts"

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
  readonly about?: ReadonlyArray<keyof ClientMetadata>
  /** `typed` are the members that have the type they should have. */
  readonly check: (
    metadata: ClientMetadata,
    typed: ClientMetadata
  ) => ReadonlyArray<Finding>
}

export const noFindings: ReadonlyArray<Finding> = []

/** One finding, if there is anything to find. */
export const finding = (broken: boolean, message: string, member?: string): ReadonlyArray<Finding> =>
  broken ? [{ message, member }] : noFindings

/** A finding for each URI of a list that is broken. Most are in order, and cost nothing but the question. */
export const each = (
  metadata: ClientMetadata,
  member: "redirect_uris" | "request_uris" | "post_logout_redirect_uris" | "claims_redirect_uris",
  message: string,
  isBroken: (value: string) => boolean
): ReadonlyArray<Finding> => {
  const found: Array<Finding> = []
  metadata[member]?.forEach((value, index) => {
    if (isBroken(value)) found.push({ message, member: `${member}[${index}]` })
  })
  return found
}

/** What is found in the members that are there, whatever they are called. */
export const ofMembers = (
  metadata: ClientMetadata,
  find: (name: string, value: unknown) => ReadonlyArray<Finding>
): ReadonlyArray<Finding> => {
  const values: ReadonlyArray<unknown> = Object.values(metadata)
  const found: Array<Finding> = []
  // Names and values apart: a pair for each of them would cost more than most of what is asked.
  Object.keys(metadata).forEach((name, index) => found.push(...find(name, values[index])))
  return found
}

/** Where most of what OpenID Connect says of metadata stands. */
export const openidRegistration = "OpenID Connect Registration §2"
