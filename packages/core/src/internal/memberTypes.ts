/**
 * Whether the value of a member is one that it can have, and one that JSON can say.
 *
 * @internal
 */
import * as ClientMetadata from "../ClientMetadata.ts"
import { isLocalized } from "./openMembers.ts"
import { guardOf } from "./plainGuard.ts"

/** `null` and the empty string ask for deletion (RFC 7592 §2.2), and say nothing anywhere else. */
export const isEmpty = (value: unknown): boolean => value === null || value === ""

/** Whether a member has the type that its specification says. */
export const hasItsType = (name: string, value: unknown): boolean =>
  value === undefined || (ClientMetadata.isMember(name)
    // First what is deep or circular, where the schema would not end.
    ? isJson(value) && typeGuards[name]?.(value) === true
    : isLocalized(name)
    ? typeof value === "string"
    : isJson(value))

const typeGuards: { readonly [name: string]: (value: unknown) => boolean } = Object.fromEntries(
  Object.entries(ClientMetadata.members).map(([name, schema]) => [name, guardOf(schema)])
)

/** How deep a value may be nested. */
const maximumDepth = 64

/** Whether JSON says the value as it is: no function, no `NaN`, no object of a class, nothing that stands in itself. */
export const isJson = (value: unknown, around: ReadonlyArray<unknown> = []): boolean => {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return true
  if (typeof value === "number") return Number.isFinite(value)
  if (typeof value !== "object" || around.length === maximumDepth || around.includes(value)) return false
  const inside = [...around, value]
  // A hole in a list is `undefined`, and becomes `null`.
  if (Array.isArray(value)) return Array.from<unknown>(value).every((item) => isJson(item, inside))
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === null || Object.getPrototypeOf(prototype) === null) &&
    Object.values(value).every((item) => item === undefined || isJson(item, inside))
}
