/**
 * Lists of strings, and strings that are lists: scopes (RFC 6749 §3.3) and response types (RFC 6749 §3.1.1).
 *
 * @internal
 */

export const isStrings = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((item) => typeof item === "string")

/** The words between the spaces. */
export const words = (text: string): ReadonlyArray<string> => text.split(" ").filter((word) => word !== "")

/** The same text for words in any order. */
export const sortedWords = (text: string): string => [...words(text)].sort().join(" ")
