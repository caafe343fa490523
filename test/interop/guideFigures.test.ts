/** What the guides say in numbers and in passing, where no other test is about it. */
import {
  ClientRegistration,
  ExchangeLimits,
  type RegisteredClient,
  Registrar,
  RegistrationError,
  RegistrationStore,
  RetryPolicy
} from "@effect-dcr/core"
import * as core from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Layer, Redacted, Stream, Tracer } from "effect"
import * as UserDirectories from "effect/persistence/UserDirectories"
import { TestClock } from "effect/testing"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const guide = (name: string): string =>
  readFileSync(new URL(`../../docs/guides/${name}.md`, import.meta.url), "utf8").replaceAll(/\s+/g, " ")

const wanted = {
  server: "https://op.example.com",
  profile: "default",
  metadata: { redirect_uris: ["https://app.example.com/cb"] }
}

const ensure = Registrar.Registrar.use((registrar) => registrar.ensure(wanted))

const kept = (options?: TestAuthorizationServer.Options) =>
  Registrar.layer().pipe(
    Layer.provide(RegistrationStore.layerMemory),
    Layer.provideMerge(TestAuthorizationServer.layer(options))
  )

const secretOf = ({ information }: RegisteredClient.RegisteredClient): string =>
  information.client_secret === undefined ? assert.fail("no secret") : Redacted.value(information.client_secret)

/** The names of the spans, as they begin. */
const collector = () => {
  const names: Array<string> = []
  const tracer = Tracer.make({
    span: (options) => {
      names.push(options.name)
      return new Tracer.NativeSpan(options)
    }
  })
  return { names, tracer }
}

describe("the limits", () => {
  it.effect("of an exchange are those of the guide to security", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* ExchangeLimits.ExchangeLimits, {
        deadline: Duration.seconds(30),
        maxResponseBytes: 1024 * 1024,
        maxMetadataBytes: 128 * 1024,
        maxJsonDepth: 64
      })
      assert.include(
        guide("security"),
        "30 seconds for an operation with all its attempts, 1 MiB for an answer, 128 KiB for metadata of a server, 64 levels of JSON"
      )
    }))

  it.effect("of retries are those of the guide to retries", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* RetryPolicy.RetryPolicy).maxRetryAfter, "10 seconds")
      assert.include(guide("retries"), "A `Retry-After` is waited for up to 10 seconds")
    }))
})

describe("a registrar without options", () => {
  it.effect("sends nothing for a minute after an unknown outcome, for two after the next", () =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      yield* server.misbehave("reset-after-processing")
      for (const minutes of [1, 2]) {
        assert.strictEqual((yield* Effect.flip(ensure)).reason._tag, "OutcomeUnknown")
        const { length } = yield* server.requests
        const { reason, retryAfter } = yield* Effect.flip(ensure)
        assert.strictEqual(reason._tag === "OutcomeUnknown" ? reason.why : undefined, "Backoff")
        assert.strictEqual(Duration.toMinutes(retryAfter ?? Duration.zero), minutes)
        assert.lengthOf(yield* server.requests, length)
        yield* TestClock.adjust(Duration.minutes(minutes))
      }
      assert.include(
        guide("keep-and-renew"),
        "After `OutcomeUnknown` nothing is sent for a minute, for two after the next"
      )
    }).pipe(Effect.provide(kept())))

  it.effect("renews a secret a day before it expires", () =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      yield* ensure
      yield* TestClock.adjust(Duration.hours(29 * 24 - 1))
      yield* ensure
      assert.lengthOf(yield* server.clients, 1)
      yield* TestClock.adjust("2 hours")
      yield* ensure
      assert.lengthOf(yield* server.clients, 2)
      assert.include(guide("keep-and-renew"), "renewed before its secret expires: a day before")
    }).pipe(Effect.provide(kept({ secretLifetime: "30 days" }))))

  it.effect("keeps the client where an update brings a new secret", () =>
    Effect.gen(function*() {
      const first = yield* ensure
      yield* TestClock.adjust("29 days")
      yield* TestClock.adjust("1 hour")
      const second = yield* ensure
      assert.strictEqual(second.information.client_id, first.information.client_id)
      assert.notStrictEqual(secretOf(second), secretOf(first))
    }).pipe(Effect.provide(kept({ secretLifetime: "30 days", rotateSecret: "update" }))))

  it.effect("has a span for an ensure that registers, and none for one that finds", () =>
    Effect.gen(function*() {
      const { names, tracer } = collector()
      const traced = Effect.provideService(ensure, Tracer.Tracer, tracer)
      yield* traced
      assert.deepStrictEqual(names, [
        "Registrar.ensure",
        "AuthorizationServer.discover",
        "GET",
        "ClientRegistration.register",
        "POST"
      ])
      yield* traced
      assert.lengthOf(names, 5)
    }).pipe(Effect.provide(kept())))

  it.effect("runs the effect of a token once: not where it has the registration", () =>
    Effect.gen(function*() {
      let runs = 0
      const initialAccessToken = Effect.sync(() => {
        runs++
        return Redacted.make("token")
      })
      const registrar = yield* Registrar.Registrar
      yield* registrar.ensure({ ...wanted, options: { initialAccessToken } })
      yield* registrar.ensure({ ...wanted, options: { initialAccessToken } })
      assert.strictEqual(runs, 1)
    }).pipe(Effect.provide(kept({ initialAccessTokens: [{ value: Redacted.make("token") }] }))))

  it.effect("tells who listens from before the first ensure of each thing that it does", () =>
    Effect.gen(function*() {
      const registrar = yield* Registrar.Registrar
      const heard: Array<string> = []
      const listen = Stream.runForEach(registrar.events, ({ _tag }) => Effect.sync(() => heard.push(_tag)))
      yield* Effect.forkChild(listen, { startImmediately: true })
      yield* ensure
      yield* registrar.rotate({ issuer: wanted.server, profile: wanted.profile })
      yield* registrar.ensure({ ...wanted, metadata: { ...wanted.metadata, client_name: "Other" } })
      const { information } = yield* ensure
      const key = { issuer: wanted.server, profile: wanted.profile }
      assert.isTrue(
        yield* registrar.invalidate({ ...key, clientId: information.client_id, reason: "invalid_client" })
      )
      const { information: replacement } = yield* ensure
      // it took the place of another just now
      assert.isFalse(
        yield* registrar.invalidate({ ...key, clientId: replacement.client_id, reason: "invalid_client" })
      )
      yield* Effect.yieldNow
      assert.deepStrictEqual(heard, ["Registered", "Rotated", "Updated", "Updated", "Invalidated", "Replaced"])
      assert.include(guide("keep-and-renew"), "{ startImmediately: true }")
    }).pipe(Effect.provide(kept())))

  it.effect("uses the tracer that is set where its layer is built, if one is", () =>
    Effect.gen(function*() {
      const outer = collector()
      const inner = collector()
      yield* Effect.provideService(ensure, Tracer.Tracer, inner.tracer).pipe(
        Effect.provide(kept()),
        Effect.provideService(Tracer.Tracer, outer.tracer)
      )
      assert.deepStrictEqual(inner.names, [])
      assert.include(outer.names, "ClientRegistration.register")
    }))
})

it("core names no store of a fleet: who does not import one loads nothing of it", () => {
  for (const name of ["SqlRegistrationStore", "RedisRegistrationStore", "CachedRegistrationStore"]) {
    assert.notProperty(core, name)
  }
})

it.effect("a registration access token goes to its own URI and nowhere else", () =>
  Effect.gen(function*() {
    const server = yield* TestAuthorizationServer.TestAuthorizationServer
    const client = yield* ClientRegistration.register(server.metadata(), wanted.metadata)
    yield* core.ClientConfiguration.read(client)
    yield* ClientRegistration.register(server.metadata(), wanted.metadata)
    const bearers = (yield* server.requests).filter(({ headers }) => "authorization" in headers)
    assert.deepStrictEqual(bearers.map(({ url }) => String(url)), [client.information.registration_client_uri])
  }).pipe(Effect.provide(TestAuthorizationServer.layer())))

it("the tsconfig.json of the guide to Node compiles its first program, and tells of a layer that is missing", () => {
  const page = readFileSync(new URL("../../docs/guides/get-started-node.md", import.meta.url), "utf8")
  const blockOf = (language: string) =>
    new RegExp(`\`\`\`${language}\\n([^]*?)\\n\`\`\``).exec(page)?.[1] ?? assert.fail(`no ${language} in the guide`)
  mkdirSync(new URL("../build/", import.meta.url), { recursive: true })
  // where the packages are found
  const folder = mkdtempSync(fileURLToPath(new URL("../build/guide-", import.meta.url)))
  try {
    writeFileSync(join(folder, "tsconfig.json"), blockOf("json"))
    writeFileSync(join(folder, "package.json"), `{ "type": "module" }`)
    writeFileSync(join(folder, "program.ts"), blockOf("ts"))
    const [provided = ""] = /Effect\.provide\(NodeRegistration\.layer\), /.exec(blockOf("ts")) ?? []
    writeFileSync(join(folder, "missing.ts"), blockOf("ts").replace(provided, ""))
    const registrar = `import { Registrar } from "@effect-dcr/core"
      import { Effect } from "effect"
      Registrar.Registrar.use(({ retire }) => retire).pipe(Effect.provide(Registrar.layer()), Effect.runPromise)`
    writeFileSync(join(folder, "missing-all.ts"), registrar)
    const tsc = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url))
    const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder, "--noEmit"], { encoding: "utf8" })
    const complained = [...stdout.matchAll(/([\w-]+\.ts)\(\d+,\d+\): error/g)].map(([, file]) => file)
    assert.sameMembers(complained, ["missing-all.ts", "missing.ts"], stdout)
    for (const names of ["DpopSigner | HttpClient", "DpopSigner | HttpClient | RegistrationStore"]) {
      assert.include(stdout, `Type '${names}' is not assignable to type 'never'`)
      assert.include(guide("get-started-node"), names)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 60_000)

it.effect("registrations are kept where the guide to the command line says, on each system", () =>
  Effect.gen(function*() {
    const rows = guide("command-line")
    const kept = (platform: string, environment: Readonly<Record<string, string>>) =>
      UserDirectories.make({ platform }).data("effect-dcr").pipe(
        Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(environment)))
      )
    const home = { HOME: "/home/me", USERPROFILE: "C:\\Users\\me", APPDATA: "C:\\Roaming" }
    assert.strictEqual(yield* kept("linux", home), "/home/me/.local/share/effect-dcr")
    assert.include(rows, "| Linux and others | `~/.local/share/effect-dcr/registrations` |")
    assert.strictEqual(yield* kept("darwin", home), "/home/me/Library/Application Support/effect-dcr")
    assert.include(rows, "| macOS | `~/Library/Application Support/effect-dcr/registrations` |")
    assert.strictEqual(yield* kept("win32", home), "C:\\Roaming\\effect-dcr")
    assert.include(rows, "| Windows | `%APPDATA%\\effect-dcr\\registrations` |")
    for (const platform of ["linux", "darwin"]) {
      assert.strictEqual(yield* kept(platform, { ...home, XDG_DATA_HOME: "/data" }), "/data/effect-dcr")
    }
    assert.include(rows, "| any, with `XDG_DATA_HOME` | `$XDG_DATA_HOME/effect-dcr/registrations` |")
  }))

it("the README asks for the Node that the packages ask for", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8")
  const wanted = (folder: string) =>
    /"engines": \{ "node": ">=(\d+(?:\.[1-9]\d*)?)/.exec(
      readFileSync(new URL(`../../${folder}package.json`, import.meta.url), "utf8")
    )?.[1] ?? assert.fail(`${folder} asks for no Node`)
  assert.include(readme, `| the commands of this repository | ${wanted("")} or later, and npm`)
  const node = wanted("packages/platform-node/")
  assert.include(readme, `| \`@effect-dcr/platform-node\`, and the command \`effect-dcr\` | ${node} or later |`)
  for (const name of ["core", "platform-browser"]) {
    assert.include(readme, `their \`engines\` say ${wanted(`packages/${name}/`)} or later`)
  }
})

it("a discovery that failed is safe to repeat where the guide to errors says so", () => {
  const isSafe = (status?: number) =>
    new RegistrationError.RegistrationError({
      reason: {
        _tag: "DiscoveryFailed",
        issuer: "https://op.example.com",
        attempts: [{ url: "https://op.example.com", problem: "no", ...(status === undefined ? undefined : { status }) }]
      }
    }).isSafeToRepeat
  assert.deepStrictEqual([undefined, 429, 500, 503, 404, 200].map(isSafe), [true, true, true, true, false, false])
  assert.include(guide("errors"), "when the connection failed, after a 429 or a status of 500 and more")
})
