/** What a server can do with the bytes of its answer, on real sockets, and what each transport makes of it. */
import { AuthorizationServer, ClientRegistration, DpopSigner, type RegistrationError } from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import { HttpClient } from "effect/http"
import type * as Net from "node:net"
import * as Zlib from "node:zlib"
import { failsWith } from "../support/failure.ts"
import { eventually, tcpServer } from "../support/nodeServers.ts"
import { chunk, created, pour, type RawAnswer, rawServer, registered, registration } from "../support/socketServer.ts"
import { type Transport, transports } from "../support/socketTransports.ts"

const redirect_uris = ["https://app.example.com/cb"]

const register = (origin: string, options?: ClientRegistration.RegisterOptions) =>
  ClientRegistration.register({ issuer: origin, registration_endpoint: `${origin}/register` }, { redirect_uris }, {
    deadline: "10 seconds",
    ...options
  })

const on = ({ layer }: Transport) => Layer.merge(layer, DpopSigner.layerNone)

const times = <A extends object>(cases: ReadonlyArray<A>): ReadonlyArray<A & { readonly transport: Transport }> =>
  cases.flatMap((one) => transports.map((transport) => ({ ...one, transport })))

interface Case {
  readonly what: string
  readonly answer: RawAnswer
}

describe("redirects are refused, and nobody else hears of the request", () => {
  const cases = [301, 302, 303, 307, 308].flatMap((status) => [
    { status, to: "the same origin" },
    { status, to: "another origin" }
  ])

  it.live.each(times(cases))("$status to $to: $transport.name", ({ status, to, transport }) =>
    Effect.gen(function*() {
      const other = yield* rawServer((socket) => socket.write(registered("other")))
      const target = to === "the same origin" ? "/elsewhere" : `${other.origin}/elsewhere`
      const server = yield* rawServer((socket) =>
        socket.write(`HTTP/1.1 ${status} Away\r\nlocation: ${target}\r\ncontent-length: 4\r\n\r\naway`)
      )
      const { error, reason } = yield* register(server.origin, {
        initialAccessToken: Redacted.make("iat-of-the-sockets")
      }).pipe(failsWith("RedirectRefused"))
      assert.strictEqual(reason.status, status)
      assert.strictEqual(reason.location, new URL(target, server.origin).href)
      assert.isFalse(error.isSafeToRepeat)
      // a read follows none either
      const discovery = yield* Effect.flip(AuthorizationServer.discover(server.origin))
      assert.include(["RedirectRefused", "DiscoveryFailed"], discovery.reason._tag)
      yield* Effect.sleep(10)
      assert.strictEqual(server.posts(), 1)
      // It was there to be sent on.
      assert.include(server.requests[0]?.head, "iat-of-the-sockets")
      assert.isFalse(server.requests.some(({ path }) => path === "/elsewhere"))
      assert.strictEqual(other.connections(), 0)
      assert.strictEqual(other.bytes(), 0)
    }).pipe(Effect.provide(on(transport))))
})

describe("an answer that nobody reads to its end does not keep its connection", () => {
  const cases: ReadonlyArray<Case & { readonly tag: RegistrationError.Reason["_tag"] }> = [
    {
      what: "a redirect with a body that does not come",
      tag: "RedirectRefused",
      answer: (socket) => socket.write("HTTP/1.1 307 Away\r\nlocation: /a\r\ncontent-length: 9\r\n\r\n")
    },
    {
      what: "a redirect with 200 MB",
      tag: "RedirectRefused",
      answer: (socket) => pour(socket, "HTTP/1.1 307 Away\r\nlocation: /a\r\ncontent-length: 200000000\r\n\r\n")
    },
    {
      what: "200 MB, and it says so",
      tag: "OutcomeUnknown",
      answer: (socket) => pour(socket, `${created}content-length: 200000000\r\n\r\n`)
    },
    {
      what: "an error of 200 MB, and it says so",
      tag: "UnexpectedStatus",
      answer: (socket) => pour(socket, "HTTP/1.1 400 Bad Request\r\ncontent-length: 200000000\r\n\r\n")
    }
  ]

  it.live.each(times(cases))("$what: $transport.name", ({ answer, tag, transport }) =>
    Effect.gen(function*() {
      const server = yield* rawServer(answer)
      const { error } = yield* register(server.origin).pipe(failsWith(tag))
      assert.isFalse(error.isSafeToRepeat)
      yield* eventually(() => server.open() === 0, "the connection is closed")
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide(on(transport))))
})

describe("compression", () => {
  it.live.each(transports)(
    "a server that compresses for everybody who does not object: $name",
    (transport) =>
      Effect.gen(function*() {
        const server = yield* rawServer((socket, { head }) => {
          if (/^accept-encoding: identity$/im.test(head)) {
            socket.write(registered("plain"))
          } else {
            const body = Zlib.gzipSync(registration("compressed"))
            socket.write(`${created}content-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`)
            socket.write(body)
          }
        })
        const client = yield* register(server.origin)
        assert.strictEqual(client.information.client_id, "plain")
      }).pipe(Effect.provide(on(transport)))
  )
})

describe("an odd answer that is one", () => {
  const body = registration("one")
  const cases: ReadonlyArray<Case> = [
    { what: "HTTP/1.0, to the end", answer: (socket) => socket.end(`HTTP/1.0 201 Created\r\n\r\n${body}`) },
    { what: "no length, to the end", answer: (socket) => socket.end(`${created}\r\n${body}`) },
    {
      what: "no reason phrase",
      answer: (socket) => socket.write(`HTTP/1.1 201\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    },
    {
      what: "in chunks of a byte, with extensions and trailers",
      answer: (socket) => {
        socket.write(`${created}transfer-encoding: chunked\r\n\r\n`)
        for (const byte of body) socket.write(`1;a=b\r\n${byte}\r\n`)
        socket.write("0\r\nclient_id: other\r\n\r\n")
      }
    },
    {
      what: "102 and 103 before it",
      answer: (socket) => {
        socket.write("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n")
        setTimeout(() => socket.write(registered("one")), 5)
      }
    },
    {
      what: "1500 headers within the limit",
      answer: (socket) =>
        socket.write(registered("one", Array.from({ length: 1500 }, (_, index) => `${index}: v\r\n`).join("")))
    },
    {
      what: "headers with names that objects have",
      answer: (socket) =>
        socket.write(
          registered(
            "one",
            ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"].map((name) =>
              `${name}: a\r\n${name}: b\r\n`
            ).join("")
          )
        )
    },
    {
      what: "one byte per packet",
      answer: (socket) => {
        socket.setNoDelay(true)
        const bytes = registered("one")
        let at = 0
        const next = (): void => {
          if (at < bytes.length) socket.write(bytes.slice(at, ++at), () => setImmediate(next))
        }
        next()
      }
    }
  ]

  it.live.each(times(cases))("$what: $transport.name", ({ answer, transport }) =>
    Effect.gen(function*() {
      const server = yield* rawServer(answer)
      const client = yield* register(server.origin)
      assert.strictEqual(client.information.client_id, "one")
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide(on(transport))))
})

describe("a body in small chunks", () => {
  it.live.each(transports)("is what was sent: $name", (transport) =>
    Effect.gen(function*() {
      const body = Array.from({ length: 20_000 }, (_, index) => index % 9973).join(" ")
      const server = yield* rawServer((socket) => {
        let framed = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        // runs of a few bytes, and every now and then a long one
        for (let at = 0, index = 0; at < body.length; index++) {
          const length = index % 700 === 0 ? 5_000 : 1 + index % 7
          framed += chunk(body.slice(at, at + length))
          at += length
        }
        socket.write(`${framed}0\r\n\r\n`)
      })
      const client = yield* HttpClient.HttpClient
      const whole = yield* client.get(server.origin)
      assert.strictEqual(yield* whole.text, body)
      const streamed = yield* client.get(server.origin)
      assert.strictEqual(yield* streamed.stream.pipe(Stream.decodeText(), Stream.mkString), body)
    }).pipe(Effect.provide(transport.layer)))
})

describe("no answer: whether the server processed the request is not known, and it is not asked again", () => {
  const write = (text: string): RawAnswer => (socket) => socket.write(text)
  const many = (count: number) => Array.from({ length: count }, (_, index) => `x-${index}: v\r\n`).join("")

  const cases: ReadonlyArray<Case> = [
    { what: "a reset after the request was read", answer: (socket) => socket.resetAndDestroy() },
    { what: "a close after the request was read", answer: (socket) => socket.end() },
    { what: "a close in the middle of the status line", answer: (socket) => socket.end("HTTP/1.1 201 Cre") },
    { what: "a close in the middle of the headers", answer: (socket) => socket.end(created) },
    {
      what: "a reset in the middle of the headers",
      answer: (socket) => {
        socket.write(created)
        setTimeout(() => socket.resetAndDestroy(), 10)
      }
    },
    { what: "another protocol", answer: write("SSH-2.0-OpenSSH_9.6\r\n") },
    { what: "bytes", answer: write("\u0000\u0001\u0002\u00ff\r\n\r\n") },
    { what: "a body alone", answer: write(registration("lost")) },
    { what: "a status of two digits", answer: write(registered("lost").replace("201", "20")) },
    { what: "line feeds alone", answer: write(registered("lost").replaceAll("\r\n", "\n")) },
    { what: "a folded header", answer: write(registered("lost", "a: b\r\n c\r\n")) },
    { what: "a space before a colon", answer: write(registered("lost", "a : b\r\n")) },
    { what: "a NUL in a header", answer: write(registered("lost", "a: \u0000\r\n")) },
    { what: "10,000 headers", answer: write(registered("lost", many(10_000))) },
    { what: "a header of 1 MB", answer: write(registered("lost", `a: ${"b".repeat(1_000_000)}\r\n`)) },
    { what: "a header without an end", answer: (socket) => pour(socket, `${created}a: `, "header") },
    { what: "a length below zero", answer: write(`${created}content-length: -1\r\n\r\n{}`) },
    { what: "a length that is no number", answer: write(`${created}content-length: 0x10\r\n\r\n{}`) },
    { what: "a length of too many digits", answer: write(`${created}content-length: ${"9".repeat(30)}\r\n\r\n{}`) },
    { what: "two lengths", answer: write(registered("lost", "content-length: 5\r\n")) },
    {
      what: "a length, and 200 MB in chunks",
      answer: (socket) => pour(socket, `${created}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n`, "chunked")
    },
    {
      what: "200 MB in chunks, and a length",
      answer: (socket) => pour(socket, `${created}transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n`, "chunked")
    },
    { what: "another protocol, politely", answer: write("HTTP/1.1 101 Switching Protocols\r\nupgrade: a\r\n\r\n") },
    // A known limit: RFC 9110 §15.2 lets a server say so unasked, and undici takes it for a broken answer.
    { what: "100 (Continue) before it", answer: write(`HTTP/1.1 100 Continue\r\n\r\n${registered("lost")}`) }
  ]

  it.live.each(times(cases))("$what: $transport.name", ({ answer, transport }) =>
    Effect.gen(function*() {
      const server = yield* rawServer(answer)
      const { error, reason } = yield* register(server.origin).pipe(failsWith("OutcomeUnknown"))
      assert.strictEqual(reason.why, "ConnectionLost")
      assert.isUndefined(reason.status)
      assert.isFalse(error.isSafeToRepeat)
      assert.strictEqual(server.posts(), 1)
      yield* eventually(() => server.open() === 0, "the connection is closed")
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide(on(transport))))

  it.live.each(transports)(
    "a reset before the request was read: $name",
    (transport) =>
      Effect.gen(function*() {
        let again = 0
        const sockets: Array<Net.Socket> = []
        const server = yield* tcpServer((socket) => {
          if (sockets.push(socket) > 1) {
            socket.on("data", () => again++)
            return
          }
          socket.pause()
          setTimeout(() => socket.resetAndDestroy(), 50)
        })
        const { error, reason } = yield* register(server.origin).pipe(failsWith("OutcomeUnknown"))
        // it was written; that nobody read it is not to be seen from here
        assert.strictEqual(reason.why, "ConnectionLost")
        assert.isFalse(error.isSafeToRepeat)
        yield* eventually(() => sockets[0]?.destroyed === true, "the connection is closed")
        yield* Effect.sleep(20)
        assert.strictEqual(again, 0)
      }).pipe(Effect.provide(on(transport)))
  )
})

describe("an answer that breaks off: a client exists, and nobody knows which", () => {
  const half = registration("lost").slice(0, 40)
  const cases: ReadonlyArray<Case> = [
    { what: "less than its length", answer: (socket) => socket.end(`${created}content-length: 500\r\n\r\n${half}`) },
    {
      what: "a reset",
      answer: (socket) => {
        socket.write(`${created}content-length: 500\r\n\r\n${half}`)
        setTimeout(() => socket.resetAndDestroy(), 10)
      }
    },
    {
      what: "no last chunk",
      answer: (socket) => socket.end(`${created}transfer-encoding: chunked\r\n\r\n${chunk(half)}`)
    },
    {
      what: "half a chunk",
      answer: (socket) => socket.end(`${created}transfer-encoding: chunked\r\n\r\nffff\r\n${half}`)
    },
    {
      what: "a chunk with a size that is none",
      answer: (socket) => socket.write(`${created}transfer-encoding: chunked\r\n\r\nxyz\r\n${half}`)
    },
    {
      what: "a chunk with a size beyond all numbers",
      answer: (socket) => socket.write(`${created}transfer-encoding: chunked\r\n\r\n${"f".repeat(20)}\r\n${half}`)
    }
  ]

  it.live.each(times(cases))("$what: $transport.name", ({ answer, transport }) =>
    Effect.gen(function*() {
      const server = yield* rawServer(answer)
      const { error, reason } = yield* register(server.origin).pipe(failsWith("OutcomeUnknown"))
      assert.strictEqual(reason.why, "UnreadableBody")
      assert.strictEqual(reason.status, 201)
      assert.isFalse(error.isSafeToRepeat)
      yield* eventually(() => server.open() === 0, "the connection is closed")
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide(on(transport))))
})

describe("what is left over on a connection is not the next answer", () => {
  const cases: ReadonlyArray<Case> = [
    {
      what: "two answers in one packet",
      answer: (socket, { index }) => socket.write(registered(`own-${index}`) + registered("left over"))
    },
    {
      what: "a second answer, later",
      answer: (socket, { index }) => {
        socket.write(registered(`own-${index}`))
        setTimeout(() => socket.write(registered("left over")), 5)
      }
    },
    {
      what: "more than the length says",
      answer: (socket, { index }) => socket.write(`${registered(`own-${index}`)}${registration("left over")}`)
    }
  ]

  it.live.each(times(cases))("$what: $transport.name", ({ answer, transport }) =>
    Effect.gen(function*() {
      const server = yield* rawServer(answer)
      for (let index = 1; index <= 5; index++) {
        const client = yield* register(server.origin)
        assert.strictEqual(client.information.client_id, `own-${index}`)
        yield* Effect.sleep(20)
      }
      assert.strictEqual(server.posts(), 5)
    }).pipe(Effect.provide(on(transport))))

  it.live.each(transports)(
    "two answers in one packet, without a pause between requests: $name",
    (transport) =>
      Effect.gen(function*() {
        const server = yield* rawServer((socket, { body, index }) => {
          const name = /name-\d+/.exec(body)?.[0] ?? "?"
          socket.write(registered(`${name}-${index}`) + registered("left over"))
        })
        const ids = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, index) => `name-${index}`),
          (client_name) =>
            ClientRegistration.register(
              { issuer: server.origin, registration_endpoint: `${server.origin}/register` },
              { redirect_uris, client_name }
            ).pipe(
              Effect.map(({ information }) => assert.match(information.client_id, new RegExp(`^${client_name}-\\d+$`)))
            ),
          { concurrency: 4 }
        )
        assert.lengthOf(ids, 20)
        assert.strictEqual(server.posts(), 20)
      }).pipe(Effect.provide(on(transport)))
  )

  it.live.each(times([{ length: 10 }, { length: 0 }]))(
    "a length of $length is less than comes: $transport.name",
    ({ length, transport }) =>
      Effect.gen(function*() {
        const server = yield* rawServer((socket, { index }) =>
          socket.write(
            index === 1
              ? `${created}content-length: ${length}\r\n\r\n${registration("cut off")}`
              : registered(`own-${index}`)
          )
        )
        const { error, reason } = yield* register(server.origin).pipe(failsWith("UnusableAnswer"))
        assert.strictEqual(reason.problem, length === 0 ? "Empty" : "NotJson")
        assert.isFalse(error.isSafeToRepeat)
        assert.strictEqual((yield* register(server.origin)).information.client_id, "own-2")
        assert.strictEqual(server.posts(), 2)
      }).pipe(Effect.provide(on(transport)))
  )
})
