/**
 * Finding secrets: those that a body brings, and those that stand where they do not belong.
 *
 * @internal
 */
import * as Base64Url from "./base64url.ts"
import { withoutInvisible, withoutSecrets } from "./serverText.ts"

/** The members of an answer that are secrets. */
export const secretMembers = [
  "client_secret",
  "registration_access_token"
  // as many as are compared below: with one more, this is a type error
] as const satisfies readonly [string, string]

/** One comparison each: to search the list takes a third of the time that it takes to look through a large answer. */
export const isSecretMember = (name: string): boolean => name === secretMembers[0] || name === secretMembers[1]

/** The secrets in a body, also nested ones and those of a wrong type. */
export const secretsIn = (body: unknown): ReadonlyArray<string> => {
  const secrets: Array<string> = []
  visit(body, (name, value) => {
    if (!isSecretMember(name)) return true
    secrets.push(...stringsIn(value))
    return false
  })
  return secrets
}

/** What is shorter is no secret, and stands in other texts by chance. */
const minimumLength = 8

/** Tells whether one of the secrets stands anywhere in a value, in any of the encodings of a text. */
export const repeatsOneOf = (secrets: ReadonlyArray<string>): (value: unknown) => boolean => {
  const searched = secrets.filter(({ length }) => length >= minimumLength).map(makeSearch)
  const repeats = (text: string) => searched.some((isIn) => isIn(text))
  return (value) => searched.length > 0 && (typeof value === "string" ? repeats(value) : stringsIn(value).some(repeats))
}

/**
 * Whether a JSON text, as it was received, surely repeats no secret: none that was sent to its author, and none of its own,
 * which stand in it once. Quicker by far than to look into every member, and true of almost every answer.
 */
export const surelyRepeatsNone = (
  text: string,
  sent: ReadonlyArray<string>,
  own: ReadonlyArray<string>
): boolean =>
  !hidesText.test(text) && sent.every((secret) => standsAtMost(text, secret, 0)) &&
  own.every((secret) => standsAtMost(text, secret, 1))

/** Letters and digits may be escaped, and characters that are not to be seen may stand between them. */
const hidesText = /\\u|[\u00ad\u0600-\uffff]/

/** Whether a secret stands in a text no more often than that, in any encoding. */
const standsAtMost = (text: string, secret: string, times: 0 | 1): boolean => {
  if (secret.length < minimumLength) return true
  const run = tellingRun(secret)
  const first = text.indexOf(run)
  return (first === -1 || (times === 1 && run !== "" && text.indexOf(run, first + 1) === -1)) &&
    !text.includes(encodedRun(secret))
}

/** Letters and digits look the same in every encoding but base64, so a run of them tells most texts apart. */
const makeSearch = (secret: string): (text: string) => boolean => {
  const run = tellingRun(secret)
  let encoded: string | undefined
  return (text) => {
    if (text.length < run.length) return false
    const visible = withoutInvisible(text)
    const mayBe = visible.includes(run) ||
      (text.length > secret.length &&
        visible.includes(encoded ??= encodedRun(secret)))
    return mayBe && withoutSecrets(text, [secret]) !== text
  }
}

/**
 * The letters and digits to search for: the longest run that begins with a capital, and without one the longest run. Capitals
 * are rare in JSON, and `indexOf` goes by the first character.
 *
 * Found by hand: a list of all runs would take most of the time that the search for a secret takes.
 */
const tellingRun = (text: string): string => {
  let run = 0
  let longest = 0
  let end = 0
  // the same, counted from the first capital of a run
  let capitalRun = 0
  let longestCapital = 0
  let capitalEnd = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    run = isLetterOrDigit(code) ? run + 1 : 0
    capitalRun = run > 0 && (capitalRun > 0 || isCapital(code)) ? capitalRun + 1 : 0
    if (run > longest) {
      longest = run
      end = at + 1
    }
    if (capitalRun > longestCapital) {
      longestCapital = capitalRun
      capitalEnd = at + 1
    }
  }
  return longestCapital >= minimumLength
    ? text.slice(capitalEnd - longestCapital, capitalEnd)
    : text.slice(end - longest, end)
}

/** Of ASCII. */
const isLetterOrDigit = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || isCapital(code)

/** Of ASCII. */
const isCapital = (code: number): boolean => code >= 0x41 && code <= 0x5a

/** The same of what base64 makes of a secret, with either alphabet. */
const encodedRun = (secret: string): string => tellingRun(Base64Url.encodeUtf8(secret))

/** Every string inside a value, the names of members included. */
export const stringsIn = (value: unknown): ReadonlyArray<string> => {
  if (typeof value === "string") return [value]
  const strings: Array<string> = []
  visit(value, (name, inner) => {
    strings.push(name)
    if (typeof inner === "string") strings.push(inner)
    return true
  })
  return strings
}

/** Shows every member inside a value, whose own members follow if `see` says so. Not recursive: a body may be deep. */
const visit = (value: unknown, see: (name: string, value: unknown) => boolean): void => {
  const open = isContainer(value) ? [value] : []
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (isList(next)) {
      // What stands in a list has no name.
      for (const inner of next) if (see("", inner) && isContainer(inner)) open.push(inner)
    } else {
      // Of JSON, so that nothing is inherited.
      for (const name in next) {
        const inner = next[name]
        if (see(name, inner) && isContainer(inner)) open.push(inner)
      }
    }
  }
}

export type Container = ReadonlyArray<unknown> | { readonly [name: string]: unknown }

export const isContainer = (value: unknown): value is Container => typeof value === "object" && value !== null

export const isList = (value: Container): value is ReadonlyArray<unknown> => Array.isArray(value)
