/**
 * `WWW-Authenticate` (RFC 9110 §11.6.1): any number of challenges in one header value, comma separated like their own
 * parameters. Malformed parts are passed over, never thrown on: the header comes from a stranger.
 *
 * @internal
 */
import type { Challenge } from "../RegistrationError.ts"

const separators = /[\s,]*/y
const schemeName = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const parameter =
  /[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+\-.^_`|~0-9A-Za-z:/]+))[ \t]*(?=,|$)/y
const token68 = /[ \t]+([A-Za-z0-9\-._~+/]+=*)[ \t]*(?=,|$)/y
const restOfPart = /[^,]*/y

/** The longest header value that is looked at; a server has no need for more. */
const maximumLength = 16_384

export const parseChallenges = (header: string | undefined): ReadonlyArray<Challenge> => {
  if (header === undefined || header.length > maximumLength) return []
  const challenges: Array<Challenge> = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const match = pattern.exec(header)
    if (match !== null) at = pattern.lastIndex
    return match
  }
  while (at < header.length) {
    take(separators)
    const scheme = take(schemeName)
    if (scheme === null) {
      // Not a scheme: skip to the next comma, or one character when that is where we stand.
      if (take(restOfPart)?.[0] === "") at += 1
      continue
    }
    const parameters: Record<string, string> = {}
    // Parameters first: `a=b` is one, although `a=` alone would also read as a token68.
    let next = take(parameter)
    const blob = next === null ? take(token68) : null
    while (next !== null) {
      const [, name = "", quoted, bare = ""] = next
      const value = quoted === undefined ? bare : quoted.replace(/\\(.)/g, "$1")
      parameters[name.toLowerCase()] ??= value
      const back = at
      take(separators)
      next = at === back ? null : take(parameter)
    }
    challenges.push({ scheme: scheme[0], ...(blob === null ? undefined : { token68: blob[1] }), parameters })
  }
  return challenges
}

/** The challenge of a scheme, whose name is case-insensitive (RFC 9110 §11.1). */
export const challengeOf = (challenges: ReadonlyArray<Challenge>, scheme: string): Challenge | undefined =>
  challenges.find((challenge) => challenge.scheme.toLowerCase() === scheme.toLowerCase())
