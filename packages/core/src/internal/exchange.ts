/**
 * Every HTTP exchange of this SDK: one place for the endpoint policy, proofs and nonces, redirects, the deadline, the cap on
 * the answer's size, and the translation of transport failures. All of it holds whatever `HttpClient` is underneath.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { DpopSigner } from "../DpopSigner.ts"
import { EndpointPolicy } from "../EndpointPolicy.ts"
import { ExchangeLimits } from "../ExchangeLimits.ts"
import { type Reason, RegistrationError } from "../RegistrationError.ts"
import { Telemetry } from "../Telemetry.ts"
import { type Answer, readAnswer } from "./answer.ts"
import { demandsNonce } from "./nonceDemand.ts"
import { attemptStarts, nonceChallenged } from "./telemetry.ts"
import { type Place, transportReason } from "./transportFailure.ts"
import { displayUrl } from "./url.ts"

export type { Answer } from "./answer.ts"

export interface ExchangeOptions {
  /** Which URL is contacted, for the endpoint policy and for errors. */
  readonly role: string
  /** `dangerouslyAllowInsecureRequests` of the caller. */
  readonly allowInsecure: boolean
  /** Whether processing the request twice would matter. Default: whether it is anything else than a GET. */
  readonly effects?: boolean | undefined
  /** The time for the whole exchange; the default of `ExchangeLimits` when absent. */
  readonly deadline?: Duration.Input | undefined
}

/** One exchange without proofs. */
export const exchange: (
  request: HttpClientRequest.HttpClientRequest,
  options: ExchangeOptions
) => Effect.Effect<Answer, RegistrationError, HttpClient.HttpClient> = Effect.fnUntraced(
  function*(request, options) {
    const client = yield* HttpClient.HttpClient
    const send = yield* prepare(client, request, options)
    return yield* send(Effect.succeed)
  }
)

/** One exchange with the signer's proofs, answering a nonce challenge once (RFC 9449 §8, §9). */
export const exchangeWithProofs: (
  request: HttpClientRequest.HttpClientRequest,
  options: ExchangeOptions
) => Effect.Effect<Answer, RegistrationError, HttpClient.HttpClient | DpopSigner> = Effect.fnUntraced(
  function*(request, options) {
    const client = yield* HttpClient.HttpClient
    const signer = yield* DpopSigner
    const send = yield* prepare(client, request, options)
    // A caller who brings a proof of their own makes all of them.
    if (request.headers["dpop"] !== undefined) return yield* send(Effect.succeed)

    const url = new URL(request.url)
    const credentials = credentialsOf(request)
    if (credentials?.scheme.toLowerCase() === "dpop" && Option.isNone(signer.thumbprint)) {
      return yield* new RegistrationError({
        reason: {
          _tag: "InvalidOptions",
          option: "initialAccessToken",
          message:
            "a token of the scheme DPoP needs a signer (RFC 9449 §7.1): provide a DpopSigner layer that makes proofs"
        }
      })
    }

    let nonceSent: string | undefined
    const addProof = (request: HttpClientRequest.HttpClientRequest) =>
      Effect.map(signer.sign({ method: request.method, url, accessToken: credentials?.token }), (proof) => {
        if (Option.isNone(proof)) return request
        nonceSent = proof.value.nonce
        return HttpClientRequest.setHeader(request, "dpop", proof.value.jwt)
      })
    const attempt = Effect.tap(send(addProof), (answer) => {
      const nonce = answer.headers["dpop-nonce"]
      return nonce === undefined ? Effect.void : signer.learn(url, nonce)
    })

    const first = yield* attempt
    if (Option.isNone(signer.thumbprint) || !demandsNonce(first)) return first
    yield* nonceChallenged
    const nonce = first.headers["dpop-nonce"]
    // Without a nonce, or with the one that was just refused, a second attempt cannot end otherwise.
    if (nonce === undefined || nonce === nonceSent) return yield* nonceExhausted(first)
    const second = yield* attempt
    if (!demandsNonce(second)) return second
    yield* nonceChallenged
    return yield* nonceExhausted(second)
  }
)

type AddProof = (
  request: HttpClientRequest.HttpClientRequest
) => Effect.Effect<HttpClientRequest.HttpClientRequest, RegistrationError>

/** Judges the URL, and gives the function that sends the request once. */
const prepare = Effect.fnUntraced(function*(
  client: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest,
  options: ExchangeOptions
) {
  const url = yield* judge(request, options)
  const limits = yield* ExchangeLimits
  // One deadline for all attempts, by the clock that does not jump.
  const budget = Duration.toMillis(Duration.fromInputUnsafe(options.deadline ?? limits.deadline))
  const start = yield* Clock.monotonicTimeNanos
  const place: Place = {
    role: options.role,
    url: displayUrl(url),
    effects: options.effects ?? request.method !== "GET"
  }
  const fail = (reason: Reason) => new RegistrationError({ reason, method: request.method, url: place.url })
  const translate = (error: HttpClientError.HttpClientError | RegistrationError) =>
    error._tag === "RegistrationError"
      ? error
      : new RegistrationError({
        reason: transportReason(error, place),
        method: request.method,
        url: place.url,
        // Not the HttpClientError itself: that one holds the request with its Authorization header.
        ...(error.reason.cause === undefined ? undefined : { cause: error.reason.cause })
      })

  return (addProof: AddProof): Effect.Effect<Answer, RegistrationError> =>
    Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
      let sends = 0
      let status: number | undefined
      // Runs for every attempt of whatever retrying client the user may have: each gets its own proof, and a second one of
      // a request that has effects is refused, because the first may have been processed.
      const perSend = HttpClient.mapRequestEffect(
        client,
        (request): Effect.Effect<HttpClientRequest.HttpClientRequest, RegistrationError> =>
          ++sends > 1 && place.effects ? Effect.fail(fail(repeatedSend)) : addProof(request)
      )
      return attemptStarts.pipe(
        Effect.andThen(perSend.execute(request)),
        Effect.flatMap((response) => {
          status = response.status
          const redirect = redirectOf(response, url)
          if (redirect !== undefined) return Effect.fail(fail(redirect))
          return readAnswer(response, place, limits.maxResponseBytes)
        }),
        Effect.mapError(translate),
        Effect.updateContext(exchangeContext),
        Effect.timeoutOrElse({
          duration: Math.max(0, budget - Number(now - start) / 1_000_000),
          orElse: () => Effect.fail(fail(pastDeadline(place.effects && sends > 0, status)))
        })
      )
    })
})

const judge = Effect.fnUntraced(function*(request: HttpClientRequest.HttpClientRequest, options: ExchangeOptions) {
  const refuse = (reason: Reason) => new RegistrationError({ reason })
  if (!URL.canParse(request.url)) {
    return yield* refuse({
      _tag: "EndpointRefused",
      role: options.role,
      url: displayUrl(request.url),
      rule: "InvalidUrl",
      message: "it is not an absolute URL"
    })
  }
  const url = new URL(request.url)
  const policy = yield* EndpointPolicy
  const refusal = policy.judgeUrl(url, options)
  return refusal === undefined
    ? url
    : yield* refuse({ _tag: "EndpointRefused", role: options.role, url: displayUrl(url), ...refusal })
})

/** Trace headers are not for third parties unless asked, fetch must not follow redirects, and secrets are no text for a span. */
const exchangeContext = (context: Context.Context<never>): Context.Context<never> =>
  context.pipe(
    Context.add(HttpClient.TracerPropagationEnabled, Context.get(context, Telemetry).propagateTrace),
    Context.add(FetchHttpClient.RequestInit, refuseRedirects),
    Context.add(Headers.CurrentRedactedNames, [...Context.get(context, Headers.CurrentRedactedNames), ...notForSpans])
  )

/** A proof, and what a server may quote a token in. */
const notForSpans: ReadonlyArray<string> = ["dpop", "location", "www-authenticate"]

const refuseRedirects: globalThis.RequestInit = {
  redirect: "manual",
  credentials: "omit",
  referrerPolicy: "no-referrer"
}

/** A 3xx, a browser's opaque redirect (status 0), or another URL than the one asked: somebody redirected. */
const redirectOf = (response: HttpClientResponse.HttpClientResponse, asked: URL): Reason | undefined => {
  const { status, url } = response
  const location = response.headers["location"]
  if ((status >= 300 && status < 400) || status === 0) {
    return {
      _tag: "RedirectRefused",
      ...(status === 0 ? undefined : { status }),
      ...(location === undefined ? undefined : { location: displayUrl(location, asked) })
    }
  }
  if (url !== "" && URL.canParse(url) && withoutHash(new URL(url)) !== withoutHash(asked)) {
    return { _tag: "RedirectRefused", location: displayUrl(url) }
  }
  return undefined
}

const withoutHash = (url: URL): string => url.href.slice(0, url.href.length - url.hash.length)

const repeatedSend: Reason = {
  _tag: "OutcomeUnknown",
  why: "RepeatedSend",
  message:
    "The HttpClient tried to send the request a second time, which could create a second client; it was stopped, and " +
    "what became of the first is not known. Do not wrap the client in retryTransient: RetryPolicy repeats what is safe"
}

const pastDeadline = (mayBeProcessed: boolean, status: number | undefined): Reason => {
  const message = status === undefined ? "No answer within the deadline" : "The answer did not end within the deadline"
  return mayBeProcessed
    ? {
      _tag: "OutcomeUnknown",
      why: "Deadline",
      message: `${message}: whether the server processed the request is not known`,
      ...(status === undefined ? undefined : { status })
    }
    : { _tag: "Transport", sent: true, message }
}

const nonceExhausted = (answer: Answer) => {
  const nonce = answer.headers["dpop-nonce"]
  return new RegistrationError({
    reason: { _tag: "NonceExhausted", status: answer.status, ...(nonce === undefined ? undefined : { nonce }) },
    method: answer.request.method,
    url: displayUrl(answer.request.url)
  })
}

/** The scheme and the token of the Authorization header, for `ath`. */
const credentialsOf = (
  request: HttpClientRequest.HttpClientRequest
): { readonly scheme: string; readonly token: Redacted.Redacted<string> } | undefined => {
  const match = /^(\S+) +(\S+)$/.exec(request.headers["authorization"] ?? "")
  return match?.[1] === undefined || match[2] === undefined
    ? undefined
    : { scheme: match[1], token: Redacted.make(match[2], { label: "access token" }) }
}
