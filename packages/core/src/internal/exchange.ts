/**
 * Every HTTP exchange of this SDK: one place for the endpoint policy, proofs and nonces, redirects, the deadline, the cap on
 * the answer's size, and the translation of transport failures. All of it holds whatever `HttpClient` is underneath.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"
import { DpopSigner } from "../DpopSigner.ts"
import { EndpointPolicy, type Refusal } from "../EndpointPolicy.ts"
import { answersAreRead, ExchangeLimits } from "../ExchangeLimits.ts"
import { type Reason, RegistrationError } from "../RegistrationError.ts"
import { Telemetry } from "../Telemetry.ts"
import { type Answer, discardBody, type Incoming, parseJson, readAnswer, receive, unfinished } from "./answer.ts"
import { startBudget } from "./budget.ts"
import { shownCause } from "./foreignCause.ts"
import * as NonceCache from "./nonceCache.ts"
import { demandsNonce } from "./nonceDemand.ts"
import { serverSays, shownLocation } from "./refusal.ts"
import { repeatsOneOf, secretsIn } from "./secrets.ts"
import { attemptStarts, nonceChallenged } from "./telemetry.ts"
import { type Place, transportReason } from "./transportFailure.ts"
import { displayUrl, parseUrl } from "./url.ts"

export type { Answer } from "./answer.ts"

export interface ExchangeOptions {
  /** Which URL is contacted, for the endpoint policy and for errors. */
  readonly role: string
  /** `dangerouslyAllowInsecureRequests` of the caller. */
  readonly allowInsecure: boolean
  /** Who named the URL, for the endpoint policy. Absent when the caller did. */
  readonly issuer?: string | undefined
  /** Secrets of the request, to keep out of every text. Default: none. */
  readonly secrets?: ReadonlyArray<string> | undefined
  /** Whether processing the request twice would matter. Default: whether it is anything else than a GET. */
  readonly effects?: boolean | undefined
  /** The time for the whole exchange; the default of `ExchangeLimits` when absent. */
  readonly deadline?: Duration.Input | undefined
  /** The time of which the exchange is a part, in milliseconds; it goes before `deadline`. */
  readonly remaining?: Effect.Effect<number> | undefined
  /** The size of the answer's body; `maxResponseBytes` of `ExchangeLimits` when absent. */
  readonly maxBytes?: number | undefined
}

/** One exchange without proofs. */
export const exchange = (
  request: HttpClientRequest.HttpClientRequest,
  options: ExchangeOptions
): Effect.Effect<Answer, RegistrationError, HttpClient.HttpClient> =>
  HttpClient.HttpClient.use((client) =>
    Effect.flatMap(prepare(client, request, options), ({ send }) => send(Effect.succeed))
  )

/** One exchange with the signer's proofs, answering a nonce challenge once (RFC 9449 §8, §9). */
export const exchangeWithProofs = (
  request: HttpClientRequest.HttpClientRequest,
  options: ExchangeOptions
): Effect.Effect<Answer, RegistrationError, HttpClient.HttpClient | DpopSigner> =>
  HttpClient.HttpClient.use((client) =>
    DpopSigner.use((signer) =>
      Effect.flatMap(
        prepare(client, request, options),
        (prepared) => sendWithProofs(signer, request, options, prepared)
      )
    )
  )

type AddProof = (
  request: HttpClientRequest.HttpClientRequest
) => Effect.Effect<HttpClientRequest.HttpClientRequest, RegistrationError>

interface Prepared {
  /** The URL that the request goes to. */
  readonly url: URL
  /** Sends the request once. */
  readonly send: (addProof: AddProof) => Effect.Effect<Answer, RegistrationError>
}

const sendWithProofs = (
  signer: DpopSigner["Service"],
  request: HttpClientRequest.HttpClientRequest,
  options: ExchangeOptions,
  { send, url }: Prepared
): Effect.Effect<Answer, RegistrationError> => {
  const exhausted = (answer: Answer) => Effect.fail(nonceExhausted(answer, options.secrets ?? []))
  // A caller who brings a proof of their own makes all of them, and needs the nonce for the next.
  if (request.headers["dpop"] !== undefined) {
    return Effect.flatMap(
      send(Effect.succeed),
      (answer) => demandsNonce(answer) ? exhausted(answer) : Effect.succeed(answer)
    )
  }
  const credentials = credentialsOf(request)
  if (Option.isNone(signer.thumbprint)) {
    return credentials?.scheme.toLowerCase() === "dpop" ? Effect.fail(signerMissing()) : send(Effect.succeed)
  }

  let nonceSent: string | undefined
  const addProof: AddProof = (request) =>
    Effect.map(signer.sign({ method: request.method, url, accessToken: credentials?.token }), (proof) => {
      if (Option.isNone(proof)) return request
      nonceSent = proof.value.nonce
      return HttpClientRequest.setHeader(request, "dpop", proof.value.jwt)
    })
  const attempt = Effect.flatMap(send(addProof), (answer) => {
    const nonce = nonceOf(answer)
    return nonce === undefined ? Effect.succeed(answer) : Effect.as(signer.learn(url, nonce), answer)
  })
  return Effect.flatMap(attempt, (first) => {
    if (!demandsNonce(first)) return Effect.succeed(first)
    const nonce = nonceOf(first)
    // Without a nonce, or with the one that was just refused, a second attempt cannot end otherwise.
    const isHopeless = nonce === undefined || nonce === nonceSent
    const second = Effect.flatMap(
      attempt,
      (answer) => demandsNonce(answer) ? Effect.andThen(nonceChallenged, exhausted(answer)) : Effect.succeed(answer)
    )
    return Effect.andThen(nonceChallenged, isHopeless ? exhausted(first) : second)
  })
}

const signerMissing = () =>
  new RegistrationError({
    reason: {
      _tag: "InvalidOptions",
      option: "initialAccessToken",
      message: "a token of the scheme DPoP needs a signer (RFC 9449 §7.1): provide a DpopSigner layer that makes proofs"
    }
  })

/** Judges the URL, and begins to count the time: one deadline for all attempts. */
const prepare = (
  client: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest,
  options: ExchangeOptions
): Effect.Effect<Prepared, RegistrationError> =>
  Effect.flatMap(
    options.remaining === undefined ? startBudget(options.deadline) : Effect.succeed(options.remaining),
    (remaining) =>
      Effect.withFiber((fiber) => {
        const url = judge(request, options, fiber.getRef(EndpointPolicy))
        return url instanceof RegistrationError
          ? Effect.fail(url)
          : Effect.succeed({
            url,
            send: sender(client, request, url, options, remaining, fiber.getRef(ExchangeLimits))
          })
      })
  )

const sender = (
  client: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  options: ExchangeOptions,
  remaining: Effect.Effect<number>,
  limits: ExchangeLimits
): Prepared["send"] => {
  // A timer may be early by what it rounds away.
  const untilDeadline: Effect.Effect<void> = Effect.flatMap(
    remaining,
    (left) => left <= 0 ? Effect.void : Effect.andThen(Effect.sleep(Math.ceil(left)), untilDeadline)
  )
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
        ...(error.reason.cause === undefined
          ? undefined
          : { cause: shownCause(error.reason.cause, options.secrets ?? []) })
      })

  return (addProof) =>
    Effect.flatMap(remaining, (left) => {
      if (left <= 0) return Effect.fail(fail(pastDeadline("nothing", undefined)))
      let sends = 0
      let progress: "nothing" | "read" | "effects" = "nothing"
      let incoming: Incoming | undefined
      // Runs for every attempt of whatever retrying client the user may have: each gets its own proof, and a second one of
      // a request that has effects is refused, because the first may have been processed.
      const perSend = HttpClient.mapRequestEffect(
        client,
        (request): Effect.Effect<HttpClientRequest.HttpClientRequest, RegistrationError> =>
          ++sends > 1 && place.effects ? Effect.fail(fail(repeatedSend)) : Effect.map(addProof(request), (request) => {
            progress = place.effects ? "effects" : "read"
            return request
          })
      )
      return attemptStarts.pipe(
        Effect.andThen(perSend.execute(plainly(request))),
        Effect.catch(answerInside),
        Effect.flatMap((response) => {
          const redirect = redirectOf(response, url, options.secrets ?? [])
          if (redirect !== undefined) return Effect.andThen(discardBody(response), Effect.fail(fail(redirect)))
          incoming = receive(response, place, options.maxBytes ?? limits.maxResponseBytes)
          return readAnswer(incoming)
        }),
        Effect.mapError(translate),
        Effect.updateContext(exchangeContext),
        Effect.timeoutOrElse({
          duration: left,
          orElse: () => {
            const error = fail(pastDeadline(progress, incoming?.response.status))
            return Effect.andThen(
              untilDeadline,
              incoming === undefined ? Effect.fail(error) : unfinished(incoming, error)
            )
          }
        })
      )
    })
}

/**
 * Without a word about it a server may compress (RFC 9110 §12.5.3), and most transports would not decompress: the client
 * would be created, and its registration unreadable.
 */
const plainly = (request: HttpClientRequest.HttpClientRequest): HttpClientRequest.HttpClientRequest =>
  request.headers["accept-encoding"] === undefined
    ? HttpClientRequest.setHeader(request, "accept-encoding", "identity")
    : request

/** What a client that fails on a status, such as `HttpClient.filterStatusOk`, holds back. */
const answerInside = <E>(
  error: E | HttpClientError.HttpClientError
): Effect.Effect<HttpClientResponse.HttpClientResponse, E | HttpClientError.HttpClientError> =>
  HttpClientError.isHttpClientError(error) && error.reason._tag === "StatusCodeError"
    ? Effect.succeed(error.reason.response)
    : Effect.fail(error)

/** The URL that the request goes to, or why it must not. */
const judge = (
  request: HttpClientRequest.HttpClientRequest,
  // Of the options no more goes to the policy: they hold the secrets of the request.
  { allowInsecure, issuer, role }: ExchangeOptions,
  policy: EndpointPolicy
): URL | RegistrationError => {
  const asked = parseUrl(request.url)
  if (asked === undefined) return endpointRefused(role, request.url, "InvalidUrl", "it is not an absolute URL")
  // The request keeps its query apart when it was made of a URL.
  const url = request.urlParams.params.length === 0
    ? asked
    : Option.getOrElse(HttpClientRequest.toUrl(request), () => asked)
  if (url.hash !== "") url.hash = ""
  const refusal = policy.judgeUrl(url, { role, allowInsecure, issuer })
  return refusal === undefined ? url : endpointRefused(role, url, refusal.rule, refusal.message)
}

const endpointRefused = (role: string, url: URL | string, rule: Refusal["rule"], message: string) =>
  new RegistrationError({ reason: { _tag: "EndpointRefused", role, url: displayUrl(url), rule, message } })

/** Trace headers are not for third parties unless asked, fetch must not follow redirects, and secrets are no text for a span. */
const exchangeContext = (context: Context.Context<never>): Context.Context<never> => {
  const { propagateTrace } = Context.get(context, Telemetry)
  // Nobody sees the client's own span: no tracer is installed, and none of its headers are sent.
  const unseen = !propagateTrace && Context.get(context, Tracer.Tracer) === Tracer.nativeTracer
  const requestInit = Context.getOrUndefined(context, FetchHttpClient.RequestInit)
  return context.pipe(
    Context.add(HttpClient.TracerPropagationEnabled, propagateTrace),
    Context.add(
      HttpClient.TracerDisabledWhen,
      unseen
        ? always
        // The client's own span shows the whole URL, and the query of a management URI can be a secret.
        : (request) => request.url.includes("?") || Context.get(context, HttpClient.TracerDisabledWhen)(request)
    ),
    Context.add(answersAreRead, unseen),
    Context.add(
      FetchHttpClient.RequestInit,
      requestInit === undefined ? refuseRedirects : { ...requestInit, ...refuseRedirects }
    ),
    Context.add(Headers.CurrentRedactedNames, [...Context.get(context, Headers.CurrentRedactedNames), ...notForSpans])
  )
}

const always = (): boolean => true

/** A proof, and what a server may quote a token in. */
const notForSpans: ReadonlyArray<string> = ["dpop", "dpop-nonce", "location", "www-authenticate"]

const refuseRedirects: globalThis.RequestInit = {
  redirect: "manual",
  credentials: "omit",
  referrerPolicy: "no-referrer"
}

/** A 3xx, a browser's opaque redirect (status 0), or another URL than the one asked: somebody redirected. */
const redirectOf = (
  response: HttpClientResponse.HttpClientResponse,
  asked: URL,
  secrets: ReadonlyArray<string>
): Reason | undefined => {
  const { status, url } = response
  const redirected = (location: string | undefined): Reason => {
    const shown = shownLocation(location, asked.href, secrets)
    return {
      _tag: "RedirectRefused",
      ...(status >= 300 && status < 400 ? { status } : undefined),
      ...(shown === undefined ? undefined : { location: shown })
    }
  }
  if ((status >= 300 && status < 400) || status === 0) return redirected(response.headers["location"])
  if (url === "" || url === asked.href) return undefined
  const answering = parseUrl(url)
  return answering !== undefined && withoutHash(answering) !== asked.href ? redirected(url) : undefined
}

const withoutHash = (url: URL): string => url.href.slice(0, url.href.length - url.hash.length)

const repeatedSend: Reason = {
  _tag: "OutcomeUnknown",
  why: "RepeatedSend",
  message:
    "The HttpClient tried to send the request a second time, which could create a second client; it was stopped, and " +
    "what became of the first is not known. Do not wrap the client in retryTransient: RetryPolicy repeats what is safe"
}

const pastDeadline = (progress: "nothing" | "read" | "effects", status: number | undefined): Reason => {
  if (progress === "nothing") {
    return { _tag: "Transport", sent: false, message: "Nothing was sent within the deadline" }
  }
  const message = status === undefined ? "No answer within the deadline" : "The answer did not end within the deadline"
  return progress === "effects"
    ? {
      _tag: "OutcomeUnknown",
      why: "Deadline",
      message: `${message}: whether the server processed the request is not known`,
      ...(status === undefined ? undefined : { status })
    }
    : { _tag: "Transport", sent: true, message }
}

/** The nonce of an answer, if it is one that can be sent back. */
const nonceOf = ({ headers }: Answer): string | undefined => {
  const nonce = headers["dpop-nonce"]
  return nonce === undefined || !NonceCache.isNonce(nonce) ? undefined : nonce
}

const nonceExhausted = (answer: Answer, ofRequest: ReadonlyArray<string>) => {
  const nonce = nonceOf(answer)
  // A refusal may bring secrets all the same.
  const secrets = [...ofRequest, ...secretsIn(parseJson(answer.text))]
  return new RegistrationError({
    reason: {
      _tag: "NonceExhausted",
      ...serverSays(answer, secrets),
      ...(nonce === undefined || repeatsOneOf(secrets)(nonce) ? undefined : { nonce })
    },
    method: answer.request.method,
    url: displayUrl(answer.request.url)
  })
}

/** The scheme and the token of the Authorization header, for `ath`. */
const credentialsOf = (
  request: HttpClientRequest.HttpClientRequest
): { readonly scheme: string; readonly token: Redacted.Redacted<string> } | undefined => {
  const match = /^(\S+) +(.+)$/.exec(request.headers["authorization"] ?? "")
  return match?.[1] === undefined || match[2] === undefined
    ? undefined
    : { scheme: match[1], token: Redacted.make(match[2], { label: "access token" }) }
}
