/**
 * The `HttpClient` over the connections of one transport.
 *
 * @internal
 */
import { EndpointPolicy } from "@effect-dcr/core/EndpointPolicy"
import { type AnnouncedExchange, announcedExchange } from "@effect-dcr/core/ExchangeLimits"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Url from "effect/http/Url"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { Connections, Job } from "./connections.ts"
import { Listener } from "./listener.ts"
import { type Body, bodyOf } from "./requestBody.ts"
import { Transfer } from "./transfer.ts"
import type { Turn } from "./turn.ts"

export const clientOf = (connections: Connections): HttpClient.HttpClient => {
  // A response that nobody holds any more, and whose body is still on its way.
  const abandoned = new FinalizationRegistry<Transfer>((transfer) => transfer.abort())
  const ordinary = HttpClient.make((request, url, signal, fiber) => {
    if (url.protocol !== "https:" && url.protocol !== "http:") {
      return invalidUrl(request, { description: "neither http nor https" })
    }
    const { href, origin } = url
    const turn = fiber.getRef(currentTurn)
    const { judgeAddress } = fiber.getRef(EndpointPolicy)
    return send({ request, origin, href, path: url.pathname + url.search }, signal, (transfer) => {
      if (turn === undefined) connections.submit(origin, judgeAddress, transfer)
      else turn.use(transfer)
    })
  })
  // What an ordinary client does for each request (a span, an AbortController, a response that aborts when it is collected)
  // costs as much as all that is done here. The exchanges of this SDK have a span of their own, and read every answer.
  const sendAnnounced = (exchange: AnnouncedExchange, turn: Turn<Job>, request: HttpClientRequest) => {
    const target = targetOf(exchange, request)
    if (target === undefined) return ordinary.execute(request)
    return exchange.isUnobserved
      ? send(target, abandoned, (transfer) => turn.use(transfer))
      : Effect.provideService(ordinary.execute(request), currentTurn, turn)
  }
  // An exchange waits for its turn before its request is made: the proof in it is then new, and of an exchange that is given up
  // while it waits it is known that nothing was sent. Of a request that was handed over it is not.
  return HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
    (request) =>
      Effect.withFiber((fiber) => {
        const exchange = fiber.getRef(announcedExchange)
        if (exchange === undefined || exchange.isTaken) return Effect.flatMap(request, ordinary.execute)
        const turn = connections.announce(exchange.origin, fiber.getRef(EndpointPolicy).judgeAddress)
        exchange.take(turn)
        const sent = Effect.flatMap(request, (request) => sendAnnounced(exchange, turn, request))
        return turn.isWaiting ? Effect.andThen(come(turn), sent) : sent
      }),
    Effect.succeed
  )
}

/** The turn that has come for a request. */
const currentTurn: Context.Reference<Turn<Job> | undefined> = Context.Reference<Turn<Job> | undefined>(
  "@effect-dcr/platform-node/NodeHttpClient/currentTurn",
  { defaultValue: () => undefined }
)

const come = (turn: Turn<Job>): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (turn.isWaiting) turn.wait(() => resume(Effect.void))
    else resume(Effect.void)
  })

/** A request, and where it goes. */
interface Target {
  readonly request: HttpClientRequest
  readonly origin: string
  readonly href: string
  readonly path: string
}

/** Where the request of an exchange goes, or `undefined` when that is not where it was announced to go. */
const targetOf = ({ href, origin }: AnnouncedExchange, request: HttpClientRequest): Target | undefined => {
  const isWhole = request.url === href && request.urlParams.params.length === 0 && Option.isNone(request.hash)
  if (isWhole && href.startsWith("/", origin.length) && href.startsWith(origin) && !href.includes("#")) {
    return { request, origin, href, path: href.slice(origin.length) }
  }
  const parsed = Url.make(request.url, request.urlParams, Option.getOrUndefined(request.hash))
  if (Result.isFailure(parsed) || parsed.success.origin !== origin) return undefined
  const url = parsed.success
  return { request, origin, href: url.href, path: url.pathname + url.search }
}

/** Sends, and watches for what may break it off once there is an answer. */
const send = (
  { href, origin, path, request }: Target,
  watched: AbortSignal | FinalizationRegistry<Transfer>,
  submit: (transfer: Transfer) => void
): Effect.Effect<HttpClientResponse, HttpClientError.HttpClientError> => {
  const sendBody = ({ body }: { readonly body: Body }) =>
    Effect.callback<HttpClientResponse, HttpClientError.HttpClientError>((resume) => {
      const options = {
        origin,
        path,
        method: request.method,
        // undici writes the boundary of form data itself
        headers: request.body._tag === "FormData" ? Headers.remove(request.headers, "content-type") : request.headers,
        body
      }
      const abandoned = watched instanceof FinalizationRegistry ? watched : undefined
      const transfer = new Transfer(options, new Listener(request, href, abandoned, resume))
      if (watched instanceof AbortSignal) watched.addEventListener("abort", () => transfer.abort(), { once: true })
      submit(transfer)
      return Effect.sync(() => transfer.abort())
    })
  const body = bodyOf(request)
  return Effect.isEffect(body) ? Effect.flatMap(body, sendBody) : sendBody(body)
}

const invalidUrl = (
  request: HttpClientRequest,
  why: { readonly cause: unknown } | { readonly description: string }
): Effect.Effect<never, HttpClientError.HttpClientError> =>
  Effect.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.InvalidUrlError({ request, ...why }) })
  )
