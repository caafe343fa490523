/**
 * An `HttpClient` for Node, made for the requests of this SDK, over undici's connections.
 *
 * It is an ordinary `HttpClient`: any method, any body, any status. What it adds is what a registration needs:
 *
 * - redirects are not followed;
 * - a bounded number of connections per origin, each with one request at a time over HTTP/1.1;
 * - idle connections are closed early, because a reset on a stale one leaves open whether a request was processed;
 * - a failure says when nothing was sent: the `cause` of the `TransportError` is then a {@link NotSent};
 * - interruption takes a request back before it is written, and closes its connection after;
 * - an answer streams in only as fast as it is read;
 * - client certificates (RFC 8705);
 * - when the `EndpointPolicy` in force judges addresses, every address that a name resolves to, and the one that was really
 *   connected to, is judged before the first byte is sent. Such connections are shared with nothing else.
 *
 * **Gotchas**
 *
 * There is no time limit other than that for connecting: use `Effect.timeout` (this SDK's operations have a deadline of their
 * own). Proxy variables of the environment are not read. Connections are not upgraded.
 *
 * @since 0.1.0
 */
import { EndpointPolicy } from "@effect-dcr/core/EndpointPolicy"
import { answersAreRead } from "@effect-dcr/core/ExchangeLimits"
import type * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Url from "effect/http/Url"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { LookupFunction } from "node:net"
import { Readable } from "node:stream"
import type * as Undici from "undici"
import { Connections } from "./internal/connections.ts"
import { Listener } from "./internal/listener.ts"
import { Transfer } from "./internal/transfer.ts"
import { unwrapConfig } from "./internal/unwrapConfig.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * How servers are authenticated, and with which certificate the client authenticates itself (RFC 8705 §2).
 *
 * @since 0.1.0
 * @category models
 */
export interface TlsOptions {
  /** The client's certificate with its chain, in PEM. Default: none. */
  readonly cert?: string | Uint8Array | undefined
  /** The private key of `cert`, in PEM. Default: none. */
  readonly key?: Redacted.Redacted<string | Uint8Array> | undefined
  /** What `key` is encrypted with. Default: it is not encrypted. */
  readonly passphrase?: Redacted.Redacted<string> | undefined
  /** The certificates to trust instead of Node's own, in PEM. Default: Node's own. */
  readonly ca?: string | Uint8Array | ReadonlyArray<string | Uint8Array> | undefined
  /** The server name to ask for and to expect in the server's certificate. Default: the host of the URL. */
  readonly servername?: string | undefined
}

/**
 * The options of the client.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The most connections to one origin; further requests wait in order. Default: 128. */
  readonly connectionsPerOrigin?: number | undefined
  /** The time for name lookup, TCP and TLS together. Default: 10 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /**
   * How long an unused connection is kept. A server that says how long it keeps one (`Keep-Alive: timeout`) is believed, less
   * one second, when that is sooner. 0 closes each connection after its answer. Default: 2 seconds.
   */
  readonly idleTimeout?: Duration.Input | undefined
  /** The most that the headers of an answer may measure, in bytes. Default: 16384. */
  readonly maxHeaderSize?: number | undefined
  /** TLS, and the client's certificate. Default: Node's defaults, no certificate. */
  readonly tls?: TlsOptions | undefined
  /** How host names are resolved. Default: `dns.lookup` of Node. */
  readonly lookup?: LookupFunction | undefined
}

// -----------------------------------------------------------------------------
// errors
// -----------------------------------------------------------------------------

export {
  /**
   * The cause of a failure of which it is known that not one byte of the request was written, so that the server cannot have
   * processed it. It carries `notSent: true` and the `code` of the failure underneath.
   *
   * @since 0.1.0
   * @category errors
   */
  NotSent
} from "./internal/notSent.ts"

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

// Loaded when a client is made: it takes most of the time that importing this module would take.
const loadUndici = Effect.promise(() => import("undici"))

/**
 * Makes a client. Its connections are closed with the scope, also those of requests that are still waiting for an answer.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<HttpClient.HttpClient, never, Scope.Scope> =>
  Effect.gen(function*() {
    const undici = yield* loadUndici
    const connections = yield* Effect.acquireRelease(
      Effect.sync(() =>
        new Connections(undici, {
          connectionsPerOrigin: Math.max(1, options.connectionsPerOrigin ?? 128),
          timeout: Duration.toMillis(options.connectTimeout ?? "10 seconds"),
          idleTimeout: Duration.toMillis(options.idleTimeout ?? "2 seconds"),
          maxHeaderSize: options.maxHeaderSize ?? 16_384,
          lookup: options.lookup,
          tls: tlsOptions(options.tls)
        })
      ),
      (connections) => Effect.promise(() => connections.close())
    )
    // A response that nobody holds any more, and whose body is still on its way.
    const abandoned = new FinalizationRegistry<Transfer>((transfer) => transfer.abort())
    const run = (
      request: HttpClientRequest,
      url: URL,
      signal: AbortSignal | undefined,
      { judgeAddress }: EndpointPolicy
    ): Effect.Effect<HttpClientResponse, HttpClientError.HttpClientError> => {
      const watched = signal === undefined ? abandoned : signal
      const body = bodyOf(request, undici)
      return Effect.isEffect(body)
        ? Effect.flatMap(body, (body) => send(connections, request, url, watched, judgeAddress, body))
        : send(connections, request, url, watched, judgeAddress, body)
    }
    const ordinary = HttpClient.make((request, url, signal, fiber) =>
      run(request, url, signal, fiber.getRef(EndpointPolicy))
    )
    // What an ordinary client does for each request (a span, an AbortController, a response that aborts when it is collected)
    // costs as much as all that is done here. The exchanges of this SDK have a span of their own, and read every answer.
    return HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
      Effect.flatMap((request) =>
        Effect.withFiber((fiber) => {
          if (!fiber.getRef(answersAreRead)) return ordinary.execute(request)
          const url = Url.make(request.url, request.urlParams, Option.getOrUndefined(request.hash))
          return Result.isSuccess(url)
            ? run(request, url.success, undefined, fiber.getRef(EndpointPolicy))
            : invalidUrl(request, { cause: url.failure })
        })
      ),
      Effect.succeed
    )
  })

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * A client with other options than the defaults.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerOptions = (options: Options): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(HttpClient.HttpClient, make(options))

/**
 * A client with the default options.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.effect(HttpClient.HttpClient, make())

/**
 * A client whose options come from `Config`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<HttpClient.HttpClient, Config.ConfigError> =>
  Layer.effect(HttpClient.HttpClient, Effect.flatMap(unwrapConfig(options), make))

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const tlsOptions = (tls: TlsOptions | undefined) => ({
  ...(tls?.cert === undefined ? undefined : { cert: bufferOf(tls.cert) }),
  ...(tls?.key === undefined ? undefined : { key: bufferOf(Redacted.value(tls.key)) }),
  ...(tls?.passphrase === undefined ? undefined : { passphrase: Redacted.value(tls.passphrase) }),
  ...(tls?.ca === undefined
    ? undefined
    : { ca: typeof tls.ca === "string" || tls.ca instanceof Uint8Array ? bufferOf(tls.ca) : tls.ca.map(bufferOf) }),
  servername: tls?.servername
})

const bufferOf = (pem: string | Uint8Array): string | Buffer => typeof pem === "string" ? pem : Buffer.from(pem)

type Body = Exclude<Undici.Dispatcher.DispatchOptions["body"], undefined>

/** The body in a form that undici takes. An effect only where there is something to wait for. */
const bodyOf = (
  request: HttpClientRequest,
  undici: typeof Undici
): { readonly body: Body } | Effect.Effect<{ readonly body: Body }, HttpClientError.HttpClientError> => {
  const { body } = request
  switch (body._tag) {
    case "Empty":
      return noBody
    case "Uint8Array":
      return { body: body.text ?? body.body }
    case "Raw":
      return isRaw(body.body, undici) ? { body: body.body } : Effect.fail(
        new HttpClientError.HttpClientError({
          reason: new HttpClientError.EncodeError({
            request,
            description: "the raw body is neither text, bytes, a Readable nor undici's FormData"
          })
        })
      )
    case "FormData": {
      const form = new undici.FormData()
      for (const [name, value] of body.formData) form.append(name, value)
      return { body: form }
    }
    case "Stream":
      return Effect.map(
        Stream.toAsyncIterableEffect(body.stream),
        (iterable) => ({ body: Readable.from(iterable, { objectMode: false }) })
      )
  }
}

const noBody: { readonly body: Body } = { body: null }

const isRaw = (body: unknown, undici: typeof Undici): body is NonNullable<Body> =>
  typeof body === "string" || body instanceof Uint8Array || body instanceof Readable || body instanceof undici.FormData

const send = (
  connections: Connections,
  request: HttpClientRequest,
  url: URL,
  watched: AbortSignal | FinalizationRegistry<Transfer>,
  judge: EndpointPolicy["judgeAddress"],
  { body }: { readonly body: Body }
): Effect.Effect<HttpClientResponse, HttpClientError.HttpClientError> => {
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return invalidUrl(request, { description: "neither http nor https" })
  }
  // The URL itself is not kept until the answer is there.
  const { href } = url
  const options = {
    origin: url.origin,
    path: url.pathname + url.search,
    method: request.method,
    // undici writes the boundary of form data itself
    headers: request.body._tag === "FormData" ? Headers.remove(request.headers, "content-type") : request.headers,
    body
  }
  return Effect.callback((resume) => {
    const unread = watched instanceof FinalizationRegistry ? watched : undefined
    const transfer = new Transfer(options, new Listener(request, href, unread, resume))
    if (watched instanceof AbortSignal) watched.addEventListener("abort", () => transfer.abort(), { once: true })
    connections.submit(options.origin, judge, transfer)
    return Effect.sync(() => transfer.abort())
  })
}

const invalidUrl = (
  request: HttpClientRequest,
  why: { readonly cause: unknown } | { readonly description: string }
): Effect.Effect<never, HttpClientError.HttpClientError> =>
  Effect.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.InvalidUrlError({ request, ...why }) })
  )
