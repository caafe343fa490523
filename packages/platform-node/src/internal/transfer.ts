/**
 * One request and its answer, on its way through undici.
 *
 * @internal
 */
import type { Sends } from "@effect-dcr/core/OutgoingRequest"
import type { Dispatcher } from "undici"
import type { Connection, Job } from "./connections.ts"
import { NotSent } from "./notSent.ts"

/** How much of an answer is held for a reader who is not there, or is slower than the server. Bytes. */
const highWaterMark = 65_536

/** So many chunks in a row, none larger than this many bytes, become one: an object weighs more than a few bytes. */
const gathered = 256

/** The head of an answer, or why there is none. */
export interface TransferListener {
  onHead(transfer: Transfer, status: number, headers: NodeJS.Dict<string | Array<string>>): void
  onFailure(cause: unknown): void
}

/**
 * undici's handler for one request. It never runs foreign code inside undici's parser: whoever waits is called in a microtask.
 *
 * It must not know the response: that one is collected when nobody holds it any more, and then the request is aborted.
 */
export class Transfer implements Dispatcher.DispatchHandler, Job {
  queue: Set<Job> | undefined
  private readonly options: Dispatcher.DispatchOptions
  private listener: TransferListener | undefined
  /** Who wants to know whether the request has been written. It has been told that it is held back. */
  private readonly sends: Sends | undefined
  private connection: Connection | undefined
  /** undici's, from when the request is written to the end. It holds the bytes of the answer's head. */
  private controller: Dispatcher.DispatchController | undefined
  private written = false

  // No list before there is something in it: one that has grown old would keep what came into it.
  private chunks: Array<Buffer> | undefined
  private size = 0
  /** How many small chunks there are at the end. */
  private small = 0
  private wantsAll = false
  private ended = false
  private failure: Error | undefined
  private waiters: Array<() => void> | undefined

  constructor(
    options: Dispatcher.DispatchOptions,
    listener: TransferListener,
    sends: Sends | undefined
  ) {
    this.options = options
    this.listener = listener
    this.sends = sends
  }

  /** The address of the other side. */
  get remoteAddress(): string | undefined {
    return this.connection?.remoteAddress
  }

  /** Whether nothing more will come. */
  get isOver(): boolean {
    return this.ended || this.failure !== undefined
  }

  start(connection: Connection): void {
    this.connection = connection
    connection.client.dispatch(this.options, this)
  }

  /** Breaks off: takes the request back when it has not been written, closes its connection when it has. */
  abort(): void {
    if (this.isOver) return
    this.queue?.delete(this)
    this.fail(Object.assign(new Error("the request was interrupted"), { code: "UND_ERR_ABORTED" }))
  }

  fail(error: Error): void {
    this.onResponseError(null, error)
  }

  // ---------------------------------------------------------------------------
  // what undici calls
  // ---------------------------------------------------------------------------

  /** undici calls this immediately before it writes the request. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.written) {
      // No path in undici is known that leads here. It would write a request a second time.
      return controller.abort(new Error("the request was about to be written a second time"))
    }
    if (this.failure !== undefined) return controller.abort(this.failure)
    this.written = true
    this.sends?.release(true)
    this.controller = controller
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: NodeJS.Dict<string | Array<string>>
  ): void {
    if (status < 200) return
    this.sends?.answered({ status, headers })
    const listener = this.listener
    this.listener = undefined
    if (listener !== undefined) queueMicrotask(() => listener.onHead(this, status, headers))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const chunks = this.chunks ??= []
    chunks.push(chunk)
    this.size += chunk.length
    this.small = chunk.length > gathered ? 0 : this.small + 1
    if (this.small === gathered) {
      chunks.push(Buffer.concat(chunks.splice(-gathered)))
      this.small = 0
    }
    if (!this.wantsAll) {
      if (this.size >= highWaterMark) controller.pause()
      this.wake()
    }
  }

  onResponseEnd(): void {
    this.ended = true
    this.controller = undefined
    this.wake()
    this.connection?.origin.release(this.connection, true)
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.failure !== undefined || this.ended) return
    this.failure = error
    if (!this.written) this.sends?.release(false)
    this.controller = undefined
    const listener = this.listener
    this.listener = undefined
    if (listener !== undefined) {
      const cause = this.written ? error : new NotSent(error)
      queueMicrotask(() => listener.onFailure(cause))
    }
    this.wake()
    this.connection?.origin.release(this.connection, false)
  }

  // ---------------------------------------------------------------------------
  // what the reader of the body calls
  // ---------------------------------------------------------------------------

  /** Calls back when there is something to read, and at the end. */
  wait(waiter: () => void): void {
    this.waiters ??= []
    this.waiters.push(waiter)
  }

  /** What has arrived since the last call: bytes, the end, or a failure. Nothing when there is nothing yet. */
  take(): ReadonlyArray<Buffer> | "end" | Error | undefined {
    const chunks = this.chunks
    if (chunks !== undefined) {
      this.chunks = undefined
      this.size = 0
      this.small = 0
      this.controller?.resume()
      return chunks
    }
    return this.failure ?? (this.ended ? "end" : undefined)
  }

  /** The whole body, a failure, or nothing when it has not ended yet. */
  takeAll(): Buffer | Error | undefined {
    if (this.failure !== undefined) return this.failure
    if (!this.ended) {
      if (!this.wantsAll) {
        this.wantsAll = true
        this.controller?.resume()
      }
      return undefined
    }
    const { chunks = [] } = this
    this.chunks = undefined
    const [first] = chunks
    return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
  }

  private wake(): void {
    const waiters = this.waiters
    if (waiters === undefined) return
    this.waiters = undefined
    queueMicrotask(() => {
      for (const waiter of waiters) waiter()
    })
  }
}
