/**
 * The connections of one transport: for each origin, and for each endpoint policy that judges addresses, a bounded number of
 * undici clients with one connection each. The one that was used last is used first, so that what is not needed grows old.
 *
 * undici's own `Pool` does the same at a fifth more CPU per request; a request that waits in its queue, or for its connection,
 * cannot be taken back, and it cannot be told when it is destroyed which connections are still being made.
 *
 * @internal
 */
import type * as Undici from "undici"
import { connect, type ConnectOptions, type JudgeAddress, type Sessions } from "./connector.ts"

export interface ConnectionsOptions extends ConnectOptions {
  readonly connectionsPerOrigin: number
  /** Milliseconds. */
  readonly idleTimeout: number
  /** Bytes. */
  readonly maxHeaderSize: number
}

/** What needs a connection for a while, and calls {@link Origin.release} when it is done with it. */
export interface Job {
  /** Those that wait for a connection, while this one does. Who gives up waiting leaves it. */
  queue: Set<Job> | undefined
  start(connection: Connection): void
  /** There will be no connection. */
  fail(error: Error): void
}

/** What a server's own `Keep-Alive: timeout` is cut by, in milliseconds: the time that its close may need to arrive. */
const keepAliveMargin = 1000

/** All connections of one transport. */
export class Connections {
  private readonly unjudged = new Map<string, Origin>()
  /** A connection made under one judge is not used under another. */
  private readonly judged = new WeakMap<JudgeAddress, Map<string, Origin>>()
  private readonly origins = new Set<Origin>()
  private closed = false
  readonly Client: typeof Undici.Client
  readonly options: ConnectionsOptions

  constructor(Client: typeof Undici.Client, options: ConnectionsOptions) {
    this.Client = Client
    this.options = options
  }

  submit(origin: string, judge: JudgeAddress | undefined, job: Job): void {
    if (this.closed) return job.fail(new Error("the transport is closed"))
    const map = this.mapOf(judge)
    let entry = map.get(origin)
    if (entry === undefined) {
      const created = entry = new Origin(this, origin, judge, () => {
        map.delete(origin)
        this.origins.delete(created)
      })
      map.set(origin, created)
      this.origins.add(created)
    }
    entry.submit(job)
  }

  /** Breaks off everything. Ends when the last socket is closed. */
  async close(): Promise<void> {
    this.closed = true
    await Promise.all(Array.from(this.origins, (origin) => origin.close()))
  }

  private mapOf(judge: JudgeAddress | undefined): Map<string, Origin> {
    if (judge === undefined) return this.unjudged
    let map = this.judged.get(judge)
    if (map === undefined) this.judged.set(judge, map = new Map<string, Origin>())
    return map
  }
}

/** One undici client with at most one connection, and what it takes to give up a connection that is being made. */
export interface Connection {
  readonly client: Undici.Client
  readonly origin: Origin
  /** Gives up the connection that is being made, if there is one. */
  giveUp: () => void
  /** The address of the other side, once connected. */
  remoteAddress: string | undefined
}

/** The connections with one origin. */
export class Origin {
  private readonly connections = new Set<Connection>()
  private readonly idle: Array<Connection> = []
  private readonly waiting = new Set<Job>()
  private readonly sessions: Sessions = { last: undefined }
  private readonly owner: Connections
  private readonly origin: string
  private readonly judge: JudgeAddress | undefined
  private readonly onEmpty: () => void

  constructor(owner: Connections, origin: string, judge: JudgeAddress | undefined, onEmpty: () => void) {
    this.owner = owner
    this.origin = origin
    this.judge = judge
    this.onEmpty = onEmpty
  }

  submit(job: Job): void {
    const connection = this.idle.pop() ?? this.open()
    if (connection === undefined) {
      job.queue = this.waiting
      this.waiting.add(job)
    } else {
      job.start(connection)
    }
  }

  /** A job is done with its connection, which may be used again or not. */
  release(connection: Connection, reusable: boolean): void {
    if (!this.connections.has(connection)) return
    if (!reusable) void this.drop(connection)
    for (const next of this.waiting) {
      const free = reusable ? connection : this.open()
      if (free === undefined) return
      this.waiting.delete(next)
      next.queue = undefined
      return next.start(free)
    }
    if (reusable) this.idle.push(connection)
    else if (this.connections.size === 0) this.onEmpty()
  }

  async close(): Promise<void> {
    const waiting = Array.from(this.waiting)
    this.waiting.clear()
    const gone = Array.from(this.connections, (connection) => this.drop(connection))
    for (const job of waiting) job.fail(new Error("the transport is closed"))
    await Promise.all(gone)
    this.onEmpty()
  }

  private drop(connection: Connection): Promise<void> {
    this.connections.delete(connection)
    connection.giveUp()
    return connection.client.destroy()
  }

  private open(): Connection | undefined {
    const { Client, options } = this.owner
    if (this.connections.size >= options.connectionsPerOrigin) return undefined
    const client = new Client(this.origin, {
      // One request at a time, over HTTP/1.1: a connection that breaks leaves exactly one outcome unknown.
      pipelining: options.idleTimeout > 0 ? 1 : 0,
      allowH2: false,
      // Time is the caller's: Effect.timeout interrupts the request.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: Math.max(1, options.idleTimeout),
      keepAliveMaxTimeout: Math.max(1, options.idleTimeout),
      keepAliveTimeoutThreshold: keepAliveMargin,
      maxHeaderSize: options.maxHeaderSize,
      connect: ({ hostname, port, protocol }, callback) => {
        const target = { protocol, hostname, port: Number(port) || (protocol === "https:" ? 443 : 80) }
        connection.giveUp = connect(target, options, this.judge, this.sessions, (error, socket) => {
          if (error !== null) return callback(error, null)
          connection.remoteAddress = socket.remoteAddress
          callback(null, socket)
        })
      }
    })
    const connection: Connection = { client, origin: this, giveUp: () => {}, remoteAddress: undefined }
    client.on("disconnect", () => {
      // Closed while nobody used it: by the server, or because it was idle for too long.
      const index = this.idle.indexOf(connection)
      if (index === -1) return
      this.idle.splice(index, 1)
      this.release(connection, false)
    })
    this.connections.add(connection)
    return connection
  }
}
