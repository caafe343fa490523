/**
 * What an answer that is no success says, as a reason. The JSON members are read whatever status and media type they come
 * with; challenges are parsed; pages and long texts never reach a message.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as Result from "effect/Result"
import { type Reason, type ReasonOf, RegistrationError } from "../RegistrationError.ts"
import { type Answer, isJsonObject, type JsonObject, parseJson } from "./answer.ts"
import { parseChallenges } from "./challenges.ts"
import { secretsIn } from "./secrets.ts"
import { cleanServerText, withoutSecrets } from "./serverText.ts"
import { isRateLimit } from "./unprocessed.ts"
import { displayUrl } from "./url.ts"
import { isStrings } from "./wordLists.ts"

/** The error codes of RFC 7591 §3.2.2, each a reason of its own. */
const codes = {
  invalid_redirect_uri: "InvalidRedirectUri",
  invalid_client_metadata: "InvalidClientMetadata",
  invalid_software_statement: "InvalidSoftwareStatement",
  unapproved_software_statement: "UnapprovedSoftwareStatement"
} as const

const isCode = (error: string): error is keyof typeof codes => Object.hasOwn(codes, error)

/** What is asked of the server, to say what it does not offer. */
export interface Asked {
  /** The member of the server's metadata or of the registration that the request went to. */
  readonly feature: string
  /** Secrets of the exchange, to keep out of every text. */
  readonly secrets: ReadonlyArray<string>
}

/** The error for an answer that is no success. */
export const refusal = (answer: Answer, asked: Asked): Effect.Effect<RegistrationError> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    new RegistrationError({
      reason: reasonOf(answer, asked, now),
      method: answer.request.method,
      url: displayUrl(answer.request.url)
    }))

/** An error object with a status of success: the server refused all the same. */
export const isErrorObject = (body: JsonObject): boolean => typeof body["error"] === "string" && body["error"] !== ""

/** What a server says, whatever the reason: its body's members, cleaned. */
export const serverSays = (answer: Answer, secrets: ReadonlyArray<string>) => {
  const parsed = parseJson(answer.text)
  return says(answer.status, isJsonObject(parsed) ? parsed : {}, secrets)
}

const says = (status: number, body: JsonObject, secrets: ReadonlyArray<string>) => {
  // Frameworks send lists of messages.
  const text = (value: unknown) => cleanServerText(isStrings(value) ? value.join("; ") : value, secrets)
  const description = text(body["error_description"]) ?? text(body["message"]) ?? text(body["detail"])
  const uri = text(body["error_uri"])
  return {
    status,
    ...(description === undefined ? undefined : { error_description: description }),
    ...(uri === undefined ? undefined : { error_uri: uri })
  }
}

const reasonOf = (answer: Answer, asked: Asked, now: number): Reason => {
  const { headers, status } = answer
  const parsed = parseJson(answer.text)
  const body = isJsonObject(parsed) ? parsed : undefined
  // A refusal may bring secrets all the same.
  const secrets = [...asked.secrets, ...secretsIn(parsed)]
  const text = (value: unknown) => cleanServerText(value, secrets)
  const number = body?.["code"]
  const code = text(typeof number === "number" ? String(number) : number)
  // Some servers put the code of RFC 7591 there.
  const error = text(body?.["error"]) ?? (code !== undefined && isCode(code) ? code : undefined)
  const said = says(status, body ?? {}, secrets)
  const delay = retryAfterOf(headers["retry-after"], now)
  const wait = delay === undefined ? undefined : { retryAfter: delay }

  if (status >= 300 && status < 400) {
    const location = shownLocation(headers["location"], answer.request.url, secrets)
    return { _tag: "RedirectRefused", status, ...(location === undefined ? undefined : { location }) }
  }
  if (isRateLimit(answer)) return { _tag: "RateLimited", ...said, ...wait }
  if (error !== undefined && isCode(error)) return { _tag: codes[error], ...said }
  if (status === 401 || status === 403) {
    const isTokenMissing = status === 401 && asked.feature === "registration_endpoint" &&
      answer.request.headers["authorization"] === undefined
    return {
      ...unauthorized(headers["www-authenticate"], error, said, secrets),
      ...(isTokenMissing ? { missing: "initialAccessToken" } : undefined)
    }
  }
  const parts = [error, code, said.error_description].filter((part) => part !== undefined)
  const excerpt = body === undefined ? text(answer.text) : parts.length === 0 ? undefined : parts.join(": ")
  // Whatever error object comes along: there is nothing here, or nothing that takes this method.
  if (status === 404 || status === 405 || status === 501) {
    return {
      _tag: "Unsupported",
      feature: asked.feature,
      message:
        `The server answered with status ${status} at its ${asked.feature}: it does not offer what it advertises${
          excerpt === undefined ? "" : ` (${excerpt})`
        }`
    }
  }
  // Frameworks write the phrase of the status there: "Internal Server Error".
  if (error !== undefined && !(status >= 500 && error.includes(" "))) return { _tag: "OAuthError", error, ...said }
  return { _tag: "UnexpectedStatus", status, ...(excerpt === undefined ? undefined : { excerpt }), ...wait }
}

/** Where a redirect points, for an error. */
export const shownLocation = (
  location: string | undefined,
  asked: string,
  secrets: ReadonlyArray<string>
): string | undefined =>
  location === undefined
    ? undefined
    // Twice, because a URL writes some characters in its own way, and so would hide a secret.
    : cleanServerText(
      displayUrl(withoutSecrets(location, secrets), URL.canParse(asked) ? new URL(asked) : undefined),
      secrets
    )

/** The body of a 401 is often empty: RFC 6750 §3 puts the error into the challenge. */
const unauthorized = (
  header: string | undefined,
  error: string | undefined,
  said: ReturnType<typeof says>,
  secrets: ReadonlyArray<string>
): ReasonOf<"Unauthorized"> => {
  const text = (value: string) => cleanServerText(value, []) ?? ""
  // Before it is taken apart, and parts of a secret become names of schemes and parameters.
  const scrubbed = header === undefined ? undefined : withoutSecrets(header, secrets)
  const challenges = parseChallenges(scrubbed).map(({ parameters, scheme, token68 }) => ({
    scheme: text(scheme),
    ...(token68 === undefined ? undefined : { token68: text(token68) }),
    parameters: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, text(value)]))
  }))
  const told = challenges.find(({ parameters }) => (parameters["error"] ?? "") !== "")?.parameters
  const code = told?.["error"] ?? error
  const description = said.error_description ?? told?.["error_description"]
  return {
    _tag: "Unauthorized",
    ...said,
    ...(description === undefined ? undefined : { error_description: description }),
    ...(code === undefined ? undefined : { error: code }),
    challenges
  }
}

/** Waiting longer than this is no waiting; it also keeps a date in the year 9999 out of timers. */
const longestDelay = Duration.days(366)

/** `Retry-After` in seconds or as a date (RFC 9110 §10.2.3); `undefined` when it is absent or unreadable. */
export const retryAfterOf = (header: string | undefined, now: number): Duration.Duration | undefined => {
  if (header === undefined) return undefined
  const parsed = Headers.parseRetryAfter(header)
  return Result.isSuccess(parsed) ? Duration.min(Headers.retryAfterDelay(parsed.success, now), longestDelay) : undefined
}
