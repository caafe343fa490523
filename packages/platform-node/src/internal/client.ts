/**
 * The `HttpClient` over the connections of one transport.
 *
 * @internal
 */
import { EndpointPolicy } from "@effect-dcr/core/EndpointPolicy"
import { type Destination, outgoingOf, outgoingRequest, telling } from "@effect-dcr/core/OutgoingRequest"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import type { Connections } from "./connections.ts"
import { Listener } from "./listener.ts"
import { type Body, bodyOf } from "./requestBody.ts"
import { Transfer } from "./transfer.ts"

export const clientOf = (connections: Connections): HttpClient.HttpClient => {
  // A response that nobody holds any more, and whose body is still on its way.
  const abandoned = new FinalizationRegistry<Transfer>((transfer) => transfer.abort())
  const send = (
    request: HttpClientRequest,
    destination: Destination,
    fiber: Fiber.Fiber<unknown, unknown>,
    watched: AbortSignal | FinalizationRegistry<Transfer>
  ): Effect.Effect<HttpClientResponse, HttpClientError.HttpClientError> => {
    const { judgeAddress } = fiber.getRef(EndpointPolicy)
    const outgoing = outgoingOf(fiber, request)
    const { href, origin, path } = destination
    const sendBody = ({ body }: { readonly body: Body }) =>
      Effect.callback<HttpClientResponse, HttpClientError.HttpClientError>((resume) => {
        const options = { origin, path, method: request.method, headers: headersOf(request), body }
        const unread = watched instanceof FinalizationRegistry ? watched : undefined
        const sends = outgoing?.hold(request, destination)
        const transfer = new Transfer(options, new Listener(request, href, unread, resume), sends)
        if (watched instanceof AbortSignal) watched.addEventListener("abort", () => transfer.abort(), { once: true })
        connections.submit(origin, judgeAddress, transfer)
        return Effect.sync(() => transfer.abort())
      })
    const body = bodyOf(request)
    return Effect.isEffect(body) ? Effect.flatMap(body, sendBody) : sendBody(body)
  }
  const ordinary = HttpClient.make((request, url, signal, fiber) =>
    url.protocol === "https:" || url.protocol === "http:"
      ? send(request, { origin: url.origin, path: url.pathname + url.search, href: url.href }, fiber, signal)
      : invalidUrl(request, { description: "neither http nor https" })
  )
  // What an ordinary client does for each request (a span, an AbortController, a response that aborts when it is collected)
  // costs as much as all that is done here. An exchange of this SDK whose client nothing stands around has a span of its own, and
  // reads every answer.
  return HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
    telling(Effect.flatMap((request) =>
      Effect.withFiber((fiber) => {
        const exchange = fiber.getRef(outgoingRequest)
        const destination = exchange?.isUnobserved === true ? exchange.destinationOf(request) : undefined
        return destination === undefined
          ? ordinary.execute(request)
          : send(request, destination, fiber, abandoned)
      })
    )),
    Effect.succeed
  )
}

/** undici writes the boundary of form data itself. */
const headersOf = ({ body, headers }: HttpClientRequest): Headers.Headers =>
  body._tag === "FormData" ? Headers.remove(headers, "content-type") : headers

const invalidUrl = (
  request: HttpClientRequest,
  why: { readonly cause: unknown } | { readonly description: string }
): Effect.Effect<never, HttpClientError.HttpClientError> =>
  Effect.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.InvalidUrlError({ request, ...why }) })
  )
