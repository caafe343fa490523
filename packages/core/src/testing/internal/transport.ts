/**
 * How an answer leaves the server: as the answer of an in-memory `HttpClient`, with the failures of real transports, or as
 * a response of an HTTP app that something mounts on a socket.
 *
 * @internal
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import { bareFailure, bodyOf, type ConnectionFailure, exposedHeaders, type Reply } from "./reply.ts"

// -----------------------------------------------------------------------------
// in memory
// -----------------------------------------------------------------------------

/** The cause of a failure as Node has it, with a `code`, or as a browser has it, with nothing. */
const causeOf = ({ code, message }: ConnectionFailure): Error =>
  code === undefined ? new TypeError(message) : Object.assign(new Error(message), { code })

export const toClientError = (
  request: HttpClientRequest.HttpClientRequest,
  failure: ConnectionFailure
): HttpClientError.HttpClientError =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({ request, cause: causeOf(failure) })
  })

export const toClientResponse = (
  request: HttpClientRequest.HttpClientRequest,
  reply: Reply
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError> => {
  const { delivery } = reply
  const whole = () => HttpServerResponse.toClientResponse(toServerResponse(reply, closed), { request })
  switch (delivery?._tag) {
    case "ManyHeaders":
      return Effect.fail(toClientError(request, {
        _tag: "ConnectionFailure",
        code: "UND_ERR_HEADERS_OVERFLOW",
        message: "Headers Overflow Error"
      }))
    case "OpaqueRedirect":
      return Effect.succeed(
        withOther(HttpServerResponse.toClientResponse(HttpServerResponse.empty(), { request }), { status: 0, url: "" })
      )
    case "Followed":
      return Effect.succeed(withOther(whole(), { url: delivery.location }))
    case "Hidden":
      return Effect.fail(toClientError(request, bareFailure))
    case "Unexposed":
      return Effect.succeed(
        HttpServerResponse.toClientResponse(
          toServerResponse({
            ...reply,
            headers: Object.fromEntries(
              Object.entries(reply.headers).filter(([name]) => !exposedHeaders.includes(name))
            )
          }),
          { request }
        )
      )
    default:
      return Effect.succeed(whole())
  }
}

/** A response that says something else of itself. */
const withOther = (
  response: HttpClientResponse.HttpClientResponse,
  other: { readonly status?: number; readonly url: string }
): HttpClientResponse.HttpClientResponse =>
  new Proxy(response, {
    get: (target, name): unknown => Reflect.get(Object.hasOwn(other, name) ? other : target, name)
  })

// -----------------------------------------------------------------------------
// on a socket
// -----------------------------------------------------------------------------

/** Why a body ends early. A mount that meets it closes the connection without finishing the answer. */
class ConnectionClosed extends Data.Error<{ readonly code: string }> {
  override readonly message = "other side closed"
}

const closed = Stream.fail(new ConnectionClosed({ code: "UND_ERR_SOCKET" }))

/** Before a mount closes the connection it is given time to send what came before. */
const closedAfterFlush = Stream.concat(Stream.drain(Stream.fromEffect(Effect.sleep("20 millis"))), closed)

/** A connection that fails, as far as a response can say that: a body that breaks off before its first byte. */
export const failedResponse: HttpServerResponse.HttpServerResponse = HttpServerResponse.stream(closed)

export const toServerResponse = (
  reply: Reply,
  end: Stream.Stream<never, ConnectionClosed> = closedAfterFlush
): HttpServerResponse.HttpServerResponse => {
  const { delivery, headers, status } = reply
  const bytes = new TextEncoder().encode(bodyOf(reply))
  const contentType = headers["content-type"]
  // The type of a body is an option beside the headers, and would otherwise get a default.
  const options = { status, headers, ...(contentType === undefined ? undefined : { contentType }) }
  const half = bytes.subarray(0, bytes.length >> 1)
  switch (delivery?._tag) {
    case "Drip":
      return HttpServerResponse.stream(
        Stream.fromIterable(bytes).pipe(
          Stream.rechunk(1),
          Stream.mapEffect((byte) => Effect.delay(Effect.succeed(Uint8Array.of(byte)), delivery.intervalMillis))
        ),
        options
      )
    case "Truncated":
      return delivery.whole === true
        ? HttpServerResponse.stream(Stream.concat(Stream.succeed(bytes), end), options)
        : HttpServerResponse.stream(Stream.concat(Stream.succeed(half), end), {
          ...options,
          contentLength: bytes.length
        })
    case "Stalled":
      return HttpServerResponse.stream(
        Stream.concat(Stream.succeed(delivery.whole === true ? bytes : half), Stream.never),
        options
      )
    case "MisstatedLength": {
      const contentLength = Math.max(0, bytes.length + delivery.difference)
      return HttpServerResponse.stream(
        delivery.difference > 0
          ? Stream.concat(Stream.succeed(bytes), end)
          : Stream.succeed(bytes.subarray(0, contentLength)),
        { ...options, contentLength }
      )
    }
    case "Padded":
      return HttpServerResponse.stream(padded(bytes, delivery.bytes), {
        ...options,
        ...(delivery.declared ? { contentLength: delivery.bytes + bytes.length } : undefined)
      })
    case "ManyHeaders": {
      const many = Object.fromEntries(Array.from({ length: delivery.count }, (_, index) => [`x-header-${index}`, "x"]))
      return HttpServerResponse.uint8Array(bytes, { ...options, headers: { ...headers, ...many } })
    }
    case "Followed":
      return HttpServerResponse.empty({ status: 307, headers: { location: delivery.location } })
    default:
      return bytes.length === 0
        ? HttpServerResponse.empty({ status, headers })
        : HttpServerResponse.uint8Array(bytes, options)
  }
}

const chunkSize = 65_536

/** Spaces before JSON are part of it (RFC 8259 §2): a reader that takes them all gets the very same value. */
const padded = (bytes: Uint8Array, padding: number): Stream.Stream<Uint8Array> => {
  const chunk = new Uint8Array(chunkSize).fill(0x20)
  return Stream.range(1, Math.ceil(padding / chunkSize)).pipe(
    Stream.rechunk(1),
    Stream.map((n) => n * chunkSize > padding ? chunk.subarray(0, padding % chunkSize) : chunk),
    Stream.concat(Stream.succeed(bytes))
  )
}
