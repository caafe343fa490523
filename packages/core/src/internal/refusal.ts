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
import { type Reason, RegistrationError } from "../RegistrationError.ts"
import { type Answer, isJsonObject, type JsonObject, parseJson } from "./answer.ts"
import { parseChallenges } from "./challenges.ts"
import { cleanServerText } from "./serverText.ts"
import { displayUrl } from "./url.ts"

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

/** Whether an answer asks to come back later, and was not processed: any 429, and (an assumption) a 503 that says when. */
export const isRateLimit = (answer: { readonly status: number; readonly headers: Answer["headers"] }): boolean =>
  answer.status === 429 || (answer.status === 503 && answer.headers["retry-after"] !== undefined)

/** An error object with a status of success: the server refused all the same. */
export const isErrorObject = (body: JsonObject): boolean => typeof body["error"] === "string" && body["error"] !== ""

const reasonOf = (answer: Answer, { feature, secrets }: Asked, now: number): Reason => {
  const { headers, status } = answer
  const parsed = parseJson(answer.text)
  const body = isJsonObject(parsed) ? parsed : undefined
  const text = (value: unknown) => cleanServerText(value, secrets)
  const error = text(body?.["error"])
  const description = text(body?.["error_description"]) ?? text(body?.["message"]) ?? text(body?.["detail"])
  const uri = text(body?.["error_uri"])
  const says = {
    status,
    ...(description === undefined ? undefined : { error_description: description }),
    ...(uri === undefined ? undefined : { error_uri: uri })
  }
  const delay = retryAfterOf(headers["retry-after"], now)
  const wait = delay === undefined ? undefined : { retryAfter: delay }

  if (status >= 300 && status < 400) {
    const location = headers["location"]
    return {
      _tag: "RedirectRefused",
      status,
      ...(location === undefined ? undefined : { location: displayUrl(location, new URL(answer.request.url)) })
    }
  }
  if (isRateLimit(answer)) return { _tag: "RateLimited", ...says, ...wait }
  if (error !== undefined && isCode(error)) return { _tag: codes[error], ...says }
  if (status === 401 || status === 403) {
    return {
      _tag: "Unauthorized",
      ...says,
      ...(error === undefined ? undefined : { error }),
      challenges: parseChallenges(headers["www-authenticate"]).map(({ parameters, scheme, token68 }) => ({
        scheme,
        ...(token68 === undefined ? undefined : { token68: text(token68) ?? "" }),
        parameters: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, text(value) ?? ""]))
      }))
    }
  }
  // Whatever error object comes along: there is nothing here, or nothing that takes this method.
  if (status === 404 || status === 405 || status === 501) {
    const said = description ?? error
    return {
      _tag: "Unsupported",
      feature,
      message: `The server answered with status ${status} at its ${feature}: it does not offer what it advertises${
        said === undefined ? "" : ` (${said})`
      }`
    }
  }
  if (error !== undefined) return { _tag: "OAuthError", error, ...says }
  const excerpt = description ?? (body === undefined ? text(answer.text) : text(body["code"]))
  return { _tag: "UnexpectedStatus", status, ...(excerpt === undefined ? undefined : { excerpt }), ...wait }
}

/** Waiting longer than this is no waiting; it also keeps a date in the year 9999 out of timers. */
const longestDelay = Duration.days(366)

/** `Retry-After` in seconds or as a date (RFC 9110 §10.2.3); `undefined` when it is absent or unreadable. */
export const retryAfterOf = (header: string | undefined, now: number): Duration.Duration | undefined => {
  if (header === undefined) return undefined
  const parsed = Headers.parseRetryAfter(header)
  return Result.isSuccess(parsed) ? Duration.min(Headers.retryAfterDelay(parsed.success, now), longestDelay) : undefined
}
