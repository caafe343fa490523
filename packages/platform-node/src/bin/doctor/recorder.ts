/**
 * Writes down what is sent and what comes back, without a word of its contents: method, URL without query and user information, status, and the
 * headers that say how a server treats registrations.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"

export interface Recorded {
  readonly method: string
  readonly url: string
  /** Absent when no answer came. */
  readonly status: number | undefined
  /** The headers of the answer, by lower-case name. */
  readonly headers: { readonly [name: string]: string | undefined }
}

const addressOf = ({ url }: HttpClientRequest.HttpClientRequest): string => {
  if (!URL.canParse(url)) return url.replace(/[?#].*/, "")
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

/** The client at hand, which writes into `records` what went through it. */
export const layer = (records: Array<Recorded>): Layer.Layer<HttpClient.HttpClient, never, HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) =>
      HttpClient.transform(client, (effect, request) => {
        const record = (status: number | undefined, headers: Recorded["headers"]) =>
          Effect.sync(() => records.push({ method: request.method, url: addressOf(request), status, headers }))
        return effect.pipe(
          Effect.tap((response) => record(response.status, response.headers)),
          Effect.tapError(() => record(undefined, {}))
        )
      }))
  )
