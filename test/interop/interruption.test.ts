/** Interruption and deadlines reach the wire, and one call is one registration, whatever `HttpClient` is underneath. */
import { type AuthorizationServer, ClientRegistration, DpopSigner, ExchangeLimits } from "@effect-dcr/core"
import { NodeHttpClient } from "@effect-dcr/platform-node"
import { NodeHttpClient as EffectNodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Fiber, Layer } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import type * as Net from "node:net"
import { failsWith } from "../support/failure.ts"
import { bodyOf, eventually, httpServer, tcpServer } from "../support/nodeServers.ts"
import { oidcProvider } from "../support/oidcProvider.ts"

const transports = [
  { name: "the Node layer", http: NodeHttpClient.layer },
  { name: "undici of Effect", http: EffectNodeHttpClient.layerUndici },
  { name: "fetch", http: FetchHttpClient.layer }
]

const signers = [
  { proofs: "without proofs", signer: DpopSigner.layerNone },
  { proofs: "with proofs", signer: DpopSigner.layer() }
]

const redirect_uris = ["https://app.example.com/cb"]

const serverAt = (origin: string): AuthorizationServer.AuthorizationServer => ({
  issuer: origin,
  registration_endpoint: `${origin}/register`
})

/**
 * A server that takes everything and never answers, and how many requests it was sent. Not how many connections: after an
 * abort Node's fetch opens another one, on which it sends nothing.
 */
const silentServer = Effect.gen(function*() {
  let requests = 0
  const server = yield* tcpServer((socket) => {
    socket.on("data", (chunk) => {
      requests += chunk.toString("latin1").split("POST /register HTTP/1.1\r\n").length - 1
    })
  })
  return { ...server, requests: () => requests }
})

/** Reads the request, and starts an answer that it never ends. */
const halfAnswer = (socket: Net.Socket) => {
  socket.once(
    "data",
    () =>
      socket.write(
        "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"client_id\":"
      )
  )
}

describe("interruption", () => {
  it.live.each(transports.flatMap((transport) => signers.map((signer) => ({ ...transport, ...signer }))))(
    "closes the connection of a server that never answers: $name, $proofs",
    ({ http, signer }) =>
      Effect.gen(function*() {
        const silent = yield* silentServer
        const fiber = yield* Effect.forkChild(ClientRegistration.register(serverAt(silent.origin), { redirect_uris }))
        yield* eventually(() => silent.bytes() > 100, "the request arrives")
        assert.strictEqual(silent.open(), 1)
        yield* Fiber.interrupt(fiber)
        const exit = yield* Fiber.await(fiber)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
        yield* eventually(() => silent.open() === 0, "the connection is closed")
        assert.strictEqual(silent.requests(), 1)
      }).pipe(Effect.provide(Layer.merge(http, signer)))
  )

  it.live.each(transports)(
    "closes the connection of a server that stops in the middle of its answer: $name",
    ({ http }) =>
      Effect.gen(function*() {
        const slow = yield* tcpServer(halfAnswer)
        const fiber = yield* Effect.forkChild(ClientRegistration.register(serverAt(slow.origin), { redirect_uris }))
        yield* eventually(() => slow.bytes() > 100, "the request arrives")
        yield* Effect.sleep(50)
        yield* Fiber.interrupt(fiber)
        yield* eventually(() => slow.open() === 0, "the connection is closed")
      }).pipe(Effect.provide(Layer.merge(http, DpopSigner.layerNone)))
  )

  it.live("a caller's own timeout is an interruption", () =>
    Effect.gen(function*() {
      const silent = yield* silentServer
      const outcome = yield* ClientRegistration.register(serverAt(silent.origin), { redirect_uris }).pipe(
        Effect.timeoutOption("600 millis")
      )
      assert.strictEqual(outcome._tag, "None")
      assert.isAbove(silent.bytes(), 100)
      yield* eventually(() => silent.open() === 0, "the connection is closed")
    }).pipe(Effect.provide(Layer.merge(NodeHttpClient.layer, DpopSigner.layerNone))))
})

describe("deadline", () => {
  it.live("two seconds: the outcome is unknown, and the connection is closed, on every transport", () =>
    Effect.forEach(transports, ({ http, name }) =>
      Effect.gen(function*() {
        const silent = yield* silentServer
        const started = performance.now()
        const { error, reason } = yield* ClientRegistration.register(serverAt(silent.origin), { redirect_uris }, {
          deadline: "2 seconds"
        }).pipe(failsWith("OutcomeUnknown"), Effect.provide(Layer.merge(http, DpopSigner.layerNone)))
        assert.strictEqual(reason.why, "Deadline", name)
        assert.isUndefined(reason.status)
        assert.isFalse(error.isSafeToRepeat)
        const took = performance.now() - started
        assert.isTrue(took > 1_950 && took < 6_000, `${name}: ${took} ms`)
        yield* eventually(() => silent.open() === 0, "the connection is closed")
        assert.strictEqual(silent.requests(), 1)
      }).pipe(Effect.scoped), { concurrency: "unbounded" }))

  it.live("in the middle of an answer: the status is told", () =>
    Effect.gen(function*() {
      const slow = yield* tcpServer(halfAnswer)
      const { reason } = yield* ClientRegistration.register(serverAt(slow.origin), { redirect_uris }).pipe(
        Effect.provideService(ExchangeLimits.ExchangeLimits, {
          deadline: "1 second",
          maxResponseBytes: 10_000,
          maxMetadataBytes: 10_000,
          maxJsonDepth: 10
        }),
        failsWith("OutcomeUnknown")
      )
      assert.deepInclude(reason, { why: "Deadline", status: 201 })
      yield* eventually(() => slow.open() === 0, "the connection is closed")
    }).pipe(Effect.provide(Layer.merge(NodeHttpClient.layer, DpopSigner.layerNone))))

  it.live("before there is a connection: core cannot see into other transports, and says that it does not know", () =>
    Effect.gen(function*() {
      // A name that is never resolved, so that there is no address to connect to.
      const http = EffectNodeHttpClient.layerUndiciOptions({ connect: { lookup: () => {} } })
      const { reason } = yield* ClientRegistration.register(serverAt("https://op.example.com"), { redirect_uris }, {
        deadline: "200 millis"
      }).pipe(failsWith("OutcomeUnknown"), Effect.provide(Layer.merge(http, DpopSigner.layerNone)))
      assert.strictEqual(reason.why, "Deadline")
    }))
})

describe("one call, one registration", () => {
  /** What people put under an SDK, because it is well meant everywhere else. */
  const retrying = (http: Layer.Layer<HttpClient.HttpClient>) =>
    Layer.effect(
      HttpClient.HttpClient,
      HttpClient.HttpClient.useSync(HttpClient.retryTransient({ times: 3 }))
    ).pipe(Layer.provide(http))

  const cases = transports.flatMap(({ http, name }) => [
    { name, http, whys: ["ConnectionLost"] },
    { name: `${name} in retryTransient`, http: retrying(http), whys: ["RepeatedSend"] }
  ])

  it.live.each(cases)(
    "a reset after the server has processed the request: $name",
    ({ http, whys }) =>
      Effect.gen(function*() {
        const op = yield* oidcProvider()
        op.provider.use(async (ctx, next) => {
          await next()
          if (ctx.method === "POST") ctx.req.socket.resetAndDestroy()
        })
        const server = { issuer: op.issuer, registration_endpoint: `${op.issuer}/reg` }
        const { error, reason } = yield* ClientRegistration.register(server, { redirect_uris }).pipe(
          failsWith("OutcomeUnknown"),
          Effect.provide(Layer.merge(http, DpopSigner.layerNone))
        )
        assert.include(whys, reason.why)
        assert.isFalse(error.isSafeToRepeat)
        assert.lengthOf(op.created, 1, "the server has one client, not two")
        assert.lengthOf(op.arrived, 1)
      })
  )

  it.live.each(cases)(
    "a 503 after the server has processed the request: $name",
    ({ http, whys }) =>
      Effect.gen(function*() {
        const created: Array<string> = []
        const { origin } = yield* httpServer((request, response) => {
          void bodyOf(request).then((body) => {
            created.push(body)
            response.writeHead(503).end()
          })
        })
        const register = ClientRegistration.register(serverAt(origin), { redirect_uris }).pipe(
          Effect.provide(Layer.merge(http, DpopSigner.layer()))
        )
        if (whys.includes("RepeatedSend")) {
          assert.strictEqual((yield* register.pipe(failsWith("OutcomeUnknown"))).reason.why, "RepeatedSend")
        } else {
          assert.strictEqual((yield* register.pipe(failsWith("UnexpectedStatus"))).reason.status, 503)
        }
        assert.lengthOf(created, 1)
      })
  )

  it.live("what is known not to have been processed is sent again, once the server says when", () =>
    Effect.gen(function*() {
      let arrived = 0
      const { origin } = yield* httpServer((request, response) => {
        void bodyOf(request).then(() =>
          ++arrived === 1
            ? response.writeHead(503, { "retry-after": "1" }).end()
            : response.writeHead(201, { "content-type": "application/json" }).end("{\"client_id\":\"1\"}")
        )
      })
      const [took, client] = yield* Effect.timed(
        ClientRegistration.register(serverAt(origin), { redirect_uris, token_endpoint_auth_method: "none" })
      )
      assert.strictEqual(client.information.client_id, "1")
      assert.strictEqual(arrived, 2)
      assert.isAtLeast(Duration.toMillis(took), 1_000)
    }).pipe(Effect.provide(Layer.merge(NodeHttpClient.layer, DpopSigner.layerNone))))
})
