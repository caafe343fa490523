/**
 * Reads the members of an answer leniently: each by itself, so that one that is broken costs no other. What is
 * repaired or left out becomes a deviation. Only the `client_id` is indispensable.
 *
 * @internal
 */
import * as Redacted from "effect/Redacted"
import type { ClientInformation } from "../ClientInformation.ts"
import type { ClientMetadata } from "../ClientMetadata.ts"
import { type Deviation, deviationIds } from "../Deviation.ts"
import * as Differences from "../Differences.ts"
import { isDeeperThan, type JsonObject, parseJson } from "./answer.ts"
import { object, string } from "./guards.ts"
import { memberGuards } from "./memberGuards.ts"
import { isLocalized } from "./openMembers.ts"
import { isSecretMember, repeatsOneOf, surelyRepeatsNone } from "./secrets.ts"
import { cleanServerText } from "./serverText.ts"
import { surveyOf } from "./survey.ts"

export interface Reading {
  readonly information: ClientInformation
  readonly extensions: JsonObject
  readonly deviations: ReadonlyArray<Deviation>
}

export interface Circumstances {
  /** What was sent, to see what was dropped. */
  readonly requested: ClientMetadata
  /** Where the answer came from, to resolve a relative management URI. */
  readonly endpoint: string
  /** Seconds since the epoch. */
  readonly now: number
  /** The text that the answer was parsed from, in which it is quicker to see that it repeats no secret. */
  readonly text?: string | undefined
  /** The secrets of the request. Those of the answer are found in it. Default: none. */
  readonly secrets?: ReadonlyArray<string> | undefined
  /** How deep the answer may be nested, itself included. What is deeper is left out. */
  readonly maxDepth: number
}

/** The information in an answer, or `undefined` when it names no client. */
export const readRegistration = (body: JsonObject, circumstances: Circumstances): Reading | undefined => {
  const deviations: Array<Deviation> = []
  const information: Record<string, unknown> = {}
  const extensions: Record<string, unknown> = {}
  const { maxDepth } = circumstances
  const survey = surveyOf(body)
  const isTooDeep = survey.depth > maxDepth ? (value: unknown) => isDeeperThan(value, maxDepth - 1) : never
  const isTooLarge = survey.hasInfinity ? isInfinite : never
  const isSecret = repeats(survey.secrets, circumstances)
  const read = (name: string, guard: Test): void => {
    const value = body[name]
    if (!mayRepeatSecrets.includes(name) && (isSecret(value) || isSecret(name))) {
      deviations.push(repeatedSecret(isSecret(name) ? undefined : name))
    } else if (value === null) {
      deviations.push(deviate("null-member", name, "is null instead of being left out"))
    } else if (value === "") {
      deviations.push(deviate("empty-member", name, "is empty instead of being left out"))
    } else if (isTooDeep(value)) {
      deviations.push(deviate("malformed-member", name, tooDeep))
    } else if (guard(value) && !isTooLarge(value)) {
      information[name] = decode(name, value)
    } else {
      const repaired = repair(name, value, guard, maxDepth)
      if (repaired.value !== undefined) information[name] = repaired.value
      deviations.push(repaired.deviation)
    }
  }
  const isThere: Array<boolean> = []
  const others: Array<string> = []
  for (const name of Object.keys(body)) {
    const place = places.get(name)
    if (place === undefined) others.push(name)
    else isThere[place] = true
  }
  // In the order of the specifications, not of the answer, so that the list of deviations is stable.
  members.forEach(({ guard, name }, place) => {
    if (isThere[place] === true) read(name, guard)
  })
  // A localised member is text.
  for (const name of others.filter(isLocalized).sort()) read(name, string)
  for (const name of others) {
    const value = body[name]
    if (isLocalized(name)) continue
    if (isSecret(name)) deviations.push(repeatedSecret(undefined))
    else if (isTooDeep(value)) deviations.push(deviate("malformed-member", name, tooDeep))
    // An update would send it back as null, which asks for its deletion.
    else if (isTooLarge(value)) {
      deviations.push(deviate("malformed-member", name, "has too large a number and is left out"))
    } else own(extensions, name, value)
  }
  return namesClient(information) ? judge(information, extensions, deviations, circumstances) : undefined
}

/** Every member was read as what it is declared to be. */
const namesClient = (information: { readonly client_id?: unknown }): information is ClientInformation =>
  typeof information.client_id === "string"

/** What tells whether a value repeats a secret, of the request or of the answer itself. */
const repeats = (own: ReadonlyArray<string>, { secrets = [], text }: Circumstances): (value: unknown) => boolean =>
  text !== undefined && surelyRepeatsNone(text, secrets, own) ? never : repeatsOneOf([...secrets, ...own])

const never = (_: unknown): boolean => false

// -----------------------------------------------------------------------------
// one member
// -----------------------------------------------------------------------------

/**
 * The secrets' own members, and two that are needed whatever they hold: a server that puts a secret into an identifier has
 * published it.
 */
const mayRepeatSecrets: ReadonlyArray<string> = [
  "client_secret",
  "registration_access_token",
  "client_id",
  "registration_client_uri"
]

const repeatedSecret = (name: string | undefined): Deviation =>
  deviate("repeated-secret", name ?? "", "repeats a secret and is left out", "RFC 7591 §5")

const tooDeep = "is nested too deeply and is left out"

type Test = (value: unknown) => boolean

/** What a value may have been meant to say, if anything, and what is wrong with it. */
const repair = (
  name: string,
  value: unknown,
  guard: Test,
  maxDepth: number
): { readonly value?: unknown; readonly deviation: Deviation } => {
  for (const { apply, message } of repairs) {
    const repaired = apply(name, value)
    // What was a text is looked at for the first time.
    const isUsable = repaired !== undefined && !isDeeperThan(repaired, maxDepth - 1) && !isInfinite(repaired)
    if (isUsable && guard(repaired)) {
      return { value: decode(name, repaired), deviation: deviate("repaired-member", name, message) }
    }
  }
  return { deviation: deviate("malformed-member", name, "cannot be read and is left out") }
}

const members: ReadonlyArray<{ readonly name: string; readonly guard: Test }> = Object.entries(memberGuards)
  .map(([name, guard]) => ({ name, guard }))

/** Where a member stands among all that the specifications declare. */
const places: ReadonlyMap<string, number> = new Map(members.map(({ name }, place) => [name, place]))

/** JSON has no infinity, but `1e400` is one. */
const isInfinite = (value: unknown): boolean =>
  typeof value === "object" && value !== null
    ? Object.values(value).some(isInfinite)
    : value === Infinity || value === -Infinity

/** What a value says that its member can have. */
const decode = (name: string, value: unknown): unknown => {
  if (typeof value === "string" && isSecretMember(name)) return Redacted.make(value, { label: name })
  // Members of a JWK Set that are not understood are ignored (RFC 7517 §5).
  return name === "jwks" && object(value) ? { keys: value["keys"] } : value
}

/** What servers write instead of what the specifications say. Each is tried in turn; the guard decides whether it fits. */
const repairs: ReadonlyArray<{
  readonly message: string
  readonly apply: (name: string, value: unknown) => unknown
}> = [
  {
    message: "is a string instead of a number",
    apply: (_, value) => typeof value === "string" && /^-?\d{1,15}(\.\d+)?$/.test(value) ? Number(value) : undefined
  },
  {
    message: "is a string instead of a boolean",
    apply: (_, value) => value === "true" ? true : value === "false" ? false : undefined
  },
  {
    message: "is a number instead of a string",
    apply: (_, value) => typeof value === "number" && Number.isSafeInteger(value) ? String(value) : undefined
  },
  {
    message: "is a list instead of a space-separated string",
    apply: (name, value) =>
      name === "scope" && Array.isArray(value) && value.some((item) => item !== "") &&
        value.every((item) => typeof item === "string")
        ? value.join(" ")
        : undefined
  },
  {
    message: "is a text of JSON instead of the value",
    apply: (_, value) => isJsonText(value) ? parseJson(value) : undefined
  },
  {
    message: "is a string instead of a list of strings",
    apply: (name, value) => typeof value === "string" && !isJsonText(value) ? split(name, value) : undefined
  }
]

const isJsonText = (value: unknown): value is string => typeof value === "string" && /^\s*[[{]/.test(value)

/** What a list was made a string of, by what its items can hold: words, a comma, a space. */
const split = (name: string, value: string): ReadonlyArray<string> =>
  name === "response_types"
    ? [value]
    // No pattern with white space on both sides of the comma: a long run of it would take quadratic time.
    : (hasPhrases.includes(name)
      ? value.split(",").map((item) => item.trim())
      : value.split(name.endsWith("_uris") ? /,?\s+/ : /[\s,]+/)).filter(Boolean)

const hasPhrases: ReadonlyArray<string> = ["contacts", "keywords"]

// -----------------------------------------------------------------------------
// all members together
// -----------------------------------------------------------------------------

/** Seconds up to the year 5138; a "time in seconds" beyond is one in milliseconds. */
const lastSecond = 100_000_000_000

const judge = (
  read: ClientInformation,
  extensions: JsonObject,
  readDeviations: ReadonlyArray<Deviation>,
  { endpoint, now, requested }: Circumstances
): Reading => {
  const deviations = [...readDeviations]
  let information = read
  for (const name of ["client_id_issued_at", "client_secret_expires_at"] as const) {
    const time = information[name]
    if (time !== undefined && time > lastSecond) {
      information = { ...information, [name]: Math.floor(time / 1000) }
      deviations.push(deviate("milliseconds", name, "is in milliseconds instead of seconds"))
    }
  }

  const hasSecret = information.client_secret !== undefined
  const expiry = information.client_secret_expires_at
  if (hasSecret && expiry === undefined) {
    deviations.push(deviate("missing-secret-expiry", "client_secret_expires_at", "is required beside a client_secret"))
  }
  if (hasSecret && expiry !== undefined && expiry !== 0 && expiry <= now) {
    deviations.push(deviate("expired-secret", "client_secret_expires_at", "is in the past"))
  }

  const given = information.registration_client_uri
  if (given !== undefined && !URL.canParse(given)) {
    const resolved = URL.canParse(given, endpoint) ? new URL(given, endpoint).href : undefined
    const { registration_client_uri: _, ...others } = information
    information = resolved === undefined ? others : { ...others, registration_client_uri: resolved }
    deviations.push(
      resolved === undefined
        ? deviate("malformed-member", "registration_client_uri", "is not a URL and is left out", "RFC 7592 §3")
        : deviate(
          "relative-registration-client-uri",
          "registration_client_uri",
          "is not fully qualified",
          "RFC 7592 §3"
        )
    )
  }
  const { registration_access_token: token, registration_client_uri: uri } = information
  if (token !== undefined && uri === undefined) {
    deviations.push(deviate(
      "missing-registration-client-uri",
      "registration_client_uri",
      "is required beside a registration_access_token",
      "RFC 7592 §3"
    ))
  }
  if (uri !== undefined && token === undefined) {
    deviations.push(deviate(
      "missing-registration-access-token",
      "registration_access_token",
      "is required beside a registration_client_uri",
      "RFC 7592 §3"
    ))
  }

  const method = information.token_endpoint_auth_method ?? requested.token_endpoint_auth_method ??
    // The default of RFC 7591 §2, unless the software statement says otherwise.
    (requested.software_statement === undefined ? "client_secret_basic" : undefined)
  if (!hasSecret && method !== undefined && needsSecret.includes(method)) {
    deviations.push(
      deviate("missing-secret", "client_secret", "is missing, although the client has to authenticate with it")
    )
  }
  if (hasSecret && method === "none") {
    deviations.push(deviate("needless-secret", "client_secret", "is given to a client that authenticates without one"))
  }
  const asked = requested.redirect_uris ?? []
  const redirects = information.redirect_uris
  // An answer that repeats nothing of what was asked says nothing about it.
  const isDropped = redirects === undefined
    ? asked.length > 0 && !Differences.between({ ...requested }, { ...extensions, ...information }).assumed
    : asked.some((uri) => !redirects.includes(uri))
  if (isDropped) {
    deviations.push(deviate("dropped-redirect-uri", "redirect_uris", "lacks a redirect URI that was asked for"))
  }
  const statement = information.software_statement
  if (requested.software_statement !== undefined && statement !== requested.software_statement) {
    deviations.push(deviate("changed-software-statement", "software_statement", "is not returned as it was sent"))
  }
  return { information, extensions, deviations: inOrder(deviations) }
}

const needsSecret: ReadonlyArray<string> = ["client_secret_basic", "client_secret_post", "client_secret_jwt"]

const deviate = (id: Deviation["id"], name: string, what: string, section = "RFC 7591 §3.2.1"): Deviation => {
  // A name that is not declared is the server's text.
  const member = places.has(name) ? name : cleanServerText(name, []) ?? "(unnamed)"
  return { id, member, section, message: `${member} ${what}` }
}

const inOrder = (deviations: ReadonlyArray<Deviation>): ReadonlyArray<Deviation> => {
  const rank = ({ id }: Deviation) => deviationIds.indexOf(id)
  return deviations.length < 2 ? deviations : [...deviations].sort((a, b) => rank(a) - rank(b))
}

/** Sets an own property, also for a name such as `__proto__`. */
const own = (target: Record<string, unknown>, name: string, value: unknown): void => {
  if (name !== "__proto__") target[name] = value
  else Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
}
