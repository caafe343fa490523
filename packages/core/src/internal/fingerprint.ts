/**
 * What makes two requests for a registration the same: the metadata as the caller gave it, whatever its order.
 *
 * @internal
 */
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import type { ClientMetadata } from "../ClientMetadata.ts"
import { isJsonObject, parseJson } from "./answer.ts"
import { definedMembers } from "./selectMembers.ts"

/** Lists of strings are sets, but for this one, whose order is a preference. */
const ordered = "default_acr_values"

/** Canonical JSON: members sorted, sets sorted, words of a scope sorted. */
export const fingerprint = (metadata: ClientMetadata): string => {
  const { scope, software_statement, ...rest } = definedMembers(metadata)
  return JSON.stringify(canonical({
    ...rest,
    ...(scope === undefined ? undefined : { scope: scope.split(" ").filter((word) => word !== "") }),
    ...(software_statement === undefined ? undefined : { software_statement: identityOf(software_statement) })
  }))
}

const canonical = (value: unknown, name?: string): unknown => {
  if (Array.isArray(value)) {
    const items = value.map((item) => canonical(item))
    return name !== ordered && items.every((item) => typeof item === "string") ? [...new Set(items)].sort() : items
  }
  return isJsonObject(value)
    ? Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([key, item]) => [key, canonical(item, key)])
    : value
}

/** A statement is signed anew again and again; the software that it is about is what counts. */
const identityOf = (statement: string): unknown => {
  const payload = statement.split(".")[1]
  const decoded = payload === undefined ? undefined : Result.getOrUndefined(Base64Url.decodeString(payload))
  const claims = decoded === undefined ? undefined : parseJson(decoded)
  return isJsonObject(claims) && typeof claims["software_id"] === "string"
    ? [claims["software_id"], claims["software_version"] ?? null]
    : statement
}
