/** The tests of that application. Only the layers differ from production: no socket, no mocks, and a clock that obeys. */
import { Registrar, RegistrationStore } from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { connect } from "./connect.ts"

const issuer = "https://op.example.com"

const layer = (options?: TestAuthorizationServer.Options) =>
  Registrar.layer().pipe(
    Layer.provide(RegistrationStore.layerMemory),
    Layer.provideMerge(TestAuthorizationServer.layer(options))
  )

const server = TestAuthorizationServer.TestAuthorizationServer

describe("connecting", () => {
  it.effect("registers once, however often it is asked", () =>
    Effect.gen(function*() {
      const answers = yield* Effect.all(Array.from({ length: 20 }, () => connect(issuer, "alice")), {
        concurrency: "unbounded"
      })
      const clients = yield* server.use(({ clients }) => clients)
      assert.strictEqual(clients.length, 1)
      assert.deepStrictEqual(new Set(answers), new Set([`connected as ${clients[0]?.clientId}`]))
    }).pipe(Effect.provide(layer())))

  it.effect("says how long a busy server wants to be left alone", () =>
    Effect.gen(function*() {
      yield* server.use(({ misbehave }) => misbehave({ id: "rate-limited", retryAfter: 3600 }))
      assert.strictEqual(yield* connect(issuer, "alice"), "this server is busy, try again in 1h")
    }).pipe(Effect.provide(layer())))

  it.effect("sends the user to the operator where a token is needed", () =>
    Effect.gen(function*() {
      assert.include(yield* connect(issuer, "alice"), "ask its operator for an initial access token")
    }).pipe(Effect.provide(layer({ protected: true }))))

  it.effect("does not register again at once when it does not know what became of it", () =>
    Effect.gen(function*() {
      yield* server.use(({ misbehave }) => misbehave("reset-after-processing", { times: 1 }))
      const broken = "the connection broke, we try again in a while"
      assert.strictEqual(yield* connect(issuer, "alice"), broken)
      assert.strictEqual(yield* connect(issuer, "alice"), broken)
      yield* TestClock.adjust("2 minutes")
      assert.include(yield* connect(issuer, "alice"), "connected as")
      // The first one exists as well: nobody has its secret.
      assert.strictEqual((yield* server.use(({ clients }) => clients)).length, 2)
    }).pipe(Effect.provide(layer())))
})
