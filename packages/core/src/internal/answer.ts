/**
 * Reading an answer: its body to the end within the limits, its members without trusting them.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"

/** An answer whose body was read to its end within the limits. */
export interface Answer {
  readonly request: HttpClientRequest.HttpClientRequest
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  /** The body as UTF-8 text. Empty when there was none. */
  readonly text: string
}

/** Why a body could not be read to its end. */
export type BodyFailure = { readonly _tag: "TooLarge" } | {
  readonly _tag: "Unreadable"
  readonly error: HttpClientError.HttpClientError
}

const tooLarge: BodyFailure = { _tag: "TooLarge" }

const unreadable = (error: HttpClientError.HttpClientError): BodyFailure => ({ _tag: "Unreadable", error })

/**
 * The body as text. A body is counted while it streams in, so that no more than the limit is ever held. Where the server
 * says an honest length within the limit, and no content encoding can blow the body up, reading it whole is cheaper.
 */
export const readBody = (
  response: HttpClientResponse.HttpClientResponse,
  maximum: number
): Effect.Effect<string, BodyFailure> => {
  const length = response.headers["content-length"]
  const isPlain = response.headers["content-encoding"] === undefined
  if (length !== undefined && isPlain && /^\d{1,15}$/.test(length)) {
    if (Number(length) > maximum) return Effect.fail(tooLarge)
    return response.text.pipe(Effect.catch(emptyIsFine), Effect.mapError(unreadable))
  }
  return Effect.suspend(() => {
    const decoder = new TextDecoder()
    let size = 0
    let text = ""
    return Stream.runForEach(response.stream, (bytes) => {
      size += bytes.length
      if (size > maximum) return Effect.fail(tooLarge)
      text += decoder.decode(bytes, { stream: true })
      return Effect.void
    }).pipe(
      Effect.catch((failure): Effect.Effect<void, BodyFailure> =>
        failure._tag === "TooLarge"
          ? Effect.fail(failure)
          : failure.reason._tag === "EmptyBodyError"
          ? Effect.void
          : Effect.fail(unreadable(failure))
      ),
      Effect.map(() => text + decoder.decode())
    )
  })
}

const emptyIsFine = (error: HttpClientError.HttpClientError): Effect.Effect<string, HttpClientError.HttpClientError> =>
  error.reason._tag === "EmptyBodyError" ? Effect.succeed("") : Effect.fail(error)

/** A JSON object, as it comes from `JSON.parse`: an own `__proto__` member is a member like any other. */
export interface JsonObject {
  readonly [name: string]: unknown
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Parses text that may be anything. `undefined` when it is not JSON. */
export const parseJson = (text: string): unknown => {
  // A byte order mark is no part of JSON (RFC 8259 §8.1), but it may be ignored.
  const trimmed = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  try {
    return JSON.parse(trimmed)
  } catch {
    return undefined
  }
}

/** Whether a value is nested deeper than `maximum`. Does not recurse, so that no depth can exhaust the stack. */
export const isDeeperThan = (value: unknown, maximum: number): boolean => {
  let level: ReadonlyArray<unknown> = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maximum) return true
    level = level.flatMap((item) => typeof item === "object" && item !== null ? Object.values(item) : [])
  }
  return false
}
