import { AuthorizationServer, ClientRegistration } from "@effect-dcr/core"
import { BrowserRegistration, BrowserRegistrationStore } from "@effect-dcr/platform-browser"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FetchHttpClient } from "effect/http"
import { failsWith } from "../support/failure.ts"

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
  it.effect("registers over fetch, without what forces a preflight, a cache or a redirect", () =>
    Effect.gen(function*() {
      for (const layer of [BrowserRegistration.layer, BrowserRegistration.layerOptions({})]) {
        const { fetch, requests } = fetchOf()
        const id = yield* program.pipe(Effect.provide(layer), Effect.provideService(FetchHttpClient.Fetch, fetch))
        assert.strictEqual(id, "c")
        assert.deepStrictEqual(requests.map(({ url }) => url), [
          "https://op.example.com/.well-known/oauth-authorization-server",
          "https://op.example.com/register"
        ])
        for (const { init } of requests) {
          assert.strictEqual(init.redirect, "manual")
          assert.strictEqual(init.credentials, "omit")
          assert.strictEqual(init.cache, "no-store")
          assert.strictEqual(init.referrerPolicy, "no-referrer")
        }
        assert.deepStrictEqual(requests.map(({ init }) => [...new Headers(init.headers).keys()]), [
          ["accept"],
          ["accept", "content-type"]
        ])
      }
    }))

  it.effect("says that there is nothing to keep a key in, where there is nothing", () =>
    Effect.gen(function*() {
      for (const layer of [BrowserRegistration.layerDpop(), BrowserRegistration.layerOptions({ dpop: {} })]) {
        const { error, reason } = yield* failsWith("StoreFailed")(program.pipe(Effect.provide(layer)))
        assert.strictEqual(reason.problem, "Unavailable")
        assert.strictEqual(error.message, "The store of the DPoP key failed: there is no IndexedDB here")
      }
      const { error } = yield* failsWith("StoreFailed")(Effect.scoped(BrowserRegistrationStore.make()))
      assert.strictEqual(error.message, "The store of registrations failed: there is no IndexedDB here")
      assert.isFalse(yield* BrowserRegistrationStore.persist)
    }))
})
