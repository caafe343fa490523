/**
 * What a browser does not say when `fetch` fails, and what can be found out.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as Headers from "effect/http/Headers"
import * as Predicate from "effect/Predicate"

/** Core shows what this says, and sends again what was not sent. */
export class ExplainedFailure extends Error {
  override readonly name = "ExplainedFailure"
  readonly explanation: string
  readonly notSent: boolean

  constructor(explanation: string, options: { readonly notSent: boolean; readonly cause: unknown }) {
    super(explanation, { cause: options.cause })
    this.explanation = explanation
    this.notSent = options.notSent
  }
}

/** A browser's word for every failure of the network: a `TypeError`, whose text differs from browser to browser. */
export const isBareFailure = (cause: unknown): boolean =>
  Predicate.hasProperty(cause, "name") && cause.name === "TypeError" && !Predicate.hasProperty(cause, "code") &&
  (!Predicate.hasProperty(cause, "cause") || cause.cause === undefined)

/** What is watched from before a request is sent. */
export interface Watched {
  readonly wasOffline: boolean
  /** Whether the page's own policy stopped a request to this place. */
  readonly isForbidden: (url: URL) => boolean
  readonly end: () => void
}

export const watch = (): Watched => {
  const forbidden: Array<string> = []
  const note = (event: unknown) => {
    if (Predicate.hasProperty(event, "blockedURI") && typeof event.blockedURI === "string") {
      forbidden.push(event.blockedURI)
    }
  }
  globalThis.addEventListener?.("securitypolicyviolation", note)
  return {
    wasOffline: isOffline(),
    isForbidden: (url) => forbidden.some((blocked) => URL.canParse(blocked) && new URL(blocked).origin === url.origin),
    end: () => globalThis.removeEventListener?.("securitypolicyviolation", note)
  }
}

export interface Failed {
  readonly method: string
  readonly url: URL
  readonly headers: Headers.Headers
  readonly cause: unknown
}

/** Says what happened, after asking the server's origin whether it is there, if `probe` says so. */
export const explain = Effect.fnUntraced(function*(
  watched: Watched,
  { cause, headers, method, url }: Failed,
  probe: boolean
): Effect.fn.Return<ExplainedFailure> {
  const failure = (notSent: boolean, explanation: string) => new ExplainedFailure(explanation, { notSent, cause })
  const place = url.origin
  const page = pageOrigin()
  const isOwn = page === place
  // Loopback is there without a network.
  if (isOffline() && !isLoopback(url)) {
    return watched.wasOffline
      ? failure(true, "the browser is offline: try again when it is online")
      : failure(false, "the browser went offline while the request was under way")
  }
  if (isPageSecure() && url.protocol === "http:" && !isLoopback(url)) {
    return failure(true, `a page from https may not contact ${place}: the server needs https`)
  }
  // The browser says so a moment after the failure.
  yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 0)))
  if (watched.isForbidden(url)) {
    return failure(
      true,
      `the Content-Security-Policy of this page does not allow it to contact ${place}: name it in connect-src`
    )
  }
  const isThere = probe && !isOwn ? yield* answers(url) : undefined
  if (isOwn || isThere === false) {
    return failure(
      false,
      `${place} cannot be reached: the server is away, its name or certificate is wrong, or something in the browser blocks it`
    )
  }
  const known = isThere === true
    ? `${place} can be reached, but the browser does not let this page have the answer (CORS)`
    : `the network request failed; ${place} may be away, or the browser does not let this page have the answer (CORS)`
  const needs = preflightHeaders(headers)
  const isSimple = needs.length === 0 && simpleMethods.includes(method)
  const always = `send "Access-Control-Allow-Origin: ${page}" with every answer there, errors included`
  return failure(
    false,
    isSimple
      ? `${known}. Its operator has to ${always}`
      : `${known}. Either the preflight was refused, and then nothing was processed, or the answer came without CORS ` +
        `headers, as errors often do. Its operator has to answer OPTIONS with a status of 200 or 204, ` +
        `"Access-Control-Allow-Origin: ${page}", "Access-Control-Allow-Methods: ${method}"` +
        `${needs.length === 0 ? "" : ` and "Access-Control-Allow-Headers: ${needs.join(", ")}"`}, and to ${always}`
  )
})

/** These need no preflight by themselves (Fetch §2.2.1). */
const simpleMethods: ReadonlyArray<string> = ["GET", "HEAD", "POST"]

/** The headers of a request that a preflight asks for (Fetch §2.2.2). */
const preflightHeaders = (headers: Headers.Headers): ReadonlyArray<string> =>
  Object.keys(headers).filter((name) =>
    !simpleHeaders.includes(name) || (name === "content-type" && !isSimpleType(headers[name]))
  ).sort()

const simpleHeaders: ReadonlyArray<string> = [
  "accept",
  "accept-language",
  "content-language",
  "content-type",
  "content-length"
]

const isSimpleType = (type: string | undefined): boolean =>
  /^\s*(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\s*(;|$)/i.test(type ?? "")

/**
 * Whether anybody answers at the origin. What they answer stays hidden (`no-cors`), nothing of the request is repeated, and the
 * root is asked for, which has no effect.
 */
const answers = (url: URL): Effect.Effect<boolean> =>
  FetchHttpClient.Fetch.use((fetch) =>
    Effect.tryPromise((signal) =>
      fetch(url.origin, {
        method: "HEAD",
        mode: "no-cors",
        credentials: "omit",
        cache: "no-store",
        referrerPolicy: "no-referrer",
        signal
      })
    ).pipe(Effect.as(true), Effect.timeout("5 seconds"), Effect.orElseSucceed(() => false))
  )

/** `navigator.onLine` is right when it says no, and no more than a guess when it says yes. */
const isOffline = (): boolean => {
  const { navigator }: { readonly navigator?: { readonly onLine?: boolean } } = globalThis
  return navigator?.onLine === false
}

const isPageSecure = (): boolean => globalThis.location?.protocol === "https:"

/** The origin that the server sees; `null` for pages that have none. */
const pageOrigin = (): string => globalThis.origin ?? "null"

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" ||
  /^127(\.\d+){3}$/.test(hostname)
