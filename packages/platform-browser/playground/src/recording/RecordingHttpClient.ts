/**
 * An `HttpClient` that passes everything through to the one below it and writes down what it saw. The SDK does not know
 * that it is there: it is one layer more.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { CurrentOperation } from "./CurrentOperation.ts"
import { maskBody } from "./mask.ts"
import { decodeProof } from "./proof.ts"
import * as Timeline from "./timeline.ts"

export const layer: Layer.Layer<HttpClient.HttpClient, never, HttpClient.HttpClient> = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(HttpClient.HttpClient, (client) =>
    HttpClient.make(Effect.fnUntraced(function*(request) {
      const operation = yield* CurrentOperation
      if (operation === undefined) return yield* client.execute(request)
      const sent = yield* Clock.monotonicTimeNanos
      const id = Timeline.nextId()
      Timeline.change(operation.id, (found) => ({
        ...found,
        exchanges: [...found.exchanges, {
          id,
          method: request.method,
          url: request.url,
          requestHeaders: masked(request.headers),
          requestBody: bodyOf(request),
          proof: decodeProof(request.headers["dpop"] ?? ""),
          offset: milliseconds(sent - operation.start)
        }]
      }))
      const note = (what: Partial<Timeline.Exchange>) =>
        Timeline.changeExchange(operation.id, id, (exchange) => ({ ...exchange, ...what }))
      const elapsed = Effect.map(Clock.monotonicTimeNanos, (now) => milliseconds(now - sent))
      const response = yield* client.execute(request).pipe(
        Effect.tapError((error) =>
          Effect.map(elapsed, (duration) => note({ duration, failure: error.reason.message }))
        ),
        Effect.onInterrupt(() => Effect.map(elapsed, (duration) => note({ duration, failure: "Given up" })))
      )
      note({ duration: yield* elapsed, status: response.status, responseHeaders: masked(response.headers) })
      return listeningTo(response, (text) => note({ responseBody: maskBody(text) }))
    })))
)

/** The same response; whoever reads its body lets us hear it. */
const listeningTo = (
  response: HttpClientResponse.HttpClientResponse,
  heard: (text: string) => void
): HttpClientResponse.HttpClientResponse => {
  const decoder = new TextDecoder()
  let text = ""
  const more = (chunk: Uint8Array) => Effect.sync(() => heard(text += decoder.decode(chunk, { stream: true })))
  return new Proxy(response, {
    get: (target, name): unknown =>
      name === "stream"
        ? Stream.tap(target.stream, more)
        : name === "arrayBuffer"
        ? Effect.tap(target.arrayBuffer, (bytes) => more(new Uint8Array(bytes)))
        : name === "text"
        ? Effect.tap(target.text, (whole) => Effect.sync(() => heard(whole)))
        : Reflect.get(target, name, target)
  })
}

const masked = (headers: Headers.Headers) => {
  const { dpop, ...shown } = Headers.redact(headers, ["authorization", "set-cookie"])
  // The proof is shown taken apart; as a whole it is good for this one request only.
  return dpop === undefined ? shown : { ...shown, dpop: Redacted.make(headers["dpop"] ?? "", { label: "proof" }) }
}

const bodyOf = ({ body }: HttpClientRequest.HttpClientRequest) =>
  body._tag === "Uint8Array" ? maskBody(new TextDecoder().decode(body.body)) : undefined

const milliseconds = (nanos: bigint): number => Number(nanos) / 1_000_000
