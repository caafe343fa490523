/** Every state of the playground in light and dark, wide and narrow: nothing that axe finds, nothing that does not fit. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { authorizationServer, judge, notice, opened, register } from "./support/playground.ts"

const widths = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } } as const

const background = { light: "rgb(251, 250, 246)", dark: "rgb(18, 19, 23)" } as const

/** Every width and every theme; all of their combinations with `PLAYGROUND_STATES=all`. */
const themesOf = (width: "wide" | "narrow"): ReadonlyArray<"light" | "dark"> =>
  process.env["PLAYGROUND_STATES"] === "all" ? ["light", "dark"] : width === "wide" ? ["light"] : ["dark"]

describe("the playground", () => {
  for (const width of ["wide", "narrow"] as const) {
    for (const theme of themesOf(width)) {
      it.live(`in ${theme}, ${width}`, () =>
        Effect.gen(function*() {
          const issuer = yield* authorizationServer
          const { complaints, page } = yield* opened(undefined, { viewport: widths[width], colorScheme: theme })
          const problems: Array<string> = []
          const look = async (state: string) => {
            problems.push(...await judge(page, `${width}-${theme}-${state}`))
          }
          yield* Effect.promise(async () => {
            assert.strictEqual(
              await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
              background[theme]
            )
            await look("1-empty")
            let release = () => {}
            const held = new Promise<void>((resolve) => {
              release = resolve
            })
            await page.route(`${issuer}/**`, async (route) => {
              await held
              await route.continue()
            })
            await page.getByLabel("Issuer").fill(issuer)
            await page.getByRole("button", { name: "Discover" }).click()
            await page.getByText("Asking…").waitFor()
            await look("2-asking")
            release()
            await page.getByText("Registers at").waitFor()
            await page.getByText("How it was found").click()
            await page.getByText("All metadata").click()
            await look("3-found")
            await page.getByLabel("redirect_uris, value 1").fill("http://app.example.com/cb#part")
            await page.getByRole("radio", { name: "FAPI 2.0" }).check()
            await register(page)
            await page.getByText("The metadata breaks rules").waitFor()
            await look("4-refused")
            await page.getByLabel("Raw JSON").fill("{ \"client_name\":")
            await page.getByText("Not JSON yet").waitFor()
            await look("5-not-json")
            await page.getByRole("radio", { name: "Plain" }).check()
            await page.getByLabel("Raw JSON").fill(JSON.stringify({
              client_name: "Tidewater",
              redirect_uris: [`https://app.example.com/${"long-".repeat(20)}cb`],
              contacts: ["ops@example.com"],
              require_auth_time: true,
              default_max_age: 3600,
              software_id: "tidewater",
              jwks: { keys: [] }
            }))
            await look("6-filled")
            await page.getByRole("switch", { name: "DPoP" }).check()
            await register(page)
            await notice(page, /Registered/)
            await look("7-registered")
            for (const summary of await page.locator(".exchange summary").all()) await summary.click()
            await page.locator("#client").getByRole("button", { name: "Show client_secret" }).click()
            await page.getByRole("radio", { name: "Code" }).check()
            await look("8-opened")
            await page.getByRole("button", { name: "Update", exact: true }).click()
            await page.getByLabel("client_name", { exact: true }).fill("Tidewater II")
            await look("9-editing")
            await page.getByRole("button", { name: "Cancel" }).click()
            await page.getByRole("button", { name: "Delete", exact: true }).click()
            await look("10-deleting")
            await page.getByRole("button", { name: "Delete it" }).click()
            await notice(page, /Deleted/)
            await look("11-deleted")
          })
          assert.deepStrictEqual(problems, [])
          assert.deepStrictEqual(complaints, [])
        }), 240_000)
    }
  }

  it.live("takes the theme that a person chooses, and remembers it", () =>
    Effect.gen(function*() {
      const { page } = yield* opened(undefined, { colorScheme: "light" })
      yield* Effect.promise(async () => {
        const colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
        assert.strictEqual(await colour(), background.light)
        await page.getByRole("radio", { name: "dark" }).check()
        assert.strictEqual(await colour(), background.dark)
        await page.reload()
        assert.strictEqual(await colour(), background.dark)
        await page.getByRole("radio", { name: "auto" }).check()
        assert.strictEqual(await colour(), background.light)
      })
    }), 120_000)
})
