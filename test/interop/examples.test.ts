/** The programs of `examples/` before real servers. */
import { assert, describe, it } from "@effect/vitest"
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js"
import { mcpAuthRouter } from "@modelcontextprotocol/sdk/server/auth/router.js"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js"
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js"
import { ConfigProvider, Console, Effect } from "effect"
import express from "express"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { program as mcpHost } from "../../examples/mcp-host.ts"
import { Clients, layer as clientsLayer, program as multiTenant } from "../../examples/multi-tenant.ts"
import { program as solidClient } from "../../examples/solid-client.ts"
import { temporaryDirectory } from "../support/childPrograms.ts"
import { runAlone, runHere } from "../support/examples.ts"
import { browse, loginProvider } from "../support/loginProvider.ts"
import { inMemory } from "../support/mcpRouter.ts"
import { httpServer, tcpServer } from "../support/nodeServers.ts"

// The tests of an application, which are an example themselves.
import "../../examples/testing/connect.test.ts"

/** An MCP server with one tool, which asks for a token of the SDK's own authorization router. */
const mcpServer = Effect.gen(function*() {
  const app = express()
  const { origin } = yield* httpServer(app)
  const resource = new URL("/mcp", origin)
  const provider = inMemory()
  const requests: Array<string> = []
  app.use((request, _response, next) => {
    requests.push(`${request.method} ${request.path}`)
    next()
  })
  app.use(mcpAuthRouter({ provider, issuerUrl: new URL(origin), resourceServerUrl: resource }))
  app.all("/mcp", requireBearerAuth({ verifier: provider }), express.json(), async (request, response) => {
    const server = new McpServer({ name: "a server", version: "1.0.0" })
    server.registerTool("tell_time", {}, () => ({ content: [] }))
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
    await server.connect(transport)
    await transport.handleRequest(request, response, request.body)
  })
  return { resource: resource.href, requests }
})

/** A port that was free a moment ago. */
const freePort = Effect.scoped(Effect.map(tcpServer(), ({ port }) => port))

describe("mcp-host", () => {
  it.live("finds the authorization server, registers once, logs in, and lists the tools", () =>
    Effect.gen(function*() {
      const server = yield* mcpServer
      const config = {
        MCP_SERVER: server.resource,
        STORE: Path.join(yield* temporaryDirectory, "store"),
        PORT: `${yield* freePort}`
      }
      const first = yield* runHere(mcpHost, config)
      assert.strictEqual(first.at(-1), "Tools: tell_time")
      const second = yield* runHere(mcpHost, config)
      assert.deepStrictEqual([second[0], second.at(-1)], [first[0], "Tools: tell_time"])
      assert.lengthOf(server.requests.filter((request) => request === "POST /register"), 1)
    }))

  it.live("as a person starts it", () =>
    Effect.gen(function*() {
      const server = yield* mcpServer
      const { code, stderr, stdout } = yield* runAlone("mcp-host.ts", {
        MCP_SERVER: server.resource,
        STORE: Path.join(yield* temporaryDirectory, "store"),
        PORT: `${yield* freePort}`
      })
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.match(stdout, /^Registered as \S+\nLog in at \S+\nTools: tell_time\n$/)
    }))
})

describe("multi-tenant", () => {
  const configFor = (issuer: string, directory: string) => ({
    ALLOW_LOOPBACK: "true",
    TENANTS: `acme=${issuer} globex=${issuer}`,
    STORE: Path.join(directory, "store"),
    REGISTRATION_KEY: randomBytes(32).toString("base64")
  })
  const clientsOf = (lines: ReadonlyArray<string>) => lines.filter((line) => / is \S+$/.test(line)).sort()

  it.live("one client for each tenant, the same ones at the next start, nothing in the clear", () =>
    Effect.gen(function*() {
      const op = yield* loginProvider()
      const directory = yield* temporaryDirectory
      const config = configFor(op.issuer, directory)
      const first = yield* runHere(multiTenant, config)
      assert.lengthOf(op.created, 2)
      const clients = clientsOf(first)
      assert.deepStrictEqual(clients.map((line) => line.split(" ")[0]), ["acme", "globex"])
      assert.sameMembers(clients.map((line) => line.split(" ")[2]), [...op.created])

      assert.deepStrictEqual(clientsOf(yield* runHere(multiTenant, config)), clients)
      assert.lengthOf(op.created, 2)

      const secrets = yield* Effect.promise(() =>
        Promise.all(op.created.map(async (id) => (await op.provider.Client.find(id))?.clientSecret ?? "no secret"))
      )
      const files = Fs.readdirSync(directory, { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
      assert.isAtLeast(files.length, 2)
      for (const file of files) {
        const text = Fs.readFileSync(Path.join(file.parentPath, file.name), "utf8")
        assert.isFalse(secrets.some((secret) => text.includes(secret)), file.name)
      }
    }))

  it.live("a client that the server has forgotten is replaced, once", () =>
    Effect.gen(function*() {
      const op = yield* loginProvider()
      const config = configFor(op.issuer, yield* temporaryDirectory)
      yield* Effect.gen(function*() {
        const { of, rejected } = yield* Clients
        const first = yield* of("acme", op.issuer)
        assert.deepStrictEqual(
          yield* Effect.all([rejected("acme", first), rejected("acme", first)], { concurrency: 2 }).pipe(
            Effect.andThen(Effect.all([of("acme", op.issuer), of("acme", op.issuer)], { concurrency: 2 })),
            Effect.map((clients) => clients.map(({ information }) => information.client_id === op.created[1]))
          ),
          [true, true]
        )
        assert.lengthOf(op.created, 2)
        assert.isFalse(yield* rejected("acme", first))
      }).pipe(
        Effect.provide(clientsLayer),
        Effect.provideService(Console.Console, { ...globalThis.console, log: () => {} }),
        Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(config)))
      )
    }))

  it.live("customers cannot name an address of the own network", () =>
    Effect.gen(function*() {
      const op = yield* loginProvider()
      const config = { ...configFor(op.issuer, yield* temporaryDirectory), ALLOW_LOOPBACK: "false" }
      const error = yield* Effect.flip(runHere(multiTenant, config))
      assert.strictEqual(error._tag === "RegistrationError" ? error.reason._tag : error._tag, "EndpointRefused")
      assert.lengthOf(op.arrived, 0)
    }))

  it.live("as a person starts it", () =>
    Effect.gen(function*() {
      const op = yield* loginProvider()
      const { code, stderr, stdout } = yield* runAlone(
        "multi-tenant.ts",
        configFor(op.issuer, yield* temporaryDirectory)
      )
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.lengthOf(clientsOf(stdout.trim().split("\n")), 2)
    }))
})

describe("solid-client", () => {
  for (const requireNonce of [false, true]) {
    it.live(`reads a resource with a bound token${requireNonce ? ", where nonces are demanded" : ""}`, () =>
      Effect.gen(function*() {
        const op = yield* loginProvider({ requireNonce, scopes: ["openid", "webid", "offline_access"] })
        const KEY_FILE = Path.join(yield* temporaryDirectory, "dpop.pem")
        const config = { ISSUER: op.issuer, RESOURCE: `${op.issuer}/me`, KEY_FILE }
        assert.strictEqual((yield* runHere(solidClient, config)).at(-1), `200 {"sub":"a-user"}`)
        const read = op.arrived.filter(({ path }) => path === "/me").at(-1)
        assert.match(read?.headers.authorization ?? "", /^DPoP /)
        assert.strictEqual(Fs.statSync(KEY_FILE).mode & 0o777, 0o600)

        // The next start signs with the same key.
        const key = Fs.readFileSync(KEY_FILE, "utf8")
        const keyIn = (proof: unknown) => String(proof).split(".")[0]
        yield* runHere(solidClient, config)
        assert.strictEqual(Fs.readFileSync(KEY_FILE, "utf8"), key)
        assert.strictEqual(
          keyIn(op.arrived.filter(({ path }) => path === "/me").at(-1)?.headers["dpop"]),
          keyIn(read?.headers["dpop"])
        )
      }))
  }

  it.live("as a person starts it", () =>
    Effect.gen(function*() {
      const op = yield* loginProvider({ scopes: ["openid", "webid", "offline_access"] })
      const { code, stderr, stdout } = yield* runAlone("solid-client.ts", {
        ISSUER: op.issuer,
        RESOURCE: `${op.issuer}/me`,
        KEY_FILE: Path.join(yield* temporaryDirectory, "dpop.pem")
      })
      assert.deepStrictEqual([code, stderr], [0, ""])
      assert.match(stdout, /^Log in at \S+\n200 \{"sub":"a-user"\}\n$/)
    }))
})

describe("examples", () => {
  it("each program of the folder is run by a test", () => {
    const folder = new URL("../../examples/", import.meta.url)
    const isProgram = (path: string) => Fs.readFileSync(new URL(path, folder), "utf8").includes("import.meta.main")
    const programs = Fs.globSync("{*,!(node_modules)/**/*}.ts", { cwd: folder }).filter(isProgram)
    const tests = ["examples", "onward", "../browser/webPage.chromium"].map((name) =>
      Fs.readFileSync(new URL(`${name}.test.ts`, import.meta.url), "utf8")
    ).join()
    assert.isAtLeast(programs.length, 9)
    for (const program of programs) {
      assert.include(tests, `examples/${program}`)
      assert.include(tests, `"${Path.basename(program, ".ts")}`)
    }
  })
})

describe("the browser of these tests", () => {
  it.live("fails on a page that fails", () =>
    Effect.gen(function*() {
      const { origin } = yield* httpServer((_, response) => response.writeHead(400).end("no"))
      const error = yield* Effect.flip(Effect.tryPromise({ try: () => browse(origin), catch: String }))
      assert.include(error, "400 no")
    }))
})
