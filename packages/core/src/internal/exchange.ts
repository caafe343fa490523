/**
 * Every HTTP exchange of this SDK: one place for the endpoint policy, proofs and nonces, redirects, the deadline, the cap on
 * the answer's size, and the translation of transport failures. All of it holds whatever `HttpClient` is underneath.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { DpopSigner } from "../DpopSigner.ts"
import { EndpointPolicy, type Refusal } from "../EndpointPolicy.ts"
import { ExchangeLimits } from "../ExchangeLimits.ts"
import { RegistrationError } from "../RegistrationError.ts"
import { type Answer, parseJson } from "./answer.ts"
import { Budget } from "./budget.ts"
import * as NonceCache from "./nonceCache.ts"
import { demandsNonce } from "./nonceDemand.ts"
import { serverSays } from "./refusal.ts"
import { repeatsOneOf, secretsIn } from "./secrets.ts"
import { type AddProof, Exchange, plainly } from "./sending.ts"
import { nonceChallenged } from "./telemetry.ts"
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
  /** The size of the answer's body; `maxResponseBytes` of `ExchangeLimits` when absent. */
  readonly maxBytes?: number | undefined
}

/** One exchange without proofs. */
export const exchange = (
  request: HttpClientRequest.HttpClientRequest,
  options: ExchangeOptions
): Effect.Effect<Answer, RegistrationError, HttpClient.HttpClient> =>
  Effect.contextWith((context: Context.Context<HttpClient.HttpClient>) => {
    const url = judge(context, request, options)
    if (url instanceof RegistrationError) return Effect.fail(url)
    const budget = new Budget(context, options.deadline)
    return prepare(context, plainly(request), url, options, budget).send(Effect.succeed)
  })

/**
 * One exchange with the signer's proofs, answering a nonce challenge once (RFC 9449 §8, §9), in a time that begins before it.
 * The request has been prepared by {@link plainly}. Run again, it judges the URL again, whose policy may have changed meanwhile.
 */
export const exchangeWithProofs = (
  request: HttpClientRequest.HttpClientRequest,
  options: ExchangeOptions,
  budget: Budget
): Effect.Effect<Answer, RegistrationError, HttpClient.HttpClient | DpopSigner> =>
  Effect.contextWith((context: Context.Context<HttpClient.HttpClient | DpopSigner>) => {
    const url = judge(context, request, options)
    return url instanceof RegistrationError
      ? Effect.fail(url)
      : sendWithProofs(Context.get(context, DpopSigner), prepare(context, request, url, options, budget), url)
  })

const sendWithProofs = (
  signer: DpopSigner["Service"],
  exchange: Exchange,
  url: URL
): Effect.Effect<Answer, RegistrationError> => {
  const { request } = exchange
  const exhausted = (answer: Answer) => Effect.fail(nonceExhausted(answer, exchange.secrets))
  // A caller who brings a proof of their own makes all of them, and needs the nonce for the next.
  if (request.headers["dpop"] !== undefined) {
    return Effect.flatMap(
      exchange.send(Effect.succeed),
      (answer) => demandsNonce(answer) ? exhausted(answer) : Effect.succeed(answer)
    )
  }
  const credentials = credentialsOf(request)
  if (Option.isNone(signer.thumbprint)) {
    return credentials?.scheme.toLowerCase() === "dpop" ? Effect.fail(signerMissing()) : exchange.send(Effect.succeed)
  }

  let nonceSent: string | undefined
  const addProof: AddProof = (request) =>
    Effect.map(signer.sign({ method: request.method, url, accessToken: credentials?.token }), (proof) => {
      if (Option.isNone(proof)) return request
      nonceSent = proof.value.nonce
      return HttpClientRequest.setHeader(request, "dpop", proof.value.jwt)
    })
  const attempt = Effect.flatMap(exchange.send(addProof), (answer) => {
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

const prepare = (
  context: Context.Context<HttpClient.HttpClient>,
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  options: ExchangeOptions,
  budget: Budget
): Exchange => {
  const { maxResponseBytes } = Context.get(context, ExchangeLimits)
  const {
    effects = request.method !== "GET",
    maxBytes = maxResponseBytes,
    role,
    secrets = []
  } = options
  return new Exchange(Context.get(context, HttpClient.HttpClient), request, url, {
    role,
    secrets,
    effects,
    budget,
    maxBytes
  })
}

/** The URL that the request goes to, or why it must not. */
const judge = (
  context: Context.Context<never>,
  request: HttpClientRequest.HttpClientRequest,
  // Of the options no more goes to the policy: they hold the secrets of the request.
  { allowInsecure, issuer, role }: ExchangeOptions
): URL | RegistrationError => {
  const asked = parseUrl(request.url)
  if (asked === undefined) return endpointRefused(role, request.url, "InvalidUrl", "it is not an absolute URL")
  // The request keeps its query apart when it was made of a URL.
  const url = request.urlParams.params.length === 0
    ? asked
    : Option.getOrElse(HttpClientRequest.toUrl(request), () => asked)
  // An empty fragment is none to ask for, but it stands in the URL's text, with which the answer's is compared.
  if (url.href.includes("#")) url.hash = ""
  const { href } = url
  const refusal = Context.get(context, EndpointPolicy).judgeUrl(url, { role, allowInsecure, issuer })
  if (refusal !== undefined) return endpointRefused(role, href, refusal.rule, refusal.message)
  // A policy that changes what it is shown does not send the request elsewhere.
  return url.href === href ? url : new URL(href)
}

const endpointRefused = (role: string, url: URL | string, rule: Refusal["rule"], message: string) =>
  new RegistrationError({ reason: { _tag: "EndpointRefused", role, url: displayUrl(url), rule, message } })

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
