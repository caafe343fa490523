/** What a server can do with the bytes of its answer, on real sockets, and what each transport makes of it. */
import { AuthorizationServer, ClientRegistration, DpopSigner, type RegistrationError } from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { failsWith } from "../support/failure.ts"
import { eventually } from "../support/nodeServers.ts"
import { created, pour, type RawAnswer, rawServer, registered } from "../support/socketServer.ts"
import { type Transport, transports } from "../support/socketTransports.ts"

const redirect_uris = ["https://app.example.com/cb"]

const register = (origin: string) =>
  ClientRegistration.register({ issuer: origin, registration_endpoint: `${origin}/register` }, { redirect_uris }, {
    deadline: "10 seconds"
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
      const { error, reason } = yield* register(server.origin).pipe(failsWith("RedirectRefused"))
      assert.strictEqual(reason.status, status)
      assert.strictEqual(reason.location, new URL(target, server.origin).href)
      assert.isFalse(error.isSafeToRepeat)
      // a read follows none either
      const discovery = yield* Effect.flip(AuthorizationServer.discover(server.origin))
      assert.include(["RedirectRefused", "DiscoveryFailed"], discovery.reason._tag)
      yield* Effect.sleep(10)
      assert.strictEqual(server.posts(), 1)
      assert.isFalse(server.requests.some(({ path }) => path === "/elsewhere"))
      assert.strictEqual(other.connections(), 0)
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
