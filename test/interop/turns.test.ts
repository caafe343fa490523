/** Exchanges that wait for a connection, and make their request when there is one: what they send, and what is known of those that do not. */
import { AuthorizationServer, ClientRegistration, DpopSigner, RetryPolicy, Telemetry } from "@effect-dcr/core"
import { NodeHttpClient } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { type Context, Deferred, Effect, Exit, Fiber, Layer, Option, Scope } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { decodeJwt } from "jose"
import { failsWith } from "../support/failure.ts"
import { eventually } from "../support/nodeServers.ts"
import { rawServer, registered } from "../support/socketServer.ts"

const register = (origin: string, options?: ClientRegistration.RegisterOptions) =>
  ClientRegistration.register(
    { issuer: origin, registration_endpoint: `${origin}/register` },
    { redirect_uris: ["https://app.example.com/cb"] },
    { deadline: "5 seconds", ...options }
  )

const oneConnection = NodeHttpClient.layerOptions({ connectionsPerOrigin: 1 })

const plain = Layer.mergeAll(oneConnection, DpopSigner.layerNone, RetryPolicy.layerNone)

/** A signer that signs like this. */
const signing = <R>(sign: Effect.Effect<void, never, R>): Layer.Layer<DpopSigner.DpopSigner, never, R> =>
  Layer.effect(
    DpopSigner.DpopSigner,
    Effect.contextWith((context: Context.Context<R>) =>
      Effect.succeed({
        thumbprint: Option.some("thumbprint"),
        sign: () => Effect.as(Effect.provide(sign, context), Option.some({ jwt: "a.b.c", nonce: undefined })),
        learn: () => Effect.void
      })
    )
  )

/** Answers when it is told to. */
const heldServer = Effect.gen(function*() {
  const held: Array<() => void> = []
  const server = yield* rawServer((socket, { index }) => held.push(() => socket.write(registered(`client-${index}`))))
  return { ...server, answer: Effect.sync(() => held.shift()?.()) }
})

/** The nonce in the proof of a request. */
const nonceIn = (head: string): unknown => decodeJwt(/^dpop: (.+)$/im.exec(head)?.[1] ?? "")["nonce"]

describe("an exchange that waits for a connection", () => {
  it.live.each([
    { who: "nobody watches", layer: Layer.empty },
    { who: "the trace is propagated", layer: Telemetry.layer({ propagateTrace: true }) }
  ])("has sent nothing when its time is over, and says so: $who", ({ layer }) =>
    Effect.gen(function*() {
      const server = yield* heldServer
      const first = yield* Effect.forkChild(register(server.origin))
      yield* eventually(() => server.posts() === 1, "the first request arrives")
      const { error, reason } = yield* register(server.origin, { deadline: 50 }).pipe(failsWith("Transport"))
      assert.isFalse(reason.sent)
      assert.isTrue(error.isSafeToRepeat)
      yield* server.answer
      assert.strictEqual((yield* Fiber.join(first)).information.client_id, "client-1")
      yield* Effect.sleep(20)
      assert.strictEqual(server.posts(), 1)
      // the connection is free for the next
      const next = yield* Effect.forkChild(register(server.origin))
      yield* eventually(() => server.posts() === 2, "the next request arrives")
      yield* server.answer
      assert.strictEqual((yield* Fiber.join(next)).information.client_id, "client-2")
      assert.strictEqual(server.connections(), 1)
    }).pipe(Effect.provide(Layer.mergeAll(plain, layer))))

  it.live("is taken back when it is interrupted, and the others come in their order", () =>
    Effect.gen(function*() {
      const server = yield* heldServer
      const fibers = []
      for (let index = 0; index < 4; index++) {
        fibers.push(yield* Effect.forkChild(register(server.origin), { startImmediately: true }))
      }
      const [first, second, third, fourth] = fibers
      yield* eventually(() => server.posts() === 1, "the first request arrives")
      if (second !== undefined) yield* Fiber.interrupt(second)
      for (const fiber of [first, third, fourth]) {
        yield* server.answer
        const client = yield* fiber === undefined ? Effect.die("it was not forked") : Fiber.join(fiber)
        assert.strictEqual(client.information.client_id, `client-${[first, third, fourth].indexOf(fiber) + 1}`)
        yield* Effect.sleep(20)
      }
      assert.strictEqual(server.posts(), 3)
    }).pipe(Effect.provide(plain)))

  it.live("makes its proof when it is sent, with the nonce that was learned meanwhile", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket, { head, index }) => {
        const body = JSON.stringify({ error: "use_dpop_nonce" })
        socket.write(
          nonceIn(head) === "n-1"
            ? registered(`client-${index}`)
            : `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ndpop-nonce: n-1\r\ncontent-length: ${body.length}\r\n\r\n${body}`
        )
      })
      yield* Effect.all(Array.from({ length: 8 }, () => register(server.origin)), { concurrency: "unbounded" })
      assert.strictEqual(server.requests.filter(({ head }) => nonceIn(head) === undefined).length, 1)
      assert.strictEqual(server.posts(), 9)
    }).pipe(Effect.provide(Layer.merge(oneConnection, DpopSigner.layer()))))

  it.live("learns that the transport is closed, and has sent nothing", () =>
    Effect.gen(function*() {
      const server = yield* heldServer
      const scope = yield* Scope.make()
      const client = yield* NodeHttpClient.make({ connectionsPerOrigin: 1 }).pipe(Scope.provide(scope))
      const registering = register(server.origin).pipe(
        Effect.provideService(HttpClient.HttpClient, client),
        Effect.provide(Layer.merge(DpopSigner.layerNone, RetryPolicy.layerNone))
      )
      const first = yield* Effect.forkChild(failsWith("OutcomeUnknown")(registering))
      yield* eventually(() => server.posts() === 1, "the first request arrives")
      const second = yield* Effect.forkChild(failsWith("Transport")(registering), { startImmediately: true })
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(first)
      assert.isFalse((yield* Fiber.join(second)).reason.sent)
      assert.isFalse((yield* failsWith("Transport")(registering)).reason.sent)
      assert.strictEqual(server.posts(), 1)
    }))
})

describe("an exchange whose turn has come", () => {
  it.live.each([
    { how: "interrupted", end: (fiber: Fiber.Fiber<unknown, unknown>) => Fiber.interrupt(fiber), deadline: 5_000 },
    { how: "too late", end: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.exit(Fiber.join(fiber)), deadline: 50 }
  ])("lets the next go when it is $how before it has sent anything", ({ deadline, end }) =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket, { index }) => socket.write(registered(`client-${index}`)))
      const begun = yield* Deferred.make<void>()
      let signed = 0
      // the first proof is never done
      const sign = Effect.suspend(() =>
        signed++ === 0 ? Effect.andThen(Deferred.succeed(begun, undefined), Effect.never) : Effect.void
      )
      yield* Effect.gen(function*() {
        const first = yield* Effect.forkChild(register(server.origin, { deadline }))
        yield* Deferred.await(begun)
        const second = yield* Effect.forkChild(register(server.origin), { startImmediately: true })
        yield* Effect.sleep(10)
        assert.strictEqual(server.posts(), 0)
        yield* end(first)
        assert.strictEqual((yield* Fiber.join(second)).information.client_id, "client-1")
      }).pipe(Effect.provide(Layer.mergeAll(oneConnection, RetryPolicy.layerNone, signing(sign))))
    }))

  const document = (origin: string) => {
    const body = JSON.stringify({ issuer: origin, registration_endpoint: `${origin}/register` })
    return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  }

  interface Signing {
    readonly what: string
    readonly sign: (origin: string) => Effect.Effect<unknown, unknown, HttpClient.HttpClient>
  }

  it.live.each<Signing>([
    { what: "a request of its own", sign: (origin) => HttpClient.get(`${origin}/.well-known/x`) },
    { what: "an exchange of this SDK", sign: (origin) => AuthorizationServer.discover(origin) }
  ])(
    "may need $what, over the only connection of the same client, to make its proof",
    ({ sign }) =>
      Effect.gen(function*() {
        const server = yield* rawServer((socket, { method, index }) =>
          socket.write(method === "GET" ? document(server.origin) : registered(`client-${index}`))
        )
        const signer = signing(Effect.orDie(Effect.asVoid(Effect.suspend(() => sign(server.origin))))).pipe(
          Layer.provideMerge(oneConnection)
        )
        const clients = yield* Effect.all(Array.from({ length: 5 }, () => register(server.origin)), {
          concurrency: "unbounded"
        }).pipe(Effect.provide(signer))
        assert.lengthOf(clients, 5)
        assert.strictEqual(server.posts(), 5)
      })
  )

  it.live("is not spoilt by a client that sends requests elsewhere", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket) => socket.write(registered("asked")))
      const other = yield* rawServer((socket) => socket.write(registered("other")))
      const elsewhere = HttpClient.mapRequest(
        yield* HttpClient.HttpClient,
        HttpClientRequest.setUrl(`${other.origin}/register`)
      )
      for (let count = 0; count < 3; count++) {
        yield* register(server.origin).pipe(
          Effect.provideService(HttpClient.HttpClient, elsewhere),
          failsWith("RedirectRefused")
        )
      }
      assert.strictEqual(other.posts(), 3)
      assert.strictEqual((yield* register(server.origin)).information.client_id, "asked")
    }).pipe(Effect.provide(plain)))
})
