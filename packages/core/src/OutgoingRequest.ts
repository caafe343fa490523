/**
 * What an exchange and its transport tell each other of the request. It is no part of the API, and not in `internal`, from where
 * the transports of the other packages could not import it.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import { type Destination, isBoundFor } from "./internal/destination.ts"
import { Sends } from "./internal/sends.ts"

export type { Destination } from "./internal/destination.ts"
export type { Sends } from "./internal/sends.ts"

/**
 * The request that one attempt of an exchange sends.
 *
 * A transport that can tell says here while it holds the request back, in a queue or for a connection that is being made: given up
 * then, nothing of it was sent. It says as well what else it sends meanwhile, which may be the request once more: changed, mirrored,
 * or tried again by a client that stands around the transport.
 */
export class OutgoingRequest {
  /**
   * Whether nobody watches the transport, and the fiber that sends the request reads the answer to its end or lets go of it. There
   * is less to do then.
   */
  readonly isUnobserved: boolean
  // Out of sight of whoever prints a context: a query can be a secret, and so can a header.
  readonly #destination: Destination | undefined
  #request: HttpClientRequest | undefined
  private isRerouted = false
  private wasHeld = false
  private readonly here = new Sends()
  /** Others, which may do something, and go somewhere else. */
  private elsewhere: Sends | undefined

  /** The destination of what is not http or https is nobody's. */
  constructor(destination: Destination | undefined, isUnobserved: boolean) {
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
  }

  /** A transport has a request, and has written none of it. Comes back for one of which it is to tell more. */
  hold(request: HttpClientRequest, destination: Destination): Sends | undefined {
    if (request === this.#request) this.wasHeld = true
    else if (isSafe(request.method)) return undefined
    else if (this.#destination === undefined || !isBoundFor(destination, this.#destination)) {
      return (this.elsewhere ??= new Sends()).hold()
    }
    return this.here.hold()
  }

  /**
   * Whether a transport had the request, and let go of all that it had unwritten. Of a request of which a client has changed the
   * way nobody knows: what else goes there is not counted.
   */
  get isTakenBack(): boolean {
    return !this.isRerouted && this.wasHeld && this.here.isNothing
  }

  /**
   * How many times it was written and may have been processed, or may still be. When a client has changed the way, what went
   * somewhere else may be the request as well.
   */
  get unsettled(): number {
    return this.here.unsettled + (this.isRerouted ? this.elsewhere?.unsettled ?? 0 : 0)
  }
}

/** RFC 9110 §9.2.1. */
const isSafe = (method: string): boolean => ["GET", "HEAD", "OPTIONS", "TRACE"].includes(method)

/** The request that the fiber sends. */
export const outgoingRequest: Context.Reference<OutgoingRequest | undefined> = Context.Reference<
  OutgoingRequest | undefined
>("@effect-dcr/core/OutgoingRequest", { defaultValue: () => undefined })

const tells: unique symbol = Symbol.for("@effect-dcr/core/OutgoingRequest/tells")

/** Marks the `postprocess` of a transport that tells of its requests. By itself, so that no copy and no proxy of it has the mark. */
export const telling = <Send extends object>(send: Send): Send => Object.defineProperty(send, tells, { value: send })

/**
 * Whether what an exchange sends goes straight to such a transport, once and in the fiber that asks: the client is that of the
 * transport, or does something with requests before it gets them. What stands around a transport may send what it has sent, by
 * another as well, or in a fiber that nobody interrupts.
 */
export const isTelling = (postprocess: object): boolean => tells in postprocess && postprocess[tells] === postprocess
