/** What an exchange makes of clients that stand around the transport, and send more than they are asked for. */
import { ClientRegistration, DpopSigner, RetryPolicy } from "@effect-dcr/core"
import { NodeHttpClient } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Tracer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { failsWith } from "../support/failure.ts"
import { eventually, tcpServer } from "../support/nodeServers.ts"
import { rawServer, registered } from "../support/socketServer.ts"

const register = (origin: string, options?: ClientRegistration.RegisterOptions) =>
  ClientRegistration.register(
    { issuer: origin, registration_endpoint: `${origin}/register` },
    { redirect_uris: ["https://app.example.com/cb"] },
    { deadline: "5 seconds", ...options }
  )

const once = Layer.merge(DpopSigner.layerNone, RetryPolicy.layerNone)

const oneConnection = NodeHttpClient.layerOptions({ connectionsPerOrigin: 1 })

type Wrap = (ours: HttpClient.HttpClient, other: HttpClient.HttpClient) => HttpClient.HttpClient

/** Registers by what `wrap` makes of the transport. */
const registerBy = (wrap: Wrap, origin: string, options?: ClientRegistration.RegisterOptions) =>
  Effect.gen(function*() {
    const ours = yield* HttpClient.HttpClient
    const other = yield* Effect.provide(HttpClient.HttpClient, FetchHttpClient.layer)
    return yield* Effect.provideService(register(origin, options), HttpClient.HttpClient, wrap(ours, other))
  })

describe("a client whose last attempt was not sent", () => {
  const again = { times: 1 }
  const changed = HttpClientRequest.setHeader("x-tenant", "one")
  const cases: ReadonlyArray<{ readonly by: string; readonly wrap: Wrap }> = [
    {
      by: "that tries again",
      wrap: (ours) => HttpClient.make((request) => Effect.retry(ours.execute(request), again))
    },
    {
      by: "that transforms into attempts",
      wrap: (ours) => HttpClient.transform(ours, (sent) => Effect.retry(sent, again))
    },
    {
      by: "that tries again with another request",
      wrap: (ours) => HttpClient.make((request) => Effect.retry(ours.execute(changed(request)), again))
    },
    {
      by: "that falls back on another",
      wrap: (ours, other) =>
        HttpClient.make((request) => ours.execute(request).pipe(Effect.catch(() => other.execute(request))))
    }
  ]

  it.live.each(cases)(
    "$by, has an outcome that is unknown when the attempt before was",
    ({ wrap }) =>
      Effect.gen(function*() {
        const server = yield* rawServer((socket) => {
          // it may have registered a client; nobody will know
          server.server.close()
          socket.resetAndDestroy()
        })
        const { error, reason } = yield* registerBy(wrap, server.origin).pipe(failsWith("OutcomeUnknown"))
        assert.strictEqual(reason.why, "RepeatedSend")
        assert.isFalse(error.isSafeToRepeat)
        assert.strictEqual(server.posts(), 1)
      }).pipe(Effect.provide(Layer.merge(oneConnection, once)))
  )

  it.live.each(cases)("$by, has sent nothing when no attempt was", ({ wrap }) =>
    Effect.gen(function*() {
      const { origin, server } = yield* tcpServer()
      server.close()
      const { error, reason } = yield* registerBy(wrap, origin).pipe(failsWith("Transport"))
      assert.isFalse(reason.sent)
      assert.isTrue(error.isSafeToRepeat)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))
})

describe("a client that sends while it prepares the request", () => {
  const yielding = Effect.sleep(5)
  const mirrored: ReadonlyArray<
    { readonly how: string; readonly wrap: Wrap; readonly whenFree: boolean; readonly whenBusy: boolean }
  > = [
    {
      how: "and waits for it",
      whenFree: true,
      // given up with the request itself
      whenBusy: false,
      wrap: (ours) => HttpClient.tapRequest(ours, (request) => Effect.ignore(ours.execute(request)))
    },
    {
      how: "and waits for it before all else",
      whenFree: true,
      whenBusy: false,
      wrap: (ours) =>
        HttpClient.mapRequestInputEffect(ours, (request) => Effect.as(Effect.ignore(ours.execute(request)), request))
    },
    {
      how: "in another fiber",
      whenFree: true,
      whenBusy: true,
      wrap: (ours) =>
        HttpClient.tapRequest(ours, (request) => Effect.forkDetach(ours.execute(request), { startImmediately: true }))
    },
    {
      how: "in another fiber that is first",
      whenFree: true,
      whenBusy: true,
      wrap: (ours) =>
        HttpClient.tapRequest(ours, (request) => Effect.andThen(Effect.forkDetach(ours.execute(request)), yielding))
    }
  ]

  it.live.each(mirrored)("$how, has an outcome that is unknown", ({ wrap }) =>
    Effect.gen(function*() {
      const server = yield* rawServer(() => {})
      const { reason } = yield* registerBy(wrap, server.origin, { deadline: 80 }).pipe(failsWith("OutcomeUnknown"))
      assert.strictEqual(reason.why, "Deadline")
      assert.strictEqual(server.posts(), 1)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live.each(mirrored)(
    "$how, has an outcome that is unknown while another fiber waits to send it",
    ({ wrap, whenBusy }) =>
      Effect.gen(function*() {
        const server = yield* rawServer((socket, { index }) => {
          if (index === 1) setTimeout(() => socket.write(registered("first")), 150)
        })
        yield* Effect.forkChild(register(server.origin))
        yield* eventually(() => server.posts() === 1, "the first request arrives")
        const late = registerBy(wrap, server.origin, { deadline: 80 })
        if (whenBusy) {
          yield* failsWith("OutcomeUnknown")(late)
          yield* eventually(() => server.posts() === 2, "what waited is sent")
        } else {
          const { reason } = yield* failsWith("Transport")(late)
          assert.isFalse(reason.sent)
          yield* Effect.sleep(150)
          assert.strictEqual(server.posts(), 1)
        }
      }).pipe(Effect.provide(Layer.merge(oneConnection, once)))
  )
})

describe("a client around the transport", () => {
  it.live("that follows redirects lets go of an answer that it does not read", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket, { path }) =>
        socket.write(
          path === "/register"
            ? "HTTP/1.1 302 Found\r\nlocation: /next\r\ncontent-length: 1000000\r\n\r\nunending"
            : registered("next")
        )
      )
      const following: Wrap = (ours) => HttpClient.followRedirects(ours, 3)
      yield* registerBy(following, server.origin).pipe(failsWith("RedirectRefused"))
      // there is one connection, and it is free
      const next = yield* Effect.timeout(HttpClient.get(`${server.origin}/other`), "2 seconds")
      assert.strictEqual(next.status, 201)
    }).pipe(Effect.provide(Layer.merge(oneConnection, once))))

  it.live.each([
    { who: "ours", transport: oneConnection },
    { who: "fetch", transport: FetchHttpClient.layer }
  ])("that brings a tracer gets the span of $who", ({ transport }) =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket) => socket.write(registered("client")))
      const names: Array<string> = []
      const tracer = Tracer.make({
        span: (options) => {
          names.push(options.name)
          return new Tracer.NativeSpan(options)
        }
      })
      const traced: Wrap = (ours) => HttpClient.transformResponse(ours, Effect.provideService(Tracer.Tracer, tracer))
      yield* registerBy(traced, server.origin)
      assert.deepStrictEqual(names, ["POST"])
    }).pipe(Effect.provide(Layer.merge(transport, once))))
})
