/** The command line against authorization servers that are not ours. */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { exitCodes } from "../../packages/platform-node/src/bin/failure.ts"
import { type Ended, runCommand, startCommand, withStore } from "../support/commandLine.ts"
import { mcpRouter } from "../support/mcpRouter.ts"
import { eventually, httpServer } from "../support/nodeServers.ts"
import { oidcProvider } from "../support/oidcProvider.ts"

const managed = oidcProvider({
  features: { registrationManagement: { enabled: true, rotateRegistrationAccessToken: true } }
})

const redirect = ["--redirect-uri", "https://app.example.com/cb"]

/** Expects a command to have succeeded without a word on standard error. */
const assertDone = ({ code, stderr, stdout }: Ended): string => {
  assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" }, stdout)
  return stdout
}

const Registration = Schema.Struct({
  isNew: Schema.optionalKey(Schema.Boolean),
  outcome: Schema.optionalKey(Schema.String),
  profile: Schema.String,
  information: Schema.Struct({
    client_id: Schema.String,
    client_name: Schema.optionalKey(Schema.String),
    client_secret: Schema.optionalKey(Schema.String),
    registration_access_token: Schema.optionalKey(Schema.String)
  }),
  requested: Schema.Record(Schema.String, Schema.Unknown)
})

const registrationOf = (ended: Ended) => Schema.decodeSync(Schema.fromJsonString(Registration))(assertDone(ended))

const Failure = Schema.Struct({
  error: Schema.Struct({ reason: Schema.Struct({ _tag: Schema.String }) }),
  message: Schema.String,
  next: Schema.String,
  exitCode: Schema.Int
})

/** Expects a command to have failed so, with the failure as JSON on standard error and nothing on standard output. */
const assertFailure = ({ code, stderr, stdout }: Ended, tag: string, exitCode: number) => {
  assert.strictEqual(stdout, "")
  const failure = Schema.decodeSync(Schema.fromJsonString(Failure))(stderr)
  assert.deepStrictEqual([failure.error.reason._tag, failure.exitCode, code], [tag, exitCode, exitCode])
  return failure
}

const Manifest = Schema.fromJsonString(Schema.Struct({ engines: Schema.Struct({ node: Schema.String }) }))

/** What a person is told of a failure: its first line and what to do next. */
const told = ({ code, stderr }: Ended, exitCode: number) => {
  assert.strictEqual(code, exitCode, stderr)
  return stderr
}

describe("the program", () => {
  it.effect("says which Node it needs, on an older one", () =>
    Effect.gen(function*() {
      const { engines } = yield* Schema.decodeUnknownEffect(Manifest)(
        Fs.readFileSync(new URL("../../packages/platform-node/package.json", import.meta.url), "utf8")
      )
      const needed = /^>=(\d+\.\d+)\.0$/.exec(engines.node)?.[1] ?? assert.fail(engines.node)
      const pretending = (version: string) => {
        const versions = `{ value: { ...process.versions, node: ${JSON.stringify(version)} } }`
        return `--import=data:text/javascript,${
          encodeURIComponent(`Object.defineProperty(process, "versions", ${versions})`)
        }`
      }
      const [major = 0, minor = 0] = needed.split(".").map(Number)
      for (const version of ["20.19.1", `${major}.${minor - 1}.0`]) {
        const { code, stderr, stdout } = yield* runCommand(["--version"], {
          env: { NODE_OPTIONS: pretending(version) }
        })
        assert.deepStrictEqual({ code, stdout }, { code: 1, stdout: "" })
        assert.include(stderr, `needs Node ${needed} or later, and this is Node ${version}`)
      }
      const ended = yield* runCommand(["--version"], { env: { NODE_OPTIONS: pretending(`${needed}.0`) } })
      assert.match(assertDone(ended), /^effect-dcr v/)
    }))
})

describe("effect-dcr", () => {
  it.effect(
    "registers once, lists, changes, rotates, and deletes, with every secret masked",
    () =>
      Effect.gen(function*() {
        const { arrived, created, issuer } = yield* managed
        const { run } = yield* withStore()
        const outputs: Array<string> = []
        const done = (args: ReadonlyArray<string>) =>
          Effect.map(run(args), (ended) => {
            const stdout = assertDone(ended)
            outputs.push(stdout)
            return stdout
          })

        assert.match(yield* done(["discover", issuer]), new RegExp(`registration +${issuer}/reg`))
        const registered = yield* done(["register", issuer, ...redirect, "--name", "My app"])
        assert.match(registered, /^registered /)
        assert.match(registered, /client_name +My app\n/)
        assert.include(registered, "the server filled in")
        const [clientId = ""] = created
        assert.include(registered, clientId)
        assert.match(
          yield* done(["register", issuer, ...redirect, "--name", "My app"]),
          /^kept as it is .*\n\n +There was nothing to change, and nothing was sent\.\n/
        )
        assert.lengthOf(created, 1)

        const before = registrationOf(yield* run(["show", issuer, "--json", "--reveal"])).information
        assert.match(yield* done(["list"]), new RegExp(`${issuer} +default +${clientId}`))
        const updated = yield* done(["update", issuer, "--name", "Other"])
        assert.match(updated, /^updated /)
        assert.match(updated, /client_name +Other\n/)
        assert.notInclude(updated, "the server filled in")
        const requests = arrived.length
        assert.match(yield* done(["update", issuer]), /^kept as it is /)
        assert.match(yield* done(["update", issuer, "--unset", "nothing_here"]), /^kept as it is /)
        assert.strictEqual(registrationOf(yield* run(["update", issuer, "--json"])).outcome, "kept")
        assert.lengthOf(arrived, requests)
        assert.match(yield* done(["rotate", issuer]), /^new management token .*\n\n +The secret is the same\.\n/)
        const after = registrationOf(yield* run(["show", issuer, "--remote", "--json", "--reveal"])).information
        assert.deepStrictEqual([after.client_id, after.client_name], [clientId, "Other"])
        assert.notStrictEqual(after.registration_access_token, before.registration_access_token)
        yield* done(["show", issuer])
        yield* done(["show", issuer, "--json"])

        const { message } = assertFailure(yield* run(["remove", issuer, "--json"]), "InvalidOptions", 2)
        assert.strictEqual(message, "--yes is needed: standard input or output is not a terminal")
        assert.match(yield* done(["remove", issuer, "--yes"]), /^deleted /)
        assertFailure(yield* run(["show", issuer, "--json"]), "InvalidOptions", 2)
        assert.match(yield* done(["list"]), /^Nothing is kept/)

        const secrets = [before, after].flatMap((information) =>
          [information.client_secret, information.registration_access_token].filter((secret) => secret !== undefined)
        )
        assert.lengthOf(secrets, 4)
        for (const secret of secrets) assert.notInclude(outputs.join("\n"), secret)
        // Without a terminal there is no colour.
        assert.notInclude(outputs.join("\n"), "\u001b")
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    60_000
  )

  it.effect(
    "keeps two profiles apart, and takes metadata from a file, standard input and flags",
    () =>
      Effect.gen(function*() {
        const { created, issuer } = yield* managed
        const { directory, run } = yield* withStore()
        const file = Path.join(directory, "client.json")
        Fs.writeFileSync(file, JSON.stringify({ redirect_uris: ["https://app.example.com/cb"], client_name: "File" }))
        const a = registrationOf(
          yield* run(["register", issuer, "--profile", "a", "--metadata", file, "--name", "Flag", "--json"])
        )
        const b = registrationOf(
          yield* run(
            [
              "register",
              issuer,
              "-p",
              "b",
              "--metadata",
              "-",
              "--set",
              "client_name=Set",
              "--set",
              "default_max_age=60",
              "--json"
            ],
            { stdin: Fs.readFileSync(file, "utf8") }
          )
        )
        assert.deepStrictEqual([a.profile, a.requested["client_name"]], ["a", "Flag"])
        assert.deepStrictEqual(
          [b.profile, b.requested["client_name"], b.requested["default_max_age"]],
          ["b", "Set", 60]
        )
        assert.deepStrictEqual([a.information.client_id, b.information.client_id], [...created])
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    60_000
  )

  it.effect(
    "takes an initial access token from the environment, a file or standard input, and shows it nowhere",
    () =>
      Effect.gen(function*() {
        const token = "canary-initial-access-token"
        const { issuer } = yield* oidcProvider({
          features: { registration: { enabled: true, initialAccessToken: token } }
        })
        const { directory, run } = yield* withStore()
        const file = Path.join(directory, "token")
        Fs.writeFileSync(file, `${token}\n`, { mode: 0o600 })
        const register = ["register", issuer, ...redirect, "--json"]
        const refused = yield* run(register)
        const missing = assertFailure(refused, "Unauthorized", 6)
        assert.include(missing.message, "an initial access token is needed (status 401")
        assert.include(missing.next, "--token-file")
        const wrong = assertFailure(
          yield* run([...register, "--token-file", "-"], { stdin: "another" }),
          "Unauthorized",
          6
        )
        assert.match(wrong.next, /^The token was refused/)
        const ends = [
          refused,
          yield* run([...register, "-p", "1"], { env: { EFFECT_DCR_INITIAL_ACCESS_TOKEN: token } }),
          yield* run([...register, "-p", "2", "--token-file", file]),
          yield* run([...register, "-p", "3", "--token-file", "-"], { stdin: token })
        ]
        for (const ended of ends.slice(1)) registrationOf(ended)
        assert.notInclude(JSON.stringify(ends), token)
        assertFailure(yield* run([...register, "--token-file", Path.join(directory, "none")]), "InvalidOptions", 2)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    60_000
  )

  it.effect("names what went wrong and what to do next, with an exit code for each kind", () =>
    Effect.gen(function*() {
      const { issuer } = yield* managed
      const { origin } = yield* httpServer((request, response) => {
        const to = request.url ?? ""
        if (to.includes("well-known")) {
          response.setHeader("content-type", "application/json")
          response.end(JSON.stringify({ issuer: origin, registration_endpoint: `${origin}/register` }))
          return
        }
        request.resume().on("end", () => request.socket.destroy())
      })
      const { run } = yield* withStore()
      assertFailure(yield* run(["register", issuer, "--redirect-uri", "nonsense", "--json"]), "InvalidMetadata", 3)
      assertFailure(yield* run(["discover", "http://op.example.com", "--json"]), "EndpointRefused", 4)
      assertFailure(yield* run(["discover", `${issuer}/none`, "--json"]), "DiscoveryFailed", 4)
      assertFailure(
        yield* run(["register", issuer, ...redirect, "--set", "subject_type=\"pairwise\"", "--json"]),
        "InvalidClientMetadata",
        5
      )
      assertFailure(yield* run(["discover", "http://127.0.0.1:1", "--json"]), "Transport", 7)
      assertFailure(yield* run(["discover", "https://op.invalid", "--json"]), "Transport", 7)
      assertFailure(yield* run(["register", origin, ...redirect, "--json"]), "OutcomeUnknown", 8)
      const store = yield* runCommand(["--store", "/dev/null/store", "list", "--json"])
      assert.include(assertFailure(store, "StoreFailed", 9).next, "(/dev/null/store)")

      assert.match(
        told(yield* run(["register", issuer, "--redirect-uri", "nonsense"]), 3),
        /^failed {2}the metadata breaks rules\n +redirect_uris\[0\] +.*RFC 6749.*\nnext /
      )
      assert.strictEqual((yield* run(["register"])).code, 2)
      assert.strictEqual((yield* run(["no-such-command"])).code, 2)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.effect("says that nothing is kept, and sends nothing", () =>
    Effect.gen(function*() {
      const { arrived, issuer } = yield* managed
      const { run } = yield* withStore()
      for (
        const args of [["remove", "--yes"], ["remove", "--forget", "--yes"], ["rotate"], ["show", "--remote"], [
          "update"
        ]]
      ) {
        const { message, next } = assertFailure(yield* run([...args, issuer, "--json"]), "InvalidOptions", 2)
        assert.strictEqual(message, `nothing is kept for ${issuer} (profile default)`)
        assert.include(next, "`effect-dcr list` shows what is kept")
      }
      assert.lengthOf(arrived, 0)
      registrationOf(yield* run(["register", issuer, ...redirect, "-p", "a", "--json"]))
      const messageOf = (args: ReadonlyArray<string>) =>
        Effect.map(run(args), (ended) => assertFailure(ended, "InvalidOptions", 2).message)
      assert.strictEqual(
        yield* messageOf(["show", issuer, "--json"]),
        `nothing is kept for ${issuer} (profile default), but for profile a`
      )
      assert.strictEqual(
        yield* messageOf(["show", `${issuer}/`, "-p", "a", "--json"]),
        `nothing is kept for ${issuer}/ (profile a), but for ${issuer} (profile a)`
      )
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.effect("says what became of a registration: registered, kept, updated or replaced", () =>
    Effect.gen(function*() {
      const { issuer } = yield* managed
      const { run } = yield* withStore()
      const outcome = (args: ReadonlyArray<string>) =>
        Effect.map(run([...args, "--json"]), (ended) => registrationOf(ended).outcome)
      assert.strictEqual(yield* outcome(["register", issuer, ...redirect]), "registered")
      assert.strictEqual(yield* outcome(["register", issuer, ...redirect]), "kept")
      assert.strictEqual(yield* outcome(["register", issuer, ...redirect, "--name", "Other"]), "updated")
      // The MCP router has no management: what is asked anew is registered anew.
      const router = yield* mcpRouter()
      assert.strictEqual(yield* outcome(["register", router, ...redirect]), "registered")
      assert.strictEqual(yield* outcome(["register", router, ...redirect, "--name", "Other"]), "replaced")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.effect("names what was typed, and no option of the API", () =>
    Effect.gen(function*() {
      const { issuer } = yield* managed
      const { directory, run } = yield* withStore()
      for (
        const [name, text] of [["broken.json", "{ \"a\": 1,\n  }"], ["list.json", "[]"], ["junk.pem", "junk"]] as const
      ) {
        Fs.writeFileSync(Path.join(directory, name), text, { mode: 0o600 })
      }
      const register = ["register", issuer, ...redirect, "--json"]
      const messages: ReadonlyArray<readonly [args: ReadonlyArray<string>, message: RegExp]> = [
        [["--set", "foo"], /^--set foo: it is not of the form member=value$/],
        [["--set", "redirect_uris=1"], /^--set redirect_uris: /],
        [["--metadata", "none.json"], /^--metadata: none\.json does not exist$/],
        [["--metadata", "broken.json"], /^--metadata: broken\.json is not JSON \(line 2 column 3\)$/],
        [["--metadata", "list.json"], /^--metadata: list\.json holds JSON, but not an object$/],
        [["--token-file", "none"], /^--token-file: none does not exist$/],
        [["--token-file", "-"], /^--token-file: standard input is empty$/],
        [["--token-file", directory], /^--token-file: .* is not a file that can be read$/],
        [["--token-file", "-", "--metadata", "-"], /^--token-file: standard input is for --metadata already/],
        [["--dpop-key-file", "none.pem"], /^--dpop-key-file: none\.pem cannot be read \(ENOENT\)$/],
        [["--dpop-key-file", "junk.pem"], /^--dpop-key-file: junk\.pem: it is neither a JWK nor a private key/]
      ]
      for (const [args, message] of messages) {
        assert.match(assertFailure(yield* run([...register, ...args]), "InvalidOptions", 2).message, message)
      }
      // A text is one, also where it looks like a number.
      const named = registrationOf(yield* run([...register, "--set", "client_name=1"]))
      assert.strictEqual(named.requested["client_name"], "1")
      const misspelt = ["register", issuer, "--set", "redirect_urls=[\"https://app.example.com/cb\"]"]
      assert.match(
        told(yield* run(misspelt), 3),
        /\n +redirect_uris +.*\n +redirect_urls +.*redirect_uris meant.*\nnext +.*--redirect-uri/
      )
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.effect("knows how an issuer is spelled", () =>
    Effect.gen(function*() {
      const { issuer } = yield* managed
      const { run } = yield* withStore()
      const slash = told(yield* run(["discover", `${issuer}/`]), 4)
      assert.include(slash, `next    Spell the issuer as the server does: effect-dcr discover ${issuer}\n`)
      assert.notInclude(slash, "tolerateTrailingSlash")
      assert.include(
        told(yield* run(["discover", `${issuer}/.well-known/openid-configuration`]), 4),
        `next    Give the issuer, without /.well-known/...: effect-dcr discover ${issuer}\n`
      )
      assert.include(told(yield* run(["discover", "op.example.com"]), 4), "Did you mean https://op.example.com?")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.effect("lists by issuer and profile, and says where", () =>
    Effect.gen(function*() {
      const { issuer } = yield* managed
      const { directory, run } = yield* withStore()
      for (const profile of ["c", "a", "d", "b"]) {
        registrationOf(yield* run(["register", issuer, ...redirect, "-p", profile, "--json"]))
      }
      const text = assertDone(yield* run(["list"]))
      const profiles = [...text.matchAll(new RegExp(`^${issuer} +(\\w)`, "gm"))].map(([, profile]) => profile)
      assert.deepStrictEqual(profiles, ["a", "b", "c", "d"])
      assert.include(text, `\nkept in ${Path.join(directory, "store")}\n`)
      const { stdout } = yield* runCommand(["list"], { env: { XDG_DATA_HOME: directory } })
      const usual = Path.join(directory, "effect-dcr", "registrations")
      assert.include(stdout, `kept in ${usual}\n`)
      // It is the one that was opened.
      assert.isTrue(Fs.statSync(usual).isDirectory())
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.effect("tells wrong usage in two lines, and its exit codes in the help", () =>
    Effect.gen(function*() {
      for (
        const [args, first, next] of [
          [["register"], "Missing required argument: issuer", "effect-dcr register --help"],
          [
            ["regster"],
            "Unknown subcommand \"regster\" for \"effect-dcr\"; did you mean register?",
            "effect-dcr --help"
          ],
          [
            ["register", "x", "--token", "abc"],
            "Unrecognized flag: --token in command effect-dcr register",
            "Give the token with --token-file FILE or EFFECT_DCR_INITIAL_ACCESS_TOKEN: everybody on the machine can read " +
            "arguments."
          ],
          [
            ["list", "--token", "abc"],
            "Unrecognized flag: --token in command effect-dcr list",
            "effect-dcr list --help"
          ],
          [
            ["register", "x", "--timeout", "0"],
            "Invalid value for flag --timeout: \"0\". Expected a value greater than 0",
            "effect-dcr register --help"
          ],
          [
            ["register", "x", "--timeout", "soon"],
            "Invalid value for flag --timeout: \"soon\". Expected a number",
            "effect-dcr register --help"
          ]
        ] as const
      ) {
        assert.deepStrictEqual(yield* runCommand(args), {
          code: 2,
          stdout: "",
          stderr: `failed  ${first}\nnext    ${next}\n`
        })
      }
      const help = assertDone(yield* runCommand(["--help"]))
      const guide = Fs.readFileSync(new URL("../../docs/guides/command-line.md", import.meta.url), "utf8")
      for (const [code, what] of exitCodes) {
        assert.include(help, `\n  ${code}  ${what}\n`)
        assert.include(guide, `\n| ${code} | ${what} |`)
      }
      assert.isTrue(help.indexOf("\nCOMMANDS\n") < help.indexOf("\nEXAMPLES\n"))
      assert.isTrue(help.indexOf("\nEXAMPLES\n") < help.indexOf("\nEXIT CODES\n"))
      // These two explain themselves.
      const usual = ["--help", "--version"]
      for (const [flag] of assertDone(yield* runCommand(["register", "--help"])).matchAll(/--[a-z]+(-[a-z]+)*/g)) {
        if (!usual.includes(flag)) assert.include(guide, flag)
      }
    }).pipe(Effect.scoped), 60_000)

  it.effect("warns on standard error, where no script reads", () =>
    Effect.gen(function*() {
      const { issuer } = yield* managed
      const { directory, run } = yield* withStore()
      const file = Path.join(directory, "key.pem")
      const { privateKey } = Crypto.generateKeyPairSync("ec", { namedCurve: "P-256" })
      Fs.writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }))
      Fs.chmodSync(file, 0o644)
      const { code, stderr, stdout } = yield* run(["discover", issuer, "--dpop-key-file", file, "--json"])
      assert.strictEqual(code, 0)
      assert.isTrue(Schema.is(Schema.Struct({ url: Schema.String }))(JSON.parse(stdout)))
      assert.match(stderr, /^warning  others than its owner may access the private key/)
      const token = Path.join(directory, "token")
      Fs.writeFileSync(token, "an-initial-access-token")
      const register = ["register", issuer, ...redirect, "--json", "--token-file"]
      Fs.chmodSync(token, 0o640)
      assert.strictEqual(
        (yield* run([...register, token])).stderr,
        `warning  others than its owner may access the token in ${token}: chmod 600 mends it\n`
      )
      Fs.chmodSync(token, 0o600)
      assertDone(yield* run([...register, token]))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.effect("says that its output is lost, and keeps what it registered", () =>
    Effect.gen(function*() {
      const { issuer } = yield* managed
      const { directory } = yield* withStore()
      const full = Fs.openSync("/dev/full", "w")
      yield* Effect.addFinalizer(() => Effect.sync(() => Fs.closeSync(full)))
      const store = ["--store", Path.join(directory, "store")]
      for (const args of [["--help"], ["register", issuer, ...redirect, "--json", ...store]]) {
        const { code, stderr } = yield* runCommand(args, { stdout: full })
        assert.strictEqual(code, 1)
        assert.match(stderr, /^failed {2}standard output cannot be written \(ENOSPC\)\nnext .*`effect-dcr list`/)
      }
      assert.include(assertDone(yield* runCommand(["list", ...store])), issuer)
      // A failure has the exit code of its kind.
      assert.strictEqual((yield* runCommand(["show", issuer, "-p", "none", ...store], { stdout: full })).code, 2)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.live("waits for an answer at the first Ctrl-C, and for nothing at the second one", () =>
    Effect.gen(function*() {
      const { origin } = yield* httpServer((request, response) => {
        if (!(request.url ?? "").includes("well-known")) return
        response.setHeader("content-type", "application/json")
        response.end(JSON.stringify({ issuer: origin, registration_endpoint: `${origin}/register` }))
      })
      const { directory, run } = yield* withStore()
      const store = Path.join(directory, "store")
      const { child, ended } = yield* startCommand(["register", origin, ...redirect, "--store", store])
      yield* eventually(() => Fs.existsSync(Path.join(store, "keys")), "the intent", 30_000)
      yield* Effect.sleep("500 millis")
      // npm passes on the signal of a key that the program gets as well.
      child.kill("SIGINT")
      child.kill("SIGINT")
      yield* Effect.sleep("1 second")
      assert.isNull(child.exitCode)
      child.kill("SIGINT")
      // At once, and not at the deadline of the answer, which is far.
      assert.strictEqual((yield* Effect.timeout(ended, "10 seconds")).code, 130)
      assert.match(assertDone(yield* run(["list"])), /possibly orphaned|under way/)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.effect("shows the members of a vendor masked, in the same shape as with --reveal", () =>
    Effect.gen(function*() {
      const { origin } = yield* httpServer((request, response) => {
        response.setHeader("content-type", "application/json")
        response.setHeader("cache-control", "no-store")
        if ((request.url ?? "").includes("well-known")) {
          response.end(JSON.stringify({ issuer: origin, registration_endpoint: `${origin}/register` }))
          return
        }
        response.statusCode = 201
        response.end(JSON.stringify({ client_id: "c", redirect_uris: redirect.slice(1), vendor: "canary-of-a-vendor" }))
      })
      const { run } = yield* withStore()
      const register = yield* run(["register", origin, ...redirect, "--name", "My app", "--set", "vendor=mine"])
      assert.match(
        assertDone(register),
        /the server changed: ~ replaced, - dropped\n +~ vendor +•+ -> •+\n +- client_name +My app  \(left out\)\n/
      )
      const extensionsOf = (ended: Ended) =>
        Schema.decodeSync(Schema.fromJsonString(Schema.Struct({ extensions: Schema.Unknown })))(assertDone(ended))
          .extensions
      const masked = yield* run(["show", origin, "--json"])
      assert.deepStrictEqual(extensionsOf(masked), { vendor: "<redacted>" })
      assert.deepStrictEqual(extensionsOf(yield* run(["show", origin, "--json", "--reveal"])), {
        vendor: "canary-of-a-vendor"
      })
      for (const { stdout } of [register, masked]) assert.notInclude(stdout, "canary-of-a-vendor")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.effect(
    "is coloured where that is wanted, completes in a shell, and explains itself",
    () =>
      Effect.gen(function*() {
        const { run } = yield* withStore()
        assert.include(
          (yield* run(["discover", "http://op.example.com"], { env: { FORCE_COLOR: "1" } })).stderr,
          "\u001b[31m"
        )
        for (const shell of ["bash", "zsh", "fish"]) {
          const script = assertDone(yield* run(["--completions", shell]))
          for (const part of ["effect-dcr", "redirect-uri", "reveal", "store"]) assert.include(script, part)
          // A flag that is not in the help is none to propose.
          assert.notInclude(script, "no-yes")
        }
        const help = assertDone(yield* run(["register", "--help"]))
        for (const part of ["USAGE", "EXAMPLES", "--token-file", "(default: default)", "private_key_jwt"]) {
          assert.include(help, part)
        }
        assert.include(assertDone(yield* run(["update", "--help"])), "refuses this change")
        assert.include(assertDone(yield* run(["remove", "--help"])), "--forget --yes")
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    60_000
  )
})

const Report = Schema.Struct({
  chapters: Schema.Array(
    Schema.Struct({
      title: Schema.String,
      findings: Schema.Array(Schema.Struct({ verdict: Schema.String, what: Schema.String, seen: Schema.String }))
    })
  ),
  made: Schema.Array(Schema.Struct({ clientId: Schema.String, deleted: Schema.Boolean })),
  requests: Schema.Array(Schema.Unknown),
  summary: Schema.Struct({ good: Schema.Int, note: Schema.Int, bad: Schema.Int })
})

const decodeReport = Schema.decodeSync(Schema.fromJsonString(Report))

const reportOf = (ended: Ended) => decodeReport(assertDone(ended))

const seenIn = ({ chapters }: typeof Report.Type, title: string, what: string) =>
  chapters.find((chapter) => chapter.title === title)?.findings.find((finding) => finding.what === what)

describe("effect-dcr doctor", () => {
  it.effect("examines oidc-provider and deletes again what it made", () =>
    Effect.gen(function*() {
      const { arrived, created, issuer } = yield* managed
      const { run } = yield* withStore()
      const asked = yield* run(["doctor", issuer, "--json"])
      assertFailure(asked, "InvalidOptions", 2)
      assert.lengthOf(arrived, 0)
      const report = reportOf(yield* run(["doctor", issuer, "--yes", "--json"]))
      assert.deepStrictEqual(report.made, created.map((clientId) => ({ clientId, deleted: true })))
      assert.strictEqual(
        arrived.filter(({ method, status }) => method === "DELETE" && status() === 204).length,
        created.length
      )
      assert.lengthOf(report.requests, arrived.length)
      assert.strictEqual(seenIn(report, "Registration", "registration")?.verdict, "good")
      assert.strictEqual(seenIn(report, "Registration", "unknown members")?.seen, "ignored")
      assert.strictEqual(seenIn(report, "Management", "update")?.seen, "done, with a new token")
      assert.deepInclude(seenIn(report, "Management", "read with a wrong token"), {
        verdict: "good",
        seen: "401 invalid_token: invalid token provided"
      })
      assert.deepInclude(seenIn(report, "Registration", "registration"), {
        verdict: "good",
        seen: "201 a client was registered, without a token"
      })
      assert.match(
        seenIn(report, "Registration", "headers of the answer")?.seen ?? "",
        /^content-type: application\/json/
      )
      assert.deepInclude(report.summary, { bad: 0 })
      assert.match(seenIn(report, "Management", "read after the deletion")?.seen ?? "", /^401 invalid_token: /)
      assert.match(seenIn(report, "Browsers", "preflight")?.seen ?? "", /^404, and it allows no other origin/)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.effect("reports on the MCP router in Markdown, and says what it could not delete", () =>
    Effect.gen(function*() {
      const issuer = yield* mcpRouter()
      const { run } = yield* withStore()
      const markdown = assertDone(yield* run(["doctor", issuer, "--yes", "--markdown"]))
      assert.match(markdown, /^# Dynamic client registration at /)
      for (const title of ["Discovery", "Browsers", "Registration", "Refusals", "DPoP", "Management", "Rate limits"]) {
        assert.include(markdown, `\n## ${title}\n`)
      }
      assert.include(markdown, "could not be deleted")
      assert.include(markdown, "✘ departs from the specifications")
      assert.match(markdown, /: no departure from the specifications, \d+ to know, \d+ as specified\./)
      assertFailure(yield* run(["doctor", issuer, "--yes", "--markdown", "--json"]), "InvalidOptions", 2)
      assert.include(
        markdown,
        "| | what | rule | seen |\n| --- | --- | --- | --- |\n| ✔ | metadata of RFC 8414 | RFC 8414 §3 | "
      )
      const report = reportOf(yield* run(["doctor", issuer, "--yes", "--json"]))
      assert.isTrue(report.made.length > 0 && report.made.every(({ deleted }) => !deleted))
      assert.strictEqual(seenIn(report, "Browsers", "preflight")?.verdict, "good")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.effect(
    "ends with the failure where no client could be registered, and tries nothing in vain",
    () =>
      Effect.gen(function*() {
        const { arrived, issuer } = yield* oidcProvider({
          features: { registration: { enabled: true, initialAccessToken: "canary-initial-access-token" } }
        })
        const { run } = yield* withStore()
        const posts = () => arrived.filter(({ method }) => method === "POST").length
        const { code, stderr, stdout } = yield* run(["doctor", issuer, "--yes", "--json"])
        assert.strictEqual(code, 6)
        assert.include(stderr, "an initial access token is needed")
        const report = decodeReport(stdout)
        assert.match(seenIn(report, "Registration", "registration")?.seen ?? "", /^an initial access token is needed/)
        assert.include(
          seenIn(report, "Registration", "registration")?.seen,
          "; 401 invalid_token: no access token provided"
        )
        assert.notInclude(stdout, "initialAccessToken")
        assert.isUndefined(report.chapters.find(({ title }) => title === "Refusals"))
        assert.strictEqual(posts(), 1)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    60_000
  )

  it.effect(
    "tells what is wrong with a server first, and asks no more of one that limits it",
    () =>
      Effect.gen(function*() {
        let isLimited = false
        const { origin } = yield* httpServer((request, response) => {
          response.setHeader("content-type", "application/json")
          response.setHeader("cache-control", "no-store")
          const to = request.url ?? ""
          if (to.includes("well-known")) {
            response.end(JSON.stringify({ issuer: origin, registration_endpoint: `${origin}/register` }))
            return
          }
          if (request.method === "DELETE") {
            response.writeHead(204).end()
            return
          }
          if (isLimited) {
            response.writeHead(429, { "retry-after": "120", "x-ratelimit-reset": "120" }).end("{}")
            return
          }
          response.writeHead(request.method === "POST" ? 201 : 200).end(JSON.stringify({
            client_id: "c",
            client_name: "effect-dcr doctor",
            redirect_uris: ["https://client.example/callback"],
            token_endpoint_auth_method: "none",
            registration_client_uri: `${origin}/register/c`,
            registration_access_token: "canary-of-a-token"
          }))
        })
        const doctor = ["doctor", origin, "--yes"]
        const report = reportOf(yield* runCommand([...doctor, "--json"]))
        // It shows a registration to everybody, changes nothing, and keeps what it said it deleted.
        for (const what of ["read with a wrong token", "what the update changed", "read after the deletion"]) {
          assert.strictEqual(seenIn(report, "Management", what)?.verdict, "bad", what)
        }
        assert.strictEqual(
          seenIn(report, "Refusals", "unknown authentication method")?.seen,
          "a client was registered with \"none\" instead"
        )
        assert.match(
          assertDone(yield* runCommand([...doctor, "--markdown"])),
          new RegExp(
            `: ${report.summary.bad} departures from [^\n]*\n\n- Management, read with a wrong token: `
          )
        )
        isLimited = true
        const limited = yield* runCommand([...doctor, "--json"])
        assert.strictEqual(limited.code, 7)
        const seen = decodeReport(limited.stdout)
        assert.strictEqual(seenIn(seen, "Registration", "registration")?.verdict, "note")
        assert.isUndefined(seen.chapters.find(({ title }) => title === "Refusals"))
        assert.strictEqual(seenIn(seen, "Rate limits", "retry-after")?.seen, "120")
        assert.strictEqual(seenIn(seen, "Rate limits", "x-ratelimit-reset")?.seen, "120")
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("deletes what it made when it is interrupted", () =>
    Effect.gen(function*() {
      const { arrived, created, issuer, provider } = yield* managed
      // The second registration takes its time.
      let posts = 0
      provider.use(async (context, next) => {
        if (context.method === "POST") posts += 1
        if (posts > 1) await new Promise((resolve) => setTimeout(resolve, 500))
        await next()
      })
      const { child, ended } = yield* startCommand(["doctor", issuer, "--yes"])
      yield* eventually(() => created.length >= 1 && posts >= 2, "the second registration", 30_000)
      child.kill("SIGINT")
      assert.strictEqual((yield* ended).code, 130)
      assert.strictEqual(
        arrived.filter(({ method, status }) => method === "DELETE" && status() === 204).length,
        created.length
      )
    }).pipe(Effect.scoped), 60_000)

  it.effect("prints no escape of a server, and no row of a table that a server wrote", () =>
    Effect.gen(function*() {
      const { origin } = yield* httpServer((request, response) => {
        response.setHeader("content-type", "application/json")
        if ((request.url ?? "").includes("well-known")) {
          response.end(JSON.stringify({ issuer: origin, registration_endpoint: `${origin}/register` }))
          return
        }
        response.statusCode = 400
        response.end(JSON.stringify({
          error: "invalid_client_metadata",
          error_description: "no \u001b[31mred\u001b[0m | x | y |\n| ✔ | all | is well |"
        }))
      })
      for (const form of [[], ["--markdown"], ["--json"]]) {
        const { code, stderr, stdout } = yield* runCommand(["doctor", origin, "--yes", ...form])
        assert.strictEqual(code, 5)
        assert.include(stdout, form.includes("--markdown") ? "invalid\\_client\\_metadata" : "invalid_client_metadata")
        assert.notInclude(stdout + stderr, "\u001b")
        assert.notMatch(stdout, /^\| ✔ \| all/m)
      }
    }).pipe(Effect.scoped), 60_000)
})
