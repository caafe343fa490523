import { AuthorizationServer, ClientRegistration } from "@effect-dcr/core"
import { BrowserRegistration } from "@effect-dcr/platform-browser"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { FetchHttpClient } from "effect/http"

/** A `fetch` as a browser has it, that answers for one server and records what it was asked. */
const fetchOf = () => {
  const requests: Array<{ readonly url: string; readonly init: RequestInit }> = []
  const fetch: typeof globalThis.fetch = (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input)
    requests.push({ url, init })
    return Promise.resolve(
      url.endsWith("/register")
        ? Response.json({ client_id: "c" }, { status: 201 })
        : Response.json({ issuer: "https://op.example.com", registration_endpoint: "https://op.example.com/register" })
    )
  }
  return { fetch, requests }
}

const program = Effect.gen(function*() {
  const server = yield* AuthorizationServer.discover("https://op.example.com")
  const client = yield* ClientRegistration.register(server, {
    redirect_uris: ["https://app.example.com/cb"],
    token_endpoint_auth_method: "none"
  })
  return client.information.client_id
})

describe("BrowserRegistration", () => {
  it.effect("registers over fetch: only the layer decides about proofs", () =>
    Effect.gen(function*() {
      const register = <E>(layer: Layer.Layer<Layer.Success<typeof BrowserRegistration.layer>, E>) =>
        Effect.gen(function*() {
          const { fetch, requests } = fetchOf()
          const id = yield* program.pipe(Effect.provide(layer), Effect.provideService(FetchHttpClient.Fetch, fetch))
          assert.strictEqual(id, "c")
          assert.deepStrictEqual(requests.map(({ url }) => url), [
            "https://op.example.com/.well-known/oauth-authorization-server",
            "https://op.example.com/register"
          ])
          for (const { init } of requests) assert.strictEqual(init.redirect, "manual")
          return new Headers(requests[1]?.init.headers).get("dpop")
        })
      assert.isNull(yield* register(BrowserRegistration.layer))
      assert.match(String(yield* register(BrowserRegistration.layerDpop())), /^ey/)
      assert.match(String(yield* register(BrowserRegistration.layerDpop({ algorithm: "ES384" }))), /^ey/)
    }))
})
