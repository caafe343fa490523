/** `examples/web-page`, as Vite builds it and as a person starts it, at an authorization server that is not ours. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { BrowserContextOptions, Page } from "playwright-core"
import { build } from "vite"
import { judge } from "../playground/support/playground.ts"
import { httpServer } from "../support/nodeServers.ts"
import { profile, sandbox, tab } from "./page.ts"
import { oidcProviderWithCors } from "./servers.ts"

const folder = new URL("../../examples/web-page/", import.meta.url)

const types: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript", css: "text/css" }

let built: Promise<ReadonlyMap<string, string>> | undefined

/** Without any configuration, once for all tests. */
const files = (): Promise<ReadonlyMap<string, string>> =>
  built ??= build({ root: fileURLToPath(folder), configFile: false, logLevel: "silent", build: { write: false } }).then(
    (output) =>
      new Map(
        [output].flat().flatMap((one) => "output" in one ? one.output : []).map((file) => [
          `/${file.fileName}`,
          file.type === "chunk" ? file.code : String(file.source)
        ])
      )
  )

const site = (headers?: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const found = yield* Effect.promise(files)
    const { origin } = yield* httpServer((request, response) => {
      const { pathname } = new URL(request.url ?? "", "http://localhost")
      const path = pathname === "/" ? "/index.html" : pathname
      const file = found.get(path)
      if (file === undefined) response.writeHead(404).end()
      else {
        const type = types[path.split(".").at(-1) ?? ""] ?? "text/plain"
        response.writeHead(200, { "content-type": type, ...headers }).end(file)
      }
    })
    return origin
  })

const server = oidcProviderWithCors({
  features: { registration: { enabled: true }, registrationManagement: { enabled: true } }
})

const opened = (options?: BrowserContextOptions, headers?: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const complaints: Array<string> = []
    const context = yield* profile(options)
    context.on("weberror", (error) => complaints.push(error.error().message))
    const page = yield* tab(context, yield* site(headers))
    page.setDefaultTimeout(20_000)
    return { page, complaints }
  })

const connect = async (page: Page, issuer: string): Promise<void> => {
  await page.getByLabel("Authorization server").fill(issuer)
  await page.getByRole("button", { name: "Connect" }).click()
}

/** Waits until the page says so, in the place that a screen reader reads out. */
const outcome = async (page: Page, text: RegExp): Promise<string> => {
  const place = page.getByRole("status").filter({ hasText: text })
  await place.waitFor()
  return place.innerText()
}

describe("the web page of the examples", () => {
  it.live("registers, is the same client after a reload and in another tab, and is gone after its removal", () =>
    Effect.gen(function*() {
      const op = yield* server
      const { complaints, page } = yield* opened()
      const posts = () => op.arrived.filter(({ method }) => method === "POST").length
      const isKnown = (id: string) => Effect.promise(async () => (await op.provider.Client.find(id)) !== undefined)

      const clientId = yield* Effect.promise(async () => {
        await page.getByText("Nothing yet.").waitFor()
        await connect(page, op.issuer)
        await outcome(page, /Registered/)
        return (await page.getByRole("definition").textContent()) ?? assert.fail("no client_id")
      })
      assert.deepStrictEqual([...op.created], [clientId])
      assert.isTrue(yield* isKnown(clientId))

      yield* Effect.promise(async () => {
        // what is kept is shown before anything is asked
        await page.reload()
        await page.getByRole("listitem").getByText(clientId).waitFor()
        const before = op.arrived.length
        await connect(page, op.issuer)
        await outcome(page, /already\. Nothing was sent/)
        assert.strictEqual(op.arrived.length, before)

        const other = await page.context().newPage()
        await other.goto(page.url())
        await connect(other, op.issuer)
        await outcome(other, /already/)
        assert.strictEqual(await other.getByRole("definition").textContent(), clientId)
        assert.strictEqual(posts(), 1)

        await page.getByRole("button", { name: `Remove the client at ${op.issuer}` }).click()
        await outcome(page, /Removed/)
        await page.getByText("Nothing yet.").waitFor()
        // what had the focus is gone
        assert.strictEqual(await page.evaluate(() => document.activeElement?.id), "issuer")
      })
      assert.isFalse(yield* isKnown(clientId))

      yield* Effect.promise(async () => {
        await page.reload()
        await page.getByText("Nothing yet.").waitFor()
        await connect(page, op.issuer)
        await outcome(page, /Registered/)
      })
      assert.lengthOf(op.created, 2)
      assert.deepStrictEqual(complaints, [])
    }))

  it.live("says what is wrong with a server that allows no pages, and keeps nothing", () =>
    Effect.gen(function*() {
      const { origin } = yield* httpServer((_, response) => response.writeHead(404).end())
      const { page } = yield* opened()
      yield* Effect.promise(async () => {
        await connect(page, origin)
        assert.include(await outcome(page, /CORS|Access-Control/), origin)
        await page.getByText("Nothing yet.").waitFor()
        assert.strictEqual(await page.getByRole("status").getAttribute("data-kind"), "failed")
      })
    }))

  it.live("says so where a page may keep nothing", () =>
    Effect.gen(function*() {
      const { complaints, page } = yield* opened({}, sandbox)
      yield* Effect.promise(() => outcome(page, /registrations/))
      assert.deepStrictEqual(complaints, [])
    }))

  const looks: ReadonlyArray<readonly [name: string, options: BrowserContextOptions, paper: string]> = [
    ["wide and light", { viewport: { width: 1280, height: 860 }, colorScheme: "light" }, "rgb(244, 246, 244)"],
    ["narrow and dark", { viewport: { width: 360, height: 740 }, colorScheme: "dark" }, "rgb(16, 20, 19)"]
  ]
  for (const [name, options, paper] of looks) {
    it.live(`${name}: nothing that axe finds, nothing that does not fit, and all by keyboard`, () =>
      Effect.gen(function*() {
        const op = yield* server
        const { page } = yield* opened(options)
        const problems: Array<string> = []
        const look = async (state: string) => {
          problems.push(...await judge(page, `web-page-${name.replaceAll(" ", "-")}-${state}`))
        }
        yield* Effect.promise(async () => {
          assert.strictEqual(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), paper)
          await look("1-empty")
          await page.keyboard.press("Tab")
          await page.keyboard.type(op.issuer)
          await page.keyboard.press("Enter")
          await outcome(page, /Registered/)
          await look("2-registered")
          await page.keyboard.press("Tab")
          await page.keyboard.press("Tab")
          await look("3-focus")
          await page.keyboard.press("Enter")
          await outcome(page, /Removed/)
          await connect(page, "http://op.example.com")
          await outcome(page, /https/)
          await look("4-failed")
        })
        assert.deepStrictEqual(problems, [])
      }))
  }

  it.live("examples/web-page/start.ts, as a person starts it: a server beside the page, and its issuer in the form", () =>
    Effect.gen(function*() {
      const { child, url } = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const child = spawn(process.execPath, [fileURLToPath(new URL("start.ts", folder))], {
            stdio: ["ignore", "pipe", "pipe"]
          })
          const url = await new Promise<string>((resolve, reject) => {
            let output = ""
            const collect = (chunk: Buffer) => {
              output += chunk.toString()
              const found = /^The page: (\S+)$/m.exec(output)?.[1]
              if (found !== undefined) resolve(found)
            }
            child.stdout.on("data", collect)
            child.stderr.on("data", collect)
            child.once("exit", () => reject(new Error(`it ended:\n${output}`)))
          })
          return { child, url }
        }),
        ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
      )
      const page = yield* tab(yield* profile(), url)
      yield* Effect.promise(async () => {
        await page.getByText("Nothing yet.").waitFor({ timeout: 60_000 })
        await page.getByRole("button", { name: "Connect" }).click()
        await outcome(page, /Registered/)
        await page.getByRole("button", { name: /^Remove/ }).click()
        await outcome(page, /Removed/)
      })
      const code = yield* Effect.promise(() =>
        new Promise((resolve) => {
          child.once("exit", resolve)
          child.kill("SIGINT")
        })
      )
      assert.oneOf(code, [0, 130])
    }))
})
