/** The servers of the guides to try things at, started as a reader starts them, and what the README shows of the commands. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import { createServer } from "node:http"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { blocksOfPage } from "../../scripts/docsBlocks.ts"
import { startChild, temporaryDirectory } from "../support/childPrograms.ts"
import { runCommand } from "../support/commandLine.ts"

const root = fileURLToPath(new URL("../../", import.meta.url))

const pageOf = (path: string): string => Fs.readFileSync(Path.join(root, path), "utf8")

/** The program of a page in which something stands. */
const programOf = (page: string, what: string): string =>
  blocksOfPage(page, pageOf(page)).find(({ code }) => code.includes(what))?.code ?? assert.fail(`no ${what} in ${page}`)

/** Where the guides' programs find what they import. */
const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(root, "examples/.docs-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

const freePort = Effect.promise(() =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" ? address?.port ?? 0 : 0))
    })
  })
)

const started = Effect.fnUntraced(function*(page: string, what: string) {
  const port = yield* freePort
  const place = yield* folder
  Fs.writeFileSync(Path.join(place, ".gitignore"), "*\n")
  const file = Path.join(place, "server.ts")
  Fs.writeFileSync(file, programOf(page, what).replaceAll("3000", String(port)))
  const child = yield* startChild(Path.relative(Path.join(root, "test/support"), file), [])
  const issuer = `http://127.0.0.1:${port}`
  assert.include(yield* child.line, issuer)
  return { issuer, place }
})

/** A line of a shell, as a list: quotes are taken away, and so is the file that the output goes to. */
const wordsOf = (line: string): ReadonlyArray<string> =>
  Array.from(line.replace(/ > \S+$/, "").matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, bare]) => quoted ?? bare ?? "")

describe("the server of the guide to Node", () => {
  it.live(
    "takes the first program of the guide, and every command of the README",
    () =>
      Effect.gen(function*() {
        const { issuer, place } = yield* started("docs/guides/get-started-node.md", "oidc-provider")
        const program = Path.join(place, "program.ts")
        Fs.writeFileSync(
          program,
          programOf("docs/guides/get-started-node.md", "AuthorizationServer.discover").replaceAll(
            "https://op.example.com",
            issuer
          )
        )
        const first = yield* startChild(Path.relative(Path.join(root, "test/support"), program), [])
        assert.match(yield* first.line, new RegExp(`^registered at ${issuer} as `))
        assert.strictEqual(yield* first.line, "the secret is <redacted:client_secret>")

        const home = yield* temporaryDirectory
        const lines = pageOf("README.md").split("\n").filter((line) => line.startsWith("npx effect-dcr "))
        assert.isAtLeast(lines.length, 5)
        for (const line of lines) {
          const [, , ...args] = wordsOf(line.replaceAll("https://op.example.com", issuer))
          const { code, stderr } = yield* runCommand(args, { cwd: home, env: { XDG_DATA_HOME: home } })
          assert.deepStrictEqual({ line, code, stderr }, { line, code: 0, stderr: "" })
        }
      }),
    60_000
  )
})

describe("the server of the guide to browsers", () => {
  it.live(
    "sends every header that the guide asks for",
    () =>
      Effect.gen(function*() {
        const { issuer } = yield* started("docs/guides/get-started-browser.md", "TestAuthorizationServer")
        const ask = (path: string, init: RequestInit) => Effect.promise(() => fetch(`${issuer}${path}`, init))
        const origin = "https://app.example.com"
        const metadata = yield* ask("/.well-known/oauth-authorization-server", { headers: { origin } })
        assert.strictEqual(metadata.headers.get("access-control-allow-origin"), "*")
        const refused = yield* ask("/register", { method: "POST", headers: { origin }, body: "none" })
        assert.isFalse(refused.ok)
        assert.strictEqual(refused.headers.get("access-control-allow-origin"), "*")
        const exposed = refused.headers.get("access-control-expose-headers")?.toLowerCase() ?? ""
        for (const name of ["dpop-nonce", "www-authenticate", "retry-after"]) assert.include(exposed, name)
        const preflight = yield* ask("/register", {
          method: "OPTIONS",
          headers: {
            origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,dpop"
          }
        })
        assert.include([200, 204], preflight.status)
        assert.include(preflight.headers.get("access-control-allow-methods"), "POST")
        const allowed = preflight.headers.get("access-control-allow-headers")?.toLowerCase() ?? ""
        for (const name of ["content-type", "authorization", "dpop"]) assert.include(allowed, name)
      }),
    60_000
  )
})
