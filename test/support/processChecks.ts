/** What several processes that share a store of files do to each other. Each check judges by itself, and returns its figures. */
import { RegistrationStore } from "@effect-dcr/core"
import { NodeRegistrationStore } from "@effect-dcr/platform-node"
import { assert } from "@effect/vitest"
import { Duration, Effect, Option } from "effect"
import { mountedServer, startChild, temporaryDirectory } from "./childPrograms.ts"
import { seeded } from "./seeded.ts"
import { shared } from "./storeChild.ts"

/** Processes that ask for the same client at once: one registration. */
export const askAtOnce = (processes: number) =>
  Effect.gen(function*() {
    const directory = yield* temporaryDirectory
    const server = yield* mountedServer({}, () => 20)
    const children = yield* Effect.forEach(
      Array.from({ length: processes }),
      () => startChild("storeChild.ts", ["ensure", directory, server.issuer])
    )
    for (const child of children) assert.strictEqual(yield* child.line, "ready")
    for (const child of children) yield* child.write("go")
    const ids = yield* Effect.forEach(children, ({ line }) => line, { concurrency: "unbounded" })
    assert.strictEqual(new Set(ids).size, 1, ids.join(" "))
    assert.strictEqual(yield* server.count("POST"), 1)
    assert.deepStrictEqual((yield* server.clients).map(({ clientId }) => clientId), [...new Set(ids)])
  }).pipe(Effect.scoped)

/**
 * Kills processes that hold the lease, and judges that nobody waits for longer than the lease. By when the last one asked who
 * was told that it is held: that is after the end of the holder by no more than the lease, however busy the machine is. Returns
 * how long the next holder waited, in milliseconds.
 */
export const killHolders = (rounds: number, seed: number, ttl: number) =>
  Effect.gen(function*() {
    const random = seeded(seed)
    const directory = yield* temporaryDirectory
    const store = yield* NodeRegistrationStore.make({ directory })
    const delays: Array<number> = []
    for (let attempt = 0; delays.length < rounds; attempt++) {
      assert.isBelow(attempt, 3 * rounds, "a holder that lives keeps its lease")
      const child = yield* startChild("storeChild.ts", ["hold", directory, String(ttl)])
      assert.strictEqual(yield* child.line, "ready")
      yield* child.write("go")
      const token = Number(yield* child.line)
      // It renews the lease meanwhile.
      yield* Effect.sleep(random() * 2 * ttl)
      const early = yield* store.acquire(shared, Duration.millis(ttl))
      yield* child.signal("SIGKILL")
      yield* child.ended
      if (Option.isSome(early)) {
        // It had no turn for longer than the lease: the machine has too much to do.
        yield* store.release(early.value)
        continue
      }
      const killed = performance.now()
      let told = 0
      for (;;) {
        const asked = performance.now() - killed
        const lease = yield* store.acquire(shared, Duration.millis(ttl))
        if (Option.isSome(lease)) {
          assert.isAbove(lease.value.token, token)
          yield* store.release(lease.value)
          break
        }
        told = asked
        yield* Effect.sleep(5)
      }
      assert.isAtMost(told, ttl)
      delays.push(performance.now() - killed)
    }
    return delays
  }).pipe(Effect.scoped)

/**
 * Stops a process that saves under leases at any point, takes its lease when that has run out, saves, and lets the process go
 * on: what was saved stays. Returns how often the lease was taken away from the process, and how often it noticed.
 */
export const stopHolders = (rounds: number, seed: number, ttl: number) =>
  Effect.gen(function*() {
    const random = seeded(seed)
    const directory = yield* temporaryDirectory
    const store = yield* NodeRegistrationStore.make({ directory })
    const child = yield* startChild("storeChild.ts", ["loop", directory, String(ttl)])
    assert.strictEqual(yield* child.line, "ready")
    yield* child.write("go")
    let taken = 0
    for (let round = 0; round < rounds; round++) {
      yield* Effect.sleep(10 + random() * 60)
      yield* child.signal("SIGSTOP")
      const isHeld = Option.isNone(yield* store.acquire(shared, Duration.millis(1)))
      if (isHeld) taken++
      yield* RegistrationStore.withLease(store, shared, { ttl: "1 minute" }, (lease) =>
        Effect.gen(function*() {
          // What it had begun to change may have been on its way through the system until now.
          const before = Option.getOrUndefined(yield* store.load(shared))
          const version = yield* store.save(lease, `parent ${round}`, before?.version ?? 0)
          yield* child.signal("SIGCONT")
          yield* Effect.sleep(30)
          assert.deepStrictEqual(yield* store.load(shared), Option.some({ version, value: `parent ${round}` }))
        }))
    }
    yield* child.signal("SIGKILL")
    yield* child.ended
    const failures = child.unread()
    assert.deepStrictEqual([...new Set(failures)].filter((problem) => problem !== "LeaseLost"), [])
    return { taken, noticed: failures.length }
  }).pipe(Effect.scoped)
