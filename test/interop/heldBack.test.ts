/** What is known of a request that is given up before the transport has written any of it, and what is not. */
import { ClientRegistration, DpopSigner, type RegistrationError } from "@effect-dcr/core"
import { NodeHttpClient } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { type Context, Effect, Fiber, Layer, Option, Result, Tracer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import type * as Net from "node:net"
import { failsWith } from "../support/failure.ts"
import { eventually, tcpServer } from "../support/nodeServers.ts"
import { once, oneConnection, register } from "../support/oneRegistration.ts"
import { seeded } from "../support/seeded.ts"
import { rawServer, registered } from "../support/socketServer.ts"

/** Answers when it is told to. */
const heldServer = Effect.gen(function*() {
  const held: Array<() => void> = []
  const server = yield* rawServer((socket, { index }) => held.push(() => socket.write(registered(`client-${index}`))))
  return { ...server, answer: Effect.sync(() => held.shift()?.()) }
})

const watching = Layer.succeed(Tracer.Tracer, Tracer.make({ span: (options) => new Tracer.NativeSpan(options) }))

describe("a request that is given up while it is held back", () => {
  it.live.each([
    { who: "nobody watches", watched: Layer.empty },
    { who: "a tracer watches", watched: watching }
  ])("in the queue has not been sent, and is not sent later: $who", ({ watched }) =>
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
    }).pipe(Effect.provide(Layer.mergeAll(oneConnection, once, watched))))

  it.live("in the queue has not been sent, whatever a client changes in it before", () =>
    Effect.gen(function*() {
      const server = yield* heldServer
      const first = yield* Effect.forkChild(register(server.origin))
      yield* eventually(() => server.posts() === 1, "the first request arrives")
      const client = HttpClient.mapRequest(yield* HttpClient.HttpClient, HttpClientRequest.setHeader("x-tenant", "one"))
      const { reason } = yield* register(server.origin, { deadline: 50 }).pipe(
        Effect.provideService(HttpClient.HttpClient, client),
        failsWith("Transport")
      )
      assert.isFalse(reason.sent)
      yield* server.answer
      yield* Fiber.join(first)
      yield* Effect.sleep(20)
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  const never: Net.LookupFunction = () => {}

  it.live.each([
    { what: "its name is looked up", scheme: "https", host: "op.example.com", lookup: never },
    { what: "TLS is agreed upon", scheme: "https", host: "127.0.0.1", lookup: undefined }
  ])("while $what has not been sent", ({ host, lookup, scheme }) =>
    Effect.gen(function*() {
      const silent = yield* tcpServer()
      const { reason } = yield* register(`${scheme}://${host}:${silent.port}`, { deadline: 100 }).pipe(
        failsWith("Transport"),
        Effect.provide(Layer.merge(NodeHttpClient.layerOptions({ lookup }), once))
      )
      assert.isFalse(reason.sent)
    }))
})

describe("a request of which something may have been sent", () => {
  it.live("by the transport that has it, leaves its outcome unknown", () =>
    Effect.gen(function*() {
      const silent = yield* tcpServer()
      const { reason } = yield* register(silent.origin, { deadline: 100 }).pipe(failsWith("OutcomeUnknown"))
      assert.strictEqual(reason.why, "Deadline")
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  interface Wrapped {
    readonly by: string
    readonly wrap: (ours: HttpClient.HttpClient, other: HttpClient.HttpClient) => HttpClient.HttpClient
  }

  const slow = 40

  type Send = HttpClient.HttpClient["postprocess"]

  const detached = (send: Send): Send => (request) => Effect.flatMap(Effect.forkDetach(send(request)), Fiber.join)

  // Each sends what was handed over before, by another transport, in another fiber, or after the deadline.
  const wrapped: ReadonlyArray<Wrapped> = [
    {
      by: "that takes another transport when this one is too slow",
      wrap: (ours, other) =>
        HttpClient.make((request) =>
          Effect.timeoutOrElse(ours.execute(request), { duration: slow, orElse: () => other.execute(request) })
        )
    },
    {
      by: "that takes this transport when another is too slow",
      wrap: (ours, other) =>
        HttpClient.make((request) =>
          Effect.timeoutOrElse(other.execute(request), { duration: slow, orElse: () => ours.execute(request) })
        )
    },
    {
      by: "that cannot be interrupted",
      wrap: (ours) => HttpClient.transformResponse(ours, Effect.uninterruptible)
    },
    {
      by: "that cannot be interrupted, and tries again",
      wrap: (ours) =>
        HttpClient.make((request) =>
          Effect.uninterruptible(
            Effect.timeoutOrElse(ours.execute(request), { duration: 100, orElse: () => ours.execute(request) })
          )
        )
    },
    {
      by: "that sends in a fiber of its own",
      wrap: (ours) => HttpClient.make((request) => Effect.flatMap(Effect.forkDetach(ours.execute(request)), Fiber.join))
    },
    {
      by: "that transforms into a fiber of its own",
      wrap: HttpClient.transformResponse((response) => Effect.flatMap(Effect.forkDetach(response), Fiber.join))
    },
    {
      by: "that has all properties of this one",
      wrap: (ours) => {
        const copy = detached(ours.postprocess)
        for (const key of Object.getOwnPropertySymbols(ours.postprocess)) {
          Object.defineProperty(copy, key, Object.getOwnPropertyDescriptor(ours.postprocess, key) ?? {})
        }
        return HttpClient.makeWith(copy, ours.preprocess)
      }
    },
    {
      by: "that looks like this one from outside",
      wrap: (ours) =>
        HttpClient.makeWith(
          new Proxy<Send>(ours.postprocess, {
            apply: (send, _, requests: Parameters<Send>) => detached(send)(...requests)
          }),
          ours.preprocess
        )
    },
    {
      by: "that becomes this one meanwhile",
      wrap: (ours) => {
        const other = HttpClient.makeWith(detached(ours.postprocess), ours.preprocess)
        const born = performance.now()
        const current = (): object => performance.now() - born < slow ? other : ours
        return new Proxy(ours, { get: (_, key): unknown => Reflect.get(current(), key) })
      }
    },
    {
      by: "that mirrors what it sends",
      wrap: (ours) => HttpClient.tapRequest(ours, (request) => Effect.forkDetach(ours.execute(request)))
    },
    {
      by: "that sends by a promise of its own",
      wrap: (ours) =>
        HttpClient.make((request) =>
          Effect.contextWith((context: Context.Context<never>) =>
            Effect.promise(() => Effect.runPromiseWith(context)(Effect.orDie(ours.execute(request))))
          )
        )
    }
  ]

  it.live.each(wrapped)("by a client $by, leaves its outcome unknown", ({ wrap }) =>
    Effect.gen(function*() {
      const server = yield* heldServer
      const first = yield* Effect.forkChild(register(server.origin))
      yield* eventually(() => server.posts() === 1, "the first request arrives")
      const client = wrap(
        yield* HttpClient.HttpClient,
        yield* Effect.provide(HttpClient.HttpClient, FetchHttpClient.layer)
      )
      const second = yield* register(server.origin, { deadline: 80 }).pipe(
        Effect.provideService(HttpClient.HttpClient, client),
        failsWith("OutcomeUnknown"),
        Effect.forkChild({ startImmediately: true })
      )
      yield* Effect.sleep(120)
      // the connection is free, and what is still there is sent
      yield* server.answer
      yield* Fiber.join(first)
      yield* eventually(() => server.posts() === 2, "the second request arrives all the same")
      yield* server.answer
      assert.strictEqual((yield* Fiber.join(second)).reason.why, "Deadline")
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live("after the deadline, is not made any more", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket) => socket.write(registered("late")))
      const signer = Layer.succeed(DpopSigner.DpopSigner, {
        thumbprint: Option.some("thumbprint"),
        sign: () => Effect.delay(Effect.succeedSome({ jwt: "a.b.c", nonce: undefined }), 100),
        learn: () => Effect.void
      })
      const detached = HttpClient.transformResponse(
        yield* HttpClient.HttpClient,
        (response) => Effect.flatMap(Effect.forkDetach(response), Fiber.join)
      )
      const { reason } = yield* register(server.origin, { deadline: 50 }).pipe(
        Effect.provideService(HttpClient.HttpClient, detached),
        Effect.provide(signer),
        failsWith("Transport")
      )
      assert.isFalse(reason.sent)
      yield* Effect.sleep(150)
      assert.strictEqual(server.posts(), 0)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live("is never said not to have been sent, whenever it is given up", () =>
    Effect.gen(function*() {
      const random = seeded(20_261_130)
      const between = (lowest: number, highest: number) => lowest + Math.floor(random() * (highest - lowest + 1))
      const arrived = new Set<string>()
      const server = yield* rawServer((socket, { body, index }) => {
        arrived.add(/tenant-\d+/.exec(body)?.[0] ?? "")
        const wait = between(0, 12)
        // now and then there is no answer
        if (wait > 0) setTimeout(() => socket.writable && socket.write(registered(`client-${index}`)), wait)
      })
      const outcomes = yield* Effect.forEach(
        Array.from({ length: 400 }, (_, index) => `tenant-${index}`),
        (client_name) =>
          Effect.delay(
            Effect.result(
              ClientRegistration.register(
                { issuer: server.origin, registration_endpoint: `${server.origin}/register` },
                { redirect_uris: ["https://app.example.com/cb"], client_name },
                { deadline: between(1, 60) }
              )
            ),
            between(0, 600)
          ).pipe(Effect.map((result) => ({
            client_name,
            outcome: Result.isSuccess(result) ? "registered" : outcomeOf(result.failure)
          }))),
        { concurrency: "unbounded" }
      )
      const named = (outcome: string) => outcomes.filter((one) => one.outcome === outcome).map((one) => one.client_name)
      for (const outcome of ["registered", "not sent", "unknown"]) assert.isAtLeast(named(outcome).length, 10, outcome)
      assert.lengthOf(outcomes, named("registered").length + named("not sent").length + named("unknown").length)
      // what was written before its connection was closed may arrive later
      yield* Effect.sleep(50)
      assert.deepStrictEqual(named("not sent").filter((name) => arrived.has(name)), [])
    }).pipe(Effect.provide(Layer.merge(NodeHttpClient.layerOptions({ connectionsPerOrigin: 2 }), once))))
})

const outcomeOf = ({ reason }: RegistrationError.RegistrationError): string =>
  reason._tag === "OutcomeUnknown"
    ? "unknown"
    : reason._tag === "Transport" && !reason.sent
    ? "not sent"
    : reason._tag
