/** Real servers on loopback, on a port of the system's choice, that remember what reached them. */
import { Effect, type Scope } from "effect"
import * as Http from "node:http"
import * as Https from "node:https"
import * as Net from "node:net"

export interface Watched {
  readonly port: number
  /** `http://127.0.0.1:port`, or https. */
  readonly origin: string
  /** How many connections were ever made. */
  readonly connections: () => number
  /** How many are open now. */
  readonly open: () => number
  /** How many bytes ever arrived. */
  readonly bytes: () => number
}

const watch = <S extends Net.Server>(
  make: () => S,
  scheme: "http" | "https",
  host: string
): Effect.Effect<Watched & { readonly server: S }, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Watched & { readonly server: S; readonly sockets: ReadonlySet<Net.Socket> }>((resume) => {
      let connections = 0
      let bytes = 0
      const sockets = new Set<Net.Socket>()
      const server = make()
      server.on("connection", (socket: Net.Socket) => {
        connections++
        sockets.add(socket)
        const before = socket.bytesRead
        const count = () => {
          bytes += socket.bytesRead - before
          sockets.delete(socket)
        }
        socket.on("error", () => {}).on("close", count)
      })
      server.listen(0, host, () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(Effect.succeed({
          server,
          port,
          origin: `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`,
          connections: () => connections,
          open: () => sockets.size,
          bytes: () => Array.from(sockets).reduce((sum, socket) => sum + socket.bytesRead, bytes),
          sockets
        }))
      })
    }),
    ({ server, sockets }) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      })
  )

/** A server that speaks whatever `onConnection` speaks. Without it: it reads, and never answers. */
export const tcpServer = (
  onConnection: (socket: Net.Socket) => void = (socket) => socket.resume(),
  host = "127.0.0.1"
) => watch(() => Net.createServer(onConnection), "http", host)

export const httpServer = (handler: Http.RequestListener, options: Http.ServerOptions = {}) =>
  watch(() => Http.createServer(options, handler), "http", "127.0.0.1")

export const httpsServer = (options: Https.ServerOptions, handler: Http.RequestListener) =>
  watch(() => Https.createServer(options, handler), "https", "127.0.0.1")

/** Waits until the condition holds; dies when it does not within the time. */
export const eventually = (condition: () => boolean, what: string, millis = 4_000): Effect.Effect<void> =>
  Effect.gen(function*() {
    const end = performance.now() + millis
    while (!condition()) {
      if (performance.now() > end) return yield* Effect.die(new Error(`not within ${millis} milliseconds: ${what}`))
      yield* Effect.sleep(5)
    }
  })

/** The body of a request, as text. */
export const bodyOf = (request: Http.IncomingMessage): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", reject)
      .on("end", () => resolve(Buffer.concat(chunks).toString()))
  })
