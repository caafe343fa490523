/** A service worker that the browser stops while it registers. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { application, profile, run, tab } from "../browser/page.ts"
import { httpServer } from "../support/nodeServers.ts"

/** Never answers the first registration. */
const server = Effect.gen(function*() {
  let posts = 0
  const { origin } = yield* httpServer((request, response) => {
    response.setHeader("access-control-allow-origin", "*")
    response.setHeader("access-control-allow-headers", "content-type")
    if (request.method === "OPTIONS") {
      response.writeHead(204).end()
      return
    }
    posts++
    if (posts === 1) return
    response.writeHead(201, { "content-type": "application/json" })
    response.end(JSON.stringify({ client_id: `c${posts}`, redirect_uris: ["https://app.example.com/cb"] }))
  })
  return { issuer: origin, posts: () => posts }
})

describe("a registration of a service worker that is stopped", () => {
  it.live("is noticed by the next one, and listed as a possible orphan", () =>
    Effect.gen(function*() {
      const { issuer, posts } = yield* server
      const { origin } = yield* application("cutOff")
      const context = yield* profile()
      const page = yield* tab(context, origin)
      const cutOff = yield* Effect.forkScoped(run(page, "ensure", { issuer }, "serviceWorker"))
      for (let waited = 0; waited < 20_000 && posts() === 0; waited += 50) yield* Effect.sleep(50)
      assert.strictEqual(posts(), 1)
      yield* Effect.promise(async () => {
        const session = await context.newCDPSession(page)
        await session.send("ServiceWorker.enable")
        await session.send("ServiceWorker.stopAllWorkers")
      })
      assert.strictEqual(yield* run(page, "ensure", { issuer }), "c2")
      assert.deepStrictEqual(yield* run(page, "list"), [{ client: "c2", orphans: ["crashed"] }])
      yield* Fiber.interrupt(cutOff)
    }))
})
