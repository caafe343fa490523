/**
 * What a value of JSON is, for tables that say it of each member. A schema would say it too, but to run one takes ten times as
 * long, and a page that only registers a client would have to load what schemas are made of.
 *
 * @internal
 */
import { isStrings } from "./wordLists.ts"

/** Tells whether a value is an `A`. */
export type Guard<A> = (value: unknown) => value is A

/** What a table of schemas has to say of the members of a table of guards. */
export type Schemas<Guards> = {
  readonly [Name in keyof Guards]: { readonly Type: (Guards[Name] extends Guard<infer A> ? A : never) | undefined }
}

export const string: Guard<string> = (value) => typeof value === "string"

export const strings: Guard<ReadonlyArray<string>> = isStrings

export const boolean: Guard<boolean> = (value) => typeof value === "boolean"

export const number: Guard<number> = (value) => typeof value === "number"

export const object: Guard<{ readonly [name: string]: unknown }> = (
  value
): value is { readonly [name: string]: unknown } => typeof value === "object" && value !== null && !Array.isArray(value)
