/** A deadline ends what a server does not: never before its time, and at most a second after it. */
import { ClientRegistration, DpopSigner, type RegistrationError } from "@effect-dcr/core"
import { NodeHttpClient } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { eventually, tcpServer } from "../support/nodeServers.ts"
import { runSlow, slowServers } from "../support/socketDeadline.ts"
import { transports } from "../support/socketTransports.ts"

const redirect_uris = ["https://app.example.com/cb"]

describe("a deadline of two seconds", () => {
  it.live("is kept with every slow server, on every transport", () =>
    Effect.forEach(
      slowServers.flatMap((slow) => transports.map((transport) => ({ slow, transport }))),
      ({ slow, transport }) =>
        Effect.gen(function*() {
          const { error, late, posts } = yield* runSlow(slow, transport, 2_000)
          const name = `${slow.what}, ${transport.name}`
          assert.isAtLeast(late, 0, name)
          assert.isAtMost(late, 1_000, name)
          slow.expect(error, name, transport)
          assert.strictEqual(posts, slow.posts, name)
        }),
      { concurrency: "unbounded", discard: true }
    ))

  it.live("is never over before its time, not by a fraction of a millisecond", () =>
    Effect.gen(function*() {
      const silent = yield* tcpServer()
      const one = (index: number) =>
        Effect.gen(function*() {
          // timers round; what they make of a fraction depends on when they are set
          yield* Effect.sleep(index % 10)
          const deadline = 20 + (index % 10) / 10
          const started = performance.now()
          const error: RegistrationError.RegistrationError = yield* Effect.flip(
            ClientRegistration.register(
              { issuer: silent.origin, registration_endpoint: `${silent.origin}/register` },
              { redirect_uris },
              { deadline }
            )
          )
          const took = performance.now() - started
          // On a busy machine the time can be over before anything is sent.
          assert.include(["OutcomeUnknown", "Transport"], error.reason._tag)
          return took - deadline
        })
      const late = yield* Effect.forEach(Array.from({ length: 300 }, (_, index) => index), one, { concurrency: 20 })
      assert.isAtLeast(Math.min(...late), 0)
      yield* eventually(() => silent.open() === 0, "the connections are closed")
    }).pipe(Effect.provide(Layer.merge(NodeHttpClient.layer, DpopSigner.layerNone))))
})
