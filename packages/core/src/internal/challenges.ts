/**
 * `WWW-Authenticate` (RFC 9110 §11.6.1): any number of challenges in one header value, comma separated like their own
 * parameters. Malformed parts are passed over, never thrown on: the header comes from a stranger.
 *
 * @internal
 */
import type { Challenge } from "../RegistrationError.ts"

// Each pattern is sticky and each character is looked at a bounded number of times: the time is linear in the length.
const separators = /[\s,]*/y
const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const equals = /[ \t]*=[ \t]*/y
const quotedString = /"((?:[^"\\]|\\.)*)"/y
/** More than a token: servers leave the quotes away from values that need them. */
const bareValue = /[^\s,"]+/y
const token68 = /[ \t]+([A-Za-z0-9\-._~+/]+=*)[ \t]*(?=,|$)/y

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

  let parameters: Record<string, string> | undefined
  // A scheme stands at the beginning or after a comma; a stray word elsewhere is none.
  let mayBegin = true
  while (at < header.length) {
    if (take(separators)?.[0].includes(",") === true) mayBegin = true
    const name = take(token)?.[0]
    const value = name === undefined || take(equals) !== null ? take(quotedString) ?? take(bareValue) : undefined
    // A quote that is never closed: all that follows is inside it.
    if (value === null && header[at] === "\"") break
    if (name !== undefined && value !== undefined) {
      if (value !== null && parameters !== undefined) setOnce(parameters, name.toLowerCase(), unquote(value))
    } else if (name !== undefined && mayBegin) {
      parameters = {}
      const blob = take(token68)?.[1]
      challenges.push({ scheme: name, ...(blob === undefined ? undefined : { token68: blob }), parameters })
    }
    mayBegin = false
  }
  return challenges
}

const unquote = ([bare, quoted]: RegExpExecArray): string =>
  quoted === undefined ? bare : quoted.replace(/\\(.)/g, "$1")

/** The first of two counts. An own property, also for a name such as `__proto__`. */
const setOnce = (parameters: Record<string, string>, name: string, value: string): void => {
  if (Object.hasOwn(parameters, name)) return
  Object.defineProperty(parameters, name, { value, enumerable: true, configurable: true, writable: true })
}
