/** The main job, as a person runs it: a process of its own, with what it prints and how it ends. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { authorizationServer } from "../../examples/support/authorizationServer.ts"
import { outputs } from "../support/bundles.ts"
import { eventually, httpServer, tcpServer } from "../support/nodeServers.ts"
import { oidcProvider } from "../support/oidcProvider.ts"

const entry = fileURLToPath(new URL("../../examples/start.ts", import.meta.url))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const launch = (args: ReadonlyArray<string>, cwd?: string, program = entry) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [program, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] })
      let stdout = ""
      let stderr = ""
      child.stdout.on("data", (chunk: Buffer) => stdout += chunk.toString())
      child.stderr.on("data", (chunk: Buffer) => stderr += chunk.toString())
      const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })))
      return { child, ended: Effect.promise(() => ended) }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

const start = (args: ReadonlyArray<string>, cwd?: string, program?: string): Effect.Effect<Ended> =>
  Effect.scoped(Effect.flatMap(launch(args, cwd, program), ({ ended }) => ended))

/** One sentence on standard error, nothing on standard output, a non-zero exit code, no stack trace. */
const assertComplaint = ({ code, stderr, stdout }: Ended, sentence: RegExp) => {
  assert.match(stderr, sentence)
  assert.match(stderr, /^error: [^\n]+\n$/, "one line")
  assert.notMatch(stderr, /\bat .*:\d+:\d+/, "no stack trace")
  assert.notInclude(stderr, "\u001b", "no colours")
  assert.strictEqual(stdout, "")
  assert.strictEqual(code, 1)
}

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "start-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

const refusesConnections = (url: string): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const { hostname, port } = new URL(url)
    const socket = Net.connect(Number(port), hostname)
    const end = (isRefused: boolean) => {
      socket.destroy()
      resume(Effect.succeed(isRefused))
    }
    socket.once("connect", () => end(false)).once("error", () => end(true))
  })

const property = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce(
    (value, name) => typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined,
    value
  )

describe("npm start", () => {
  it.live("registers at a server that it starts itself, and ends it", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* start([])
      assert.strictEqual(stderr, "")
      const readme = Fs.readFileSync(new URL("../../README.md", import.meta.url), "utf8")
      const [, shown = assert.fail("the README shows nothing")] =
        /The first one prints\n\n```text\n([^]*?)```/.exec(readme) ?? []
      const alike = (text: string) => text.replaceAll(/127\.0\.0\.1:\d+/g, "HOST").replaceAll(/[\w-]{43}/g, "CLIENT")
      assert.isTrue(alike(stdout).startsWith(alike(shown)), stdout)
      assert.strictEqual(code, 0)
      assert.notInclude(stdout, "\u001b")
      for (
        const line of [
          /^Registered\.$/m,
          /^ {2}issuer +http:\/\/127\.0\.0\.1:\d+$/m,
          /^ {2}found at +http:\/\/127\.0\.0\.1:\d+\/\.well-known\/oauth-authorization-server$/m,
          /^ {2}registers at +http:\/\/127\.0\.0\.1:\d+\/reg$/m,
          /^ {2}client_name +My first client$/m,
          /^ {2}redirect_uris +https:\/\/app\.example\.com\/cb$/m,
          /^ {2}client_id +[\w-]{20,}$/m,
          /^ {2}client_secret +\*{8}$/m,
          /^ {2}secret expires +never$/m,
          /^ {2}with the token +\*{8}$/m,
          /^ {2}\+ token_endpoint_auth_method +client_secret_basic$/m,
          /^Departures from the specifications\n {2}none$/m
        ]
      ) assert.match(stdout, line)
      const issuer = /issuer +(\S+)/.exec(stdout)?.[1] ?? ""
      assert.isTrue(yield* refusesConnections(issuer), "the server has ended")
    }))

  it.live("registers at any server, with flags, a metadata file, a token and a proof", () =>
    Effect.gen(function*() {
      const token = "initial-access-token-5e3c"
      const op = yield* oidcProvider({
        features: { registration: { enabled: true, initialAccessToken: token }, dPoP: { enabled: true } }
      })
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, "token"), `${token}\n`)
      Fs.writeFileSync(
        Path.join(cwd, "metadata.json"),
        JSON.stringify({
          client_name: "of the file",
          redirect_uris: ["https://file.example.com/cb"],
          "client_name#de": "Datei"
        })
      )
      const args = [
        "--issuer",
        op.issuer,
        "--metadata",
        "metadata.json",
        "--initial-access-token-file",
        "token",
        "--dpop"
      ]
      const uris = ["--redirect-uri", "https://a.example.com/cb", "--redirect-uri=https://b.example.com/cb"]
      const { code, stderr, stdout } = yield* start([...args, ...uris, "--client-name", "of the flag", "--json"], cwd)
      assert.strictEqual(stderr, "")
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(op.created.length, 1)
      const report: unknown = JSON.parse(stdout)
      assert.deepStrictEqual(property(report, "server"), {
        issuer: op.issuer,
        metadata_url: `${op.issuer}/.well-known/oauth-authorization-server`,
        registration_endpoint: `${op.issuer}/reg`,
        embedded: false
      })
      assert.deepStrictEqual(property(report, "requested"), {
        client_name: "of the flag",
        redirect_uris: ["https://a.example.com/cb", "https://b.example.com/cb"],
        "client_name#de": "Datei"
      })
      assert.strictEqual(property(report, "granted", "client_id"), op.created[0])
      assert.strictEqual(property(report, "granted", "client_secret"), "<redacted:client_secret>")
      assert.match(String(property(report, "dpop_key_thumbprint")), /^[\w-]{43}$/)
      const post = op.arrived.find(({ method }) => method === "POST")
      assert.strictEqual(post?.headers.authorization, `Bearer ${token}`)
      assert.match(String(post?.headers["dpop"]), /^ey/)
      assert.notInclude(stdout, token)
    }))

  it.live("shows what the server changed, dropped and got wrong, and no secret of any kind", () =>
    Effect.gen(function*() {
      const { origin } = yield* httpServer((request, response) => {
        const issuer = `http://${request.headers.host ?? ""}`
        request.resume()
        response.writeHead(200, { "content-type": "application/json" }).end(
          JSON.stringify(
            request.method === "POST"
              ? {
                client_id: "id\u001b[2J",
                client_secret: "s3cret-value",
                client_secret_expires_at: Math.floor(Date.now() / 1000) + 30 * 86_400 + 60,
                redirect_uris: ["https://app.example.com/cb"],
                client_name: "another name",
                contacts: null,
                vendor_secret: "v3ndor-value"
              }
              : { issuer, registration_endpoint: `${issuer}/register` }
          )
        )
      })
      const cwd = yield* folder
      Fs.writeFileSync(Path.join(cwd, "m.json"), JSON.stringify({ scope: "openid", contacts: ["a@example.com"] }))
      const args = ["--issuer", origin, "--metadata", "m.json", "--redirect-uri", "https://app.example.com/cb"]
      const { code, stdout } = yield* start([...args, "--client-name", "my name"], cwd)
      assert.strictEqual(code, 0)
      for (
        const line of [
          /^ {2}client_id +id\\u\{1b\}\[2J$/m,
          /^ {2}secret expires +\d{4}-\S+ {2}\(in 30 days\)$/m,
          /^ {2}~ client_name +another name {2}\(asked: my name\)$/m,
          /^ {2}- scope +not registered {2}\(asked: openid\)$/m,
          /^ {2}\+ vendor_secret +<extension>$/m,
          /^ {2}The status is 200 instead of 201 \(RFC 7591 §3\.2\.1\)$/m,
          /^ {2}contacts is null.*\(RFC 7591 §3\.2\.1\)$/m
        ]
      ) assert.match(stdout, line)
      const json = yield* start([...args, "--json"], cwd)
      for (const output of [stdout, json.stdout]) {
        assert.notInclude(output, "s3cret-value")
        assert.notInclude(output, "v3ndor-value")
      }
    }))

  it.live("prints nothing of a server that a terminal would obey, and says it all to programs", () =>
    Effect.gen(function*() {
      const evil = "\u001b[2J\u007f\u009b2J\u202e\u2028\u{e0041}"
      const { origin } = yield* httpServer((request, response) => {
        const issuer = `http://${request.headers.host ?? ""}`
        const managed = { registration_client_uri: `${issuer}/m${evil}`, registration_access_token: "t" }
        request.resume()
        response.writeHead(request.method === "POST" ? 201 : 200, { "content-type": "application/json" }).end(
          JSON.stringify(
            request.method === "POST"
              ? { client_id: `id${evil}`, client_name: `name${evil}`, [`member${evil}`]: 1, ...managed }
              : { issuer, registration_endpoint: `${issuer}/register${evil}` }
          )
        )
      })
      const args = ["--issuer", origin, "--redirect-uri", "https://app.example.com/cb", "--client-name", "mine"]
      const [text, json] = yield* Effect.all([start(args), start([...args, "--json"])])
      for (const { code, stderr, stdout } of [text, json]) {
        assert.strictEqual(stderr, "")
        assert.strictEqual(code, 0)
        assert.notMatch(stdout, /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      }
      assert.match(text.stdout, /^ {2}registers at +http:\S+\/register\\u\{1b\}\[2J\\u\{7f\}\\u\{9b\}2J/m)
      const report: unknown = JSON.parse(json.stdout)
      assert.strictEqual(property(report, "server", "registration_endpoint"), `${origin}/register${evil}`)
      assert.strictEqual(property(report, "granted", "client_name"), `name${evil}`)
    }))

  it.live("says in one sentence what is wrong", () =>
    Effect.gen(function*() {
      const cwd = yield* folder
      const write = (name: string, text: string) => Fs.writeFileSync(Path.join(cwd, name), text)
      write("text", "nope")
      write("list.json", "[]")
      write("type.json", JSON.stringify({ redirect_uris: "https://app.example.com/cb" }))
      write("rules.json", JSON.stringify({ jwks: { keys: [] }, jwks_uri: "https://app.example.com/jwks" }))
      write("empty", "\n")
      const noEndpoint = yield* httpServer((request, response) =>
        response.end(JSON.stringify({ issuer: `http://${request.headers.host ?? ""}` }))
      )
      const nothing = yield* httpServer((_, response) => response.writeHead(404).end("<h1>no</h1>"))
      const wantsToken = yield* oidcProvider({ features: { registration: { enabled: true, initialAccessToken: "t" } } })
      const closed = yield* Effect.scoped(Effect.map(tcpServer(), ({ origin }) => origin))
      const uri = ["--redirect-uri", "https://app.example.com/cb"]
      const cases: ReadonlyArray<readonly [args: ReadonlyArray<string>, sentence: RegExp]> = [
        [["--issuer", "https://does-not-exist.invalid", ...uri], /host name not found/],
        [["--issuer", closed, ...uri], /connection refused/],
        [["--issuer", "http://op.example.com", ...uri], /plain http is for loopback addresses only, https is required/],
        [["--issuer", "op.example.com", ...uri], /not an absolute https URL, such as https:\/\/op\.example\.com/],
        [["--issuer", nothing.origin, ...uri], /No authorization server metadata found for .*status 404/],
        [["--issuer", noEndpoint.origin, ...uri], /does not offer dynamic registration/],
        [["--issuer", wantsToken.issuer, ...uri], /did not accept the credentials|status 40[01]/],
        [["--issuer", noEndpoint.origin], /redirect_uris/],
        [["--metadata", "missing.json"], /The file missing\.json does not exist/],
        [["--metadata", "."], /The file \. cannot be read/],
        [["--metadata", "text"], /The file text is not JSON/],
        [["--metadata", "list.json"], /The file list\.json has no JSON object in it/],
        [["--metadata", "type.json"], /type\.json is not client metadata: .*redirect_uris/],
        [["--initial-access-token-file", "none"], /The file none does not exist/],
        [["--initial-access-token-file", "empty"], /The file empty is empty/],
        [["--nope"], /Unrecognized flag: --nope/],
        [["surplus"], /Unexpected positional argument/],
        [["--issuer"], /Missing value for flag --issuer/]
      ]
      // For these it starts a server, whose program is beside its source.
      const withServer: typeof cases = [
        [["--metadata", "rules.json"], /jwks and jwks_uri exclude each other \(RFC 7591 §2/],
        [["--redirect-uri", "javascript:alert(1)"], /redirect_uris\[0\]/]
      ]
      for (const [args, sentence] of cases) assertComplaint(yield* start(args, cwd, outputs.start), sentence)
      for (const [args, sentence] of withServer) assertComplaint(yield* start(args, cwd), sentence)
    }), 60_000)

  it.live("ends on Ctrl-C, although the server never answers", () =>
    Effect.gen(function*() {
      const silent = yield* tcpServer()
      const { child, ended } = yield* launch([
        "--issuer",
        silent.origin,
        "--redirect-uri",
        "https://app.example.com/cb"
      ])
      yield* eventually(() => silent.bytes() > 0, "the request arrived", 15_000)
      child.kill("SIGINT")
      const { code, stderr, stdout } = yield* ended
      assert.strictEqual(code, 130)
      assert.strictEqual(stdout + stderr, "")
      yield* eventually(() => silent.open() === 0, "the connection is closed")
    }))
})

describe("the server that npm start starts", () => {
  it.live("ends with its scope", () =>
    Effect.gen(function*() {
      const issuer = yield* Effect.scoped(Effect.tap(authorizationServer, (issuer) =>
        Effect.map(refusesConnections(issuer), (isRefused) =>
          assert.isFalse(isRefused))))
      assert.isTrue(yield* refusesConnections(issuer))
    }))

  it.live("ends with its parent, even when that is killed", () =>
    Effect.gen(function*() {
      const server = JSON.stringify(new URL("../../examples/support/authorizationServer.ts", import.meta.url))
      const program = `
        import { authorizationServer } from ${server}
        import { Effect } from ${JSON.stringify(import.meta.resolve("effect"))}
        Effect.runFork(Effect.scoped(Effect.andThen(Effect.tap(authorizationServer, (issuer) => Effect.sync(() => console.log(issuer))), Effect.never)))
      `
      const parent = spawn(process.execPath, ["--input-type=module", "--eval", program], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      const issuer = yield* Effect.promise(() =>
        new Promise<string>((resolve) =>
          parent.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()))
        )
      )
      assert.isFalse(yield* refusesConnections(issuer))
      parent.kill("SIGKILL")
      let isGone = false
      for (let attempt = 0; attempt < 100 && !isGone; attempt++) {
        yield* Effect.sleep(50)
        isGone = yield* refusesConnections(issuer)
      }
      assert.isTrue(isGone)
    }))
})
