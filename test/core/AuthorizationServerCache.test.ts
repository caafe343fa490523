import * as AuthorizationServerCache from "@effect-dcr/core/AuthorizationServerCache"
import * as EndpointPolicy from "@effect-dcr/core/EndpointPolicy"
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Deferred, Effect, Exit, Fiber, Layer } from "effect"
import { HttpClient, HttpClientError, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"

const wellKnown = "/.well-known/oauth-authorization-server"

/** Every issuer on every host answers, after a while, unless it is told to be down; its document says how often it did. */
const anyServer = () => {
  const state = { asked: 0, down: false, spelling: (issuer: string) => issuer }
  const client = HttpClient.make((request, url) =>
    Effect.suspend(() => {
      const asked = ++state.asked
      const issuer = state.spelling(url.origin + url.pathname.slice(wellKnown.length))
      return Effect.as(
        Effect.yieldNow,
        HttpClientResponse.fromWeb(
          request,
          state.down || !url.pathname.startsWith(wellKnown)
            ? new Response(null, { status: 500 })
            : Response.json({ issuer, asked })
        )
      )
    })
  )
  return { state, client, layer: Layer.succeed(HttpClient.HttpClient, client) }
}

const host = "https://op.example.com"

describe("AuthorizationServerCache", () => {
  it.effect("asks a server once, until its time is over", () => {
    const { layer, state } = anyServer()
    return Effect.gen(function*() {
      const cache = yield* AuthorizationServerCache.AuthorizationServerCache
      const first = yield* cache.get(host)
      assert.strictEqual(first.issuer, host)
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual(yield* cache.get(host), first)
      assert.strictEqual(state.asked, 1)
      yield* TestClock.adjust("1 minute")
      yield* cache.get(host)
      assert.strictEqual(state.asked, 2)
    }).pipe(Effect.provide(AuthorizationServerCache.layer()), Effect.provide(layer))
  })

  it.effect("lets concurrent calls share one request", () => {
    const { layer, state } = anyServer()
    return Effect.gen(function*() {
      const cache = yield* AuthorizationServerCache.AuthorizationServerCache
      const found = yield* Effect.all(Array.from({ length: 50 }, () => cache.get(host)), { concurrency: "unbounded" })
      assert.strictEqual(new Set(found).size, 1)
      assert.strictEqual(state.asked, 1)
    }).pipe(Effect.provide(AuthorizationServerCache.layer()), Effect.provide(layer))
  })

  it.effect("goes on for the others when one caller is interrupted, and stops when all are", () =>
    Effect.gen(function*() {
      const { client } = anyServer()
      const open = yield* Deferred.make<void>()
      let aborted = 0
      const gated = HttpClient.make((request, _url, signal) => {
        signal.addEventListener("abort", () => {
          aborted++
        })
        return Effect.andThen(Deferred.await(open), client.execute(request))
      })
      const cache = yield* AuthorizationServerCache.make().pipe(Effect.provideService(HttpClient.HttpClient, gated))
      const one = yield* Effect.forkChild(cache.get(host), { startImmediately: true })
      const other = yield* Effect.forkChild(cache.get(host), { startImmediately: true })
      yield* Fiber.interrupt(one)
      assert.strictEqual(aborted, 0)
      const lonely = yield* Effect.forkChild(cache.get(`${host}/lonely`), { startImmediately: true })
      yield* Fiber.interrupt(lonely)
      assert.strictEqual(aborted, 1)
      yield* Deferred.succeed(open, undefined)
      assert.strictEqual((yield* Fiber.join(other)).issuer, host)
    }))

  it.effect("keeps no failure, but shares one among those who asked together", () => {
    const { layer, state } = anyServer()
    return Effect.gen(function*() {
      const cache = yield* AuthorizationServerCache.AuthorizationServerCache
      state.down = true
      const exits = yield* Effect.all([cache.get(host), cache.get(host)].map(Effect.exit), { concurrency: 2 })
      assert.isTrue(exits.every(Exit.isFailure))
      assert.strictEqual(state.asked, 1)
      state.down = false
      assert.strictEqual((yield* cache.get(host)).issuer, host)
      assert.strictEqual(state.asked, 2)
    }).pipe(Effect.provide(AuthorizationServerCache.layer()), Effect.provide(layer))
  })

  it.effect("keeps a failure for as long as it is told", () => {
    const { layer, state } = anyServer()
    return Effect.gen(function*() {
      const cache = yield* AuthorizationServerCache.AuthorizationServerCache
      state.down = true
      yield* Effect.flip(cache.get(host))
      state.down = false
      yield* TestClock.adjust("4 seconds")
      const error = yield* Effect.flip(cache.get(host))
      assert.strictEqual(error.reason._tag, "DiscoveryFailed")
      yield* TestClock.adjust("1 second")
      yield* cache.get(host)
      assert.strictEqual(state.asked, 2)
    }).pipe(
      Effect.provide(AuthorizationServerCache.layer({ failureTimeToLive: "5 seconds" })),
      Effect.provide(layer)
    )
  })

  it.effect("holds no more servers than it may, and lets go of the one that was not asked for longest", () => {
    const { layer, state } = anyServer()
    return Effect.gen(function*() {
      const cache = yield* AuthorizationServerCache.AuthorizationServerCache
      yield* cache.get(`${host}/1`)
      yield* cache.get(`${host}/2`)
      yield* cache.get(`${host}/1`)
      yield* cache.get(`${host}/3`)
      assert.strictEqual(state.asked, 3)
      yield* cache.get(`${host}/1`)
      assert.strictEqual(state.asked, 3)
      yield* cache.get(`${host}/2`)
      assert.strictEqual(state.asked, 4)
    }).pipe(Effect.provide(AuthorizationServerCache.layer({ capacity: 2 })), Effect.provide(layer))
  })

  it.effect("does not answer a strict call with what a lax one found", () => {
    const { layer, state } = anyServer()
    return Effect.gen(function*() {
      const cache = yield* AuthorizationServerCache.AuthorizationServerCache
      state.spelling = (issuer) => `${issuer}/`
      const lax = yield* cache.get(host, { tolerateTrailingSlash: true })
      assert.strictEqual(lax.issuer, `${host}/`)
      assert.strictEqual((yield* Effect.flip(cache.get(host))).reason._tag, "DiscoveryFailed")

      // A URL cannot tell the two spellings of an empty path apart, a string can.
      const two = "https://two.example.com"
      state.spelling = (issuer) => issuer
      assert.strictEqual((yield* cache.get(new URL(two))).issuer, two)
      assert.strictEqual((yield* Effect.flip(cache.get(`${two}/`))).reason._tag, "DiscoveryFailed")

      const plain = "http://op.example.com"
      yield* cache.get(plain, { dangerouslyAllowInsecureRequests: true })
      assert.strictEqual((yield* Effect.flip(cache.get(plain))).reason._tag, "EndpointRefused")

      yield* cache.get(`${host}/a`)
      const { asked } = state
      yield* Effect.flip(cache.get(`${host}/a`, { algorithm: "oidc" }))
      assert.isAbove(state.asked, asked)
    }).pipe(Effect.provide(AuthorizationServerCache.layer()), Effect.provide(layer))
  })

  it.effect("judges every call by the policy of its caller", () => {
    const { layer, state } = anyServer()
    return Effect.gen(function*() {
      const cache = yield* AuthorizationServerCache.AuthorizationServerCache
      yield* cache.get("https://10.0.0.1")
      const error = yield* cache.get("https://10.0.0.1").pipe(
        Effect.provide(EndpointPolicy.layerPublicOnly),
        Effect.flip
      )
      assert.strictEqual(error.reason._tag, "EndpointRefused")
      assert.strictEqual(state.asked, 1)
    }).pipe(Effect.provide(AuthorizationServerCache.layer()), Effect.provide(layer))
  })

  /** A client that asks, as one that resolves names does, whether the caller's policy lets the address pass. */
  const resolving = (client: HttpClient.HttpClient) =>
    HttpClient.make((request) =>
      Effect.flatMap(EndpointPolicy.EndpointPolicy, ({ judgeAddress }) =>
        judgeAddress?.("10.0.0.1") === undefined
          ? client.execute(request)
          : Effect.fail(
            new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) })
          ))
    )

  it.effect("gives no caller what was found under another policy", () =>
    Effect.gen(function*() {
      const { client, state } = anyServer()
      const cache = yield* AuthorizationServerCache.make().pipe(
        Effect.provideService(HttpClient.HttpClient, resolving(client))
      )
      const strict = Effect.provide(EndpointPolicy.layerPublicOnly)
      // The name is a public one; only the address that it resolves to is not.
      yield* cache.get(host)
      assert.strictEqual((yield* cache.get(host).pipe(strict, Effect.flip)).reason._tag, "Transport")
      assert.strictEqual((yield* cache.refresh(host).pipe(strict, Effect.flip)).reason._tag, "Transport")
      yield* cache.get(host)
      assert.strictEqual(state.asked, 1)
      yield* cache.invalidate(host)
      yield* cache.get(host)
      assert.strictEqual(state.asked, 2)
    }))

  it.effect("discovers by the policy of the caller, not by the one that it was built under", () =>
    Effect.gen(function*() {
      const { client } = anyServer()
      const cache = yield* AuthorizationServerCache.make().pipe(
        Effect.provideService(HttpClient.HttpClient, resolving(client)),
        Effect.provide(EndpointPolicy.layerPublicOnly)
      )
      assert.strictEqual((yield* cache.get(host)).issuer, host)
    }))

  it.effect("sends by the client that it was built with", () => {
    const own = anyServer()
    const callers = anyServer()
    return Effect.gen(function*() {
      const cache = yield* AuthorizationServerCache.make().pipe(Effect.provide(own.layer))
      yield* cache.get(host).pipe(Effect.provide(callers.layer))
      assert.deepStrictEqual([own.state.asked, callers.state.asked], [1, 0])
    })
  })

  it.effect("refreshes, and keeps what it had when that fails", () => {
    const { layer, state } = anyServer()
    return Effect.gen(function*() {
      const cache = yield* AuthorizationServerCache.AuthorizationServerCache
      const first = yield* cache.get(host)
      const second = yield* cache.refresh(host)
      assert.strictEqual(state.asked, 2)
      assert.notStrictEqual(second, first)
      assert.strictEqual(yield* cache.get(host), second)
      state.down = true
      yield* Effect.flip(cache.refresh(host))
      assert.strictEqual(yield* cache.get(host), second)
      // What was refreshed has its full time again.
      state.down = false
      yield* TestClock.adjust("40 minutes")
      const third = yield* cache.refresh(host)
      yield* TestClock.adjust("40 minutes")
      assert.strictEqual(yield* cache.get(host), third)
    }).pipe(Effect.provide(AuthorizationServerCache.layer()), Effect.provide(layer))
  })

  it.effect("forgets a server, whatever options it was asked for with, and no other", () => {
    const { layer, state } = anyServer()
    return Effect.gen(function*() {
      const cache = yield* AuthorizationServerCache.AuthorizationServerCache
      const all = Effect.all([
        cache.get(host),
        cache.get(host, { tolerateTrailingSlash: true }),
        cache.get(host, { algorithm: "oauth2" }),
        cache.get(`${host}/other`)
      ])
      yield* all
      assert.strictEqual(state.asked, 4)
      yield* cache.invalidate(host)
      yield* all
      assert.strictEqual(state.asked, 7)
    }).pipe(Effect.provide(AuthorizationServerCache.layer()), Effect.provide(layer))
  })

  it.effect("gives up after the deadline that it was built with", () =>
    Effect.gen(function*() {
      const cache = yield* AuthorizationServerCache.make({ deadline: "2 seconds" }).pipe(
        Effect.provideService(HttpClient.HttpClient, HttpClient.make(() => Effect.never))
      )
      const fiber = yield* Effect.forkChild(Effect.flip(cache.get(host)))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "Transport")
    }))

  it.effect("takes its options from the configuration", () => {
    const { layer, state } = anyServer()
    return Effect.gen(function*() {
      const cache = yield* AuthorizationServerCache.AuthorizationServerCache
      yield* cache.get(`${host}/1`)
      yield* cache.get(`${host}/2`)
      yield* cache.get(`${host}/1`)
      assert.strictEqual(state.asked, 3)
      yield* TestClock.adjust("1 minute")
      yield* cache.get(`${host}/1`)
      assert.strictEqual(state.asked, 4)
    }).pipe(
      Effect.provide(AuthorizationServerCache.layerConfig({
        capacity: Config.Int("SERVERS"),
        timeToLive: Config.Duration("SERVERS_TTL")
      })),
      Effect.provide([layer, ConfigProvider.layer(ConfigProvider.fromUnknown({ SERVERS: 1, SERVERS_TTL: "1 minute" }))])
    )
  })
})
