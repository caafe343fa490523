/**
 * A process of its own that uses a store of files where something is wrong with the machine, and prints what came of it as JSON.
 *
 * ```
 * node storeProbe.ts read-only DIRECTORY [USER]    where it cannot write, as the user of this number
 * node storeProbe.ts full DIRECTORY                on a small file system, which it fills
 * node storeProbe.ts small-files DIRECTORY         where no file may be large
 * node storeProbe.ts many-files DIRECTORY          with few files that may be open
 * ```
 */
import type { RegistrationError, RegistrationStore } from "@effect-dcr/core"
import { NodeRegistrationStore } from "@effect-dcr/platform-node"
import { Duration, Effect, Option, Result, Stream } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"

type Store = RegistrationStore.RegistrationStore["Service"]

export const probed: RegistrationStore.Key = { issuer: "https://op.example.com", profile: "tenant" }

const outcome = <A>(effect: Effect.Effect<A, RegistrationError.RegistrationError>) =>
  Effect.map(
    Effect.result(effect),
    Result.match({
      onFailure: ({ reason }) => reason._tag === "StoreFailed" ? `${reason.operation}: ${reason.problem}` : reason._tag,
      onSuccess: () => "done"
    })
  )

const acquire = (store: Store, key: RegistrationStore.Key) =>
  Effect.map(store.acquire(key, Duration.minutes(1)), Option.getOrThrow)

const valueOf = (store: Store) => Effect.map(store.load(probed), (entry) => Option.getOrThrow(entry).value)

/** Takes all that is left, to the last byte, and gives it back when it is told to. */
const fill = (directory: string) => {
  const path = Path.join(directory, "ballast")
  const file = Fs.openSync(path, "w")
  for (const size of [65_536, 4096, 1]) {
    try {
      for (;;) Fs.writeSync(file, Buffer.alloc(size))
    } catch {
      // No more of this size.
    }
  }
  return () => {
    Fs.closeSync(file)
    Fs.rmSync(path)
  }
}

const readOnly = (store: Store) =>
  Effect.gen(function*() {
    return {
      load: yield* valueOf(store),
      keys: yield* Stream.runCount(store.keys),
      acquire: yield* outcome(store.acquire(probed, Duration.minutes(1))),
      save: yield* outcome(store.save({ key: probed, token: 1 }, "never", 1)),
      remove: yield* outcome(store.remove({ key: probed, token: 1 }, 1)),
      postpone: yield* outcome(store.postpone(probed.issuer, 1)),
      after: yield* valueOf(store)
    }
  })

const full = (store: Store, directory: string) =>
  Effect.gen(function*() {
    const lease = yield* acquire(store, probed)
    const version = yield* store.save(lease, "before", 0)
    const empty = fill(directory)
    const save = yield* outcome(store.save(lease, "x".repeat(8192), version))
    const other = yield* outcome(store.acquire({ ...probed, profile: "other" }, Duration.minutes(1)))
    const postpone = yield* outcome(store.postpone(probed.issuer, 1))
    const load = yield* valueOf(store)
    empty()
    const leftOver = Fs.readdirSync(directory, { recursive: true }).filter((name) => String(name).endsWith(".tmp"))
    const again = yield* outcome(store.save(lease, "after", version))
    return { save, other, postpone, load, leftOver, again, after: yield* valueOf(store) }
  })

const smallFiles = (store: Store, directory: string) =>
  Effect.gen(function*() {
    const lease = yield* acquire(store, probed)
    const version = yield* store.save(lease, "before", 0)
    const save = yield* outcome(store.save(lease, "too much ".repeat(100_000), version))
    const load = yield* valueOf(store)
    const leftOver = Fs.readdirSync(directory, { recursive: true }).filter((name) => String(name).endsWith(".tmp"))
    return {
      save,
      load,
      leftOver,
      again: yield* outcome(store.save(lease, "after", version)),
      after: yield* valueOf(store)
    }
  })

const manyFiles = (store: Store) =>
  Effect.gen(function*() {
    const lease = yield* acquire(store, probed)
    const version = yield* store.save(lease, "before", 0)
    const open: Array<number> = []
    try {
      for (;;) open.push(Fs.openSync("/dev/null", "r"))
    } catch {
      // No more files.
    }
    const load = yield* outcome(store.load(probed))
    const save = yield* outcome(store.save(lease, "never", version))
    for (const file of open) Fs.closeSync(file)
    return { load, save, again: yield* outcome(store.save(lease, "after", version)), after: yield* valueOf(store) }
  })

const probes: Readonly<
  Record<string, (store: Store, directory: string) => Effect.Effect<unknown, RegistrationError.RegistrationError>>
> = { "read-only": readOnly, full, "small-files": smallFiles, "many-files": manyFiles }

if (import.meta.main) {
  const [name = "", directory = "", user] = process.argv.slice(2)
  const probe = probes[name]
  if (probe === undefined) throw new Error(`no such probe: ${name}`)
  // What it needs is loaded: another user may not read it.
  if (user !== undefined) process.seteuid?.(Number(user))
  const found = await Effect.runPromise(
    Effect.flatMap(NodeRegistrationStore.make({ directory }), (store) => probe(store, directory))
  )
  console.log(JSON.stringify(found))
}
