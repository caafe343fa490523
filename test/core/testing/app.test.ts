/** The test server mounted on a real socket: what a misbehaviour does there, over undici's connections and over fetch. */
import { AuthorizationServer, ClientConfiguration, ClientRegistration, DpopSigner, RetryPolicy } from "@effect-dcr/core"
import type * as Misbehaviour from "@effect-dcr/core/testing/Misbehaviour"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { NodeHttpClient } from "@effect-dcr/platform-node"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"

const Service = TestAuthorizationServer.TestAuthorizationServer

const metadata = { redirect_uris: ["https://app.example.com/cb"], client_name: "My app" }

const portOf = (address: HttpServer.HttpServer["Service"]["address"]) => "port" in address ? address.port : 0

/** The origin of the mounted server; the connections of the test go over `client`. */
const mount = Effect.gen(function*() {
  const server = yield* Service
  const http = yield* NodeHttpServer.make(() => createServer(), { port: 0, host: "127.0.0.1" })
  yield* http.serve(server.app)
  return `http://127.0.0.1:${portOf(http.address)}`
})

const transports = { undici: NodeHttpClient.layer, fetch: FetchHttpClient.layer }

const register = (origin: string) =>
  Effect.gen(function*() {
    const server = yield* AuthorizationServer.discover(origin)
    return yield* ClientRegistration.register(server, metadata, { deadline: "500 millis" })
  })

/** The reason of the failure or the deviations, and the clients that the server has then; `undefined` for none of both. */
const cases: ReadonlyArray<
  readonly [misbehaviour: Misbehaviour.Misbehaviour, reason: Record<string, unknown> | undefined, clients: number]
> = [
  ["connection-refused", { _tag: "OutcomeUnknown", why: "ConnectionLost" }, 0],
  ["reset-before-processing", { _tag: "OutcomeUnknown", why: "ConnectionLost" }, 0],
  ["reset-after-processing", { _tag: "OutcomeUnknown", why: "ConnectionLost" }, 1],
  ["never-answers-before-processing", { _tag: "OutcomeUnknown", why: "Deadline" }, 0],
  ["never-answers-after-processing", { _tag: "OutcomeUnknown", why: "Deadline" }, 1],
  [{ id: "drip", interval: "100 millis" }, { _tag: "OutcomeUnknown", why: "Deadline", status: 201 }, 1],
  ["stalled", { _tag: "OutcomeUnknown", why: "Deadline", status: 201 }, 1],
  ["truncated-body", { _tag: "OutcomeUnknown", why: "UnreadableBody", status: 201 }, 1],
  ["never-ends", { deviations: ["truncated"] }, 1],
  ["no-last-chunk", { deviations: ["truncated"] }, 1],
  ["content-length-too-long", { deviations: ["truncated"] }, 1],
  ["content-length-too-short", { _tag: "UnusableAnswer", problem: "NotJson" }, 1],
  [{ id: "huge-body", bytes: 10_000_000 }, { _tag: "OutcomeUnknown", why: "TooLarge" }, 1],
  [{ id: "huge-body", bytes: 10_000_000, declared: true }, { _tag: "OutcomeUnknown", why: "TooLarge" }, 1],
  [{ id: "huge-body", bytes: 100_000, declared: true }, undefined, 1],
  ["many-headers", { _tag: "OutcomeUnknown", why: "ConnectionLost" }, 1],
  ["redirect", { _tag: "RedirectRefused", status: 307 }, 0],
  ["opaque-redirect", { _tag: "RedirectRefused", status: 302 }, 0],
  ["followed-redirect", { _tag: "RedirectRefused", status: 307 }, 1],
  ["error-html", { _tag: "UnexpectedStatus", status: 500 }, 0],
  ["rate-limited", { _tag: "RateLimited", status: 429 }, 0],
  ["empty-body", { _tag: "UnusableAnswer", problem: "Empty" }, 1],
  ["byte-order-mark", undefined, 1]
]

describe("app", () => {
  for (const [transport, client] of Object.entries(transports)) {
    it.live(`over ${transport}: registers, reads, updates and removes`, () =>
      Effect.gen(function*() {
        const server = yield* Service
        const origin = yield* mount
        const registered = yield* register(origin).pipe(Effect.provide(client))
        assert.strictEqual(registered.issuer, origin)
        assert.deepStrictEqual(registered.deviations, [])
        const { replaced, dropped } = registered.differences
        assert.deepStrictEqual([replaced, dropped], [[], []])
        yield* Effect.gen(function*() {
          const read = yield* ClientConfiguration.read(registered)
          const updated = yield* ClientConfiguration.update(read, { set: { client_name: "Renamed" } })
          assert.deepStrictEqual([...read.deviations, ...updated.deviations], [])
          yield* ClientConfiguration.remove(updated)
        }).pipe(Effect.provide(client))
        assert.deepStrictEqual(yield* server.clients, [])
      }).pipe(Effect.scoped, Effect.provide(TestAuthorizationServer.layer())))

    it.live(`over ${transport}: with proofs and nonces`, () =>
      Effect.gen(function*() {
        const origin = yield* mount
        const registered = yield* register(origin).pipe(Effect.provide(client))
        assert.deepStrictEqual(registered.deviations, [])
      }).pipe(
        Effect.scoped,
        Effect.provide([
          TestAuthorizationServer.layerHttpClient({ dpop: { required: true, nonce: "rotating", challenge: 401 } }),
          DpopSigner.layer()
        ])
      ))

    for (const [misbehaviour, reason, clients] of cases) {
      it.live(`over ${transport}: ${JSON.stringify(misbehaviour)}`, () =>
        Effect.gen(function*() {
          const server = yield* Service
          const origin = yield* mount
          yield* server.misbehave(misbehaviour)
          const outcome = yield* register(origin).pipe(
            Effect.map((registered) => ({ deviations: registered.deviations.map(({ id }) => id) })),
            Effect.catch((error) => Effect.succeed(error.reason)),
            Effect.provide(client)
          )
          assert.deepInclude(outcome, reason ?? { deviations: [] })
          assert.lengthOf(yield* server.clients, clients)
        }).pipe(Effect.scoped, Effect.provide([TestAuthorizationServer.layer(), RetryPolicy.layerNone])))
    }
  }

  it.live("is mounted below a path by a router, and is the issuer of that path", () =>
    Effect.gen(function*() {
      const server = yield* Service
      const routes = HttpRouter.serve(
        Layer.mergeAll(
          HttpRouter.add("*", "/tenant/*", server.app),
          HttpRouter.add("*", "/.well-known/*", server.app)
        ),
        { disableListenLog: true, disableLogger: true }
      )
      yield* Effect.gen(function*() {
        const { address } = yield* HttpServer.HttpServer
        const origin = `http://127.0.0.1:${portOf(address)}`
        const registered = yield* register(`${origin}/tenant/1`).pipe(Effect.provide(NodeHttpClient.layer))
        assert.strictEqual(registered.issuer, `${origin}/tenant/1`)
        assert.deepStrictEqual(registered.deviations, [])
      }).pipe(Effect.provide(Layer.provideMerge(routes, NodeHttpServer.layer(() => createServer(), { port: 0 }))))
    }).pipe(Effect.scoped, Effect.provide(TestAuthorizationServer.layer())))

  const ask = (origin: string, path: string, init: RequestInit) =>
    Effect.promise(async () => {
      const response = await fetch(origin + path, init)
      await response.arrayBuffer()
      return { status: response.status, headers: response.headers }
    })
  const preflight: RequestInit = {
    method: "OPTIONS",
    headers: { origin: "https://app.example.com", "access-control-request-method": "POST" }
  }
  const post: RequestInit = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(metadata)
  }

  it.live("lets pages use it when told to, as far as misbehaviours let it", () =>
    Effect.gen(function*() {
      const server = yield* Service
      const origin = yield* mount
      const allowed = yield* ask(origin, "/register", preflight)
      assert.strictEqual(allowed.status, 204)
      assert.strictEqual(allowed.headers.get("access-control-allow-origin"), "*")
      assert.include(allowed.headers.get("access-control-allow-headers"), "dpop")
      assert.strictEqual((yield* ask(origin, "/nowhere", preflight)).status, 403)
      const seen = Effect.map(ask(origin, "/register", post), ({ headers, status }) => [
        status,
        headers.get("access-control-allow-origin"),
        headers.get("access-control-expose-headers") !== null
      ])
      assert.deepStrictEqual(yield* seen, [201, "*", true])
      yield* server.misbehave("cors-headers-hidden", { times: 1 })
      assert.deepStrictEqual(yield* seen, [201, "*", false])
      yield* server.misbehave("cors-answer-hidden", { times: 1 })
      assert.deepStrictEqual(yield* seen, [201, null, false])
      yield* server.misbehave("cors-preflight-refused", { times: 1 })
      assert.strictEqual((yield* ask(origin, "/register", preflight)).status, 403)
      assert.deepStrictEqual(yield* seen, [201, "*", true])
      yield* server.misbehave("cors-errors-hidden")
      yield* server.misbehave("error-empty", { times: 1 })
      assert.deepStrictEqual(yield* seen, [400, null, false])
      assert.deepStrictEqual(yield* seen, [201, "*", true])
      // not even a request reached it for the preflight that was refused
      assert.lengthOf(yield* server.requests, 6)
    }).pipe(Effect.scoped, Effect.provide(TestAuthorizationServer.layer({ cors: true }))))

  it.live("has no CORS headers unless told to", () =>
    Effect.gen(function*() {
      const origin = yield* mount
      assert.strictEqual((yield* ask(origin, "/register", preflight)).status, 405)
      assert.isNull((yield* ask(origin, "/register", post)).headers.get("access-control-allow-origin"))
    }).pipe(Effect.scoped, Effect.provide(TestAuthorizationServer.layer())))
})
