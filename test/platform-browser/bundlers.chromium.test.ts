/** Bundlers take the packages as they are: no configuration, no polyfill of Node, and the result runs. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as esbuild from "esbuild"
import { fileURLToPath } from "node:url"
import { build, createLogger } from "vite"
import { bundlePage } from "../browser/bundle.ts"
import { application, fields, profile, run, tab } from "../browser/page.ts"
import { testServer } from "../browser/servers.ts"

const types: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript" }

/** An application as `vite build` makes it of its folder: the files, and what it complained about. */
const viteBuild = async () => {
  const complaints: Array<string> = []
  const logger = createLogger("silent")
  const complain = (message: string) => void complaints.push(message)
  Object.assign(logger, { warn: complain, warnOnce: complain, error: complain })
  const built = await build({
    root: fileURLToPath(new URL("../browser/viteApplication", import.meta.url)),
    configFile: false,
    customLogger: logger,
    build: { write: false }
  })
  const files = new Map<string, string>()
  for (const output of [built].flat()) {
    if (!("output" in output)) continue
    for (const file of output.output) {
      files.set(`/${file.fileName}`, file.type === "chunk" ? file.code : String(file.source))
    }
  }
  return { complaints, files }
}

/** What stands in the place of a module of Node. */
const traces = /__vite-browser-external|\bfrom ?["']node:|\bBuffer\.(from|alloc)\b/

describe("bundlers", () => {
  it.live("Vite, without configuration: it builds, and registers", () =>
    Effect.gen(function*() {
      const { complaints, files } = yield* Effect.promise(viteBuild)
      // That a file is large is true of all that is tested at once.
      assert.deepStrictEqual(complaints.filter((message) => !message.includes("larger than 500 kB")), [])
      const scripts = [...files].filter(([name]) => name.endsWith(".js"))
      assert.isNotEmpty(scripts)
      for (const [name, code] of scripts) assert.notMatch(code, traces, name)
      const { issuer, server } = yield* testServer()
      const { origin } = yield* application("programs", {
        answer: (request, response) => {
          const path = request.url === "/" ? "/index.html" : request.url ?? ""
          const file = files.get(path)
          if (file !== undefined) {
            response.writeHead(200, { "content-type": types[path.split(".").at(-1) ?? ""] ?? "text/plain" }).end(file)
          }
          return file !== undefined
        }
      })
      const page = yield* tab(yield* profile(), origin)
      assert.strictEqual(yield* Effect.promise(() => page.title()), "An application that Vite builds")
      const { client } = fields(yield* run(page, "ensure", { issuer, dpop: true, encrypted: true }))
      assert.deepStrictEqual((yield* server.clients).map(({ clientId }) => clientId), [client])
    }))

  it.live("esbuild, without configuration: it refuses what is of Node, and finds nothing", () =>
    Effect.gen(function*() {
      // That it runs, all the other tests show.
      assert.notMatch(yield* Effect.promise(() => bundlePage("programs")), /^(import|export)\b|\brequire\("/m)
      const stdin = { contents: `import "node:fs"`, resolveDir: "." }
      const problem = yield* Effect.promise(() =>
        esbuild.build({ stdin, bundle: true, write: false, logLevel: "silent" }).then(() => "none", String)
      )
      assert.include(problem, `Could not resolve "node:fs"`)
    }))
})
