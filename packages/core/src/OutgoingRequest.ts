/**
 * What an exchange and its transport tell each other of the request. It is no part of the API, and not in `internal`, from where
 * the transports of the other packages could not import it.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"

/** Where an http or https request goes, taken apart, so that a transport need not do it again. */
export interface Destination {
  readonly origin: string
  /** The path with the query. */
  readonly path: string
  /** The whole URL. */
  readonly href: string
}

/**
 * The request that one attempt of an exchange sends.
 *
 * A transport that can tell says here while it holds the request back, in a queue or for a connection that is being made: given up
 * then, nothing of it was sent. Of all other requests nobody knows.
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
  private held = false
  private handedOver = false
  private doubtful = false

  /** The destination of what is not http or https is nobody's. */
  constructor(destination: Destination | undefined, isUnobserved: boolean) {
    this.#destination = destination
    this.isUnobserved = isUnobserved
  }

  /** This is the request, and goes there. What else is sent meanwhile, to sign it for instance, is another. */
  begin(request: HttpClientRequest): void {
    this.#request = request
  }

  /** Where this request goes, if it is the one. */
  destinationOf(request: HttpClientRequest): Destination | undefined {
    return request === this.#request ? this.#destination : undefined
  }

  /** The attempt is over: whoever was forked in it, and lives on, does not keep the request. */
  end(): void {
    this.#request = undefined
  }

  /** A transport has the request, and has written none of it. Of one that it gets twice, nobody knows enough. */
  hold(): void {
    if (this.handedOver) this.doubtful = true
    this.handedOver = true
    this.held = true
  }

  /** It has it no longer, or begins to write it. */
  release(written: boolean): void {
    this.held = false
    this.doubtful ||= written
  }

  /** Whether a transport holds it back at this moment. */
  get isHeld(): boolean {
    return this.held
  }

  /** Whether some of it may have been written. */
  get mayBeWritten(): boolean {
    return this.doubtful
  }
}

/** The request that the fiber sends. */
export const outgoingRequest: Context.Reference<OutgoingRequest | undefined> = Context.Reference<
  OutgoingRequest | undefined
>("@effect-dcr/core/OutgoingRequest", { defaultValue: () => undefined })

const tells: unique symbol = Symbol.for("@effect-dcr/core/OutgoingRequest/tells")

/** Marks the `postprocess` of a transport that tells of its requests. By itself, so that no copy and no proxy of it has the mark. */
export const telling = <Send extends object>(send: Send): Send => Object.defineProperty(send, tells, { value: send })

/**
 * Whether nobody but such a transport sends a client's requests, each once and in the fiber that asks: the client is that of the
 * transport, or changes requests before it gets them. What stands around a transport may send what it has sent, by another as
 * well, or in a fiber that nobody interrupts.
 */
export const isTelling = (postprocess: object): boolean => tells in postprocess && postprocess[tells] === postprocess
