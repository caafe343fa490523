/**
 * Whether the value of a member is one that it can have, and one that JSON can say.
 *
 * @internal
 */
import * as ClientMetadata from "../ClientMetadata.ts"
import { metadataGuards } from "./memberGuards.ts"
import { isLocalized } from "./openMembers.ts"

/** `null` and the empty string ask for deletion (RFC 7592 §2.2), and say nothing anywhere else. */
export const isEmpty = (value: unknown): boolean => value === null || value === ""

/** Whether a member has the type that its specification says. */
export const hasItsType = (name: string, value: unknown): boolean =>
  value === undefined || (ClientMetadata.isMember(name)
    ? isJson(value) && metadataGuards[name](value)
    : isLocalized(name)
    ? typeof value === "string"
    : isJson(value))

/** How deep a value may be nested. */
const maximumDepth = 64

/** Whether JSON says the value as it is: no function, no `NaN`, no object of a class, nothing that stands in itself. */
export const isJson = (value: unknown, around: ReadonlyArray<unknown> = outermost): boolean => {
  if (typeof value !== "object" || value === null) return isScalar(value)
  if (around.length === maximumDepth || around.includes(value)) return false
  let inside: ReadonlyArray<unknown> | undefined
  // Most lists hold strings alone, and need not know what they stand in.
  const isJsonInside = (item: unknown) =>
    typeof item === "object" && item !== null ? isJson(item, inside ??= [...around, value]) : isScalar(item)
  if (Array.isArray(value)) {
    // Not every(), which passes over a hole: it is `undefined`, and becomes `null`.
    for (let index = 0; index < value.length; index++) if (!isJsonInside(value[index])) return false
    return true
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === null || Object.getPrototypeOf(prototype) === null) &&
    Object.values(value).every((item) => item === undefined || isJsonInside(item))
}

const outermost: ReadonlyArray<unknown> = []

const isScalar = (value: unknown): boolean =>
  typeof value === "number"
    ? Number.isFinite(value)
    : typeof value === "string" || typeof value === "boolean" || value === null
