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
 * then, nothing of it was sent. It says as well what else it sends meanwhile to the same place, which may be the request once more:
 * changed, mirrored, or tried again by a client that stands around the transport.
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
  /** How many times a transport holds it back at this moment. */
  private held = 0
  private wasHeld = false
  private written = 0
  /** How many times the server has refused it. */
  private refused = 0

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
  hold(request: HttpClientRequest, destination: Destination): this | undefined {
    const isThis = request === this.#request
    if (!isThis && (isSafe(request.method) || !isBoundFor(destination, this.#destination))) return undefined
    this.wasHeld ||= isThis
    this.held++
    return this
  }

  /** It has it no longer, or begins to write it. Once for each {@link hold}. */
  release(written: boolean): void {
    this.held--
    if (written) this.written++
  }

  /** One that was written has got an answer. */
  answered(status: number, headers: AnswerHeaders): void {
    if (isRefusal(status, headers)) this.refused++
  }

  /**
   * Whether a transport had the request, and let go of all that it had unwritten. Of a request of which a client has changed the
   * way nobody knows: what else goes there is not counted.
   */
  get isTakenBack(): boolean {
    return !this.isRerouted && this.wasHeld && this.held === 0 && this.written === 0
  }

  /** Whether some of it was written and not refused, or may still be. */
  get mayBeWritten(): boolean {
    return this.written > this.refused || this.held > 0
  }
}

interface AnswerHeaders {
  readonly [name: string]: string | ReadonlyArray<string> | undefined
}

/** Whether an answer says that nothing was done: a fault of the client, or (an assumption) a 503 that says when to come back. */
export const isRefusal = (status: number, headers: AnswerHeaders): boolean =>
  (status >= 400 && status < 500) || (status === 503 && headers["retry-after"] !== undefined)

/** RFC 9110 §9.2.1. */
const isSafe = (method: string): boolean => ["GET", "HEAD", "OPTIONS", "TRACE"].includes(method)

/** Whether a request goes to an endpoint. Its query may say more than that of the endpoint. */
const isBoundFor = (request: Destination, endpoint: Destination | undefined): boolean => {
  if (endpoint === undefined || request.origin !== endpoint.origin) return false
  if (request.path === endpoint.path) return true
  const [path, query] = cut(request.path)
  const [endpointPath, endpointQuery] = cut(endpoint.path)
  const said = new URLSearchParams(query)
  return path === endpointPath &&
    [...new URLSearchParams(endpointQuery)].every(([name, value]) => said.has(name, value))
}

/** A path and its query, which may hold further question marks. */
const cut = (path: string): readonly [path: string, query: string] => {
  const at = path.indexOf("?")
  return at === -1 ? [path, ""] : [path.slice(0, at), path.slice(at + 1)]
}

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
