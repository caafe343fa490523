/**
 * Sending a request once: how long it may take, what may be sent, and what is no answer to it.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Tracer from "effect/Tracer"
import { isTelling, OutgoingRequest, outgoingRequest } from "../OutgoingRequest.ts"
import { type Reason, RegistrationError } from "../RegistrationError.ts"
import { Telemetry } from "../Telemetry.ts"
import {
  type Answer,
  discardBody,
  type Incoming,
  isJsonObject,
  parseJson,
  readAnswer,
  receive,
  unfinished
} from "./answer.ts"
import type { Budget } from "./budget.ts"
import { type Timed, within } from "./deadline.ts"
import type { Destination } from "./destination.ts"
import { shownCause } from "./foreignCause.ts"
import { withOwnBody } from "./ownBody.ts"
import { isErrorObject, shownLocation } from "./refusal.ts"
import { attemptStarts } from "./telemetry.ts"
import { type Place, transportReason } from "./transportFailure.ts"
import { displayUrl, parseUrl } from "./url.ts"

/** Adds what each sending has of its own. */
export type AddProof = (
  request: HttpClientRequest.HttpClientRequest
) => Effect.Effect<HttpClientRequest.HttpClientRequest, RegistrationError>

export interface SendingOptions {
  readonly role: string
  /** Secrets of the request, to keep out of every text. */
  readonly secrets: ReadonlyArray<string>
  /** Whether processing the request twice would matter. */
  readonly effects: boolean
  /** The time for all sendings together. */
  readonly budget: Budget
  /** The size of the answer's body. */
  readonly maxBytes: number
}

/** A request that may be sent. */
export class Exchange {
  readonly client: HttpClient.HttpClient
  readonly request: HttpClientRequest.HttpClientRequest
  /** Where the request goes. As texts, which are a fifth of a `URL`. */
  readonly destination: Destination
  readonly secrets: ReadonlyArray<string>
  readonly maxBytes: number
  readonly place: Place
  private readonly budget: Budget

  constructor(
    client: HttpClient.HttpClient,
    request: HttpClientRequest.HttpClientRequest,
    url: URL,
    options: SendingOptions
  ) {
    this.client = client
    this.request = request
    this.destination = { origin: url.origin, path: url.pathname + url.search, href: url.href }
    this.secrets = options.secrets
    this.budget = options.budget
    this.maxBytes = options.maxBytes
    this.place = { role: options.role, url: displayUrl(url), effects: options.effects }
  }

  /** Sends the request once. */
  send(addProof: AddProof): Effect.Effect<Answer, RegistrationError> {
    return Effect.contextWith((context: Context.Context<never>) => {
      const left = this.budget.left(Context.get(context, Clock.Clock))
      if (left <= 0) return this.fail(pastDeadline("nothing", undefined))
      attemptStarts(context)
      const { client, destination } = this
      // Read once: a client may say something else the next time.
      const { postprocess, preprocess } = HttpClient.mapRequestEffect(client, unchanged)
      const isTold = isTelling(postprocess)
      // Nothing stands around the transport, nor before it: it sends the request, and no other.
      const isPlain = isTold && client.preprocess === Effect.succeed
      const request = isPlain && this.request.body._tag !== "Empty" ? this.request : withOwnBody(this.request)
      const isHttp = /^https?:/.test(destination.href)
      const outgoing = new OutgoingRequest(
        request.body,
        isHttp ? destination : undefined,
        isTold && isUnobserved(context)
      )
      if (!isPlain) outgoing.beFound(request.body)
      const attempt = new Attempt(this, outgoing, addProof, isTold)
      return within(attempt.run(request, preprocess, postprocess), exchangeContext(context, outgoing), left, attempt)
    })
  }

  fail(reason: Reason): Effect.Effect<never, RegistrationError> {
    return Effect.fail(this.error(reason))
  }

  error(reason: Reason): RegistrationError {
    return new RegistrationError({ reason, method: this.request.method, url: this.place.url })
  }

  /** With `sentAsWell`, the request may have been sent by another attempt of the client than the one that failed. */
  translate(error: HttpClientError.HttpClientError | RegistrationError, sentAsWell: boolean): RegistrationError {
    const isOld = sentAsWell && this.place.effects
    if (error._tag === "RegistrationError") {
      return isOld && !error.mayHaveSucceeded ? this.error(sentBefore) : error
    }
    const reason = transportReason(error, this.place)
    return new RegistrationError({
      reason: isOld && reason._tag !== "OutcomeUnknown" ? sentBefore : reason,
      method: this.request.method,
      url: this.place.url,
      // Not the HttpClientError itself: that one holds the request with its Authorization header.
      ...(error.reason.cause === undefined ? undefined : { cause: shownCause(error.reason.cause, this.secrets) })
    })
  }

  /** A timer may be early by what it rounds away. */
  get untilDeadline(): Effect.Effect<void> {
    return Effect.flatMap(
      this.budget.remaining,
      (left) => left <= 0 ? Effect.void : Effect.andThen(Effect.sleep(Math.ceil(left)), this.untilDeadline)
    )
  }
}

type Client = HttpClient.HttpClient.With<HttpClientError.HttpClientError | RegistrationError>

/** What may have been sent of a request: nothing, one whose repetition matters to nobody, or one that has effects. */
type Sent = "nothing" | "read" | "effects"

/** One sending of the request, and how far it has come. */
class Attempt implements Timed<Answer, RegistrationError> {
  private readonly exchange: Exchange
  private readonly outgoing: OutgoingRequest
  private readonly addProof: AddProof
  private sends = 0
  private isOver = false
  /** Whether the transport says of all that it gets what it has written. */
  private readonly isTold: boolean
  private progress: Sent = "nothing"
  private incoming: Incoming | undefined

  constructor(exchange: Exchange, outgoing: OutgoingRequest, addProof: AddProof, isTold: boolean) {
    this.exchange = exchange
    this.outgoing = outgoing
    this.addProof = addProof
    this.isTold = isTold
  }

  run(
    request: HttpClientRequest.HttpClientRequest,
    preprocess: Client["preprocess"],
    postprocess: Client["postprocess"]
  ): Effect.Effect<Answer, RegistrationError> {
    const admitted = Effect.flatMap(preprocess(request), (request) => this.admit(request))
    return Effect.matchEffect(postprocess(admitted), {
      onSuccess: (response) => this.receive(response),
      onFailure: (error) => {
        const response = answerInside(error)
        return response === undefined
          ? Effect.fail(this.exchange.translate(error, this.outgoing.sends.isUnsettled))
          : this.receive(response)
      }
    })
  }

  over(inTime: boolean): void {
    this.isOver = true
    this.outgoing.end()
    // An attempt that has grown old would keep the response.
    if (inTime) this.incoming = undefined
  }

  /** What becomes of it at the deadline. */
  late(): Effect.Effect<Answer, RegistrationError> {
    return Effect.andThen(this.exchange.untilDeadline, Effect.suspend(() => this.breakOff()))
  }

  private breakOff(): Effect.Effect<Answer, RegistrationError> {
    const { exchange, incoming } = this
    const error = exchange.error(pastDeadline(this.sent, incoming?.response.status))
    return incoming === undefined ? Effect.fail(error) : unfinished(incoming, error)
  }

  /** What may have been sent, by all that the client did before it was interrupted. */
  private get sent(): Sent {
    const { exchange: { place }, isTold, outgoing, progress } = this
    if (isTold && outgoing.sends.isTakenBack) return "nothing"
    return place.effects && outgoing.sends.isUnsettled ? "effects" : progress
  }

  /**
   * Runs for every attempt of whatever retrying client the user may have: each gets its own proof, and a second one of a
   * request that has effects is refused, because the first may have been processed.
   */
  private admit(
    request: HttpClientRequest.HttpClientRequest
  ): Effect.Effect<HttpClientRequest.HttpClientRequest, RegistrationError> {
    const { effects } = this.exchange.place
    if (++this.sends > 1 && effects) return this.exchange.fail(repeatedSend)
    return Effect.flatMap(this.addProof(request), (request) => {
      // A client that has it made in a fiber of its own may come here after it was said that nothing was sent. Nobody hears of a
      // failure any more, but who repeats failures.
      if (this.isOver && effects) return Effect.interrupt
      this.progress = effects ? "effects" : "read"
      this.outgoing.begin(request, isRerouted(request, this.exchange.request))
      return Effect.succeed(request)
    })
  }

  private receive(response: HttpClientResponse.HttpClientResponse): Effect.Effect<Answer, RegistrationError> {
    const { destination, maxBytes, place, secrets } = this.exchange
    const { status } = response
    // A refusal is not the last word when the request was sent at another time as well. A success is what was asked for.
    const isOld = place.effects && this.outgoing.sends.isUnsettledBeside(response)
    const redirect = redirectOf(response, destination.href, secrets)
    const error = redirect === undefined ? undefined : this.exchange.error(redirect)
    if (isOld && (status < 200 || status > 299) && error?.mayHaveSucceeded !== true) {
      return Effect.andThen(discardBody(response), this.exchange.fail({ ...sentBefore, status }))
    }
    if (error !== undefined) return Effect.andThen(discardBody(response), Effect.fail(error))
    const answer = readAnswer(this.incoming = receive(response, place, maxBytes))
    if (!isOld) return answer
    return Effect.flatMap(
      answer,
      (answer) => saysError(answer) ? this.exchange.fail({ ...sentBefore, status }) : Effect.succeed(answer)
    )
  }
}

/**
 * Makes room in a client's type for the errors of {@link Attempt.admit}, which is not itself given to the client: V8 makes the
 * functions of a client in its old space, from where they would keep all that the request holds until the next full collection.
 */
const unchanged = (
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<HttpClientRequest.HttpClientRequest, RegistrationError> => Effect.succeed(request)

/**
 * Without a word about it a server may compress (RFC 9110 §12.5.3), and most transports would not decompress: the client
 * would be created, and its registration unreadable.
 */
export const plainly = (request: HttpClientRequest.HttpClientRequest): HttpClientRequest.HttpClientRequest =>
  request.headers["accept-encoding"] === undefined
    ? HttpClientRequest.setHeader(request, "accept-encoding", "identity")
    : request

/** What a client that fails on a status, such as `HttpClient.filterStatusOk`, holds back. */
const answerInside = (
  error: HttpClientError.HttpClientError | RegistrationError
): HttpClientResponse.HttpClientResponse | undefined =>
  HttpClientError.isHttpClientError(error) && error.reason._tag === "StatusCodeError"
    ? error.reason.response
    : undefined

/** A refusal under a status of success. */
const saysError = ({ text }: Answer): boolean => {
  const body = parseJson(text)
  return isJsonObject(body) && isErrorObject(body) && body["client_id"] === undefined
}

/** Whether a client that changes requests has changed where this one goes. */
const isRerouted = (
  request: HttpClientRequest.HttpClientRequest,
  judged: HttpClientRequest.HttpClientRequest
): boolean => request.url !== judged.url || request.urlParams !== judged.urlParams || request.hash !== judged.hash

/** Nobody sees the client's own span: no tracer is installed, and none of its headers are sent. */
const isUnobserved = (context: Context.Context<never>): boolean =>
  !Context.get(context, Telemetry).propagateTrace && Context.get(context, Tracer.Tracer) === Tracer.nativeTracer

/** No tracer is installed where the client makes its span: it may bring one of its own. */
const isUntraced = (fiber: Fiber.Fiber<unknown, unknown> | undefined): boolean =>
  fiber?.getRef(Tracer.Tracer) === Tracer.nativeTracer

/** Trace headers are not for third parties unless asked, fetch must not follow redirects, and secrets are no text for a span. */
const exchangeContext = (context: Context.Context<never>, outgoing: OutgoingRequest): Context.Context<never> => {
  const { propagateTrace } = Context.get(context, Telemetry)
  const requestInit = Context.getOrUndefined(context, FetchHttpClient.RequestInit)
  return context.pipe(
    Context.add(HttpClient.TracerPropagationEnabled, propagateTrace),
    Context.add(
      HttpClient.TracerDisabledWhen,
      (request) =>
        // The client's own span shows the whole URL, and the query of a management URI can be a secret.
        request.url.includes("?") || request.urlParams.params.length > 0 ||
        (!propagateTrace && isUntraced(Fiber.getCurrent())) ||
        Context.get(context, HttpClient.TracerDisabledWhen)(request)
    ),
    Context.add(outgoingRequest, outgoing),
    Context.add(
      FetchHttpClient.RequestInit,
      requestInit === undefined ? refuseRedirects : { ...requestInit, ...refuseRedirects }
    ),
    Context.add(Headers.CurrentRedactedNames, Context.get(context, Headers.CurrentRedactedNames).concat(notForSpans))
  )
}

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
  asked: string,
  secrets: ReadonlyArray<string>
): Reason | undefined => {
  const { status, url } = response
  const redirected = (location: string | undefined): Reason => {
    const shown = shownLocation(location, asked, secrets)
    return {
      _tag: "RedirectRefused",
      ...(status >= 300 && status < 400 ? { status } : undefined),
      ...(shown === undefined ? undefined : { location: shown })
    }
  }
  if ((status >= 300 && status < 400) || status === 0) return redirected(response.headers["location"])
  if (url === "" || url === asked) return undefined
  const answering = parseUrl(url)?.href.split("#", 1)[0]
  return answering !== undefined && answering !== asked ? redirected(url) : undefined
}

const repeatedSend: Reason = {
  _tag: "OutcomeUnknown",
  why: "RepeatedSend",
  message:
    "The HttpClient tried to send the request a second time, which could create a second client; it was stopped, and " +
    "what became of the first is not known. Do not wrap the client in retryTransient: RetryPolicy repeats what is safe"
}

const sentBefore = {
  _tag: "OutcomeUnknown",
  why: "RepeatedSend",
  message:
    "The HttpClient went on after it had sent the request, and of what it had sent it is not known that it was refused. " +
    "Do not let it try again by itself: RetryPolicy repeats what is safe"
} as const satisfies Reason

const pastDeadline = (sent: Sent, status: number | undefined): Reason => {
  if (sent === "nothing") {
    return { _tag: "Transport", sent: false, message: "The request was not sent within the deadline" }
  }
  const message = status === undefined ? "No answer within the deadline" : "The answer did not end within the deadline"
  return sent === "effects"
    ? {
      _tag: "OutcomeUnknown",
      why: "Deadline",
      message: `${message}: whether the server processed the request is not known`,
      ...(status === undefined ? undefined : { status })
    }
    : { _tag: "Transport", sent: true, message }
}
