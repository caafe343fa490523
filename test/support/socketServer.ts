/**
 * Authorization servers that speak raw bytes, for answers that no HTTP server would let itself be made to send. They take
 * requests apart themselves, so that what counts is what reached them, whole, and not what a client believes it sent.
 */
import { Effect, type Scope } from "effect"
import type * as Net from "node:net"
import { tcpServer, type Watched } from "./nodeServers.ts"

/** A request that arrived whole. */
export interface RawRequest {
  readonly method: string
  readonly path: string
  readonly head: string
  readonly body: string
  /** Which one it is of all that this server got, from 1. */
  readonly index: number
  /** Which one it is on its connection, from 1. */
  readonly onConnection: number
}

export interface RawServer extends Watched {
  readonly requests: ReadonlyArray<RawRequest>
  /** How many POSTs arrived whole. */
  readonly posts: () => number
  readonly server: Net.Server
}

export type RawAnswer = (socket: Net.Socket, request: RawRequest) => void

/** Reads whole requests from a connection. */
export const readRequests = (
  socket: NodeJS.ReadableStream,
  onRequest: (request: Omit<RawRequest, "index">) => void
): void => {
  let unread = ""
  let onConnection = 0
  socket.on("data", (chunk: Buffer) => {
    unread += chunk.toString("latin1")
    for (;;) {
      const end = unread.indexOf("\r\n\r\n")
      if (end === -1) return
      const head = unread.slice(0, end)
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
      if (unread.length < end + 4 + length) return
      const body = unread.slice(end + 4, end + 4 + length)
      unread = unread.slice(end + 4 + length)
      const [method = "", path = ""] = head.split(" ", 2)
      onRequest({ method, path, head, body, onConnection: ++onConnection })
    }
  })
}

/** A server that answers every request that arrived whole with what `answer` writes. */
export const rawServer = (answer: RawAnswer): Effect.Effect<RawServer, never, Scope.Scope> =>
  Effect.gen(function*() {
    const requests: Array<RawRequest> = []
    const server = yield* tcpServer((socket) => {
      readRequests(socket, (request) => {
        const whole = { ...request, index: requests.length + 1 }
        requests.push(whole)
        answer(socket, whole)
      })
    })
    return {
      ...server,
      requests,
      posts: () => requests.filter(({ method }) => method === "POST").length
    }
  })

/** A server that is gone with its first request, which it may have processed. Nobody will know. */
export const dying: Effect.Effect<RawServer, never, Scope.Scope> = Effect.gen(function*() {
  const server: RawServer = yield* rawServer((socket) => {
    server.server.close()
    socket.resetAndDestroy()
  })
  return server
})

/** The answer of a server that registered a client, as JSON. */
export const registration = (clientId: string): string =>
  JSON.stringify({
    client_id: clientId,
    client_secret: "s3cret",
    client_secret_expires_at: 0,
    redirect_uris: ["https://app.example.com/cb"]
  })

export const created = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncache-control: no-store\r\n"

/** A whole, honest answer. */
export const registered = (clientId: string, headers = ""): string => {
  const body = registration(clientId)
  return `${created}${headers}content-length: ${body.length}\r\n\r\n${body}`
}

export const chunk = (content: string): string => `${Buffer.byteLength(content).toString(16)}\r\n${content}\r\n`

/** 200 MB. */
export const flood = 200_000_000

const pieces = {
  /** JSON may begin with any amount of it. */
  plain: Buffer.alloc(65_536, " "),
  chunked: Buffer.from(chunk(" ".repeat(65_536))),
  tinyChunks: Buffer.from(chunk(" ").repeat(65_536)),
  /** Not white space, which parsers skip and do not count in front of the value of a header. */
  header: Buffer.alloc(65_536, "x")
}

/**
 * Writes a head and then 200 MB, as fast as they are taken. Gives how many bytes went into the socket: the system's own
 * buffers swallow some megabytes before anybody reads them.
 */
export const pour = (socket: Net.Socket, head: string, framing: keyof typeof pieces = "plain"): () => number => {
  const piece = pieces[framing]
  let sent = 0
  const more = (): void => {
    while (sent < flood && !socket.destroyed) {
      sent += piece.length
      if (!socket.write(piece)) {
        socket.once("drain", more)
        return
      }
    }
    socket.end(framing === "chunked" || framing === "tinyChunks" ? "0\r\n\r\n" : "")
  }
  socket.write(head)
  more()
  return () => sent
}
