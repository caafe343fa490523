/**
 * Reading an answer: its body to the end within the limits, its members without trusting them.
 *
 * @internal
 */
import * as Channel from "effect/Channel"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { ExchangeLimits } from "../ExchangeLimits.ts"
import { type Reason, RegistrationError } from "../RegistrationError.ts"
import { within } from "./deadline.ts"
import { secretsIn } from "./secrets.ts"
import { withoutSecrets } from "./serverText.ts"
import { isTransportBody } from "./transportBody.ts"
import { type Place, transportReason } from "./transportFailure.ts"
import { displayUrl } from "./url.ts"

/** An answer whose body was read, to its end or as far as it matters, within the limits. */
export interface Answer {
  readonly request: HttpClientRequest.HttpClientRequest
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  /** The body as UTF-8 text. Empty when there was none. */
  readonly text: string
  /** Whether the body did not end as it should, although its text is a whole JSON object. */
  readonly isTruncated: boolean
  /** The response itself, whose body is read. */
  readonly response: HttpClientResponse.HttpClientResponse
}

/** An answer on its way. */
export interface Incoming {
  readonly response: HttpClientResponse.HttpClientResponse
  /** Those of the response, which some transports make anew each time that they are asked for. */
  readonly headers: Answer["headers"]
  readonly place: Place
  /** How many bytes its body may have. */
  readonly maximum: number
  /** What has arrived of a body that streams in. */
  text: string
}

export const receive = (
  response: HttpClientResponse.HttpClientResponse,
  place: Place,
  maximum: number
): Incoming => ({ response, headers: response.headers, place, maximum, text: "" })

/** Reads an answer to its end. A failure to do so becomes what {@link unfinished} makes of it. */
export const readAnswer = (incoming: Incoming): Effect.Effect<Answer, RegistrationError> => {
  const { response } = incoming
  if (isRead(response)) return Effect.succeed(response[readBefore])
  const fail = (failure: BodyFailure) => unfinished(incoming, unreadAnswer(failure, incoming))
  return Effect.matchEffect(readBody(incoming), {
    // A character is a byte at least: no honest length gives more.
    onSuccess: (text) => text.length > incoming.maximum ? fail(tooLarge) : Effect.succeed(withText(incoming, text)),
    onFailure: (failure) => isEmptyBody(failure) ? Effect.succeed(withText(incoming, "")) : fail(failure)
  })
}

/**
 * An answer whose body did not end as it should. A JSON object that is complete is all that there was to come but white
 * space, so it is read; and under a status of failure that status is enough, whatever the server wanted to add.
 */
export const unfinished = (
  incoming: Incoming,
  error: RegistrationError
): Effect.Effect<Answer, RegistrationError> => {
  const { place, response } = incoming
  const isFailure = response.status >= 400
  // A read without effects is made again rather than guessed at.
  if (!place.effects && !isFailure) return Effect.fail(error)
  return Effect.flatMap(leftOver(incoming), () =>
    isJsonObject(parseJson(incoming.text))
      ? Effect.succeed({ ...withText(incoming, incoming.text), isTruncated: true })
      : isFailure
      ? Effect.succeed(withText(incoming, ""))
      : Effect.fail(error))
}

/** Reads a response that somebody else received: of its deadline nothing is known, so it gets one of its own. */
export const readInTime = (
  response: HttpClientResponse.HttpClientResponse,
  place: Place,
  limits: ExchangeLimits
): Effect.Effect<Answer, RegistrationError> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const incoming = receive(response, place, limits.maxResponseBytes)
    const answer = readAnswer(incoming)
    const late = () =>
      unfinished(
        incoming,
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
    const deadline = Duration.toMillis(Duration.fromInputUnsafe(limits.deadline))
    return isRead(response) ? answer : within(answer, context, deadline, { late })
  })

/** Lets go of a body that nobody will read. Its connection would otherwise stay until the response is collected. */
export const discardBody = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> =>
  Effect.suspend(() => {
    const source = webOf(response)
    if (source !== undefined) return Effect.sync(() => cancel(source.body))
    // A stream that begins runs its finalizers, whether anything was pulled or not, and they end the transfer.
    return Effect.asVoid(
      Effect.exit(Effect.scopedWith((scope) => Channel.toPullScoped(Stream.toChannel(response.stream), scope)))
    )
  })

const withText = ({ headers, response }: Incoming, text: string): Answer => ({
  request: response.request,
  status: response.status,
  headers,
  text,
  isTruncated: false,
  response
})

/** The answer as a response whose body can be read again and again, and that shows none of these secrets. */
export const toResponse = (
  answer: Answer,
  secrets: ReadonlyArray<string> = []
): HttpClientResponse.HttpClientResponse => {
  const { response, text } = answer
  return derive(response, {
    [readBefore]: { value: answer },
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
          catch: (cause) => undecodable(response, cause)
        })
    }
  })
}

/** Names the answer of a response that was read already, within the limits. */
const readBefore: unique symbol = Symbol("@effect-dcr/core/internal/readBefore")

const isRead = (
  response: HttpClientResponse.HttpClientResponse
): response is HttpClientResponse.HttpClientResponse & { readonly [readBefore]: Answer } => readBefore in response

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

/** The body as text, in the cheapest way that keeps to the limit. */
const readBody = (incoming: Incoming): Effect.Effect<string, BodyFailure> => {
  const { headers, maximum, response } = incoming
  const source = webOf(response)
  const length = honestLength(headers, source)
  if (length !== undefined && length > maximum) return Effect.andThen(discardBody(response), Effect.fail(tooLarge))
  return source === undefined
    ? length === undefined ? streamBody(incoming) : response.text
    : isUnread(source)
    ? isTransportBody(response) ? readWeb(incoming, source) : streamBody(incoming)
    // Of a web response whose body was read by somebody else, Effect keeps the text.
    : response.text
}

/** A text that grows by bytes, up to a limit. */
const collect = (incoming: Incoming) => {
  const decoder = new TextDecoder()
  let size = 0
  return {
    /** Whether there was room. */
    add: (bytes: Uint8Array): boolean => {
      size += bytes.byteLength
      if (size > incoming.maximum) return false
      incoming.text += decoder.decode(bytes, { stream: true })
      return true
    },
    all: (): string => incoming.text + decoder.decode()
  }
}

/** The body, counted while it streams in, so that no more than the limit is ever held. */
const streamBody = (incoming: Incoming): Effect.Effect<string, BodyFailure> =>
  Effect.suspend(() => {
    const collected = collect(incoming)
    return Stream.runForEach(
      incoming.response.stream,
      (bytes): Effect.Effect<void, BodyFailure> => collected.add(bytes) ? Effect.void : Effect.fail(tooLarge)
    ).pipe(Effect.map(collected.all))
  })

/**
 * The same from the response of `fetch` itself. Effect's stream of it costs more than all else that a registration takes, and
 * aborts the request at its end.
 */
const readWeb = (incoming: Incoming, source: UnreadWeb): Effect.Effect<string, BodyFailure> =>
  Effect.callback((resume) => {
    const collected = collect(incoming)
    const reader = source.body.getReader()
    const readOn = async (): Promise<Effect.Effect<string, BodyFailure>> => {
      while (true) {
        const { done, value } = await reader.read()
        if (done) return Effect.succeed(collected.all())
        if (collected.add(value)) continue
        cancel(reader)
        return Effect.fail(tooLarge)
      }
    }
    readOn().then(resume, (cause: unknown) => {
      cancel(reader)
      resume(Effect.fail(undecodable(incoming.response, cause)))
    })
    return Effect.sync(() => cancel(reader))
  })

const undecodable = (response: HttpClientResponse.HttpClientResponse, cause: unknown) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.DecodeError({ request: response.request, response, cause })
  })

/**
 * What a transport still holds of a body whose reading as a whole failed. Of one that breaks off that is there at once, and
 * nothing is waited for.
 */
const leftOver = (incoming: Incoming): Effect.Effect<unknown> =>
  // A web response that failed holds nothing any more.
  incoming.text !== "" || webOf(incoming.response) !== undefined
    ? Effect.void
    : Effect.raceFirst(Effect.exit(streamBody(incoming)), Effect.yieldNow)

/**
 * The size of the body, unless it is decompressed on the way. A page that reads another origin sees the length and not the
 * encoding (the CORS-safelisted headers of the Fetch standard).
 */
const honestLength = (headers: Answer["headers"], source: Response | undefined): number | undefined => {
  const length = headers["content-length"]
  return length === undefined || !/^\d{1,15}$/.test(length) || headers["content-encoding"] !== undefined ||
      (source !== undefined && source.type !== "basic" && source.type !== "default")
    ? undefined
    : Number(length)
}

/** What `fetch` gave, on a transport that stands on it. */
const webOf = (response: HttpClientResponse.HttpClientResponse): Response | undefined =>
  Option.getOrUndefined(HttpClientResponse.toWeb(response))

interface UnreadWeb {
  readonly body: ReadableStream<Uint8Array>
}

/** React Native has no such body, and the `Response` of node-fetch one of another kind. */
const isUnread = (source: Response): source is Response & UnreadWeb =>
  Predicate.hasProperty(source.body, "getReader") && !source.bodyUsed && !source.body.locked

/** Nobody waits for it, and there is nobody to tell that it failed. */
const cancel = (body: { readonly cancel: () => Promise<void> } | null): void => {
  if (Predicate.hasProperty(body, "cancel")) body.cancel().catch(() => {})
}

const isEmptyBody = (failure: BodyFailure): boolean =>
  failure._tag === "HttpClientError" && failure.reason._tag === "EmptyBodyError"

/** Under success a client may exist, and nobody knows which. */
const unreadAnswer = (
  failure: BodyFailure,
  { place, response }: Incoming
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

const valuesOf = (object: object): ReadonlyArray<unknown> => Array.isArray(object) ? object : Object.values(object)

/** Whether a value is nested deeper than `maximum`. Does not recurse, so that no depth can exhaust the stack. */
export const isDeeperThan = (value: unknown, maximum: number): boolean => {
  if (typeof value !== "object" || value === null) return maximum < 0
  let level: ReadonlyArray<object> = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maximum) return true
    const below: Array<object> = []
    for (const item of level) {
      const values = valuesOf(item)
      if (values.length > 0 && depth === maximum) return true
      for (const inner of values) if (typeof inner === "object" && inner !== null) below.push(inner)
    }
    level = below
  }
  return false
}
