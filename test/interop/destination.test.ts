/** A request goes where the policy was shown that it goes, and nobody else reads where that is. */
import { ClientRegistration, DpopSigner, EndpointPolicy } from "@effect-dcr/core"
import { NodeHttpClient } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { type Context, Effect, Layer } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { inspect } from "node:util"
import { failsWith } from "../support/failure.ts"
import { rawServer, registered } from "../support/socketServer.ts"

const register = (endpoint: string) =>
  ClientRegistration.register(
    { issuer: new URL(endpoint).origin, registration_endpoint: endpoint },
    { redirect_uris: ["https://app.example.com/cb"] },
    { deadline: "5 seconds" }
  )

const plain = Layer.merge(NodeHttpClient.layer, DpopSigner.layerNone)

const judging = (judgeUrl: EndpointPolicy.EndpointPolicy["judgeUrl"]) =>
  Layer.succeed(EndpointPolicy.EndpointPolicy, { judgeUrl })

const texts = (_: string, value: unknown): unknown => typeof value === "bigint" ? String(value) : value

describe("the destination of a request", () => {
  it.live("is what the policy was shown, whatever the policy does with it", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket) => socket.write(registered("asked")))
      const meddling = judging((url) => {
        url.search = ""
        url.pathname = "/elsewhere"
        return undefined
      })
      yield* Effect.provide(register(`${server.origin}/register?tenant=1`), Layer.merge(plain, meddling))
      assert.deepStrictEqual(server.requests.map(({ path }) => path), ["/register?tenant=1"])
    }))

  it.live.each([
    { what: "its path", change: HttpClientRequest.appendUrl("/v2"), path: "/register/v2" },
    { what: "its query", change: HttpClientRequest.setUrlParam("tenant", "1"), path: "/register?tenant=1" }
  ])("is what a client makes of it, which changes $what", ({ change, path }) =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket) => socket.write(registered("asked")))
      const changing = HttpClient.mapRequest(yield* HttpClient.HttpClient, change)
      yield* register(`${server.origin}/register`).pipe(
        Effect.provideService(HttpClient.HttpClient, changing),
        // an answer of another URL than the one that was asked
        failsWith("RedirectRefused")
      )
      assert.deepStrictEqual(server.requests.map((request) => request.path), [path])
    }).pipe(Effect.provide(plain)))

  it.live.each(["blob", "filesystem", "ftp", "ws", "custom"])(
    "is not found inside a URL of another scheme, which a policy let through: %s",
    (scheme) =>
      Effect.gen(function*() {
        const server = yield* rawServer((socket) => socket.write(registered("asked")))
        const [, host = ""] = server.origin.split("//")
        const hidden = scheme === "blob" || scheme === "filesystem"
          ? `${scheme}:${server.origin}/register`
          : `${scheme}://${host}/register`
        yield* register(hidden).pipe(
          failsWith("EndpointRefused"),
          Effect.provide(Layer.merge(plain, judging(() => undefined)))
        )
        assert.strictEqual(server.connections(), 0)
      })
  )

  it.live("is not shown by the context of the fiber that sends it", () =>
    Effect.gen(function*() {
      const server = yield* rawServer((socket) => socket.write(registered("asked")))
      const seen: Array<string> = []
      const prying = HttpClient.mapRequestEffect(yield* HttpClient.HttpClient, (request) =>
        Effect.contextWith((context: Context.Context<never>) => {
          for (const value of [context, ...context.mapUnsafe.values()]) {
            seen.push(inspect(value, { depth: 10, showHidden: true }), JSON.stringify(value, texts) ?? "")
          }
          return Effect.succeed(request)
        }))
      yield* register(`${server.origin}/register?key=canary`).pipe(
        Effect.provideService(HttpClient.HttpClient, prying)
      )
      assert.isAbove(seen.length, 4)
      assert.isFalse(seen.some((text) =>
        text.includes("canary")
      ))
    }).pipe(Effect.provide(plain)))
})
