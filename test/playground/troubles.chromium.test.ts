/** What a person is told when a server, or the way to it, is not as it should be. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { clientId, judge, notice, opened, register, row, textOf } from "./support/playground.ts"
import { json, type Script, scriptedServer } from "./support/scriptedServer.ts"

/** Registers at such a server, and gives what the alert says. */
const refused = (name: string, script: Script, posts: number) =>
  Effect.gen(function*() {
    const { issuer, sent } = yield* scriptedServer(script)
    const { complaints, page } = yield* opened(issuer)
    const text = yield* Effect.promise(async () => {
      await page.getByText("Registers at").waitFor()
      await register(page)
      const alert = page.locator("#metadata").getByRole("alert")
      await alert.waitFor()
      assert.deepStrictEqual(await judge(page, `trouble-${name}`), [])
      return alert.innerText()
    })
    assert.deepStrictEqual(complaints, [])
    // To find out why, the transport may ask for the place itself.
    assert.strictEqual(sent.filter((one) => one.startsWith("POST")).length, posts)
    return text
  })

describe("the playground, when", () => {
  it.live("nobody listens there: it says so, and offers to try again", () =>
    Effect.gen(function*() {
      const { issuer } = yield* Effect.scoped(scriptedServer({}))
      const { page } = yield* opened(issuer)
      yield* Effect.promise(async () => {
        const alert = page.locator("#server").getByRole("alert")
        await alert.waitFor()
        assert.match(await alert.innerText(), /cannot be reached/)
        assert.deepStrictEqual(await judge(page, "trouble-nobody"), [])
        await alert.getByRole("button", { name: "Try again" }).click()
        await page.locator("#timeline").getByText("Discover").nth(1).waitFor()
      })
    }), 120_000)

  it.live("the server allows no other origins", () =>
    Effect.gen(function*() {
      const { issuer } = yield* scriptedServer({ cors: "none" })
      const { page } = yield* opened(issuer)
      yield* Effect.promise(async () => {
        const alert = page.locator("#server").getByRole("alert")
        await alert.waitFor()
        assert.match(await alert.innerText(), /CORS/)
      })
    }), 120_000)

  it.live(
    "the registration endpoint allows no other origins: nothing but a preflight was sent",
    () =>
      Effect.gen(function*() {
        const text = yield* refused("cors", {
          cors: "discovery",
          register: (_, response) => json(response, 201, {})
        }, 0)
        assert.match(text, /CORS/)
      }),
    60_000
  )

  it.live("the browser is offline", () =>
    Effect.gen(function*() {
      const { issuer } = yield* scriptedServer({})
      const { page } = yield* opened(issuer)
      yield* Effect.promise(async () => {
        await page.getByText("Registers at").waitFor()
        await page.context().setOffline(true)
        await register(page)
        const alert = page.locator("#metadata").getByRole("alert")
        await alert.waitFor()
        assert.match(await alert.innerText(), /offline/i)
        assert.deepStrictEqual(await judge(page, "trouble-offline"), [])
      })
    }), 120_000)

  it.live("the metadata is refused, in the server's words", () =>
    Effect.gen(function*() {
      const text = yield* refused("refused", {
        register: (_, response) =>
          json(response, 400, { error: "invalid_client_metadata", error_description: "no such tide" })
      }, 1)
      assert.match(text, /The metadata is refused[^]*InvalidClientMetadata[^]*no such tide/)
    }), 120_000)

  it.live("there were too many requests: it says how long to wait", () =>
    Effect.gen(function*() {
      const text = yield* refused("429", {
        register: (_, response) => response.writeHead(429, { "retry-after": "60" }).end()
      }, 1)
      assert.match(text, /Too many requests[^]*Safe to repeat[^]*Wait 1m[^]*Try again/)
    }), 120_000)

  it.live("something in between answers with a page", () =>
    Effect.gen(function*() {
      const text = yield* refused("html", {
        register: (_, response) =>
          response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad gateway</h1><script>alert(1)</script>")
      }, 1)
      assert.match(text, /An unexpected answer[^]*502/)
      assert.notInclude(text, "alert(1)")
    }), 120_000)

  it.live("a token is wanted", () =>
    Effect.gen(function*() {
      const text = yield* refused("401", {
        register: (_, response) => response.writeHead(401, { "www-authenticate": "Bearer realm=\"x\"" }).end()
      }, 1)
      assert.match(text, /Not authorized[^]*initial access token[^]*challenges with Bearer/)
    }), 120_000)

  it.live(
    "a token is wanted, and one has it: it is sent with its scheme, and exported by name only",
    () =>
      Effect.gen(function*() {
        const { issuer } = yield* scriptedServer({
          register: (request, response) =>
            request.headers.authorization === "DPoP right" && request.headers["dpop"] !== undefined
              ? json(response, 201, { client_id: "c1" })
              : response.writeHead(401).end()
        })
        const { page } = yield* opened(issuer)
        yield* Effect.promise(async () => {
          await page.getByText("Registers at").waitFor()
          await page.getByLabel("Initial access token", { exact: true }).fill("right")
          await page.getByLabel("Scheme of the initial access token").selectOption("DPoP")
          // without a proof the SDK does not send such a token
          await register(page)
          await page.locator("#metadata").getByRole("alert").getByText("InvalidOptions").waitFor()
          await page.getByRole("switch", { name: "DPoP" }).check()
          await register(page)
          await notice(page, /Registered/)
          // no management URI, and so nothing to manage
          assert.strictEqual(await page.getByRole("button", { name: "Rotate" }).count(), 0)
          await page.getByRole("radio", { name: "Code" }).check()
          const code = (await page.getByTestId("export").textContent()) ?? ""
          assert.include(code, "{ initialAccessToken, initialAccessTokenType: \"DPoP\" }")
          assert.include(code, "INITIAL_ACCESS_TOKEN")
        })
      }),
    120_000
  )

  it.live("the server offers no registration", () =>
    Effect.gen(function*() {
      const { issuer } = yield* scriptedServer({ metadata: { registration_endpoint: undefined } })
      const { page } = yield* opened(issuer)
      yield* Effect.promise(async () => {
        await page.getByText("does not offer registration").waitFor()
        assert.deepStrictEqual(await judge(page, "trouble-unsupported"), [])
      })
    }), 120_000)

  it.live("the issuer is not an address: nothing is sent", () =>
    Effect.gen(function*() {
      const { page } = yield* opened("http://op.example.com")
      yield* Effect.promise(async () => {
        const alert = page.locator("#server").getByRole("alert")
        await alert.waitFor()
        assert.match(await alert.innerText(), /Use https/)
        assert.include(await page.locator("#timeline").innerText(), "Nothing was sent.")
      })
    }), 120_000)

  it.live(
    "the answer deviates: the client is kept, and each deviation says what should have been",
    () =>
      Effect.gen(function*() {
        const { issuer } = yield* scriptedServer({
          register: (_, response, origin) =>
            json(response, 200, {
              client_id: "c/1",
              client_secret: "s3cret-of-the-server",
              client_name: "Renamed",
              logo_uri: null,
              redirect_uris: ["https://app.example.com/cb"],
              registration_client_uri: `${origin}/register/1?with=s3cret-of-the-server`,
              tier: "vendor-value"
            })
        })
        const { complaints, page } = yield* opened(issuer)
        yield* Effect.promise(async () => {
          await page.getByText("Registers at").waitFor()
          await register(page)
          await notice(page, /Registered/)
          assert.strictEqual(await clientId(page), "c/1")
          const text = await page.locator("#client").innerText()
          for (const id of ["status", "null-member", "missing-secret-expiry", "missing-registration-access-token"]) {
            assert.include(text, id)
          }
          assert.match(await row(page, "client_name").innerText(), /replaced[^]*My first client[^]*Renamed/)
          // nobody knows what a vendor puts there
          assert.notInclude(text, "vendor-value")
          await row(page, "tier").getByRole("button", { name: "Show tier" }).click()
          assert.include(await row(page, "tier").innerText(), "vendor-value")
          await page.locator(".exchange summary").first().click()
          assert.notInclude(await textOf(page), "s3cret-of-the-server")
          assert.deepStrictEqual(await judge(page, "deviations"), [])
          await page.reload()
          await page.getByTestId("client-id").getByText("c/1").waitFor()
        })
        assert.deepStrictEqual(complaints, [])
      }),
    60_000
  )

  it.live("the server forgot the client: it can be forgotten here too", () =>
    Effect.gen(function*() {
      const { issuer } = yield* scriptedServer({
        register: (request, response, origin) =>
          request.method === "POST"
            ? json(response, 201, {
              client_id: "c1",
              registration_client_uri: `${origin}/register/c1`,
              registration_access_token: "t"
            })
            : response.writeHead(401).end()
      })
      const { page } = yield* opened(issuer)
      yield* Effect.promise(async () => {
        await page.getByText("Registers at").waitFor()
        await register(page)
        await notice(page, /Registered/)
        await page.getByRole("button", { name: "Read" }).click()
        await page.locator("#client").getByRole("alert").getByText("Not authorized").waitFor()
        // a 401 alone discards nothing
        assert.strictEqual(await clientId(page), "c1")
        assert.deepStrictEqual(await judge(page, "trouble-gone"), [])
        await page.getByRole("button", { name: "Forget here" }).click()
        await page.getByText("Nothing is registered here yet.").waitFor()
      })
    }), 120_000)
})
