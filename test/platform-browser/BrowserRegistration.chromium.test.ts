/** The browser layers in pages, workers and service workers of real Chromium. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { application, fields, profile, run, tab } from "../browser/page.ts"
import { oidcProviderWithCors, testServer } from "../browser/servers.ts"
import { expected, initialAccessToken } from "../support/oneProgram.ts"

/** A page of an application, and a server of another origin. */
const opened = Effect.gen(function*() {
  const { issuer, server } = yield* testServer()
  const { origin } = yield* application("programs")
  const context = yield* profile()
  return { context, issuer, origin, server, page: yield* tab(context, origin) }
})

const clients = (server: Effect.Success<typeof opened>["server"]) =>
  Effect.map(server.clients, (clients) => clients.length)

describe("BrowserRegistration", () => {
  it.live("the program that runs on Node runs unchanged in the page, with and without proofs", () =>
    Effect.gen(function*() {
      const op = yield* oidcProviderWithCors({
        features: { registration: { enabled: true, initialAccessToken }, dPoP: { enabled: true } }
      })
      const { origin } = yield* application("programs")
      const page = yield* tab(yield* profile(), origin)
      for (const proofs of [false, true]) {
        for (const where of ["window", "worker", "serviceWorker"] as const) {
          const found = yield* run(page, "one", { issuer: op.issuer, proofs }, where)
          assert.isString(op.created.at(-1))
          assert.deepStrictEqual(found, { client_id: op.created.at(-1), result: expected(op.issuer) }, where)
        }
      }
      assert.lengthOf(op.created, 6)
      const posts = op.arrived.filter(({ method }) => method === "POST")
      assert.deepStrictEqual(posts.map(({ headers }) => "dpop" in headers), [false, false, false, true, true, true])
      for (const { headers } of op.arrived) {
        assert.doesNotHaveAnyKeys(headers, ["cookie", "referer", "traceparent", "b3"])
        const asked = headers["access-control-request-headers"]
        if (asked !== undefined) assert.match(asked, /^authorization,content-type(,dpop)?$/)
      }
    }))

  it.live("registers, and finds the same client and the same key after a reload", () =>
    Effect.gen(function*() {
      const { context, issuer, origin, page, server } = yield* opened
      const first = fields(yield* run(page, "ensure", { issuer, dpop: true }))
      const key = fields(yield* run(page, "prove"))
      assert.isString(first["client"])
      assert.isString(key["before"])
      yield* Effect.promise(() => page.reload())
      assert.deepStrictEqual(yield* run(page, "ensure", { issuer, dpop: true }), first)
      const other = yield* tab(context, origin)
      assert.deepStrictEqual(yield* run(other, "ensure", { issuer, dpop: true }), first)
      assert.deepStrictEqual(yield* run(other, "ensure", { issuer, dpop: true }, "worker"), first)
      assert.deepStrictEqual(yield* run(other, "ensure", { issuer, dpop: true }, "serviceWorker"), first)
      assert.strictEqual(yield* clients(server), 1)
      for (const where of ["window", "worker", "serviceWorker"] as const) {
        assert.strictEqual(fields(yield* run(page, "prove", {}, where))["before"], key["before"])
      }
    }))

  it.live("tabs and workers that ask at once make one registration, with one key", () =>
    Effect.gen(function*() {
      const { context, issuer, origin, page, server } = yield* opened
      const tabs = [page, yield* tab(context, origin), yield* tab(context, origin)]
      const found = yield* Effect.forEach(
        tabs.flatMap((page) => (["window", "worker", "serviceWorker"] as const).map((where) => ({ page, where }))),
        ({ page, where }) => run(page, "ensure", { issuer, dpop: true }, where),
        { concurrency: "unbounded" }
      )
      assert.lengthOf(found, 9)
      for (const each of found) assert.deepStrictEqual(each, found[0])
      assert.isString(fields(found[0])["client"])
      assert.strictEqual(yield* clients(server), 1)
    }))

  it.live("another profile of the browser, and another origin, have clients of their own", () =>
    Effect.gen(function*() {
      const { context, issuer, origin, page, server } = yield* opened
      const { origin: otherOrigin } = yield* application("programs")
      const pages = [page, yield* tab(yield* profile(), origin), yield* tab(context, otherOrigin)]
      const found = yield* Effect.forEach(pages, (page) => run(page, "ensure", { issuer }))
      assert.lengthOf(new Set(found.map((each) => fields(each)["client"])), 3)
      assert.strictEqual(yield* clients(server), 3)
    }))

  it.live("runs where it says that it runs", () =>
    Effect.gen(function*() {
      const { page } = yield* opened
      assert.deepStrictEqual(yield* run(page, "where"), { hasWindow: true, hasStorage: true, isServiceWorker: false })
      const inWorker = { hasWindow: false, hasStorage: false, isServiceWorker: false }
      assert.deepStrictEqual(yield* run(page, "where", {}, "worker"), inWorker)
      assert.deepStrictEqual(yield* run(page, "where", {}, "serviceWorker"), { ...inWorker, isServiceWorker: true })
    }))
})
