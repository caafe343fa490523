/**
 * What an exchange and its transport tell each other of the request. It is no part of the API, and not in `internal`, from where
 * the transports of the other packages could not import it.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type { Fiber } from "effect/Fiber"
import type { HttpBody } from "effect/http/HttpBody"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import { type Destination, isBoundFor } from "./internal/destination.ts"
import { Sends } from "./internal/sends.ts"

export type { Destination } from "./internal/destination.ts"
export type { Sends } from "./internal/sends.ts"

/**
 * The request that one attempt of an exchange sends.
 *
 * A transport that can tell says here while it holds the request back, in a queue or for a connection that is being made: given up
 * then, nothing of it was sent. It says as well what else it sends that may be the request once more: changed, mirrored, tried again
 * or sent elsewhere by a client that stands around the transport.
 */
export class OutgoingRequest {
  /**
   * Whether nobody watches the transport, and the fiber that sends the request reads the answer to its end or lets go of it. There
   * is less to do then.
   */
  readonly isUnobserved: boolean
  readonly sends = new Sends()
  // Out of sight of whoever prints a context: a query can be a secret, and so can a header.
  readonly #destination: Destination | undefined
  #body: HttpBody | undefined
  #request: HttpClientRequest | undefined
  private isRerouted = false

  /** The destination of what is not http or https is nobody's. */
  constructor(body: HttpBody, destination: Destination | undefined, isUnobserved: boolean) {
    this.#body = body
    this.#destination = destination
    this.isUnobserved = isUnobserved
  }

  /** This is the request. What else is sent meanwhile, to sign it for instance, is another. A client may have changed where it goes. */
  begin(request: HttpClientRequest, isRerouted: boolean): void {
    this.#request = request
    this.isRerouted = isRerouted
  }

  /** Where this request goes, if it is the one, and goes where it was meant to. */
  destinationOf(request: HttpClientRequest): Destination | undefined {
    return request === this.#request && !this.isRerouted ? this.#destination : undefined
  }

  /** The attempt is over: whoever was forked in it, and lives on, does not keep the request. */
  end(): void {
    this.#request = undefined
    this.#body = undefined
  }

  /** A transport has a request, and has written none of it. Comes back with whom it is to tell what becomes of it. */
  hold(request: HttpClientRequest, destination: Destination): Sends | undefined {
    return this.isCopy(request) || this.isLike(request, destination) ? this.sends.hold() : undefined
  }

  /** Whatever a client changes of a request, its URL and its headers, the body stays the very same object. */
  private isCopy(request: HttpClientRequest): boolean {
    return request === this.#request ||
      (request.body._tag !== "Empty" && (request.body === this.#body || request.body === this.#request?.body))
  }

  /** It may be the request with its body written anew. */
  private isLike(request: HttpClientRequest, destination: Destination): boolean {
    return !isSafe(request.method) && this.#destination !== undefined && isBoundFor(destination, this.#destination)
  }
}

/** RFC 9110 §9.2.1. */
const isSafe = (method: string): boolean => ["GET", "HEAD", "OPTIONS", "TRACE"].includes(method)

/** The request that the fiber sends. */
export const outgoingRequest: Context.Reference<OutgoingRequest | undefined> = Context.Reference<
  OutgoingRequest | undefined
>("@effect-dcr/core/OutgoingRequest", { defaultValue: () => undefined })

/** By the body: a client may have a request sent by a fiber that knows nothing of the exchange. */
const byBody = new WeakMap<HttpBody, OutgoingRequest>()

/** Lets a request be found by its body, for a client that may send it from anywhere. */
export const findable = (outgoing: OutgoingRequest, body: HttpBody): void => {
  if (body._tag !== "Empty") byBody.set(body, outgoing)
}

/** The exchange that a request is of, by the fiber that sends it or by itself. */
export const outgoingOf = (
  fiber: Fiber<unknown, unknown>,
  request: HttpClientRequest
): OutgoingRequest | undefined => fiber.getRef(outgoingRequest) ?? byBody.get(request.body)

const tells: unique symbol = Symbol.for("@effect-dcr/core/OutgoingRequest/tells")

/** Marks the `postprocess` of a transport that tells of its requests. By itself, so that no copy and no proxy of it has the mark. */
export const telling = <Send extends object>(send: Send): Send => Object.defineProperty(send, tells, { value: send })

/**
 * Whether what an exchange sends goes straight to such a transport, once and in the fiber that asks: the client is that of the
 * transport, or does something with requests before it gets them. What stands around a transport may send what it has sent, by
 * another as well, or in a fiber that nobody interrupts.
 */
export const isTelling = (postprocess: object): boolean => tells in postprocess && postprocess[tells] === postprocess
