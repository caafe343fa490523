/** An `HttpClient` as a user would write one for a test: it answers from a list, and keeps what it was asked. */
import { type Duration, Effect, Layer } from "effect"
import { HttpClient, HttpClientError, HttpClientResponse } from "effect/http"

/** A request as it reached the client. */
export interface Recorded {
  readonly method: string
  readonly url: string
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

/** An answer. What is left out is as a registration should have it: 201, JSON, not to be stored. */
export interface Answer {
  readonly status?: number
  /** Laid over those of a good answer; `null` takes one away, a list makes several lines of one name. */
  readonly headers?: { readonly [name: string]: string | ReadonlyArray<string> | null }
  /** Sent as it is when it is text, bytes or a stream; as JSON when it is anything else. Default: no body. */
  readonly body?: unknown
  /** The URL that the answer says it came from. Default: the one asked. */
  readonly url?: string
  /** How long it takes. */
  readonly after?: Duration.Input
}

/** What happens to a request: an answer, or a failure of the transport with this cause. */
export type Reply = Answer | { readonly fails: unknown; readonly after?: Duration.Input } | "never"

export interface RecordedHttpClient {
  readonly requests: ReadonlyArray<Recorded>
  /** How many requests were interrupted before they were answered. */
  readonly interrupted: () => number
  readonly client: HttpClient.HttpClient
  readonly layer: Layer.Layer<HttpClient.HttpClient>
}

/** Each request takes the next reply, the last one over and over. */
export const recordedHttpClient = (...replies: ReadonlyArray<Reply>): RecordedHttpClient => {
  const requests: Array<Recorded> = []
  let interrupted = 0
  const client = HttpClient.make((request, url) =>
    Effect.suspend((): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError> => {
      const { body, headers, method } = request
      requests.push({
        method,
        url: url.href,
        headers: { ...headers },
        body: body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
      })
      const reply = replies[Math.min(requests.length, replies.length) - 1]
      if (reply === undefined || reply === "never") return Effect.never
      const outcome = "fails" in reply
        ? Effect.fail(
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.TransportError({ request, cause: reply.fails })
          })
        )
        : Effect.sync(() => HttpClientResponse.fromWeb(request, toWeb(reply)))
      return reply.after === undefined ? outcome : Effect.delay(outcome, reply.after)
    }).pipe(Effect.onInterrupt(() => Effect.sync(() => interrupted++)))
  )
  return {
    requests,
    interrupted: () => interrupted,
    client,
    layer: Layer.succeed(HttpClient.HttpClient, client)
  }
}

/** The answer as a web response. */
export const toWeb = ({ body, headers, status = 201, url }: Answer): Response => {
  const lines = new Headers({ "content-type": "application/json", "cache-control": "no-store" })
  for (const [name, value] of Object.entries(headers ?? {})) {
    lines.delete(name)
    for (const line of value === null ? [] : typeof value === "string" ? [value] : value) lines.append(name, line)
  }
  // The constructor takes no status below 200; a browser makes one of 0 for a redirect that it hides.
  const response = new Response(toBody(body), { status: Math.max(status, 200), headers: lines })
  if (status < 200) Object.defineProperty(response, "status", { value: status })
  if (url !== undefined) Object.defineProperty(response, "url", { value: url })
  return response
}

const toBody = (body: unknown): BodyInit | null => {
  if (body === undefined || body === null) return null
  if (typeof body === "string" || body instanceof ReadableStream) return body
  return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body)
}
