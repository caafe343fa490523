/** A store of files on a machine in trouble: a full disk, a directory that cannot be written to, too many open files. */
import { NodeRegistrationStore } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option } from "effect"
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { temporaryDirectory } from "../support/childPrograms.ts"
import { probed } from "../support/storeProbe.ts"

const isRoot = process.geteuid?.() === 0

/** Mounts are made in a namespace of their own, and are gone with the process. */
const namespace = ["unshare", isRoot ? "-m" : "-rm", "sh", "-ec"]

const shell = (command: ReadonlyArray<string>, script: string, directory: string) => {
  const [program = "", ...args] = command
  return spawnSync(program, [...args, script, "sh", directory], {
    encoding: "utf8",
    env: {
      ...process.env,
      NODE: process.execPath,
      PROBE: Path.join(import.meta.dirname, "../support/storeProbe.ts")
    }
  })
}

const probe = (command: ReadonlyArray<string>, script: string, directory: string): unknown => {
  const { status, stderr, stdout } = shell(command, script, directory)
  assert.strictEqual(status, 0, stderr)
  return JSON.parse(stdout)
}

/** A store with one entry. */
const withEntry = Effect.gen(function*() {
  const directory = yield* temporaryDirectory
  const store = yield* NodeRegistrationStore.make({ directory })
  const lease = Option.getOrThrow(yield* store.acquire(probed, Duration.minutes(1)))
  yield* store.save(lease, "value", 0)
  yield* store.release(lease)
  const files = Fs.readdirSync(directory, { recursive: true }).map(String).filter((name) => name.endsWith(".json"))
  assert.lengthOf(files, 1)
  return { directory, file: Path.join(directory, files[0] ?? "") }
})

const refused = {
  load: "value",
  keys: 1,
  acquire: "lease: ReadOnly",
  save: "save: ReadOnly",
  remove: "remove: ReadOnly",
  postpone: "save: ReadOnly",
  after: "value"
}

describe("a store of files on a machine in trouble", () => {
  it.live("no room for a file: typed, nothing lost, and all is well with a smaller one", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      assert.deepStrictEqual(
        probe(["sh", "-ec"], "ulimit -f 64; \"$NODE\" \"$PROBE\" small-files \"$1\"", directory),
        { save: "save: Full", load: "before", leftOver: [], again: "done", after: "after" }
      )
    }))

  it.live("a directory whose modes forbid to write: typed, and what is in it can be read", () =>
    Effect.gen(function*() {
      const { directory, file } = yield* withEntry
      const before = Fs.readFileSync(file, "utf8")
      // Modes do not bind the superuser, who therefore looks with the eyes of somebody else.
      const nobody = 65_534
      const folders = [Path.dirname(file), Path.join(directory, "keys"), directory]
      for (const each of [file, ...folders]) {
        if (isRoot) Fs.chownSync(each, nobody, nobody)
      }
      for (const each of folders) Fs.chmodSync(each, 0o500)
      const script = `"$NODE" "$PROBE" read-only "$1" ${isRoot ? nobody : ""}`
      try {
        assert.deepStrictEqual(probe(["sh", "-ec"], script, directory), refused)
      } finally {
        for (const each of folders.toReversed()) Fs.chmodSync(each, 0o700)
      }
      assert.strictEqual(Fs.readFileSync(file, "utf8"), before)
    }))

  it.live("too many open files: typed, and all is well when there are fewer", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      assert.deepStrictEqual(
        probe(["sh", "-ec"], "ulimit -n 128; \"$NODE\" \"$PROBE\" many-files \"$1\"", directory),
        { load: "load: Unavailable", save: "save: Unavailable", again: "done", after: "after" }
      )
    }))

  // Where nothing may be mounted, the tests above have to do.
  if (shell(namespace, "mount -t tmpfs -o size=64k none \"$1\"", Os.tmpdir()).status === 0) {
    it.live("a full disk: typed, nothing lost, and all is well when there is room", () =>
      Effect.gen(function*() {
        const directory = yield* temporaryDirectory
        const script = "mount -t tmpfs -o size=256k,mode=700 none \"$1\"; \"$NODE\" \"$PROBE\" full \"$1\""
        assert.deepStrictEqual(probe(namespace, script, directory), {
          save: "save: Full",
          other: "lease: Full",
          postpone: "save: Full",
          load: "before",
          leftOver: [],
          again: "done",
          after: "after"
        })
      }))

    it.live("a read-only file system: typed, and what is in it can be read", () =>
      Effect.gen(function*() {
        const { directory, file } = yield* withEntry
        const before = Fs.readFileSync(file, "utf8")
        const script =
          "mount --bind \"$1\" \"$1\"; mount -o remount,ro,bind \"$1\"; \"$NODE\" \"$PROBE\" read-only \"$1\""
        assert.deepStrictEqual(probe(namespace, script, directory), refused)
        assert.strictEqual(Fs.readFileSync(file, "utf8"), before)
      }))
  }
})
