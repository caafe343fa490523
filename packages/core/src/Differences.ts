/**
 * What was asked, compared with what was granted (RFC 7591 §3.2.1: a server may replace or reject values, and the client
 * checks whether what came back is sufficient for use).
 *
 * @since 0.1.0
 */
import * as Equal from "effect/Equal"
import type { ClientInformation } from "./ClientInformation.ts"
import type { ClientMetadata } from "./ClientMetadata.ts"
import { answerGuards } from "./internal/memberGuards.ts"
import { memberKey } from "./internal/selectMembers.ts"
import { isStrings, sortedWords, words } from "./internal/wordLists.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * The members that differ, by name.
 *
 * @since 0.1.0
 * @category models
 */
export interface Differences {
  /** Members that were not asked for and are registered: what the server filled in. */
  readonly added: ReadonlyArray<{ readonly member: string; readonly granted: unknown }>
  /** Members that are registered with another value. */
  readonly replaced: ReadonlyArray<{ readonly member: string; readonly requested: unknown; readonly granted: unknown }>
  /** Members that were asked for and are not registered. */
  readonly dropped: ReadonlyArray<{ readonly member: string; readonly requested: unknown }>
  /**
   * Whether the answer repeats none of the members that were asked for. Then nothing is known of what was registered, and
   * it is assumed to be what was asked.
   */
  readonly assumed: boolean
}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Compares a request with its answer. Lists are compared as sets, but for those whose order has a meaning.
 *
 * @since 0.1.0
 * @category constructors
 */
export const between = (
  requested: ClientMetadata & { readonly [name: string]: unknown },
  granted: ClientInformation & { readonly [name: string]: unknown }
): Differences => {
  const answer = new Map(
    Object.entries(granted)
      .filter(([member, value]) => value !== undefined && !Object.hasOwn(answerGuards, member))
      .map(([member, value]) => [memberKey(member), { member, value }] as const)
  )
  const asked = Object.entries(requested).filter(([, value]) => value !== undefined)
  const assumed = asked.length > 0 && !asked.some(([member]) => answer.has(memberKey(member)))
  const replaced: Array<Differences["replaced"][number]> = []
  const dropped: Array<Differences["dropped"][number]> = []
  for (const [member, value] of asked) {
    const found = answer.get(memberKey(member))
    answer.delete(memberKey(member))
    if (found === undefined) {
      if (!assumed) dropped.push({ member, requested: value })
    } else if (!isSame(member, value, found.value)) {
      replaced.push({ member, requested: value, granted: found.value })
    }
  }
  const added = Array.from(answer.values(), ({ member, value }) => ({ member, granted: value }))
  return { added, replaced, dropped, assumed }
}

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

/** Preference is what the order of these says. */
const ordered: ReadonlyArray<string> = ["default_acr_values"]

const isSame = (member: string, requested: unknown, granted: unknown): boolean => {
  if (member === "scope" && typeof requested === "string" && typeof granted === "string") {
    return isSameSet(words(requested), words(granted))
  }
  if (isStrings(requested) && isStrings(granted) && !ordered.includes(member)) {
    return member === "response_types"
      ? isSameSet(requested.map(sortedWords), granted.map(sortedWords))
      : isSameSet(requested, granted)
  }
  return Equal.equals(requested, granted)
}

const isSameSet = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean => {
  const left = new Set(a)
  const right = new Set(b)
  return left.size === right.size && Array.from(left).every((item) => right.has(item))
}
