import { Effect, Layer } from "effect"
import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "effect/http"

/** What a URL answers: a JSON document, an answer of any kind, or a connection that fails. */
export type Answer =
  | { readonly json: unknown; readonly status?: number; readonly headers?: Record<string, string> }
  | { readonly text: string; readonly status?: number; readonly headers?: Record<string, string> }
  | { readonly status: number; readonly headers?: Record<string, string> }
  | { readonly refuseConnection: true }

/**
 * An `HttpClient` that answers from a table of URLs (404 for all others) and records every request.
 */
export const recordedServer = (answers: { readonly [url: string]: Answer }) => {
  const requests: Array<HttpClientRequest.HttpClientRequest> = []
  const client = HttpClient.make((request, url) => {
    requests.push(request)
    const answer = answers[url.href] ?? { status: 404 }
    return "refuseConnection" in answer
      ? Effect.fail(
        new HttpClientError.HttpClientError({
          reason: new HttpClientError.TransportError({
            request,
            cause: Object.assign(new Error("connect ECONNREFUSED 192.0.2.1:443"), { code: "ECONNREFUSED" })
          })
        })
      )
      : Effect.succeed(HttpClientResponse.fromWeb(request, toWeb(answer)))
  })
  return {
    requests,
    /** The URLs asked, in their order. */
    get urls() {
      return requests.map((request) => request.url)
    },
    client,
    layer: Layer.succeed(HttpClient.HttpClient, client)
  }
}

const toWeb = (answer: Exclude<Answer, { readonly refuseConnection: true }>): Response => {
  const body = "json" in answer ? JSON.stringify(answer.json) : "text" in answer ? answer.text : null
  const type = "json" in answer ? "application/json" : "text/html"
  const status = answer.status ?? 200
  // A web response of status 204 or 304 takes no body at all.
  return new Response(status === 204 || status === 304 ? null : body, {
    status,
    headers: { "content-type": type, ...answer.headers }
  })
}
