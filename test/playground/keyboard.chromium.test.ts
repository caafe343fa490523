/** The playground with the keyboard alone: no click, and always a visible focus. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { authorizationServer, clientId, notice, opened } from "./support/playground.ts"

/** The accessible name of what has the focus. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement
    if (!(element instanceof HTMLElement)) return ""
    const labels = "labels" in element && element.labels instanceof NodeList
      ? Array.from(element.labels, (label) => label.textContent).join(" ")
      : ""
    return (element.getAttribute("aria-label") ?? (labels === "" ? element.textContent : labels)).trim()
  })

/** Tab until something of this name has the focus, which has to be seen. */
const tabTo = async (page: Page, name: string | RegExp): Promise<void> => {
  for (let presses = 0; presses < 150; presses++) {
    await page.keyboard.press("Tab")
    const now = await focused(page)
    if (typeof name === "string" ? now === name : name.test(now)) {
      const outline = await page.evaluate(() => {
        const element = document.activeElement
        return element === null ? "" : getComputedStyle(element).outlineStyle
      })
      assert.strictEqual(outline, "solid", `the focus on ${now} is not seen`)
      return
    }
  }
  assert.fail(`no way to ${name} by Tab`)
}

describe("with the keyboard alone", () => {
  it.live("one discovers, fills, registers, updates and deletes", () =>
    Effect.gen(function*() {
      const issuer = yield* authorizationServer
      const { page } = yield* opened()
      yield* Effect.promise(async () => {
        const { keyboard } = page
        await tabTo(page, "Skip to the server")
        await tabTo(page, "Issuer")
        await keyboard.type(issuer)
        await keyboard.press("Enter")
        await page.getByText("Registers at").waitFor()

        await tabTo(page, "client_name")
        await keyboard.press("Control+A")
        await keyboard.type("By hand")
        await tabTo(page, "application_type")
        await keyboard.type("web")
        assert.include(await page.getByLabel("Raw JSON").inputValue(), "\"application_type\": \"web\"")
        await tabTo(page, "contacts, value 1")
        await keyboard.type("ops@example.com")
        await tabTo(page, "Another member")
        await keyboard.type("tos_uri")
        await tabTo(page, "Add")
        await keyboard.press("Enter")
        await page.waitForFunction(() => document.activeElement?.id === "member-tos_uri-control")
        await keyboard.type("https://app.example.com/tos")
        await tabTo(page, /^DPoP/)
        await keyboard.press("Space")
        await tabTo(page, "Register")
        await keyboard.press("Enter")
        await notice(page, /Registered/)
        assert.isNotEmpty(await clientId(page))
        // what happened takes the focus, and what can be done comes next
        assert.match(await focused(page), /Registered/)

        await tabTo(page, "Show client_secret")
        await keyboard.press("Enter")
        assert.strictEqual(await focused(page), "Hide client_secret")
        await tabTo(page, "Update")
        await keyboard.press("Enter")
        await page.waitForFunction(() => document.activeElement?.id === "member-client_name-control")
        await keyboard.press("End")
        await keyboard.type(" again")
        await tabTo(page, "Update the client")
        await keyboard.press("Enter")
        await notice(page, /Updated/)

        await tabTo(page, /^JSON/)
        await keyboard.press("ArrowRight")
        assert.include((await page.getByTestId("export").textContent()) ?? "", "OAUTH_CLIENT_ID=")
        await tabTo(page, /^200|^201|PUT/)
        await keyboard.press("Enter")
        assert.isAbove(await page.locator(".exchange[open]").count(), 0)

        await page.locator("#client").getByTestId("notice").focus()
        await tabTo(page, "Delete")
        await keyboard.press("Enter")
        await page.waitForFunction(() => document.activeElement?.textContent === "Delete it")
        await keyboard.press("Escape")
        await page.waitForFunction(() => document.activeElement?.textContent === "Delete")
        await keyboard.press("Enter")
        await page.waitForFunction(() => document.activeElement?.textContent === "Delete it")
        await keyboard.press("Enter")
        await notice(page, /Deleted/)
      })
    }), 240_000)

  it.live("one gets from a broken rule to its field", () =>
    Effect.gen(function*() {
      const { page } = yield* opened(yield* authorizationServer)
      yield* Effect.promise(async () => {
        await page.getByText("Registers at").waitFor()
        await page.getByLabel("redirect_uris, value 1").fill("nowhere")
        await tabTo(page, "Register")
        await page.keyboard.press("Enter")
        await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "alert")
        await tabTo(page, "redirect_uris[0]")
        await page.keyboard.press("Enter")
        assert.strictEqual(await focused(page), "redirect_uris, value 1")
      })
    }), 120_000)
})
