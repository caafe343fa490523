/** Servers that take their time, in every way that there is, and how long a registration waits for them. */
import { ClientRegistration, DpopSigner, type RegistrationError } from "@effect-dcr/core"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type * as Net from "node:net"
import { reasonOf } from "./failure.ts"
import { eventually, tcpServer } from "./nodeServers.ts"
import { created, readRequests, registration } from "./socketServer.ts"
import type { Transport } from "./socketTransports.ts"

export interface SlowServer {
  readonly what: string
  /** What it does with a connection. `onRequest` calls back for every request that arrived whole. */
  readonly serve: (socket: Net.Socket, onRequest: (answer: () => void) => void) => void
  /** How many POSTs reach it. Default: 1. */
  readonly posts: number
  /** Whether it is asked by https, of which it knows nothing. */
  readonly tls?: boolean
  readonly expect: (error: RegistrationError.RegistrationError, name: string, transport: Transport) => void
}

/** Whether the server processed it is not known, and the status is told when there was one. */
const unknown = (status?: number) => (error: RegistrationError.RegistrationError, name: string) => {
  const reason = reasonOf(error, "OutcomeUnknown")
  assert.strictEqual(reason.why, "Deadline", name)
  assert.strictEqual(reason.status, status, name)
  assert.isFalse(error.isSafeToRepeat, name)
}

/** Our transport knows that it has written nothing; of others nobody knows. */
const notWritten: SlowServer["expect"] = (error, name, transport) => {
  if (transport.name !== "node") return unknown()(error, name)
  assert.isFalse(reasonOf(error, "Transport").sent, name)
  assert.isTrue(error.isSafeToRepeat, name)
}

/** Writes one piece after the other, a byte a second by default, until the connection is closed. */
const drip = (socket: Net.Socket, text: string, millis = 1_000): void => {
  let at = 0
  const timer = setInterval(() => {
    if (at < text.length) socket.write(text.slice(at, ++at))
  }, millis)
  socket.on("close", () => clearInterval(timer))
}

export const slowServers: ReadonlyArray<SlowServer> = [
  {
    what: "accepts, and reads nothing",
    serve: (socket) => socket.pause(),
    posts: 0,
    expect: unknown()
  },
  {
    what: "never answers",
    serve: (_socket, onRequest) => onRequest(() => {}),
    posts: 1,
    expect: unknown()
  },
  {
    what: "accepts, and never shakes hands for TLS",
    serve: (socket) => socket.resume(),
    tls: true,
    posts: 0,
    expect: notWritten
  },
  {
    what: "sends its head a byte a second",
    serve: (socket, onRequest) => onRequest(() => drip(socket, created)),
    posts: 1,
    expect: unknown()
  },
  {
    what: "sends early hints for ever",
    serve: (socket, onRequest) =>
      onRequest(() => {
        const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"), 50)
        socket.on("close", () => clearInterval(timer))
      }),
    posts: 1,
    expect: unknown()
  },
  {
    what: "sends a head and no body",
    serve: (socket, onRequest) => onRequest(() => socket.write(`${created}content-length: 500\r\n\r\n`)),
    posts: 1,
    expect: unknown(201)
  },
  {
    what: "sends a body a byte a second",
    serve: (socket, onRequest) =>
      onRequest(() => {
        socket.write(`${created}content-length: ${registration("slow").length}\r\n\r\n`)
        drip(socket, registration("slow"))
      }),
    posts: 1,
    expect: unknown(201)
  },
  {
    what: "sends a chunked body a byte a second",
    serve: (socket, onRequest) =>
      onRequest(() => {
        socket.write(`${created}transfer-encoding: chunked\r\n\r\nffff\r\n`)
        drip(socket, registration("slow"))
      }),
    posts: 1,
    expect: unknown(201)
  },
  {
    what: "says more than it sends, and stays",
    serve: (socket, onRequest) =>
      onRequest(() => socket.write(`${created}content-length: 5000\r\n\r\n${registration("slow").slice(0, 40)}`)),
    posts: 1,
    expect: unknown(201)
  },
  {
    // A refusal is a refusal, however long its explanation takes.
    what: "refuses, a byte a second",
    serve: (socket, onRequest) =>
      onRequest(() => {
        socket.write("HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n")
        drip(socket, "{\"error\":\"invalid_redirect_uri\"")
      }),
    posts: 1,
    expect: (error, name) => {
      assert.strictEqual(reasonOf(error, "UnexpectedStatus").status, 400, name)
    }
  }
]

export interface Slow {
  readonly error: RegistrationError.RegistrationError
  /** How much later than the deadline it ended, in milliseconds. Negative when it was early. */
  readonly late: number
  readonly posts: number
}

/** Registers at a slow server, which must see the connection closed afterwards. */
export const runSlow = (slow: SlowServer, transport: Transport, deadline: number): Effect.Effect<Slow> =>
  Effect.gen(function*() {
    let posts = 0
    const sockets: Array<Net.Socket> = []
    const server = yield* tcpServer((socket) => {
      sockets.push(socket)
      slow.serve(socket, (answer) =>
        readRequests(socket, ({ method }) => {
          if (method === "POST") posts++
          answer()
        }))
    })
    const origin = slow.tls === true ? `https://127.0.0.1:${server.port}` : server.origin
    const started = performance.now()
    const error = yield* Effect.flip(
      ClientRegistration.register(
        { issuer: origin, registration_endpoint: `${origin}/register` },
        { redirect_uris: ["https://app.example.com/cb"] },
        { deadline }
      )
    )
    const late = performance.now() - started - deadline
    // who reads nothing does not hear of the end either
    for (const socket of sockets) socket.resume()
    // Effect's undici and fetch leave a connection that is still being made to its own time limit.
    if (slow.tls !== true || transport.name === "node") {
      yield* eventually(() => server.open() === 0, `the connection is closed: ${slow.what}, ${transport.name}`)
    }
    return { error, late, posts }
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.merge(transport.layer, DpopSigner.layerNone)),
    Effect.orDie
  )
