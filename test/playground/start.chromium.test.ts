/** `npm run playground`, as a person starts and ends it; and the program that the page gives away. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs/promises"
import { connect } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { profile, tab } from "../browser/page.ts"
import { authorizationServer, notice, opened, register } from "./support/playground.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** A program of Node, and what it has said. */
const started = (file: string, args: ReadonlyArray<string> = [], env: NodeJS.ProcessEnv = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [file, ...args], {
        cwd: root,
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "pipe"]
      })
      let output = ""
      const collect = (chunk: Buffer) => {
        output += chunk.toString()
      }
      child.stdout.on("data", collect)
      child.stderr.on("data", collect)
      return { child, output: () => output }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

const ended = (child: ChildProcess): Effect.Effect<number | null> =>
  Effect.callback((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.succeed(child.exitCode))
    child.once("close", (code) => resume(Effect.succeed(code)))
  })

/** Waits for a line of the output. */
const said = (output: () => string, line: RegExp): Effect.Effect<string> =>
  Effect.gen(function*() {
    for (let waited = 0; waited < 40_000; waited += 50) {
      const found = line.exec(output())?.[1]
      if (found !== undefined) return found
      yield* Effect.sleep(50)
    }
    return assert.fail(`not said: ${line}\n${output()}`)
  })

const isListening = (url: string): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1")
    socket.once("connect", () => resume(Effect.succeed(true))).once("error", () => resume(Effect.succeed(false)))
    return Effect.sync(() => socket.destroy())
  })

describe("npm run playground", () => {
  it.live(
    "prints where the page is, which registers at the server beside it, and ends both by Ctrl-C",
    () =>
      Effect.gen(function*() {
        const { child, output } = yield* started("scripts/playground.ts")
        const url = yield* said(output, /^playground\s+(\S+)$/m)
        const issuer = yield* said(output, /^authorization server\s+(\S+)$/m)
        const page = yield* tab(yield* profile(), url)
        yield* Effect.promise(async () => {
          await page.getByText(`${issuer}/reg`).first().waitFor({ timeout: 60_000 })
          await register(page)
          await notice(page, /Registered/)
        })
        child.kill("SIGINT")
        yield* ended(child)
        for (let waited = 0; waited < 5_000 && (yield* isListening(issuer)); waited += 50) yield* Effect.sleep(50)
        assert.isFalse(yield* isListening(issuer))
        assert.isFalse(yield* isListening(url))
      }),
    150_000
  )

  it.live(
    "starts the page alone with --no-server, and says what is wrong with its options",
    () =>
      Effect.gen(function*() {
        const { output } = yield* started("scripts/playground.ts", ["--no-server"])
        assert.notInclude(yield* said(output, /^playground\s+(\S+)$/m), "issuer")
        assert.notInclude(output(), "authorization server")
        const wrong = yield* started("scripts/playground.ts", ["--port", "many"])
        assert.strictEqual(yield* ended(wrong.child), 1)
        assert.include(wrong.output(), "--port is a number")
      }),
    60_000
  )
})

describe("the exported program", () => {
  it.live("does the same from Node", () =>
    Effect.gen(function*() {
      const issuer = yield* authorizationServer
      const { page } = yield* opened(issuer)
      const code = yield* Effect.promise(async () => {
        await page.getByText("Registers at").waitFor()
        await page.getByRole("radio", { name: "OpenID" }).check()
        await page.getByRole("switch", { name: "DPoP" }).check()
        await page.getByLabel("Initial access token", { exact: true }).fill("t0ken")
        await register(page)
        await notice(page, /Registered/)
        await page.getByRole("radio", { name: "Code" }).check()
        return (await page.getByTestId("export").textContent()) ?? ""
      })
      assert.notInclude(code, "t0ken")
      // Where the packages are found, and outside of what is checked in.
      const folder = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const parent = join(root, "test", "build")
          await fs.mkdir(parent, { recursive: true })
          return fs.mkdtemp(join(parent, "exported-"))
        }),
        (folder) => Effect.promise(() => fs.rm(folder, { recursive: true, force: true }))
      )
      const file = join(folder, "register.ts")
      yield* Effect.promise(() => fs.writeFile(file, code))
      const tsc = join(root, "node_modules", "typescript", "bin", "tsc")
      yield* Effect.promise(() =>
        fs.writeFile(
          join(folder, "tsconfig.json"),
          JSON.stringify({ extends: join(root, "tsconfig.check.json"), include: ["register.ts"] })
        )
      )
      const checked = yield* started(tsc, ["-p", folder])
      assert.strictEqual(yield* ended(checked.child), 0, checked.output())
      const ran = yield* started(file, [], { INITIAL_ACCESS_TOKEN: "t0ken" })
      assert.strictEqual(yield* ended(ran.child), 0, ran.output())
      assert.match(ran.output(), /INFO/)
    }), 120_000)
})
