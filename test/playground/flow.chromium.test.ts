/** The playground from the first look to the last click, against a server that is not ours. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { authorizationServer, clientId, notice, opened, raw, register, row, textOf } from "./support/playground.ts"

const parsed = async (text: Promise<string>): Promise<unknown> => JSON.parse(await text)

describe("the playground", () => {
  it.live(
    "discovers, checks, registers, finds again, updates, rotates, reveals, exports and deletes",
    () =>
      Effect.gen(function*() {
        const issuer = yield* authorizationServer
        const { complaints, page } = yield* opened(issuer)
        yield* Effect.promise(async () => {
          // what the server supports
          await page.getByText(`${issuer}/reg`).first().waitFor()
          assert.include(await page.locator("#server").innerText(), "private_key_jwt")

          // a rule, its section and its id, beside the field, as one types
          const uris = page.getByRole("group", { name: "redirect_uris" })
          await uris.getByLabel("redirect_uris, value 1").fill("https://app.example.com/cb#part")
          assert.include(await uris.innerText(), "RFC 6749 §3.1.2")
          assert.include(await uris.innerText(), "redirect-uri-fragment")
          assert.strictEqual(await uris.getByLabel("value 1").first().getAttribute("aria-invalid"), "true")

          // the SDK refuses it, and nothing is sent
          await register(page)
          await page.getByRole("alert").getByText("The metadata breaks rules").waitFor()
          assert.include(await page.locator("#timeline").innerText(), "Nothing was sent.")
          await uris.getByLabel("redirect_uris, value 1").fill("https://app.example.com/cb")
          await page.getByText("No rule is broken").waitFor()

          // form to text, and text to form
          await page.getByLabel("client_name", { exact: true }).fill("Tidewater")
          assert.deepInclude(await parsed(raw(page).inputValue()), { client_name: "Tidewater" })
          await raw(page).fill("{ \"client_name\": \"Tide")
          await page.getByText("Not JSON yet").waitFor()
          assert.strictEqual(await page.getByLabel("client_name", { exact: true }).inputValue(), "Tidewater")
          await raw(page).fill(JSON.stringify({
            client_name: "Tidewater",
            "client_name#ja": "潮",
            redirect_uris: ["https://app.example.com/cb"],
            software_id: "tidewater",
            jwks: { keys: [] }
          }))
          assert.strictEqual(await page.getByLabel("client_name#ja", { exact: true }).inputValue(), "潮")
          await page.getByRole("button", { name: "Remove jwks" }).click()
          assert.notInclude(await raw(page).inputValue(), "jwks")

          // registered, with a proof that was sent twice because of its nonce
          await page.getByRole("switch", { name: "DPoP" }).check()
          await register(page)
          await notice(page, /Registered/)
          assert.match(await page.locator("#timeline").innerText(), /2 requests, 1 nonce challenge/)
          assert.match(await row(page, "software_id").innerText(), /dropped[^]*tidewater[^]*not registered/)
          assert.match(await row(page, "token_endpoint_auth_method").innerText(), /added[^]*client_secret_basic/)
          assert.notMatch(await row(page, "redirect_uris").innerText(), /added|replaced|dropped/)
          await page.getByLabel("only differences").check()
          assert.strictEqual(await row(page, "redirect_uris").count(), 0)

          // the proof, claim by claim
          const exchanges = page.locator(".exchange")
          await exchanges.nth(1).locator("summary").click()
          const proof = await exchanges.nth(1).locator(".proof").innerText()
          for (const word of ["dpop+jwt", "ES256", "htm", "POST", `${issuer}/reg`, "nonce"]) assert.include(proof, word)

          // the same client after a reload
          const first = await clientId(page)
          await page.reload()
          await page.getByTestId("client-id").getByText(first).waitFor()
          // what comes in above moves the buttons
          await page.getByText("Registers at").waitFor()

          // read: this server hands out no new token on a read
          await page.getByRole("button", { name: "Read" }).click()
          await notice(page, /Nothing changed/)

          // update: what changes is said before it is sent, and the token is another one after it
          await page.getByRole("button", { name: "Update", exact: true }).click()
          await page.getByText("Nothing is changed yet.").waitFor()
          await page.getByLabel("client_name", { exact: true }).fill("Tidewater II")
          assert.include(await page.locator(".submit").innerText(), "client_name")
          await page.getByRole("button", { name: "Update the client" }).click()
          await notice(page, /Updated.*New registration access token/)
          // what was in the form before is there again
          assert.include(await raw(page).inputValue(), "My first client")
          assert.include(await page.locator("#client").innerText(), "Tidewater II")

          // rotate, and the new token is the one that is kept
          await page.getByRole("button", { name: "Rotate" }).click()
          // not the notice of the update before
          await notice(page, /^New registration access token/)
          await page.reload()
          await page.getByTestId("client-id").getByText(first).waitFor()
          // what comes in above moves the buttons
          await page.getByText("Registers at").waitFor()
          await page.getByRole("button", { name: "Read" }).click()
          await notice(page, /Nothing changed/)

          // a secret is covered until somebody asks
          const exported = async () => (await page.getByTestId("export").textContent()) ?? ""
          await page.getByLabel("with secrets").check()
          const secret = /"client_secret": "([^"]+)"/.exec(await exported())?.[1] ?? assert.fail("no secret")
          await page.getByLabel("with secrets").uncheck()
          assert.notInclude(await textOf(page), secret)
          await page.locator("#client").getByRole("button", { name: "Show client_secret" }).click()
          assert.include(await page.locator(".identity").innerText(), secret)
          await page.locator("#client").getByRole("button", { name: "Hide client_secret" }).click()
          assert.notInclude(await textOf(page), secret)

          // exports
          await page.getByRole("radio", { name: "Environment" }).check()
          assert.include(await exported(), `OAUTH_CLIENT_ID=${first}\n`)
          assert.notInclude(await exported(), secret)
          await page.getByLabel("with secrets").check()
          assert.include(await exported(), `OAUTH_CLIENT_SECRET=${secret}\n`)
          await page.getByRole("radio", { name: "Code" }).check()
          assert.include(await exported(), `AuthorizationServer.discover("${issuer}")`)
          assert.notInclude(await exported(), secret)

          // deleted at the server, forgotten here
          await page.getByRole("button", { name: "Delete", exact: true }).click()
          await page.getByRole("button", { name: "Keep it" }).click()
          await page.getByRole("button", { name: "Delete", exact: true }).click()
          await page.getByRole("button", { name: "Delete it" }).click()
          await notice(page, /Deleted/)
          await page.reload()
          await page.getByText("Nothing is registered here yet.").waitFor()
        })
        assert.deepStrictEqual(complaints, [])
      }),
    120_000
  )

  it.live("shows no secret in the timeline before it is asked to", () =>
    Effect.gen(function*() {
      const { page } = yield* opened(yield* authorizationServer)
      yield* Effect.promise(async () => {
        await page.getByText("Registers at").waitFor()
        await page.getByLabel("Initial access token", { exact: true }).fill("iat-of-a-person")
        await register(page)
        await notice(page, /Registered/)
        await page.getByRole("button", { name: "Read" }).click()
        await notice(page, /Read/)
        for (const summary of await page.locator(".exchange summary").all()) await summary.click()
        await page.getByLabel("with secrets").check()
        const exported = (await page.getByTestId("export").textContent()) ?? ""
        const secrets = Array.from(exported.matchAll(/"(?:client_secret|registration_access_token)": "([^"]+)"/g))
          .map(([, secret]) => secret ?? "")
        assert.strictEqual(secrets.length, 2)
        await page.getByLabel("with secrets").uncheck()
        const shown = await page.locator("#timeline").innerText()
        for (const secret of [...secrets, "iat-of-a-person"]) assert.notInclude(shown, secret)
        await page.locator("#timeline").getByRole("button", { name: "Show registration_access_token" }).first().click()
        assert.include(await page.locator("#timeline").innerText(), secrets[1] ?? "")
      })
    }), 120_000)

  it.live("fills in what a preset asks for, and checks its rules", () =>
    Effect.gen(function*() {
      const { page } = yield* opened(yield* authorizationServer)
      yield* Effect.promise(async () => {
        await page.getByText("Registers at").waitFor()
        await page.getByRole("radio", { name: "OpenID" }).check()
        assert.include(await page.locator(".filled").innerText(), "scope: \"openid\"")
        await page.getByLabel("scope", { exact: true }).fill("profile")
        await page.getByText("openid-scope").waitFor()
        await page.getByRole("radio", { name: "MCP" }).check()
        await page.getByText("No rule is broken").waitFor()
        assert.include(await page.locator(".filled").innerText(), "application_type: \"web\"")
        await page.getByRole("radio", { name: "FAPI 2.0" }).check()
        await page.locator("#member-jwks").getByText("needs jwks or jwks_uri").waitFor()
        await page.getByRole("radio", { name: "OpenID" }).check()
        await page.getByLabel("scope", { exact: true }).fill("")
        await register(page)
        await notice(page, /Registered/)
        assert.include(await row(page, "scope").innerText(), "openid")
        assert.include(await row(page, "scope").innerText(), "filled in")
      })
    }), 120_000)

  it.live("keeps several clients apart, in two tabs", () =>
    Effect.gen(function*() {
      const { page, url } = yield* opened(yield* authorizationServer)
      yield* Effect.promise(async () => {
        await page.getByText("Registers at").waitFor()
        await page.getByLabel("client_name", { exact: true }).fill("One")
        await register(page)
        await notice(page, /Registered/)
        const one = await clientId(page)
        const other = await page.context().newPage()
        await other.goto(url)
        await other.getByTestId("client-id").getByText(one).waitFor()
        await other.getByLabel("client_name", { exact: true }).fill("Two")
        await register(other)
        await notice(other, /Registered/)
        const two = await clientId(other)
        await page.reload()
        await page.getByText("2 kept here").waitFor()
        await page.getByLabel("2 kept here").selectOption(one)
        await page.getByTestId("client-id").getByText(one).waitFor()
        await page.getByLabel("2 kept here").selectOption(two)
        await page.getByRole("button", { name: "Forget here" }).click()
        await page.getByText("1 kept here").waitFor()
      })
    }), 120_000)
})
