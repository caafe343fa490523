import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { build } from "esbuild"
import { execFile } from "node:child_process"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { temporaryDirectory } from "../support/childPrograms.ts"
import { httpServer } from "../support/nodeServers.ts"

/** Sends requests in a process of its own, and prints which files of undici it loaded. */
const program = (origin: string, requests: string): string => `
  import * as NodeHttpClient from "@effect-dcr/platform-node/NodeHttpClient"
  import { Effect } from "effect"
  import * as HttpClientRequest from "effect/http/HttpClientRequest"
  import { createRequire } from "node:module"
  const post = HttpClientRequest.post("${origin}")
  const form = new FormData()
  form.append("one", "1")
  const send = (client, request) => Effect.flatMap(client.execute(request), (response) => response.text)
  await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const client = yield* NodeHttpClient.make()
    ${requests}
  })))
  const files = Object.keys(createRequire(import.meta.url).cache)
  console.log(JSON.stringify(files.map((file) => file.replaceAll("\\\\", "/")).filter((file) => file.includes("/undici/"))))
`

const loadedBy = (origin: string, requests: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.promise(async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "--eval", program(origin, requests)],
      { cwd: import.meta.dirname }
    )
    const files: unknown = JSON.parse(stdout)
    return Array.isArray(files) ? files.map(String) : []
  })

const ends = (files: ReadonlyArray<string>, path: string): boolean => files.some((file) => file.endsWith(path))

describe("undici", () => {
  it.live("is loaded no further than its client, until form data is sent", () =>
    Effect.gen(function*() {
      const { origin } = yield* httpServer((request, response) => request.resume().on("end", () => response.end("ok")))
      const [text, form] = yield* Effect.all([
        loadedBy(origin, `yield* send(client, HttpClientRequest.bodyText(post, "text"))`),
        loadedBy(origin, `yield* send(client, HttpClientRequest.bodyFormData(post, form))`)
      ], { concurrency: 2 })
      assert.isTrue(ends(text, "/undici/lib/dispatcher/client.js"))
      assert.isFalse(ends(text, "/undici/index.js"))
      assert.isTrue(ends(form, "/undici/index.js"))
    }))

  it.live.each([
    { how: "in one file", splitting: false },
    { how: "in several files", splitting: true }
  ])(
    "comes whole from the bundle that it is in, $how, whatever lies beside that",
    ({ splitting }) =>
      Effect.gen(function*() {
        const { origin } = yield* httpServer((request, response) =>
          request.resume().on("end", () => response.end("ok"))
        )
        const directory = yield* temporaryDirectory
        yield* Effect.promise(async () => {
          await build({
            stdin: {
              contents: program(
                origin,
                `yield* send(client, HttpClientRequest.bodyText(post, "text"))
               yield* send(client, HttpClientRequest.bodyFormData(post, form))`
              ),
              resolveDir: import.meta.dirname
            },
            bundle: true,
            platform: "node",
            format: "esm",
            splitting,
            outdir: directory,
            outExtension: { ".js": ".mjs" },
            banner: {
              js: `import { createRequire as beside } from "node:module"; const require = beside(import.meta.url)`
            },
            logLevel: "silent"
          })
          const other = join(directory, "node_modules", "undici")
          await mkdir(join(other, "lib", "dispatcher"), { recursive: true })
          await writeFile(join(other, "package.json"), `{ "name": "undici", "version": "6.0.0" }`)
          for (const file of ["index.js", "lib/dispatcher/client.js"]) {
            await writeFile(join(other, file), `module.exports = class Client {}`)
          }
          const { stdout } = await promisify(execFile)(process.execPath, [join(directory, "stdin.mjs")])
          assert.strictEqual(stdout.trim(), "[]")
        })
      })
  )
})
