/** What an exchange makes of clients that have its request sent by somebody else, or one that is like many: without a body. */
import { ClientRegistration, DpopSigner, RegistrationError, Telemetry } from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Option, Queue } from "effect"
import { HttpClient, type HttpClientError, type HttpClientRequest, type HttpClientResponse } from "effect/http"
import { failsWith } from "../support/failure.ts"
import { eventually } from "../support/nodeServers.ts"
import { once, oneConnection, register } from "../support/oneRegistration.ts"
import { clientAt, operations } from "../support/socketManagement.ts"
import { dying, rawServer, registered } from "../support/socketServer.ts"
import { again, by, changed, moved, outsideOf, type Wrap } from "../support/wrappedClients.ts"

interface Job {
  readonly request: HttpClientRequest.HttpClientRequest
  readonly done: Deferred.Deferred<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>
}

/** A client with workers of its own: the first request brings them into being, and they see to all that come after it. */
const workers = (work: (ours: HttpClient.HttpClient) => HttpClient.HttpClient["execute"]): Wrap => (ours) => {
  let queue: Queue.Queue<Job> | undefined
  const execute = work(ours)
  const begin = Effect.gen(function*() {
    const jobs = queue = yield* Queue.unbounded<Job>()
    const next = Effect.flatMap(
      Queue.take(jobs),
      ({ done, request }) =>
        Effect.forkDetach(Effect.flatMap(Effect.exit(execute(request)), (exit) => Deferred.done(done, exit)))
    )
    yield* Effect.forkDetach(Effect.forever(next))
    return jobs
  })
  return HttpClient.make((request) =>
    Effect.gen(function*() {
      const done = yield* Deferred.make<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>()
      yield* Queue.offer(queue ?? (yield* begin), { request, done })
      return yield* Deferred.await(done)
    })
  )
}

describe("a client with a worker that an earlier exchange began", () => {
  it.live("has an outcome that is unknown when the worker tried again, and the first attempt was lost", () =>
    Effect.gen(function*() {
      const earlier = yield* rawServer((socket) => socket.write(registered("earlier")))
      const server = yield* dying
      const retrying = workers((ours) => (request) => Effect.retry(ours.execute(request), again))
      const { reason } = yield* by(
        retrying,
        Effect.andThen(register(earlier.origin), register(server.origin).pipe(failsWith("OutcomeUnknown")))
      )
      assert.strictEqual(reason.why, "RepeatedSend")
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live("does not take the request of one exchange for that of another", () =>
    Effect.gen(function*() {
      const body = JSON.stringify({ error: "invalid_redirect_uri" })
      const refused = `HTTP/1.1 400 Bad\r\ncontent-length: ${body.length}\r\n\r\n${body}`
      const server = yield* rawServer((socket, { index }) => {
        setTimeout(() => socket.write(index === 1 ? refused : registered("second")), index === 1 ? 60 : 200)
      })
      const first = register(server.origin).pipe(failsWith("InvalidRedirectUri"))
      const second = Effect.delay(register(server.origin), 20)
      const [, { information }] = yield* by(
        workers((ours) => ours.execute),
        Effect.all([first, second], { concurrency: 2 })
      )
      assert.strictEqual(information.client_id, "second")
      assert.strictEqual(server.posts(), 2)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))
})

describe("one request that is sent twice at once", () => {
  it.live("is two: what is lost of the first is not taken for the second's", () =>
    Effect.gen(function*() {
      const server = yield* dying
      const request = yield* ClientRegistration.request(
        { issuer: server.origin, registration_endpoint: `${server.origin}/register` },
        { redirect_uris: ["https://app.example.com/cb"] }
      )
      let sends = 0
      // the second has begun when the first is sent
      const waiting: Wrap = (ours, other) =>
        HttpClient.make((request) => Effect.delay(outsideOf(ours, other).execute(request), sends++ === 0 ? 60 : 5000))
      const first = ClientRegistration.send(request).pipe(failsWith("OutcomeUnknown"))
      const second = Effect.exit(Effect.delay(ClientRegistration.send(request, { deadline: 200 }), 20))
      const [{ reason }] = yield* by(waiting, Effect.all([first, second], { concurrency: 2 }))
      assert.strictEqual(reason.why, "RepeatedSend")
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))
})

describe("a registration that a client sends before it is signed", () => {
  it.live("has an outcome that is unknown when it cannot be signed", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket) => socket.resetAndDestroy())
      const mirroring: Wrap = (ours) => HttpClient.tapRequest(ours, (request) => Effect.ignore(ours.execute(request)))
      yield* by(mirroring, register(server.origin)).pipe(failsWith("OutcomeUnknown"))
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide([oneConnection, once, failingSigner])))
})

const failingSigner = Layer.succeed(DpopSigner.DpopSigner, {
  thumbprint: Option.some("of-no-key"),
  learn: () => Effect.void,
  sign: () =>
    Effect.fail(new RegistrationError.RegistrationError({ reason: { _tag: "ProofFailed", message: "no key" } }))
})

describe("a request of RFC 7592 that a client tries again", () => {
  const clients: ReadonlyArray<{ readonly how: string; readonly wrap: Wrap }> = [
    {
      how: "changed",
      wrap: (ours) => HttpClient.make((request) => Effect.retry(ours.execute(changed(request)), again))
    },
    {
      how: "at another place",
      wrap: (ours) => HttpClient.make((request) => Effect.retry(ours.execute(moved(request)), again))
    },
    { how: "without the fiber", wrap: outsideOf }
  ]
  const cases = operations.flatMap((operation) => clients.map((client) => ({ ...operation, ...client })))

  it.live.each(cases)(
    "$method, $how, has an outcome that is unknown when the first attempt was lost",
    ({ run, wrap }) =>
      Effect.gen(function*() {
        const server = yield* dying
        const { error, reason } = yield* by(wrap, run(clientAt(server.origin))).pipe(failsWith("OutcomeUnknown"))
        assert.strictEqual(reason.why, "RepeatedSend")
        assert.isTrue(error.mayHaveSucceeded)
        assert.lengthOf(server.requests, 1)
      }).pipe(Effect.provide(Layer.merge(oneConnection, once)))
  )
})

describe("a request of RFC 7592 whose trace is propagated", () => {
  it.live.each(operations)(
    "$method has an outcome that is unknown at the deadline when it was sent",
    ({ run }) =>
      Effect.gen(function*() {
        const server = yield* rawServer(() => {})
        yield* run(clientAt(server.origin), { deadline: 80 }).pipe(failsWith("OutcomeUnknown"))
        assert.isAtLeast(server.requests.length, 1)
        assert.include(server.requests[0]?.head, "traceparent")
      }).pipe(Effect.provide([oneConnection, once, Telemetry.layer({ propagateTrace: true })]))
  )

  it.live.each(operations)(
    "$method has not been sent when it waited in the queue",
    ({ run }) =>
      Effect.gen(function*() {
        const server = yield* rawServer(() => {})
        yield* Effect.forkChild(register(server.origin))
        yield* eventually(() => server.posts() === 1, "the first request arrives")
        const { reason } = yield* run(clientAt(server.origin), { deadline: 50 }).pipe(failsWith("Transport"))
        assert.isFalse(reason.sent)
        assert.lengthOf(server.requests, 1)
      }).pipe(Effect.provide([oneConnection, once, Telemetry.layer({ propagateTrace: true })]))
  )
})
