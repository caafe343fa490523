import { NodeHttpClient } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Config, ConfigProvider, Effect, Exit, Fiber, Option, Stream } from "effect"
import { Headers, HttpBody, HttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import type * as Net from "node:net"
import { Readable } from "node:stream"
import { bodyOf, eventually, httpServer, tcpServer } from "../support/nodeServers.ts"

/** Runs a program with a client of its own, whose connections end with it. */
const withClient = <A, E>(
  use: (client: HttpClient.HttpClient) => Effect.Effect<A, E>,
  options?: NodeHttpClient.Options
) => Effect.scoped(Effect.flatMap(NodeHttpClient.make(options), use))

const answer = (body: string, headers = "") =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`

/** Calls back for every request head that arrives on the socket. */
const onRequest = (socket: Net.Socket, handle: (head: string) => void) => {
  let text = ""
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1")
    for (let end = text.indexOf("\r\n\r\n"); end !== -1; end = text.indexOf("\r\n\r\n")) {
      const head = text.slice(0, end)
      text = text.slice(end + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0))
      handle(head)
    }
  })
}

const transportCause = (exit: Exit.Exit<unknown, HttpClientError.HttpClientError>): unknown => {
  const error = Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : Option.none()
  assert.isTrue(Option.isSome(error), "a typed failure was expected")
  if (Option.isNone(error)) return undefined
  assert.strictEqual(error.value.reason._tag, "TransportError")
  return error.value.reason.cause
}

describe("NodeHttpClient: an ordinary HttpClient", () => {
  it.live("sends every method and every kind of body", () =>
    Effect.gen(function*() {
      const { origin } = yield* httpServer((request, response) => {
        void bodyOf(request).then((body) =>
          response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({
            method: request.method,
            url: request.url,
            type: request.headers["content-type"],
            length: request.headers["content-length"],
            body
          }))
        )
      })
      yield* withClient((client) =>
        Effect.gen(function*() {
          const echo = (request: HttpClientRequest.HttpClientRequest) =>
            Effect.flatMap(client.execute(request), (response) => response.json)
          const post = HttpClientRequest.post(`${origin}/a?b=c#d`)
          const bytes = new TextEncoder().encode("üöä")
          const form = new FormData()
          form.append("one", "1")

          assert.deepInclude(yield* echo(HttpClientRequest.get(origin)), { method: "GET", url: "/", body: "" })
          assert.deepInclude(yield* echo(HttpClientRequest.delete(`${origin}/x`)), { method: "DELETE", url: "/x" })
          assert.deepInclude(yield* echo(HttpClientRequest.bodyJsonUnsafe(post, { a: "ü" })), {
            method: "POST",
            url: "/a?b=c",
            type: "application/json",
            length: "10",
            body: "{\"a\":\"ü\"}"
          })
          assert.deepInclude(
            yield* echo(HttpClientRequest.bodyUint8Array(HttpClientRequest.put(origin), bytes, "text/x")),
            { method: "PUT", type: "text/x", body: "üöä" }
          )
          assert.deepInclude(
            yield* echo(HttpClientRequest.bodyStream(HttpClientRequest.patch(origin), Stream.make(bytes, bytes))),
            { method: "PATCH", body: "üöäüöä" }
          )
          assert.deepInclude(
            yield* echo(HttpClientRequest.setBody(post, HttpBody.raw(Readable.from(["from ", "node"])))),
            { body: "from node" }
          )
          const multipart = yield* echo(HttpClientRequest.bodyFormData(post, form))
          assert.match(JSON.stringify(multipart), /multipart\/form-data; boundary=.*form-data; name=.*one/)

          const unknown = yield* Effect.flip(echo(HttpClientRequest.setBody(post, HttpBody.raw(new Map()))))
          assert.strictEqual(unknown.reason._tag, "EncodeError")
          const scheme = yield* Effect.flip(client.get("ftp://127.0.0.1/"))
          assert.strictEqual(scheme.reason._tag, "InvalidUrlError")
        })
      )
    }))

  it.live("gives the answer in every form, as often as it is asked for", () =>
    Effect.gen(function*() {
      const { origin } = yield* httpServer((request, response) => {
        switch (request.url) {
          case "/form":
            return response.writeHead(200, { "content-type": "application/x-www-form-urlencoded" }).end("a=1&b=%20x")
          case "/nothing":
            return response.writeHead(204).end()
          default:
            return response.writeHead(
              201,
              [
                ["Content-Type", "application/json"],
                ["X-Twice", "one"],
                ["X-Twice", "two"],
                ["Set-Cookie", "a=1; Path=/"],
                ["Set-Cookie", "b=2"],
                ["__proto__", "harmless"]
              ].flat()
            ).end("\ufeff{\"ü\":[1]}")
        }
      })
      yield* withClient((client) =>
        Effect.gen(function*() {
          const response = yield* client.get(`${origin}/a?b#c`)
          assert.strictEqual(response.status, 201)
          assert.strictEqual(response.url, `${origin}/a?b`)
          assert.strictEqual((yield* client.get(`${origin}/a?b#`)).url, `${origin}/a?b`)
          assert.deepStrictEqual(Headers.get(response.headers, "X-TWICE"), Option.some("one, two"))
          assert.deepStrictEqual(Object.keys(response.cookies.cookies), ["a", "b"])
          assert.deepStrictEqual(response.remoteAddress, Option.some("127.0.0.1"))
          assert.strictEqual(yield* response.text, "{\"ü\":[1]}")
          assert.deepStrictEqual(yield* response.json, { ü: [1] })
          assert.strictEqual((yield* response.arrayBuffer).byteLength, 13)
          const streamed = yield* Stream.runCollect(response.stream)
          assert.strictEqual(Buffer.concat(streamed).toString(), "\ufeff{\"ü\":[1]}")

          const form = yield* client.get(`${origin}/form`)
          assert.deepStrictEqual((yield* form.urlParamsBody).params, [["a", "1"], ["b", " x"]])
          assert.strictEqual((yield* form.formData).get("b"), " x")
          const notJson = yield* Effect.flip(form.json)
          assert.strictEqual(notJson.reason._tag, "DecodeError")
          const noUpgrade = yield* Effect.flip(form.upgrade)
          assert.strictEqual(noUpgrade.reason._tag, "StatusCodeError")

          const nothing = yield* client.get(`${origin}/nothing`)
          assert.strictEqual(yield* nothing.text, "")
          assert.isNull(yield* nothing.json)
          assert.strictEqual(yield* Stream.runCount(nothing.stream), 0)
          const head = yield* client.head(origin)
          assert.strictEqual(yield* head.text, "")
        })
      )
    }))

  it.live("reads a body as a stream once", () =>
    Effect.gen(function*() {
      const { origin } = yield* httpServer((_request, response) => response.end("abc"))
      yield* withClient((client) =>
        Effect.gen(function*() {
          const response = yield* client.get(origin)
          assert.strictEqual(Buffer.concat(yield* Stream.runCollect(response.stream)).toString(), "abc")
          const again = yield* Effect.flip(Stream.runCollect(response.stream))
          assert.strictEqual(again.reason._tag, "DecodeError")
          const whole = yield* Effect.flip(response.text)
          assert.strictEqual(whole.reason._tag, "DecodeError")
        })
      )
    }))

  it.live("does not follow redirects", () =>
    Effect.gen(function*() {
      const target = yield* httpServer((_request, response) => response.end())
      for (const status of [301, 302, 303, 307, 308]) {
        const { origin } = yield* httpServer((_request, response) =>
          response.writeHead(status, { location: target.origin }).end()
        )
        const response = yield* withClient((client) => client.post(origin))
        assert.strictEqual(response.status, status)
      }
      assert.strictEqual(target.connections(), 0)
    }))

  it.live("takes a hint (103) for no answer", () =>
    Effect.gen(function*() {
      const { origin } = yield* tcpServer((socket) =>
        onRequest(socket, () => socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${answer("the answer")}`))
      )
      const text = yield* withClient((client) => Effect.flatMap(client.get(origin), (response) => response.text))
      assert.strictEqual(text, "the answer")
    }))

  it.live("takes its options from Config", () =>
    Effect.gen(function*() {
      const { connections, origin } = yield* httpServer((_request, response) => response.end("ok"))
      const layer = NodeHttpClient.layerConfig({
        idleTimeout: Config.Duration("IDLE"),
        connectionsPerOrigin: Config.Int("CONNECTIONS"),
        tls: { key: Config.Redacted("KEY") }
      })
      const twice = Effect.forEach([1, 2], () => Effect.flatMap(HttpClient.get(origin), (response) => response.text))
      const env = ConfigProvider.fromUnknown({ IDLE: "0 seconds", CONNECTIONS: "1", KEY: "k" })
      yield* twice.pipe(Effect.provide(layer), Effect.provideService(ConfigProvider.ConfigProvider, env))
      assert.strictEqual(connections(), 2)
      const missing = yield* Effect.flip(twice.pipe(
        Effect.provide(layer),
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({}))
      ))
      assert.strictEqual(missing._tag, "ConfigError")
    }))
})

describe("NodeHttpClient: connections", () => {
  it.live("keeps one connection for one request after the other", () =>
    Effect.gen(function*() {
      const server = yield* httpServer((_request, response) => response.end("ok"))
      yield* withClient((client) =>
        Effect.forEach([1, 2, 3], () => Effect.flatMap(client.post(server.origin), (response) => response.text))
      )
      assert.strictEqual(server.connections(), 1)
    }))

  it.live("opens no more than the bound, and serves those who wait in order", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const server = yield* httpServer((request, response) => {
        seen.push(request.url ?? "")
        setTimeout(() => response.end(request.url), 20)
      })
      const texts = yield* withClient(
        (client) =>
          Effect.forEach(
            Array.from({ length: 8 }, (_, index) => index),
            (index) => Effect.flatMap(client.post(`${server.origin}/${index}`), (response) => response.text),
            { concurrency: "unbounded" }
          ),
        { connectionsPerOrigin: 2 }
      )
      assert.deepStrictEqual(texts, ["/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7"])
      assert.deepStrictEqual(seen, texts)
      assert.strictEqual(server.connections(), 2)
    }))

  it.live("closes an idle connection early", () =>
    Effect.gen(function*() {
      const server = yield* httpServer((_request, response) => response.end("ok"), { keepAliveTimeout: 60_000 })
      yield* withClient(
        (client) =>
          Effect.gen(function*() {
            yield* Effect.flatMap(client.get(server.origin), (response) => response.text)
            assert.strictEqual(server.open(), 1)
            yield* eventually(() => server.open() === 0, "the idle connection is closed")
            yield* Effect.flatMap(client.get(server.origin), (response) => response.text)
            assert.strictEqual(server.connections(), 2)
          }),
        { idleTimeout: 80 }
      )
    }))

  it.live("believes a server that keeps connections for a shorter time, less a margin", () =>
    Effect.gen(function*() {
      const hint = (seconds: number) => (socket: Net.Socket) =>
        onRequest(socket, () => socket.write(answer("ok", `keep-alive: timeout=${seconds}\r\n`)))
      const short = yield* tcpServer(hint(1))
      const long = yield* tcpServer(hint(3600))
      yield* withClient(
        (client) =>
          Effect.gen(function*() {
            for (const { origin } of [short, short, long, long]) {
              yield* Effect.flatMap(client.get(origin), (response) => response.text)
            }
            // one second less the margin of one second: not used again
            assert.strictEqual(short.connections(), 2)
            assert.strictEqual(long.connections(), 1)
            yield* eventually(() => long.open() === 0, "a long hint does not lengthen the time")
          }),
        { idleTimeout: 100 }
      )
    }))

  it.live("does not use a connection again that the server closes", () =>
    Effect.gen(function*() {
      const server = yield* tcpServer((socket) =>
        onRequest(socket, () => socket.end(answer("ok", "connection: close\r\n")))
      )
      yield* withClient((client) =>
        Effect.forEach(
          Array.from({ length: 10 }),
          () => Effect.flatMap(client.post(server.origin), (response) => response.text),
          { concurrency: 3 }
        )
      )
      assert.strictEqual(server.connections(), 10)
    }))

  it.live("forgets a connection that the server closes beside others", () =>
    Effect.gen(function*() {
      const sockets: Array<Net.Socket> = []
      const server = yield* tcpServer((socket) => {
        sockets.push(socket)
        onRequest(socket, (head) => head.startsWith("GET /held") ? undefined : socket.write(answer("ok")))
      })
      yield* withClient((client) =>
        Effect.gen(function*() {
          const held = yield* Effect.forkChild(client.get(`${server.origin}/held`))
          yield* eventually(() => server.connections() === 1, "the first connection is in use")
          yield* Effect.flatMap(client.get(server.origin), (response) => response.text)
          sockets[1]?.destroy()
          yield* Effect.sleep(20)
          const response = yield* client.get(server.origin)
          assert.strictEqual(yield* response.text, "ok")
          assert.strictEqual(server.connections(), 3)
          yield* Fiber.interrupt(held)
        })
      )
    }))

  it.live("lets no origin wait for another", () =>
    Effect.gen(function*() {
      const silent = yield* tcpServer()
      const server = yield* httpServer((_request, response) => response.end("ok"))
      yield* withClient(
        (client) =>
          Effect.gen(function*() {
            const stuck = yield* Effect.forkChild(client.get(silent.origin))
            yield* eventually(() => silent.bytes() > 0, "the request arrived")
            assert.strictEqual((yield* client.get(server.origin)).status, 200)
            yield* Fiber.interrupt(stuck)
          }),
        { connectionsPerOrigin: 1 }
      )
    }))

  it.live("ends with its scope, although a server never answers", () =>
    Effect.gen(function*() {
      const silent = yield* tcpServer()
      const start = performance.now()
      const fibers = yield* withClient(
        (client) =>
          Effect.gen(function*() {
            const written = yield* Effect.forkDetach(Effect.exit(client.post(silent.origin)))
            yield* eventually(() => silent.bytes() > 0, "the request arrived")
            const waiting = yield* Effect.forkDetach(Effect.exit(client.post(silent.origin)))
            yield* Effect.sleep(10)
            return { written, waiting }
          }),
        { connectionsPerOrigin: 1 }
      )
      assert.isBelow(performance.now() - start, 2_000)
      assert.notInstanceOf(transportCause(yield* Fiber.join(fibers.written)), NodeHttpClient.NotSent)
      assert.instanceOf(transportCause(yield* Fiber.join(fibers.waiting)), NodeHttpClient.NotSent)
      yield* eventually(() => silent.open() === 0, "all connections are closed")
      assert.strictEqual(silent.connections(), 1)
    }))

  it.live("sends nothing after its scope", () =>
    Effect.gen(function*() {
      const server = yield* httpServer((_request, response) => response.end("ok"))
      const client = yield* withClient(Effect.succeed)
      assert.instanceOf(transportCause(yield* Effect.exit(client.get(server.origin))), NodeHttpClient.NotSent)
      assert.strictEqual(server.connections(), 0)
    }))

  it.live("refuses an answer with too many headers", () =>
    Effect.gen(function*() {
      const server = yield* tcpServer((socket) =>
        onRequest(socket, () => socket.write(answer("ok", `x-large: ${"x".repeat(2000)}\r\n`)))
      )
      yield* withClient(
        (client) =>
          Effect.gen(function*() {
            const cause = transportCause(yield* Effect.exit(client.get(server.origin)))
            assert.propertyVal(cause, "code", "UND_ERR_HEADERS_OVERFLOW")
          }),
        { maxHeaderSize: 1000 }
      )
      const response = yield* withClient((client) => client.get(server.origin))
      assert.strictEqual(response.status, 200)
    }))

  it.live("refuses an answer that says its length in two ways", () =>
    Effect.gen(function*() {
      const server = yield* tcpServer((socket) =>
        onRequest(socket, () =>
          socket.write(
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
          ))
      )
      const exit = yield* Effect.exit(
        withClient((client) => Effect.flatMap(client.get(server.origin), (response) => response.text))
      )
      assert.isTrue(Exit.isFailure(exit))
    }))
})

describe("NodeHttpClient: interruption", () => {
  it.live("closes the connection of a request that is waiting for its answer", () =>
    Effect.gen(function*() {
      const silent = yield* tcpServer()
      yield* withClient((client) =>
        Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(client.post(silent.origin))
          yield* eventually(() => silent.bytes() > 0, "the request arrived")
          yield* Fiber.interrupt(fiber)
          yield* eventually(() => silent.open() === 0, "the server sees the connection close")
        })
      )
    }))

  it.live("ends a body that is being sent, and a body that fails ends the request", () =>
    Effect.gen(function*() {
      const silent = yield* tcpServer()
      let ended = 0
      const chunk = new TextEncoder().encode("abc")
      const endless = Stream.concat(Stream.make(chunk), Stream.never).pipe(Stream.ensuring(Effect.sync(() => ended++)))
      const failing = Stream.concat(Stream.make(chunk), Stream.fail("no more"))
      yield* withClient((client) =>
        Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(
            client.execute(HttpClientRequest.bodyStream(HttpClientRequest.post(silent.origin), endless))
          )
          yield* eventually(() => silent.bytes() > 100, "the request arrived")
          assert.strictEqual(ended, 0)
          yield* Fiber.interrupt(fiber)
          yield* eventually(() => silent.open() === 0, "the server sees the connection close")
          yield* eventually(() => ended === 1, "the stream is ended")
          const exit = yield* Effect.exit(
            client.execute(HttpClientRequest.bodyStream(HttpClientRequest.post(silent.origin), failing))
          )
          assert.notInstanceOf(transportCause(exit), NodeHttpClient.NotSent)
          yield* eventually(() => silent.open() === 0, "the server sees the connection close")
        })
      )
    }))

  it.live("closes the connection of an answer that is being read", () =>
    Effect.gen(function*() {
      const server = yield* tcpServer((socket) =>
        onRequest(socket, () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"))
      )
      yield* withClient((client) =>
        Effect.gen(function*() {
          const response = yield* client.post(server.origin)
          for (const read of [response.text, Stream.runDrain((yield* client.post(server.origin)).stream)]) {
            const open = server.open()
            const fiber = yield* Effect.forkChild(read)
            yield* Effect.sleep(20)
            yield* Fiber.interrupt(fiber)
            yield* eventually(() => server.open() === open - 1, "the server sees the connection close")
          }
        })
      )
    }))

  it.live("closes the connection of a request whose scope ends", () =>
    Effect.gen(function*() {
      const server = yield* tcpServer((socket) =>
        onRequest(socket, () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"))
      )
      yield* withClient((client) =>
        Effect.gen(function*() {
          yield* Effect.scoped(HttpClient.withScope(client).post(server.origin))
          yield* eventually(() => server.open() === 0, "the server sees the connection close")
        })
      )
    }))

  it.live("closes the connection of a request with a scope before that ends", () =>
    Effect.gen(function*() {
      const silent = yield* tcpServer()
      yield* withClient((client) =>
        Effect.scoped(Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(HttpClient.withScope(client).post(silent.origin))
          yield* eventually(() => silent.bytes() > 0, "the request arrived")
          yield* Fiber.interrupt(fiber)
          yield* eventually(() => silent.open() === 0, "the server sees the connection close")
        }))
      )
    }))

  it.live("takes back a request that waits for a connection", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const finish: Array<() => void> = []
      const server = yield* httpServer((request, response) => {
        seen.push(request.url ?? "")
        finish.push(() => response.end())
      })
      yield* withClient(
        (client) =>
          Effect.gen(function*() {
            const [one, two, three] = [
              yield* Effect.forkChild(client.post(`${server.origin}/1`)),
              yield* Effect.forkChild(client.post(`${server.origin}/2`)),
              yield* Effect.forkChild(client.post(`${server.origin}/3`))
            ]
            yield* eventually(() => seen.length === 1, "the first request arrived")
            yield* Fiber.interrupt(two)
            finish[0]?.()
            yield* Fiber.join(one)
            yield* eventually(() => seen.length === 2, "the third request arrived")
            finish[1]?.()
            yield* Fiber.join(three)
            assert.deepStrictEqual(seen, ["/1", "/3"])
            assert.strictEqual(server.connections(), 1)
          }),
        { connectionsPerOrigin: 1 }
      )
    }))

  it.live("gives up a connection that is being made", () =>
    Effect.gen(function*() {
      const server = yield* tcpServer()
      let answerLookup: (() => void) | undefined
      yield* withClient(
        (client) =>
          Effect.gen(function*() {
            const fiber = yield* Effect.forkChild(client.post(`http://slow.test:${server.port}/`))
            yield* eventually(() => answerLookup !== undefined, "the name is being looked up")
            yield* Fiber.interrupt(fiber)
            answerLookup?.()
            yield* Effect.sleep(50)
          }),
        {
          lookup: (_hostname, _options, callback) => {
            answerLookup = () => callback(null, [{ address: "127.0.0.1", family: 4 }])
          }
        }
      )
      assert.strictEqual(server.connections(), 0)
    }))
})

describe("NodeHttpClient: back-pressure", () => {
  /** Writes as fast as it is read, and says how much the client's side has taken. */
  const flood = (total: number) => {
    const state = { written: 0 }
    const server = httpServer((_request, response) => {
      const chunk = Buffer.alloc(65_536, "x")
      const write = (): void => {
        while (state.written < total) {
          state.written += chunk.length
          if (!response.write(chunk)) {
            response.once("drain", write)
            return
          }
        }
        response.end()
      }
      write()
    })
    return Effect.map(server, (server) => ({ ...server, written: () => state.written }))
  }
  const megabyte = 1_048_576

  it.live("does not take an answer in that nobody reads", () =>
    Effect.gen(function*() {
      const server = yield* flood(200 * megabyte)
      yield* withClient((client) =>
        Effect.gen(function*() {
          const response = yield* client.get(server.origin)
          yield* Effect.sleep(300)
          // what lies in the sockets of both sides, and our own 64 KiB
          assert.isBelow(server.written(), 20 * megabyte)
          const before = server.written()
          yield* Effect.sleep(100)
          assert.strictEqual(server.written(), before)

          let size = 0
          const stopped = Stream.runForEach(response.stream, (bytes) => {
            size += bytes.length
            return size > megabyte ? Effect.fail("enough") : Effect.void
          })
          assert.strictEqual(yield* Effect.flip(stopped), "enough")
          yield* eventually(() => server.open() === 0, "the connection is closed")
          assert.isBelow(server.written(), 30 * megabyte)
        })
      )
    }))

  it.live("gives all of it to a slow reader, and to one who wants it whole", () =>
    Effect.gen(function*() {
      const slow = yield* flood(8 * megabyte)
      const whole = yield* flood(8 * megabyte)
      yield* withClient((client) =>
        Effect.gen(function*() {
          const response = yield* client.get(slow.origin)
          let size = 0
          yield* Stream.runForEach(response.stream, (bytes) => {
            size += bytes.length
            return size % 7 === 0 ? Effect.sleep(1) : Effect.yieldNow
          })
          assert.strictEqual(size, 8 * megabyte)
          const late = yield* client.get(whole.origin)
          yield* Effect.sleep(50)
          assert.strictEqual((yield* late.arrayBuffer).byteLength, 8 * megabyte)
        })
      )
    }))
})
