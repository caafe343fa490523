/**
 * Reading an answer: its body to the end within the limits, its members without trusting them.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { ExchangeLimits } from "../ExchangeLimits.ts"
import { type Reason, RegistrationError } from "../RegistrationError.ts"
import { secretsIn } from "./secrets.ts"
import { withoutSecrets } from "./serverText.ts"
import { type Place, transportReason } from "./transportFailure.ts"
import { displayUrl } from "./url.ts"

/** An answer whose body was read to its end within the limits. */
export interface Answer {
  readonly request: HttpClientRequest.HttpClientRequest
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  /** The body as UTF-8 text. Empty when there was none. */
  readonly text: string
  /** The response itself, whose body is read. */
  readonly response: HttpClientResponse.HttpClientResponse
}

/** Reads a response to its end. A failure to do so becomes the error that the status calls for. */
export const readAnswer = (
  response: HttpClientResponse.HttpClientResponse,
  place: Place,
  maximum: number
): Effect.Effect<Answer, RegistrationError> =>
  isRead(response) ? Effect.succeed(withText(response, response[wholeText])) : readBody(response, maximum).pipe(
    // Under a status of failure the status alone decides: the server refused, whatever it wanted to add.
    Effect.catch((failure) =>
      response.status >= 400 ? Effect.succeed("") : Effect.fail(unreadAnswer(failure, response, place))
    ),
    Effect.map((text) => withText(response, text))
  )

/** Reads a response that somebody else received: of its deadline nothing is known, so it gets one of its own. */
export const readInTime = (
  response: HttpClientResponse.HttpClientResponse,
  place: Place,
  limits: ExchangeLimits
): Effect.Effect<Answer, RegistrationError> => {
  const answer = readAnswer(response, place, limits.maxResponseBytes)
  return isRead(response) ? answer : Effect.timeoutOrElse(answer, {
    duration: limits.deadline,
    orElse: () =>
      response.status >= 400
        ? Effect.succeed(withoutBody(response))
        : Effect.fail(
          new RegistrationError({
            reason: {
              _tag: "OutcomeUnknown",
              why: "Deadline",
              status: response.status,
              message: "The answer did not end within the deadline: the request may have been processed"
            },
            method: response.request.method,
            url: place.url
          })
        )
  })
}

/** An answer of which the status has to do. */
export const withoutBody = (response: HttpClientResponse.HttpClientResponse): Answer => withText(response, "")

/** Lets go of a body that nobody will read. Its connection would otherwise stay until the response is collected. */
export const discardBody = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> =>
  // A stream that begins runs its finalizers, whether anything was pulled or not, and they end the transfer.
  Effect.suspend(() => Effect.ignoreCause(Effect.scoped(Stream.toPull(response.stream))))

const withText = (response: HttpClientResponse.HttpClientResponse, text: string): Answer => ({
  request: response.request,
  status: response.status,
  headers: response.headers,
  text,
  response
})

/** The answer as a response whose body can be read again and again, and that shows none of these secrets. */
export const toResponse = (
  { response, text }: Answer,
  secrets: ReadonlyArray<string> = []
): HttpClientResponse.HttpClientResponse =>
  derive(response, {
    [wholeText]: { value: text },
    toJSON: { value: () => shownResponse(response, text, secrets) },
    [Inspectable.NodeInspectSymbol]: { value: () => shownResponse(response, text, secrets) },
    toString: { value: () => JSON.stringify(shownResponse(response, text, secrets)) },
    text: { value: Effect.succeed(text) },
    stream: { get: () => Stream.succeed(new TextEncoder().encode(text)) },
    arrayBuffer: { get: () => Effect.sync(() => new TextEncoder().encode(text).buffer) },
    json: {
      get: () =>
        Effect.try({
          try: () => parse(text),
          catch: (cause) =>
            new HttpClientError.HttpClientError({
              reason: new HttpClientError.DecodeError({ request: response.request, response, cause })
            })
        })
    }
  })

/** Names the text of a response that was read already, within the limits. */
const wholeText: unique symbol = Symbol("@effect-dcr/core/internal/wholeText")

const isRead = (
  response: HttpClientResponse.HttpClientResponse
): response is HttpClientResponse.HttpClientResponse & { readonly [wholeText]: string } => wholeText in response

/** Servers repeat in any header what they were sent and what they issue. */
const shownResponse = (
  { headers, request, status }: HttpClientResponse.HttpClientResponse,
  text: string,
  ofRequest: ReadonlyArray<string>
) => {
  const secrets = [...ofRequest, ...secretsIn(parseJson(text))]
  return {
    _id: "HttpClientResponse",
    request: { method: request.method, url: displayUrl(request.url) },
    status,
    headers: Object.fromEntries(
      Object.entries(Headers.redact(headers, secretHeaders)).map(([name, value]) => [
        name,
        typeof value === "string" ? withoutSecrets(value, secrets) : value
      ])
    )
  }
}

/** Headers that are not shown, whatever they hold. */
const secretHeaders: ReadonlyArray<string> = ["authorization", "cookie", "dpop", "set-cookie", "x-api-key"]

/** Everything but these properties stays as it is, getters on the prototype included. */
const derive: (
  response: HttpClientResponse.HttpClientResponse,
  properties: PropertyDescriptorMap
) => HttpClientResponse.HttpClientResponse = Object.create

// -----------------------------------------------------------------------------
// the body
// -----------------------------------------------------------------------------

type BodyFailure = { readonly _tag: "TooLarge" } | HttpClientError.HttpClientError

const tooLarge: BodyFailure = { _tag: "TooLarge" }

/**
 * The body as text. A body is counted while it streams in, so that no more than the limit is ever held. Where the server
 * says an honest length within the limit, and no content encoding can blow the body up, reading it whole is cheaper.
 */
const readBody = (
  response: HttpClientResponse.HttpClientResponse,
  maximum: number
): Effect.Effect<string, BodyFailure> => {
  const length = response.headers["content-length"]
  if (length !== undefined && /^\d{1,15}$/.test(length) && !mayGrow(response)) {
    if (Number(length) > maximum) return Effect.andThen(discardBody(response), Effect.fail(tooLarge))
    return response.text.pipe(
      Effect.catch(emptyIsFine),
      // A character is a byte at least: no honest length gives more.
      Effect.flatMap((text) => text.length > maximum ? Effect.fail(tooLarge) : Effect.succeed(text))
    )
  }
  return Effect.suspend(() => {
    const decoder = new TextDecoder()
    let size = 0
    let text = ""
    return Stream.runForEach(response.stream, (bytes): Effect.Effect<void, BodyFailure> => {
      size += bytes.length
      if (size > maximum) return Effect.fail(tooLarge)
      text += decoder.decode(bytes, { stream: true })
      return Effect.void
    }).pipe(
      Effect.map(() => text + decoder.decode()),
      Effect.catch(emptyIsFine)
    )
  })
}

/**
 * Whether the body can be longer than its length says, because it is decompressed on the way. A page that reads another
 * origin sees the length and not the encoding (the CORS-safelisted headers of the Fetch standard).
 */
const mayGrow = (response: HttpClientResponse.HttpClientResponse): boolean =>
  response.headers["content-encoding"] !== undefined ||
  Option.exists(HttpClientResponse.toWeb(response), ({ type }) => type !== "basic" && type !== "default")

const emptyIsFine = (failure: BodyFailure): Effect.Effect<string, BodyFailure> =>
  failure._tag === "HttpClientError" && failure.reason._tag === "EmptyBodyError"
    ? Effect.succeed("")
    : Effect.fail(failure)

/** Under success a client may exist, and nobody knows which. */
const unreadAnswer = (
  failure: BodyFailure,
  response: HttpClientResponse.HttpClientResponse,
  place: Place
): RegistrationError => {
  const { status } = response
  const isTooLarge = failure._tag === "TooLarge"
  const message = `The server answered with status ${status}, but the answer ${
    isTooLarge ? "is larger than the limit" : "broke off"
  }`
  const reason: Reason = place.effects
    ? {
      _tag: "OutcomeUnknown",
      why: isTooLarge ? "TooLarge" : "UnreadableBody",
      status,
      message: `${message}: the request may have been processed`
    }
    : isTooLarge
    ? { _tag: "Transport", sent: true, message }
    : transportReason(failure, place)
  return new RegistrationError({ reason, method: response.request.method, url: place.url })
}

// -----------------------------------------------------------------------------
// JSON
// -----------------------------------------------------------------------------

/** A JSON object, as it comes from `JSON.parse`: an own `__proto__` member is a member like any other. */
export interface JsonObject {
  readonly [name: string]: unknown
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What `JSON.parse` gives may be anything; its own type does not say so. */
const parse: (text: string) => unknown = JSON.parse

/** Parses text that may be anything. `undefined` when it is not JSON. */
export const parseJson = (text: string): unknown => {
  // A byte order mark is no part of JSON (RFC 8259 §8.1), but it may be ignored.
  const trimmed = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  try {
    return parse(trimmed)
  } catch {
    return undefined
  }
}

const valuesOf: (object: object) => ReadonlyArray<unknown> = Object.values

/** Whether a value is nested deeper than `maximum`. Does not recurse, so that no depth can exhaust the stack. */
export const isDeeperThan = (value: unknown, maximum: number): boolean => {
  let level: ReadonlyArray<unknown> = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maximum) return true
    level = level.flatMap((item) => typeof item === "object" && item !== null ? valuesOf(item) : [])
  }
  return false
}
