/**
 * What an exchange and its transport tell each other of the request. It is no part of the API, and not in `internal`, from where
 * the transports of the other packages could not import it.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type { Fiber } from "effect/Fiber"
import * as HttpBody from "effect/http/HttpBody"
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
  #body: HttpBody.HttpBody | undefined
  #request: HttpClientRequest | undefined
  private isRerouted = false
  private isFindable = false

  /** The destination of what is not http or https is nobody's. */
  constructor(body: HttpBody.HttpBody, destination: Destination | undefined, isUnobserved: boolean) {
    this.#body = body
    this.#destination = destination
    this.isUnobserved = isUnobserved
  }

  /** This is the request. What else is sent meanwhile, to sign it for instance, is another. A client may have changed where it goes. */
  begin(request: HttpClientRequest, isRerouted: boolean): void {
    this.#request = request
    this.isRerouted = isRerouted
    if (this.isFindable && request.body !== HttpBody.empty) byBody.set(request.body, this)
  }

  /** From now on the request is found by its body as well, in a fiber that knows nothing of it, or knows of another. */
  beFound(body: HttpBody.HttpBody): void {
    this.isFindable = true
    byBody.set(body, this)
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
    return request === this.#request || this.isCopy(request) || this.isLike(request, destination)
      ? this.sends.hold()
      : undefined
  }

  /** A copy with another URL, or with other headers, has the very same body. */
  private isCopy({ body }: HttpClientRequest): boolean {
    return body !== HttpBody.empty && (body === this.#body || body === this.#request?.body)
  }

  /** It may be the request with its body written anew. */
  private isLike(request: HttpClientRequest, destination: Destination): boolean {
    return !isSafe(request.method) && this.#destination !== undefined && isBoundFor(destination, this.#destination)
  }
}

/** RFC 9110 §9.2.1. */
const isSafe = (method: string): boolean => ["GET", "HEAD", "OPTIONS", "TRACE"].includes(method)

/** The request that is sent by the fiber, or by the one that forked it. */
export const outgoingRequest: Context.Reference<OutgoingRequest | undefined> = Context.Reference<
  OutgoingRequest | undefined
>("@effect-dcr/core/OutgoingRequest", { defaultValue: () => undefined })

/** The requests of clients that may have them sent by any fiber. */
const byBody = new WeakMap<HttpBody.HttpBody, OutgoingRequest>()

/** What a request is of: by itself, or else by the fiber, which may be a worker that was forked for another one. */
export const outgoingOf = (
  fiber: Fiber<unknown, unknown>,
  request: HttpClientRequest
): OutgoingRequest | undefined => byBody.get(request.body) ?? fiber.getRef(outgoingRequest)

const tells: unique symbol = Symbol.for("@effect-dcr/core/OutgoingRequest/tells")

/** Marks the `postprocess` of a transport that tells of its requests. By itself, so that no copy and no proxy of it has the mark. */
export const telling = <Send extends object>(send: Send): Send => Object.defineProperty(send, tells, { value: send })

/**
 * Whether what an exchange sends goes straight to such a transport, once and in the fiber that asks: the client is that of the
 * transport, or does something with requests before it gets them. What stands around a transport may send what it has sent, by
 * another as well, or in a fiber that nobody interrupts.
 */
export const isTelling = (postprocess: object): boolean => tells in postprocess && postprocess[tells] === postprocess
