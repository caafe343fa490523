/**
 * What makes two requests for a registration the same: the metadata as the caller gave it, whatever its order.
 *
 * @internal
 */
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import type { ClientMetadata } from "../ClientMetadata.ts"
import type { MetadataPreset } from "../MetadataPreset.ts"
import { isJsonObject, parseJson } from "./answer.ts"
import { hasItsType, isEmpty } from "./memberTypes.ts"
import { definedMembers, memberKey, selectMembers } from "./selectMembers.ts"
import { isStrings, sortedWords, words } from "./wordLists.ts"

/** Lists of strings are sets, but for this one, whose order is a preference. */
const ordered = "default_acr_values"

/** Canonical JSON: members sorted, sets sorted, the words of a scope sorted; what a preset fills in counts as given. */
export const fingerprint = (metadata: ClientMetadata, preset?: MetadataPreset): string => {
  const given = definedMembers(metadata)
  const filledIn = preset?.fillIn({
    ...selectMembers(given, (name, value) => !isEmpty(value) && hasItsType(name, value))
  })
  const members = Object.entries({ ...definedMembers(filledIn ?? {}), ...given })
  return JSON.stringify(
    Object.fromEntries(sorted(members.map(([name, value]) => [memberKey(name), canonical(name, value)])))
  )
}

const canonical = (name: string, value: unknown): unknown => {
  if (name === "scope" && typeof value === "string") return asSet(words(value))
  if (name === "software_statement" && typeof value === "string") return identityOf(value)
  if (!isStrings(value) || name === ordered) return inOrder(value)
  // The order of the words in a response type is free (RFC 6749 §3.1.1).
  return asSet(name === "response_types" ? value.map(sortedWords) : value)
}

/** Members of objects sorted, lists as they are: inside a value nobody knows whether their order counts. */
const inOrder = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(inOrder)
    : isJsonObject(value)
    ? Object.fromEntries(sorted(Object.entries(value)).map(([name, inner]) => [name, inOrder(inner)]))
    : value

/** A statement is signed anew again and again; the software that it is about is what counts. */
const identityOf = (statement: string): unknown => {
  const payload = statement.split(".")[1]
  const decoded = payload === undefined ? undefined : Result.getOrUndefined(Base64Url.decodeString(payload))
  const claims = decoded === undefined ? undefined : parseJson(decoded)
  return isJsonObject(claims) && typeof claims["software_id"] === "string"
    ? [claims["software_id"], claims["software_version"] ?? null]
    : statement
}

const asSet = (items: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(items)].sort()

const sorted = (members: ReadonlyArray<readonly [string, unknown]>) =>
  [...members].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
