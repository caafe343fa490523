/** The playground as it is built, on an origin of its own, with a real server in a process of its own. */
import axe from "axe-core"
import { Effect, type Scope } from "effect"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { BrowserContextOptions, Page } from "playwright-core"
import { build } from "vite"
import { assert } from "vitest"
import { startAuthorizationServer } from "../../../packages/platform-browser/playground/server/start.ts"
import { profile, tab } from "../../browser/page.ts"
import { httpServer } from "../../support/nodeServers.ts"

const types: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript", css: "text/css" }

let built: Promise<ReadonlyMap<string, string>> | undefined

/** Once per file of tests. */
const files = (): Promise<ReadonlyMap<string, string>> =>
  built ??= build({
    configFile: fileURLToPath(
      new URL("../../../packages/platform-browser/playground/vite.config.ts", import.meta.url)
    ),
    logLevel: "silent",
    build: { write: false }
  }).then((output) =>
    new Map(
      [output].flat().flatMap((one) => "output" in one ? one.output : []).map((file) => [
        `/${file.fileName}`,
        file.type === "chunk" ? file.code : String(file.source)
      ])
    )
  )

/** Where the page is. */
export const site: Effect.Effect<string, never, Scope.Scope> = Effect.gen(function*() {
  const found = yield* Effect.promise(files)
  const { port } = yield* httpServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://localhost")
    const path = pathname === "/" ? "/index.html" : pathname
    const file = found.get(path)
    if (file === undefined) response.writeHead(404).end()
    else response.writeHead(200, { "content-type": types[path.split(".").at(-1) ?? ""] ?? "text/plain" }).end(file)
  })
  return `http://localhost:${port}`
})

/** The issuer of the server that `npm run playground` starts. */
export const authorizationServer: Effect.Effect<string, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(Effect.promise(startAuthorizationServer), ({ stop }) => Effect.sync(stop)),
  ({ issuer }) => issuer
)

export interface Opened {
  readonly page: Page
  readonly url: string
  /** What went wrong in the page and nobody caught, and what broke its security policy. */
  readonly complaints: ReadonlyArray<string>
}

/** A tab with the page in it, asked for an issuer or none. */
export const opened = (
  issuer?: string,
  options: BrowserContextOptions = { viewport: { width: 1280, height: 900 } }
): Effect.Effect<Opened, never, Scope.Scope> =>
  Effect.gen(function*() {
    const origin = yield* site
    const context = yield* profile(options)
    const complaints: Array<string> = []
    context.on("weberror", (error) => complaints.push(error.error().message))
    const url = issuer === undefined ? origin : `${origin}/?issuer=${encodeURIComponent(issuer)}`
    const page = yield* tab(context, url)
    page.setDefaultTimeout(30_000)
    return { page, url, complaints }
  })

// -----------------------------------------------------------------------------
// judging what is there
// -----------------------------------------------------------------------------

/** `PLAYGROUND_PICTURES=folder` puts a picture of each state there, for people. To make it takes longer than to judge the state. */
const pictures = process.env["PLAYGROUND_PICTURES"]

/** Waits until what was done last is drawn, and its colours are no longer on their way. */
const settled = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame)
    await Promise.allSettled(document.getAnimations().map(({ finished }) => finished))
  })

/** What axe finds, and what does not fit on the page. */
export const judge = async (page: Page, name: string): Promise<ReadonlyArray<string>> => {
  await settled(page)
  if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
  // What takes as long as to judge is done once for each page that is loaded.
  if (!await page.evaluate(() => "axe" in window)) await page.evaluate(axe.source)
  const violations = await page.evaluate(async () => {
    const { axe } = window
    const result = await axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    })
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`)
  })
  const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  return [...violations, ...(tooWide > 0 ? [`${tooWide} pixels too wide`] : [])].map((problem) => `${name}: ${problem}`)
}

declare global {
  interface Window {
    readonly axe: typeof axe
  }
}

/** All that a person can read on the page, and what stands in its controls. */
export const textOf = (page: Page): Promise<string> =>
  page.evaluate(() =>
    [
      document.body.innerText,
      ...Array.from(document.querySelectorAll<HTMLInputElement>("input, textarea, select"), ({ value }) => value)
    ].join("\n")
  )

// -----------------------------------------------------------------------------
// what a person does
// -----------------------------------------------------------------------------

export const register = (page: Page): Promise<void> =>
  page.getByRole("button", { name: "Register", exact: true }).click()

export const clientId = async (page: Page): Promise<string> =>
  (await page.getByTestId("client-id").textContent()) ?? assert.fail("no client")

export const notice = async (page: Page, text: RegExp): Promise<void> =>
  page.getByTestId("notice").getByText(text).waitFor()

/** The form's row of a member in the comparison. */
export const row = (page: Page, member: string) =>
  page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: new RegExp(`^${member}\\b`) }) })

export const raw = (page: Page) => page.getByLabel("Raw JSON")
