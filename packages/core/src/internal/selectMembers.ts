/**
 * Metadata with some of its members.
 *
 * @internal
 */
import type { ClientMetadata } from "../ClientMetadata.ts"

/** Whether metadata is an object at all: types do not bind a JavaScript caller. */
export const isObject = (metadata: unknown): metadata is object =>
  typeof metadata === "object" && metadata !== null && !Array.isArray(metadata)

/** The members that `keep` says yes to. Most often that is all of them, and then it is the metadata itself. */
export const selectMembers = (
  metadata: ClientMetadata,
  keep: (name: string, value: unknown) => boolean
): ClientMetadata => {
  const values: ReadonlyArray<unknown> = Object.values(metadata)
  return Object.keys(metadata).every((name, index) => keep(name, values[index]))
    ? metadata
    : Object.fromEntries(Object.entries(metadata).filter(([name, value]) => keep(name, value)))
}

/** A copy, which the caller cannot change any more. `undefined` in a request means "left out". */
export const definedMembers = (metadata: ClientMetadata): ClientMetadata => ({
  ...selectMembers(metadata, (_, value) => value !== undefined)
})

/** Language tags compare case-insensitively (RFC 7591 §2.2), the names before them do not. */
export const memberKey = (member: string): string => {
  const mark = member.indexOf("#")
  return mark < 0 ? member : member.slice(0, mark) + member.slice(mark).toLowerCase()
}
