/** Registrations in files: the contract of stores, and what becomes of files that are damaged, foreign or in the way. */
import { Registrar, RegistrationEncryption, type RegistrationError, RegistrationStore } from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { NodeRegistrationStore } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Duration, Effect, Layer, Option, Redacted, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { vi } from "vitest"
import * as Generations from "../../packages/platform-node/src/internal/generations.ts"
import { failsWith } from "../support/failure.ts"
import { registrationStoreContract } from "../support/registrationStoreContract.ts"

type Store = RegistrationStore.RegistrationStore["Service"]

// Every change waits for the disk.
vi.setConfig({ testTimeout: 30_000 })

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-dcr-store-"))),
  (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true, force: true }))
)

registrationStoreContract(
  "files",
  Effect.map(temporaryDirectory, (directory) => ({ open: NodeRegistrationStore.make({ directory }) })),
  { reach: "machine", waits: true }
)

const key: RegistrationStore.Key = { issuer: "https://op.example.com", profile: "tenant" }

const minute = Duration.minutes(1)

const acquire = (store: Store) => Effect.map(store.acquire(key, minute), Option.getOrThrow)

/** All files below a directory. */
const filesIn = (directory: string): ReadonlyArray<string> =>
  Fs.readdirSync(directory, { recursive: true, withFileTypes: true })
    .flatMap((each) => each.isDirectory() ? [] : [Path.join(each.parentPath, each.name)])

/** The one file that is there. */
const fileIn = (directory: string): string => {
  const files = filesIn(directory)
  assert.strictEqual(files.length, 1, files.join(" "))
  return files[0] ?? ""
}

/** A store with one entry, and no lease. */
const withEntry = Effect.gen(function*() {
  const directory = yield* temporaryDirectory
  const store = yield* NodeRegistrationStore.make({ directory })
  const lease = yield* acquire(store)
  const version = yield* store.save(lease, "value", 0)
  yield* store.release(lease)
  return { directory, store, lease, version, file: fileIn(directory) }
})

const modeOf = (path: string) => Fs.statSync(path).mode & 0o777

describe("NodeRegistrationStore", () => {
  describe("files", () => {
    it.effect("are one per key, of mode 0600 in directories of mode 0700, whatever the umask", () =>
      Effect.gen(function*() {
        const before = process.umask(0)
        try {
          const { directory, file } = yield* withEntry
          assert.strictEqual(modeOf(file), 0o600)
          for (let folder = Path.dirname(file); folder !== directory; folder = Path.dirname(folder)) {
            assert.strictEqual(modeOf(folder), 0o700, folder)
          }
        } finally {
          process.umask(before)
        }
      }))

    it.effect("a directory and a file that others may read are closed to them", () =>
      Effect.gen(function*() {
        const { directory, file } = yield* withEntry
        Fs.chmodSync(directory, 0o777)
        Fs.chmodSync(file, 0o644)
        const store = yield* NodeRegistrationStore.make({ directory })
        assert.strictEqual(modeOf(directory), 0o700)
        yield* store.load(key)
        assert.strictEqual(modeOf(file), 0o600)
      }))

    it.effect("a directory of another user is refused", () =>
      Effect.gen(function*() {
        const directory = yield* temporaryDirectory
        const isRoot = process.geteuid?.() === 0
        if (isRoot) Fs.chownSync(directory, 12_345, 12_345)
        const { reason } = yield* NodeRegistrationStore.make({ directory: isRoot ? directory : "/usr" }).pipe(
          failsWith("StoreFailed")
        )
        assert.strictEqual(reason.problem, "Unavailable")
        assert.include(reason.message, "belongs to another user")
      }))

    it.effect.skipIf(process.platform !== "linux")(
      "a place where nothing can be made is refused, not tried for ever",
      () =>
        Effect.gen(function*() {
          yield* NodeRegistrationStore.make({ directory: "/proc/effect-dcr/store" }).pipe(failsWith("StoreFailed"))
        })
    )

    it.effect("what is no directory is refused", () =>
      Effect.gen(function*() {
        const { file } = yield* withEntry
        const { reason } = yield* NodeRegistrationStore.make({ directory: file }).pipe(failsWith("StoreFailed"))
        assert.strictEqual(reason.problem, "Unavailable")
      }))

    it.effect("are in the user's data directory, by the name of the application", () =>
      Effect.gen(function*() {
        const home = yield* temporaryDirectory
        const environment = (variables: Readonly<Record<string, string>>) =>
          Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables)))
        const open = (options: NodeRegistrationStore.Options, variables: Readonly<Record<string, string>>) =>
          Effect.provide(
            RegistrationStore.RegistrationStore,
            NodeRegistrationStore.layer(options).pipe(environment(variables)),
            { local: true }
          )
        const data = Path.join(home, "data")
        yield* acquire(yield* open({ application: "another-app" }, { XDG_DATA_HOME: data }))
        yield* acquire(yield* open({ application: "my-app" }, { XDG_DATA_HOME: data }))
        assert.deepStrictEqual(Fs.readdirSync(data).sort(), ["another-app", "my-app"])
        assert.deepStrictEqual(Fs.readdirSync(Path.join(data, "my-app")), ["registrations"])
        const { reason } = yield* open({ application: "my-app" }, {}).pipe(failsWith("StoreFailed"))
        assert.include(reason.message, "name a directory")
        const layer = NodeRegistrationStore.layerConfig({ directory: Config.String("STORE") }).pipe(
          environment({ STORE: Path.join(home, "named") })
        )
        yield* acquire(yield* Effect.provide(RegistrationStore.RegistrationStore, layer))
        fileIn(Path.join(home, "named"))
      }))

    it.effect("left over by a process that died are removed with the next change", () =>
      Effect.gen(function*() {
        const { directory, file, store } = yield* withEntry
        const folder = Path.dirname(file)
        Fs.writeFileSync(Path.join(folder, ".7c1f7a1e.tmp"), "half of a sec")
        Fs.writeFileSync(Path.join(folder, "1.json"), "superseded")
        Fs.writeFileSync(Path.join(folder, "notes.txt"), "of somebody else")
        assert.strictEqual(Option.getOrThrow(yield* store.load(key)).value, "value")
        yield* acquire(store)
        const names = filesIn(directory).map((path) => Path.basename(path)).sort()
        assert.strictEqual(names.length, 2, names.join(" "))
        assert.include(names, "notes.txt")
      }))
  })

  describe("damage", () => {
    const damages: ReadonlyArray<readonly [what: string, damage: (file: string) => void]> = [
      ["garbage", (file) => Fs.writeFileSync(file, randomBytes(512))],
      ["nothing at all", (file) => Fs.truncateSync(file)],
      ["half of it", (file) => Fs.truncateSync(file, Math.floor(Fs.statSync(file).size / 2))],
      ["other JSON", (file) => Fs.writeFileSync(file, "{\"name\":\"something\"}")],
      [
        "the file of another key",
        (file) => Fs.writeFileSync(file, Fs.readFileSync(file, "utf8").replace("\"tenant\"", "\"other\""))
      ],
      ["a link", (file) => {
        Fs.renameSync(file, `${file}.target`)
        Fs.symlinkSync(`${file}.target`, file)
      }],
      ["a directory", (file) => {
        Fs.rmSync(file)
        Fs.mkdirSync(file)
      }],
      ["a pipe", (file) => {
        Fs.rmSync(file)
        execFileSync("mkfifo", [file])
      }]
    ]
    for (const [what, damage] of damages) {
      it.effect(`${what} in the place of a file is reported once, set aside, and never deleted`, () =>
        Effect.gen(function*() {
          const { directory, file, lease, store } = yield* withEntry
          damage(file)
          const damaged = Fs.lstatSync(file)
          yield* TestClock.setTime(1_700_000_000_000)
          const { reason } = yield* store.load(key).pipe(failsWith("StoreFailed"))
          assert.strictEqual(reason.problem, "Corrupted")
          const aside = `${file}.corrupt-1700000000000`
          assert.include(reason.message, Path.basename(aside))
          assert.strictEqual(Fs.lstatSync(aside).ino, damaged.ino)
          assert.deepStrictEqual(yield* store.load(key), Option.none())
          const next = yield* acquire(store)
          assert.isAbove(next.token, lease.token)
          yield* store.save(next, "anew", 0)
          assert.strictEqual(Option.getOrThrow(yield* store.load(key)).value, "anew")
          assert.strictEqual(Fs.lstatSync(aside).ino, damaged.ino)
          assert.strictEqual(yield* Stream.runCount(store.keys), 1)
          assert.isAbove(Fs.readdirSync(Path.dirname(file)).length, 1, directory)
        }))
    }

    it.effect("whoever lists the keys, or wants a lease, is told as well", () =>
      Effect.gen(function*() {
        const one = yield* withEntry
        Fs.writeFileSync(one.file, "garbage")
        const listed = yield* Stream.runCount(one.store.keys).pipe(failsWith("StoreFailed"))
        assert.deepStrictEqual([listed.reason.operation, listed.reason.problem], ["list", "Corrupted"])
        const moved = yield* withEntry
        Fs.renameSync(Path.dirname(moved.file), Path.join(moved.directory, "keys", "elsewhere"))
        const found = yield* Stream.runCount(moved.store.keys).pipe(failsWith("StoreFailed"))
        assert.strictEqual(found.reason.problem, "Corrupted")
        const other = yield* withEntry
        Fs.writeFileSync(other.file, "garbage")
        const leased = yield* other.store.acquire(key, minute).pipe(failsWith("StoreFailed"))
        assert.deepStrictEqual([leased.reason.operation, leased.reason.problem], ["lease", "Corrupted"])
      }))

    it.effect("a folder that was replaced by a link is not followed, neither to read nor to write", () =>
      Effect.gen(function*() {
        const { directory, file, lease, store, version } = yield* withEntry
        const folder = Path.dirname(file)
        const elsewhere = Path.join(directory, "elsewhere")
        Fs.renameSync(folder, elsewhere)
        Fs.symlinkSync(elsewhere, folder)
        const before = Fs.readdirSync(elsewhere)
        for (
          const refused of [store.load(key), store.acquire(key, minute), store.save(lease, "new", version)]
        ) {
          const { reason } = yield* failsWith("StoreFailed")(
            Effect.asVoid<unknown, RegistrationError.RegistrationError, never>(refused)
          )
          assert.strictEqual(reason.problem, "Unavailable")
        }
        assert.strictEqual(yield* Stream.runCount(store.keys), 0)
        assert.deepStrictEqual(Fs.readdirSync(elsewhere), before)
      }))

    it.effect("one that cannot be read leaves no other out of the list, and is listed where it says its key", () =>
      Effect.gen(function*() {
        const { directory, store } = yield* withEntry
        const at = (profile: string) => ({ ...key, profile })
        for (const profile of ["garbage", "newer"]) {
          const before = filesIn(directory)
          const lease = Option.getOrThrow(yield* store.acquire(at(profile), minute))
          yield* store.save(lease, "value", 0)
          const file = filesIn(directory).find((each) => !before.includes(each)) ?? ""
          const text = Fs.readFileSync(file, "utf8")
          Fs.writeFileSync(
            file,
            profile === "garbage"
              ? "{"
              : text.replace("\"format\":1", "\"format\":2").replace("\"changes\"", "\"more\"")
          )
        }
        const registrar = yield* Registrar.make().pipe(
          Effect.provideService(RegistrationStore.RegistrationStore, store),
          Effect.provide(TestAuthorizationServer.layer())
        )
        const listed: Array<string> = []
        const list = Stream.runForEach(
          registrar.list,
          ({ problem, profile }) =>
            Effect.sync(() =>
              listed.push(`${profile}: ${
                Option.match(problem, {
                  onNone: () => "",
                  onSome: ({ reason }) => reason._tag === "StoreFailed" ? reason.problem : ""
                })
              }`)
            )
        )
        const { reason } = yield* failsWith("StoreFailed")(list)
        assert.strictEqual(reason.problem, "Corrupted")
        // What is in the other file is not a registration either, but that is not for the store to say.
        const all = ["newer: NewerFormat", "tenant: Corrupted"]
        assert.deepStrictEqual(listed.sort(), all)
        // The garbage was set aside, and is no news any more.
        listed.length = 0
        yield* list
        assert.deepStrictEqual(listed.sort(), all)
      }))

    it.effect("a file of a newer version is reported each time, and stays", () =>
      Effect.gen(function*() {
        const { file, store } = yield* withEntry
        const newer = Fs.readFileSync(file, "utf8").replace("\"format\":1", "\"format\":2")
        Fs.writeFileSync(file, newer)
        for (let round = 0; round < 2; round++) {
          assert.strictEqual((yield* store.load(key).pipe(failsWith("StoreFailed"))).reason.problem, "NewerFormat")
          assert.strictEqual(
            (yield* store.acquire(key, minute).pipe(failsWith("StoreFailed"))).reason.problem,
            "NewerFormat"
          )
        }
        assert.strictEqual(Fs.readFileSync(file, "utf8"), newer)
      }))

    it.effect("a file says nothing of what it holds in a failure", () =>
      Effect.gen(function*() {
        const { file, store } = yield* withEntry
        Fs.writeFileSync(file, "canary {")
        const { error } = yield* store.load(key).pipe(failsWith("StoreFailed"))
        assert.notInclude(`${error.message} ${JSON.stringify(error)} ${String(error.cause)}`, "canary")
      }))
  })

  describe("time", () => {
    it.effect("a clock that jumps, back or ahead, neither ends a lease nor prolongs it", () =>
      Effect.gen(function*() {
        const { store, version } = yield* withEntry
        yield* TestClock.setTime(10 * 365 * 86_400_000)
        yield* acquire(store)
        yield* TestClock.setTime(0)
        assert.isTrue(Option.isNone(yield* store.acquire(key, minute)))
        yield* TestClock.adjust("59 seconds")
        assert.isTrue(Option.isNone(yield* store.acquire(key, minute)))
        yield* TestClock.adjust("2 seconds")
        const next = yield* acquire(store)
        yield* store.save(next, "after the jump", version)
      }))

    const rewrite = (file: string, from: RegExp, to: string) => {
      const before = Fs.readFileSync(file, "utf8")
      assert.match(before, from)
      Fs.writeFileSync(file, before.replace(from, to))
    }

    it.live("a lease from before the machine was started again is not held", () =>
      Effect.gen(function*() {
        const { directory, store } = yield* withEntry
        yield* acquire(store)
        assert.isTrue(Option.isNone(yield* store.acquire(key, minute)))
        rewrite(fileIn(directory), /"boot":"[^"]*"/, "\"boot\":\"another\"")
        yield* acquire(store)
      }))

    it.live("nor is one that has more time left than it ever had", () =>
      Effect.gen(function*() {
        const { directory, store } = yield* withEntry
        yield* acquire(store)
        rewrite(fileIn(directory), /"expires":\d+/, "\"expires\":9000000000000")
        yield* acquire(store)
      }))
  })

  describe("a change by the number of a file", () => {
    const folder = Effect.map(temporaryDirectory, (directory) => Path.join(directory, "key"))
    const never = () => false

    it.effect("is made once for a number", () =>
      Effect.gen(function*() {
        const at = yield* folder
        const won = yield* Effect.promise(() =>
          Promise.all(Array.from({ length: 20 }, (_, index) => Generations.advance(at, 0, String(index), never)))
        )
        assert.strictEqual(won.filter((each) => each).length, 1)
        const { number, text } = yield* Effect.promise(() => Generations.current(at))
        assert.strictEqual(number, 1)
        assert.strictEqual(text, String(won.indexOf(true)))
      }))

    it.effect("is lost by who was stopped until its number was free again, and leaves nothing", () =>
      Effect.gen(function*() {
        const at = yield* folder
        for (let number = 0; number < 5; number++) {
          yield* Effect.promise(() => Generations.advance(at, number, `text ${number}`, never))
        }
        assert.isFalse(yield* Effect.promise(() => Generations.advance(at, 1, "stale", never)))
        assert.deepStrictEqual(yield* Effect.promise(() => Generations.current(at)), { number: 5, text: "text 4" })
        assert.deepStrictEqual(Fs.readdirSync(at), ["5.json"])
      }))

    it.effect("is made also when others have gone on before its maker looked", () =>
      Effect.gen(function*() {
        const at = yield* folder
        yield* Effect.promise(() => Generations.advance(at, 0, "first", never))
        Fs.writeFileSync(Path.join(at, "3.json"), "knows of second", { mode: 0o600 })
        assert.isTrue(
          yield* Effect.promise(() => Generations.advance(at, 1, "second", (later) => later.includes("second")))
        )
      }))
  })

  describe("secrets", () => {
    const encryption = (kid: string, fill: number): RegistrationEncryption.EncryptionKey => ({
      kid,
      key: Redacted.make(Buffer.alloc(32, fill).toString("base64"))
    })
    const ensure = (directory: string, options: RegistrationEncryption.Options | undefined) => {
      const files = NodeRegistrationStore.layer({ directory })
      const store = options === undefined
        ? files
        : RegistrationEncryption.layer(options).pipe(Layer.provide(files))
      return Effect.flatMap(Registrar.Registrar, (registrar) =>
        registrar.ensure({
          server: "https://op.example.com",
          profile: "tenant",
          metadata: { redirect_uris: ["https://app.example.com/cb"] }
        })).pipe(
          Effect.provide(Registrar.layer().pipe(Layer.provide(store)), { local: true }),
          Effect.provide(TestAuthorizationServer.layer())
        )
    }
    const hits = (directory: string, secrets: ReadonlyArray<string>): number =>
      filesIn(directory).flatMap((file) => {
        const content = Fs.readFileSync(file, "latin1")
        return secrets.flatMap((secret) =>
          [secret, Buffer.from(secret).toString("base64").slice(0, -4), encodeURIComponent(secret)].filter((form) =>
            content.includes(form)
          )
        )
      }).length
    const Secrets = Schema.Struct({
      client_secret: Schema.Redacted(Schema.String),
      registration_access_token: Schema.Redacted(Schema.String)
    })
    const secretsOf = (information: unknown) => {
      const { client_secret, registration_access_token } = Schema.decodeUnknownSync(Secrets)(information)
      return [Redacted.value(client_secret), Redacted.value(registration_access_token)]
    }

    it.effect("are in no file at any step of a registration's life when encryption is on", () =>
      Effect.gen(function*() {
        const directory = yield* temporaryDirectory
        const layer = RegistrationEncryption.layer({ key: encryption("only", 1) }).pipe(
          Layer.provide(NodeRegistrationStore.layer({ directory }))
        )
        const store = yield* Effect.provide(RegistrationStore.RegistrationStore, layer, { local: true })
        const found: Array<string> = []
        const secrets: Array<string> = []
        const registrar = yield* Effect.provideService(Registrar.make(), RegistrationStore.RegistrationStore, {
          ...store,
          // Also while something is under way.
          save: (...args) =>
            Effect.tap(store.save(...args), () => Effect.sync(() => found.push(String(hits(directory, secrets)))))
        })
        const ensure = (client_name: string) =>
          Effect.map(
            registrar.ensure({
              server: key.issuer,
              profile: key.profile,
              metadata: { redirect_uris: ["https://app.example.com/cb"], client_name }
            }),
            ({ information }) => {
              secrets.push(...secretsOf(information))
              return information.client_id
            }
          )
        yield* ensure("first")
        const clientId = yield* ensure("second")
        yield* TestClock.adjust("2 minutes")
        assert.isTrue(yield* registrar.invalidate({ ...key, clientId, reason: "invalid_client" }))
        yield* ensure("third")
        yield* registrar.rotate(key)
        yield* ensure("fourth")
        assert.strictEqual(new Set(secrets).size, 8)
        assert.isAbove(found.length, 10)
        assert.deepStrictEqual(found.filter((count) => count !== "0"), [])
        assert.strictEqual(hits(directory, secrets), 0)
        assert.deepStrictEqual([...new Set(filesIn(directory).map(modeOf))], [0o600])
      }).pipe(
        Effect.scoped,
        Effect.provide(TestAuthorizationServer.layer({ rotateToken: "update", rotateSecret: "update" }))
      ))

    it.live("are in no file when encryption is on, and are read back after a change of the key", () =>
      Effect.gen(function*() {
        const clear = yield* temporaryDirectory
        const open = secretsOf((yield* ensure(clear, undefined)).information)
        assert.isAtLeast(hits(clear, open), 2, "the search finds what is there")

        const directory = yield* temporaryDirectory
        const client = yield* ensure(directory, { key: encryption("old", 1) })
        const secrets = secretsOf(client.information)
        assert.strictEqual(hits(directory, secrets), 0)
        const both = { key: encryption("new", 2), formerKeys: [encryption("old", 1)] }
        const again = yield* ensure(directory, both)
        assert.deepStrictEqual(secretsOf(again.information), secrets)
        const { reason } = yield* ensure(directory, { key: encryption("new", 2) }).pipe(failsWith("StoreFailed"))
        assert.strictEqual(reason.problem, "Undecryptable")
        assert.strictEqual((yield* ensure(directory, both)).information.client_id, client.information.client_id)
      }))
  })
})
