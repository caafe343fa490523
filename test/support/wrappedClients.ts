/** Clients that stand around the transport, and send more than they are asked for. */
import type { ClientRegistration } from "@effect-dcr/core"
import { Effect } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { register } from "./oneRegistration.ts"

/** What is made of our transport, and of another. */
export type Wrap = (ours: HttpClient.HttpClient, other: HttpClient.HttpClient) => HttpClient.HttpClient

/** Does something by what `wrap` makes of the transport. */
export const by = <A, E, R>(wrap: Wrap, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const ours = yield* HttpClient.HttpClient
    const other = yield* Effect.provide(HttpClient.HttpClient, FetchHttpClient.layer)
    return yield* Effect.provideService(effect, HttpClient.HttpClient, wrap(ours, other))
  })

export const registerBy = (wrap: Wrap, origin: string, options?: ClientRegistration.RegisterOptions) =>
  by(wrap, register(origin, options))

/** Once more, if the first attempt fails. */
export const again = { times: 1 }

// What clients change of a request.

export const changed = HttpClientRequest.setHeader("x-tenant", "one")

export const moved = (request: HttpClientRequest.HttpClientRequest): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.setUrl(request, `${request.url}/v2`)

export const rewritten = HttpClientRequest.bodyText(
  "{\"redirect_uris\":[\"https://app.example.com/cb\"]}",
  "application/json"
)

/** Sends by a fiber that knows nothing of the one that asks, and tries again. */
export const outsideOf: Wrap = (ours) =>
  HttpClient.make((request) =>
    Effect.flatten(Effect.promise(() => Effect.runPromiseExit(Effect.retry(ours.execute(request), again))))
  )
