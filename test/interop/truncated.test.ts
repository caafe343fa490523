/** An answer that holds a whole registration, and does not end as it should: no transport loses what came. */
import { ClientConfiguration, ClientRegistration, DpopSigner } from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { failsWith } from "../support/failure.ts"
import { eventually } from "../support/nodeServers.ts"
import { chunk, created, type RawAnswer, rawServer, registration } from "../support/socketServer.ts"
import { fetchTransport, nodeTransport, type Transport } from "../support/socketTransports.ts"

const transports = [nodeTransport, fetchTransport]

const register = (origin: string, deadline: number) =>
  ClientRegistration.register(
    { issuer: origin, registration_endpoint: `${origin}/register` },
    { redirect_uris: ["https://app.example.com/cb"] },
    { deadline }
  )

const on = ({ layer }: Transport) => Layer.merge(layer, DpopSigner.layerNone)

const body = registration("kept")

interface Case {
  readonly what: string
  readonly answer: (body: string) => RawAnswer
  /** Whether the server keeps the connection, so that only the deadline ends it. */
  readonly stays?: true
}

const lengths = `${created}content-length: 5000\r\n\r\n`
const chunks = `${created}transfer-encoding: chunked\r\n\r\n`

/** What comes is on its way before the connection breaks. */
const thenReset = (text: string): RawAnswer => (socket) => {
  socket.write(text)
  setTimeout(() => socket.resetAndDestroy(), 20)
}

/** Without it a segment would wait for the one before to be acknowledged. */
const apart = (pieces: ReadonlyArray<string>): RawAnswer => (socket) => {
  socket.setNoDelay(true)
  pieces.forEach((piece, index) => setTimeout(() => socket.write(piece), 10 * index))
}

const cases: ReadonlyArray<Case> = [
  { what: "less than its length, then closed", answer: (body) => (socket) => socket.end(lengths + body) },
  { what: "less than its length, then reset", answer: (body) => thenReset(lengths + body) },
  { what: "no last chunk, then closed", answer: (body) => (socket) => socket.end(chunks + chunk(body)) },
  { what: "no last chunk, then reset", answer: (body) => thenReset(chunks + chunk(body)) },
  { what: "half a chunk, then closed", answer: (body) => (socket) => socket.end(`${chunks}ffff\r\n${body}`) },
  {
    what: "a chunk with a size that is none",
    answer: (body) => (socket) => socket.write(`${chunks}${chunk(body)}xyz\r\n`)
  },
  { what: "white space, and no end", answer: (body) => thenReset(`${lengths}\r\n ${body} \r\n`) },
  {
    what: "no last chunk, and it stays",
    answer: (body) => (socket) => socket.write(chunks + chunk(body)),
    stays: true
  },
  {
    what: "less than its length, and it stays",
    answer: (body) => (socket) => socket.write(lengths + body),
    stays: true
  },
  {
    what: "less than its length in three pieces, and it stays",
    answer: (body) => apart([lengths + body.slice(0, 10), body.slice(10, 50), body.slice(50)]),
    stays: true
  },
  {
    what: "white space a byte at a time behind it",
    answer: (body) => (socket) => {
      socket.write(chunks + chunk(body))
      const timer = setInterval(() => socket.write(chunk(" ")), 50)
      socket.on("close", () => clearInterval(timer))
    },
    stays: true
  },
  {
    what: "more white space than the limit behind it",
    answer: (body) => (socket) => {
      socket.write(chunks + chunk(body))
      for (let i = 0; i < 40; i++) socket.write(chunk(" ".repeat(65_536)))
    }
  }
]

const all = cases.flatMap((one) => transports.map((transport) => ({ ...one, transport })))

describe("a whole registration in an answer that does not end as it should", () => {
  it.live.each(all)(
    "is the registration that it was going to be: $what, $transport.name",
    ({ answer, stays, transport }) =>
      Effect.gen(function*() {
        const server = yield* rawServer(answer(body))
        const deadline = stays === true ? 400 : 10_000
        const started = performance.now()
        const client = yield* register(server.origin, deadline)
        const took = performance.now() - started
        assert.deepStrictEqual(client.deviations.map(({ id }) => id), ["truncated"])
        assert.strictEqual(client.information.client_id, "kept")
        assert.strictEqual(client.information.client_secret?.pipe(Redacted.value), "s3cret")
        // Neither early nor a second late.
        assert.isAbove(took, stays === true ? deadline : 0)
        assert.isBelow(took, deadline + 1_000)
        assert.strictEqual(server.posts(), 1)
        yield* eventually(() => server.open() === 0, "the connection is closed")
      }).pipe(Effect.provide(on(transport)))
  )

  it.live.each(all)(
    "with less of it than that nothing is known: $what, $transport.name",
    ({ answer, stays, transport }) =>
      Effect.gen(function*() {
        const server = yield* rawServer(answer(body.slice(0, -1)))
        const { error, reason } = yield* register(server.origin, stays === true ? 200 : 10_000).pipe(
          failsWith("OutcomeUnknown")
        )
        assert.include(["UnreadableBody", "Deadline", "TooLarge"], reason.why)
        assert.strictEqual(reason.status, 201)
        assert.isUndefined(error.clientId)
        assert.notInclude(JSON.stringify(error), "s3cret")
        assert.strictEqual(server.posts(), 1)
      }).pipe(Effect.provide(on(transport)))
  )

  it.live.each(transports)(
    "is strict for whoever is strict, with the registration: $name",
    (transport) =>
      Effect.gen(function*() {
        const server = yield* rawServer((socket) => socket.end(lengths + body))
        const { error, reason } = yield* ClientRegistration.register(
          { issuer: server.origin, registration_endpoint: `${server.origin}/register` },
          { redirect_uris: ["https://app.example.com/cb"] },
          { deviations: "fail" }
        ).pipe(failsWith("DeviationsRefused"))
        assert.deepStrictEqual(reason.deviations, ["truncated"])
        assert.strictEqual(error.registered?.information.client_id, "kept")
      }).pipe(Effect.provide(on(transport)))
  )

  it.live.each(transports)(
    "brings the token that a read and an update rotated: $name",
    (transport) =>
      Effect.gen(function*() {
        let token = 0
        const server = yield* rawServer((socket, { path }) => {
          const text = JSON.stringify({
            ...JSON.parse(body),
            registration_client_uri: `${server.origin}/register/kept`,
            registration_access_token: `token-${++token}`
          })
          socket.end(
            `${
              path === "/register" ? created : created.replace("201 Created", "200 OK")
            }content-length: 5000\r\n\r\n${text}`
          )
        })
        const client = yield* register(server.origin, 10_000)
        const read = yield* ClientConfiguration.read(client)
        const updated = yield* ClientConfiguration.replace(read, { set: { client_name: "Renamed" } })
        for (const [index, state] of [client, read, updated].entries()) {
          assert.strictEqual(state.information.registration_access_token?.pipe(Redacted.value), `token-${index + 1}`)
          assert.deepStrictEqual(state.deviations.map(({ id }) => id), ["truncated"])
        }
        assert.deepStrictEqual(server.requests.map(({ method }) => method), ["POST", "GET", "PUT"])
      }).pipe(Effect.provide(on(transport)))
  )
})
