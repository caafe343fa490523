/** What the operations of RFC 7592 make of redirects, lost connections, broken and endless answers, on real sockets. */
import { ClientConfiguration, DpopSigner, type RegistrationError } from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer } from "effect"
import { HttpClient } from "effect/http"
import type * as Net from "node:net"
import { failsWith } from "../support/failure.ts"
import { eventually } from "../support/nodeServers.ts"
import { clientAt, managementPath, type Operation, operations, token } from "../support/socketManagement.ts"
import { pour, type RawAnswer, rawServer, registration } from "../support/socketServer.ts"
import { type Transport, transports } from "../support/socketTransports.ts"

const on = ({ layer }: Transport) => Layer.merge(layer, DpopSigner.layerNone)

/** Each case with each operation, on each transport. */
const times = <A extends object>(cases: ReadonlyArray<A>, done: ReadonlyArray<Operation> = operations) =>
  cases.flatMap((one) =>
    done.flatMap((operation) => transports.map((transport) => ({ ...one, ...operation, transport })))
  )

const ok = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\n"

const granted = (clientId: string) => {
  const body = registration(clientId)
  return `${ok}content-length: ${body.length}\r\n\r\n${body}`
}

const notDelete = operations.filter(({ method }) => method !== "DELETE")

describe("redirects are refused, and nobody else hears of the token", () => {
  const cases = [301, 302, 303, 307, 308].flatMap((status) => [
    { status, to: "the same origin" },
    { status, to: "another origin" }
  ])

  it.live.each(times(cases))(
    "$method, $status to $to: $transport.name",
    ({ method, run, status, to, transport }) =>
      Effect.gen(function*() {
        const other = yield* rawServer((socket) => socket.write(granted("other")))
        const target = to === "the same origin" ? "/register/c2" : `${other.origin}/register/c2`
        const server = yield* rawServer((socket) =>
          socket.write(`HTTP/1.1 ${status} Away\r\nlocation: ${target}\r\ncontent-length: 4\r\n\r\naway`)
        )
        const { error, reason } = yield* run(clientAt(server.origin)).pipe(failsWith("RedirectRefused"))
        assert.strictEqual(reason.status, status)
        assert.strictEqual(reason.location, new URL(target, server.origin).href)
        assert.isFalse(error.isSafeToRepeat)
        yield* Effect.sleep(10)
        assert.deepStrictEqual(server.requests.map(({ method, path }) => [method, path]), [[method, managementPath]])
        // It was there to be sent on.
        assert.include(server.requests[0]?.head, `Bearer ${token}`)
        assert.strictEqual(other.connections(), 0)
        assert.strictEqual(other.bytes(), 0)
      }).pipe(Effect.provide(on(transport)))
  )

  it.live.each(transports)("the second request of an update: $name", (transport) =>
    Effect.gen(function*() {
      const other = yield* rawServer((socket) => socket.write(granted("other")))
      const server = yield* rawServer((socket, { method }) =>
        socket.write(
          method === "GET"
            ? granted("c1")
            : `HTTP/1.1 307 Away\r\nlocation: ${other.origin}/x\r\ncontent-length: 0\r\n\r\n`
        )
      )
      const { error } = yield* ClientConfiguration.update(clientAt(server.origin), { set: { client_name: "New" } })
        .pipe(failsWith("RedirectRefused"))
      assert.strictEqual(error.registered?.information.client_id, "c1")
      yield* Effect.sleep(10)
      assert.deepStrictEqual(server.requests.map(({ method }) => method), ["GET", "PUT"])
      assert.strictEqual(other.connections(), 0)
    }).pipe(Effect.provide(on(transport))))
})

describe("an answer that does not come, or not to its end", () => {
  const half = registration("c1").slice(0, 40)
  const cases: ReadonlyArray<{
    readonly what: string
    readonly answer: RawAnswer
    readonly why: RegistrationError.ReasonOf<"OutcomeUnknown">["why"]
  }> = [
    { what: "a reset", why: "ConnectionLost", answer: (socket) => socket.resetAndDestroy() },
    { what: "a close", why: "ConnectionLost", answer: (socket) => socket.end() },
    {
      what: "less than its length",
      why: "UnreadableBody",
      answer: (socket) => socket.end(`${ok}content-length: 500\r\n\r\n${half}`)
    },
    {
      what: "no last chunk",
      why: "UnreadableBody",
      answer: (socket) => socket.end(`${ok}transfer-encoding: chunked\r\n\r\n1\r\n{\r\n`)
    },
    {
      what: "200 MB in chunks",
      why: "TooLarge",
      answer: (socket) => pour(socket, `${ok}transfer-encoding: chunked\r\n\r\n`, "chunked")
    },
    {
      what: "200 MB, and it says so",
      why: "TooLarge",
      answer: (socket) => pour(socket, `${ok}content-length: 200000000\r\n\r\n`)
    },
    {
      what: "10,000 headers",
      why: "ConnectionLost",
      answer: (socket) =>
        socket.write(`${ok}${Array.from({ length: 10_000 }, (_, index) => `x-${index}: v\r\n`).join("")}\r\n`)
    }
  ]

  it.live.each(times(cases))(
    "$method, $what: $transport.name",
    ({ answer, method, run, sends, transport, why }) =>
      Effect.gen(function*() {
        const server = yield* rawServer(answer)
        const { error, reason } = yield* run(clientAt(server.origin)).pipe(failsWith("OutcomeUnknown"))
        assert.strictEqual(reason.why, why)
        assert.isFalse(error.isSafeToRepeat)
        yield* eventually(() => server.open() === 0, "the connections are closed")
        assert.deepStrictEqual(server.requests.map(({ method }) => method), Array.from({ length: sends }).fill(method))
      }).pipe(Effect.provide(on(transport)))
  )

  it.live("not within the deadline: the connections are closed", () =>
    Effect.forEach(
      times([
        { what: "no answer", answer: (): void => {} },
        { what: "a head alone", answer: (socket: Net.Socket) => void socket.write(`${ok}content-length: 500\r\n\r\n`) }
      ]),
      ({ answer, method, run, sends, transport, what }) =>
        Effect.gen(function*() {
          const name = `${method}, ${what}, ${transport.name}`
          // Of the connections on which something was asked: after an abort fetch opens another one and sends nothing there.
          const asked: Array<Net.Socket> = []
          const server = yield* rawServer((socket) => {
            asked.push(socket)
            answer(socket)
          })
          const started = performance.now()
          const { reason } = yield* run(clientAt(server.origin), { deadline: 1_500 }).pipe(failsWith("OutcomeUnknown"))
          const late = performance.now() - started - sends * 1_500
          assert.isAtLeast(late, 0, name)
          assert.isAtMost(late, 1_000 * sends, name)
          assert.strictEqual(reason.why, "Deadline", name)
          yield* eventually(() => asked.every(({ destroyed }) => destroyed), `the connections are closed: ${name}`)
          assert.lengthOf(server.requests, sends, name)
        }).pipe(Effect.scoped, Effect.provide(on(transport))),
      { concurrency: "unbounded", discard: true }
    ))

  it.live.each(transports)(
    "a deletion that was processed before the reset: it is gone: $name",
    (transport) =>
      Effect.gen(function*() {
        let exists = true
        const server = yield* rawServer((socket) => {
          if (exists) socket.resetAndDestroy()
          else socket.write("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
          exists = false
        })
        yield* ClientConfiguration.remove(clientAt(server.origin))
        assert.deepStrictEqual(server.requests.map(({ method }) => method), ["DELETE", "DELETE"])
      }).pipe(Effect.provide(on(transport)))
  )
})

describe("an answer that is longer than its length", () => {
  it.live.each(times([{ length: 10 }, { length: 0 }], notDelete))(
    "$method, $length: $transport.name",
    ({ length, run, transport }) =>
      Effect.gen(function*() {
        const server = yield* rawServer((socket, { index }) =>
          socket.write(index === 1 ? `${ok}content-length: ${length}\r\n\r\n${registration("c1")}` : granted("c1"))
        )
        const { reason } = yield* run(clientAt(server.origin)).pipe(failsWith("UnusableAnswer"))
        assert.strictEqual(reason.problem, length === 0 ? "Empty" : "NotJson")
        // what is left over is no answer to the next request
        yield* run(clientAt(server.origin))
        assert.lengthOf(server.requests, 2)
      }).pipe(Effect.provide(on(transport)))
  )
})

describe("interruption", () => {
  it.live.each(times([{}]))(
    "$method: the connection is closed: $transport.name",
    ({ method, run, transport }) =>
      Effect.gen(function*() {
        const asked: Array<Net.Socket> = []
        const server = yield* rawServer((socket) => asked.push(socket))
        const fiber = yield* Effect.forkChild(run(clientAt(server.origin)))
        yield* eventually(() => asked.length === 1, "the request arrives")
        yield* Fiber.interrupt(fiber)
        const exit = yield* Fiber.await(fiber)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
        yield* eventually(() => asked[0]?.destroyed === true, "the connection is closed")
        yield* Effect.sleep(20)
        assert.deepStrictEqual(server.requests.map(({ method }) => method), [method])
      }).pipe(Effect.provide(on(transport)))
  )
})

describe("a retrying client under the SDK, and a reset after the server has processed the request", () => {
  it.live.each(times([{}]))(
    "$method arrives $sends times at most: $transport.name",
    ({ run, sends, transport }) =>
      Effect.gen(function*() {
        const server = yield* rawServer((socket) => socket.resetAndDestroy())
        const { reason } = yield* run(clientAt(server.origin)).pipe(
          failsWith("OutcomeUnknown"),
          Effect.provide(
            Layer.effect(HttpClient.HttpClient, HttpClient.HttpClient.useSync(HttpClient.retryTransient({ times: 3 })))
          )
        )
        assert.strictEqual(reason.why, "RepeatedSend")
        yield* Effect.sleep(20)
        assert.lengthOf(server.requests, sends)
      }).pipe(Effect.provide(on(transport)))
  )
})
