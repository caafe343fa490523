/**
 * Metadata with some of its members.
 *
 * @internal
 */
import type { ClientMetadata } from "../ClientMetadata.ts"

/** Whether metadata is an object at all: types do not bind a JavaScript caller. */
export const isObject = (metadata: unknown): metadata is object =>
  typeof metadata === "object" && metadata !== null && !Array.isArray(metadata)

/** The members that `keep` says yes to. */
export const selectMembers = (
  metadata: ClientMetadata,
  keep: (name: string, value: unknown) => boolean
): ClientMetadata => {
  const entries = Object.entries(metadata)
  const kept = entries.filter(([name, value]) => keep(name, value))
  // To copy an object whole costs a fraction of making it member by member.
  return kept.length === entries.length ? { ...metadata } : Object.fromEntries(kept)
}

/** `undefined` in a request means "left out". */
export const definedMembers = (metadata: ClientMetadata): ClientMetadata =>
  selectMembers(metadata, (_, value) => value !== undefined)

/** Language tags compare case-insensitively (RFC 7591 §2.2), the names before them do not. */
export const memberKey = (member: string): string => {
  const mark = member.indexOf("#")
  return mark < 0 ? member : member.slice(0, mark) + member.slice(mark).toLowerCase()
}
