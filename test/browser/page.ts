/** Pages of a real browser, and the servers that they come from. */
import { Effect, Exit, Scope } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core"
import { afterAll, assert, inject, it } from "vitest"
import { httpServer } from "../support/nodeServers.ts"
import type {} from "./vitestInPage.ts"
import { bundlePage } from "./bundle.ts"
import type { Where } from "./programInPage.ts"

/** The browser that the tests share. */
export const browser: Effect.Effect<Browser, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => chromium.connect(inject("chromium"))),
  (browser) => Effect.promise(() => browser.close())
)

/** A profile of its own: nothing is kept in it, and nothing stays of it. */
export const profile = (options?: BrowserContextOptions): Effect.Effect<BrowserContext, never, Scope.Scope> =>
  Effect.flatMap(browser, (browser) =>
    Effect.acquireRelease(
      Effect.promise(() => browser.newContext(options)),
      (context) => Effect.promise(() => context.close())
    ))

const html = `<!doctype html><meta charset="utf-8"><title>test</title><script type="module" src="/page.js"></script>`

/** An application: a page that loads a module of `page/`, on an origin of its own. */
export const application = (
  name: string,
  options: {
    /** Of the page. */
    readonly headers?: Readonly<Record<string, string>>
    /** What else is to be found there. */
    readonly answer?: (request: IncomingMessage, response: ServerResponse) => boolean
  } = {}
) =>
  Effect.gen(function*() {
    const script = yield* Effect.promise(() => bundlePage(name))
    const { origin, port } = yield* httpServer((request, response) => {
      if (options.answer?.(request, response) === true) return
      if (request.url === "/") {
        response.writeHead(200, { "content-type": "text/html", ...options.headers }).end(html)
      } else if (request.url === "/page.js") {
        response.writeHead(200, { "content-type": "text/javascript", ...options.headers }).end(script)
      } else response.writeHead(404).end()
    })
    return { origin, port }
  })

/** A tab at a place. */
export const tab = (context: BrowserContext, url: string): Effect.Effect<Page, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const page = await context.newPage()
      await page.goto(url)
      return page
    }),
    (page) => Effect.promise(() => page.close())
  )

/** The same page from another origin, which need not exist. */
export const elsewhere = (
  context: BrowserContext,
  origin: string,
  other: string
): Effect.Effect<Page, never, Scope.Scope> =>
  Effect.gen(function*() {
    yield* Effect.promise(() =>
      context.route(`${other}/**`, async (route) => {
        const { pathname } = new URL(route.request().url())
        await route.fulfill({ response: await route.fetch({ url: origin + pathname }) })
      })
    )
    return yield* tab(context, `${other}/`)
  })

/** The same page from plain http, which is no secure context. */
export const insecurely = (context: BrowserContext, origin: string) =>
  elsewhere(context, origin, "http://insecure.example")

/** The headers of a page of an origin that is like no other, and may keep nothing. */
export const sandbox = { "content-security-policy": "sandbox allow-scripts", "access-control-allow-origin": "*" }

/** Runs a program of the application in a tab, or in a worker that the tab starts. */
export const run = (
  page: Page,
  name: string,
  input: Readonly<Record<string, unknown>> = {},
  where: Where = "window"
): Effect.Effect<unknown> =>
  Effect.promise(async () => {
    await page.waitForFunction(() => "runner" in window)
    return page.evaluate(([where, name, input]) => window.runner.run(where, name, input), [where, name, input] as const)
  })

/** Makes a test of each test of a suite that runs in a page. */
export const suiteInPage = async (name: string): Promise<void> => {
  const scope = await Effect.runPromise(Scope.make())
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  const page = await Effect.runPromise(
    Effect.gen(function*() {
      const { origin } = yield* application(name)
      return yield* tab(yield* profile(), origin)
    }).pipe(Scope.provide(scope))
  )
  await page.waitForFunction(() => "suite" in window)
  const names = await page.evaluate(() => window.suite.names())
  assert.isNotEmpty(names)
  for (const [index, name] of names.entries()) {
    it(name, async () => {
      const problem = await page.evaluate((index) => window.suite.run(index), index)
      if (problem !== undefined) assert.fail(problem)
    })
  }
}

/** What a program gave, to look into. */
export const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? { ...value } : assert.fail(`${String(value)} has no members`)
