/** What becomes of registrations in IndexedDB when something is wrong with the browser, in real Chromium. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { BrowserContext, Page } from "playwright-core"
import { application, fields, insecurely, profile, run, sandbox, tab } from "../browser/page.ts"
import { testServer } from "../browser/servers.ts"

const opened = Effect.gen(function*() {
  const { origin } = yield* application("programs")
  const context = yield* profile()
  return { context, origin, page: yield* tab(context, origin) }
})

const problemOf = (found: unknown) => {
  const { failed, message } = fields(found)
  return { problem: fields(failed)["problem"], operation: fields(failed)["operation"], message: String(message) }
}

/** In bytes; 0 is as good as none. Chromium remembers for a while how much room there was: before the first write, then. */
const setQuota = (context: BrowserContext, page: Page, origin: string, quotaSize?: number) =>
  Effect.promise(async () => {
    const session = await context.newCDPSession(page)
    await session.send("Storage.overrideQuotaForOrigin", { origin, ...(quotaSize === undefined ? {} : { quotaSize }) })
  })

/** A store that wrote, waits until `meanwhile` is over, and writes again. */
const surviving = (page: Page, meanwhile: Effect.Effect<unknown>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(run(page, "survive"), { startImmediately: true })
    yield* Effect.promise(() => page.waitForFunction(() => document.title === "written"))
    yield* meanwhile
    yield* run(page, "goOn")
    return yield* Fiber.join(fiber)
  })

describe("BrowserRegistrationStore", () => {
  describe("room", () => {
    it.live("that is exceeded is a typed failure, leaves what is there, and is no reason to stop", () =>
      Effect.gen(function*() {
        const { context, origin, page } = yield* opened
        yield* setQuota(context, page, origin, 100_000)
        yield* run(page, "save", { value: "before" })
        const { message, operation, problem } = problemOf(yield* run(page, "save", { size: 3_000_000 }))
        assert.strictEqual(problem, "Full")
        assert.strictEqual(operation, "save")
        assert.strictEqual(
          message,
          "The store of registrations failed: the browser gives this site no more room: free some on the disk, or delete data " +
            "of this site (QuotaExceededError)"
        )
        assert.deepStrictEqual(yield* run(page, "load"), { version: 1, value: "before" })
        yield* setQuota(context, page, origin)
        assert.strictEqual(yield* run(page, "save", { value: "after" }), 2)
      }))

    it.live("that is missing for a registration keeps it from being made", () =>
      Effect.gen(function*() {
        const { context, origin, page } = yield* opened
        const { issuer, server } = yield* testServer()
        yield* setQuota(context, page, origin, 1)
        const { message, problem } = problemOf(yield* run(page, "ensure", { issuer, profile: "full" }))
        assert.strictEqual(problem, "Full", message)
        assert.lengthOf(yield* server.clients, 0)
        yield* setQuota(context, page, origin)
        assert.isString(fields(yield* run(page, "ensure", { issuer, profile: "full" }))["client"])
      }))

    it.live("for a key of proofs", () =>
      Effect.gen(function*() {
        const { context, origin, page } = yield* opened
        yield* setQuota(context, page, origin, 1)
        const { message, problem } = problemOf(yield* run(page, "prove"))
        assert.strictEqual(problem, "Full", message)
        assert.include(message, "The store of the DPoP key failed: the browser gives this site no more room")
      }))
  })

  describe("the database", () => {
    it.live("that is deleted while it is open is made anew, and its tokens grow on", () =>
      Effect.gen(function*() {
        const { page } = yield* opened
        assert.deepStrictEqual(yield* surviving(page, run(page, "deleteDatabase")), {
          versions: [1, 1],
          tokenGrew: true
        })
      }))

    it.live("that a person deletes with the data of the site is made anew", () =>
      Effect.gen(function*() {
        const { context, origin, page } = yield* opened
        const clear = Effect.promise(async () => {
          const session = await context.newCDPSession(page)
          await session.send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" })
        })
        assert.deepStrictEqual(yield* surviving(page, clear), { versions: [1, 1], tokenGrew: true })
      }))

    it.live("whose connection was lost unnoticed is opened again", () =>
      Effect.gen(function*() {
        const { page } = yield* opened
        assert.deepStrictEqual(yield* run(page, "survive", { lost: true }), { versions: [1, 2], tokenGrew: true })
      }))

    it.live("that a newer version made, before or meanwhile, is left alone", () =>
      Effect.gen(function*() {
        const { context, origin, page } = yield* opened
        const other = yield* tab(context, origin)
        const meanwhile = problemOf(yield* surviving(page, run(other, "upgrade")))
        assert.strictEqual(meanwhile.problem, "NewerFormat")
        for (const name of ["load", "ensure", "prove"]) {
          const { message, problem } = problemOf(
            yield* run(page, name, { issuer: "https://op.example.com", value: "x" })
          )
          assert.strictEqual(problem, "NewerFormat")
          assert.include(
            message,
            "the database was made by a newer version of this SDK: reload the page (VersionError)"
          )
        }
      }))

    it.live("of the same name that is none of ours is left alone", () =>
      Effect.gen(function*() {
        const { page } = yield* opened
        // Of the first version, and empty.
        yield* run(page, "occupy", { database: "of others" })
        const { message, problem } = problemOf(yield* run(page, "save", { database: "of others", value: "x" }))
        assert.strictEqual(problem, "Unavailable")
        assert.include(message, "the database of this name is not one of this SDK: name another (NotFoundError)")
      }))

    it.live("that another tab holds up is waited for, but not for ever", () =>
      Effect.gen(function*() {
        const { page } = yield* opened
        yield* run(page, "occupy")
        // It waits for whoever occupies it, and everybody else waits for it.
        const deleting = yield* Effect.forkChild(run(page, "deleteDatabase"))
        yield* Effect.promise(() => page.waitForTimeout(200))
        const { message, problem } = problemOf(yield* run(page, "load"))
        assert.strictEqual(problem, "Unavailable")
        assert.include(message, "the database did not open within 10 seconds: close the other tabs of this site")
        yield* Fiber.interrupt(deleting)
      }))

    it.live("that a page may not have: a sandboxed frame, blocked site data, some private windows", () =>
      Effect.gen(function*() {
        const { origin } = yield* application("programs", { headers: sandbox })
        const page = yield* tab(yield* profile(), origin)
        for (const encrypted of [false, true]) {
          const { message, problem } = problemOf(yield* run(page, "load", { encrypted }))
          assert.strictEqual(problem, "Unavailable")
          assert.strictEqual(
            message,
            "The store of registrations failed: the browser does not let this page keep anything: a private window, blocked " +
              "site data, or a sandboxed frame (SecurityError)"
          )
        }
        assert.isFalse(yield* run(page, "persist"))
      }))

    it.live("in a page from plain http: it works without Web Locks, and without encryption", () =>
      Effect.gen(function*() {
        const { context, origin } = yield* opened
        const page = yield* insecurely(context, origin)
        assert.strictEqual(yield* run(page, "save", { value: "value" }), 1)
        assert.isTrue(yield* run(page, "hold"))
        assert.isFalse(yield* run(page, "isFree"))
        yield* Effect.promise(() => page.reload())
        // Nothing says that the holder is gone but the time.
        assert.isFalse(yield* run(page, "isFree"))
        const { message, problem } = problemOf(yield* run(page, "load", { encrypted: true }))
        assert.strictEqual(problem, "Unavailable")
        assert.include(
          message,
          "encryption needs WebCrypto, which browsers offer to pages from https or localhost only"
        )
      }))

    it.live("is asked to be kept where that is wanted, and works where it is refused", () =>
      Effect.gen(function*() {
        const { page } = yield* opened
        const warnings: Array<string> = []
        page.on("console", (message) => warnings.push(message.text()))
        const kept = yield* run(page, "persist")
        assert.isBoolean(kept)
        assert.strictEqual(yield* run(page, "save", { value: "value", persistent: true }), 1)
        const isWarned = warnings.some((text) => text.includes("the browser may delete registrations"))
        assert.strictEqual(isWarned, kept === false)
      }))
  })

  describe("leases", () => {
    it.live("of a tab that is closed or crashes are free at once, without waiting for their time", () =>
      Effect.gen(function*() {
        const { context, origin, page } = yield* opened
        for (const end of ["close", "crash", "reload"] as const) {
          const input = { profile: end }
          const holder = yield* tab(context, origin)
          assert.isTrue(yield* run(holder, "hold", input))
          assert.isFalse(yield* run(page, "isFree", input))
          yield* Effect.promise(async () => {
            if (end === "crash") {
              const session = await context.newCDPSession(holder)
              const crashed = holder.waitForEvent("crash")
              session.send("Page.crash").catch(() => undefined)
              await crashed
            } else await holder[end]()
          })
          let isFree: unknown = false
          for (let round = 0; round < 100 && isFree !== true; round++) {
            isFree = yield* run(page, "isFree", input)
            if (isFree !== true) yield* Effect.sleep("50 millis")
          }
          assert.isTrue(isFree, end)
        }
      }))

    it.live("of a worker that is stopped, too", () =>
      Effect.gen(function*() {
        const { context, origin, page } = yield* opened
        const holder = yield* tab(context, origin)
        assert.isTrue(yield* run(holder, "hold", {}, "worker"))
        assert.isFalse(yield* run(page, "isFree"))
        // Its worker goes with it.
        yield* Effect.promise(() => holder.close())
        let isFree: unknown = false
        for (let round = 0; round < 100 && isFree !== true; round++) {
          isFree = yield* run(page, "isFree")
          if (isFree !== true) yield* Effect.sleep("50 millis")
        }
        assert.isTrue(isFree)
      }))
  })

  describe("entries", () => {
    const path = ["https://op.example.com", "default"]

    it.live("that are none fail once, and are set aside", () =>
      Effect.gen(function*() {
        const { page } = yield* opened
        for (
          const row of ["text", 1, { format: 1 }, { format: 1, version: "1", value: "x" }, { value: "x", version: 1 }]
        ) {
          yield* run(page, "save", { value: "good" })
          yield* run(page, "put", { table: "entries", key: path, row })
          const { message, operation, problem } = problemOf(yield* run(page, "load"))
          assert.strictEqual(problem, "Corrupted")
          assert.strictEqual(operation, "load")
          assert.strictEqual(
            message,
            "The store of registrations failed: an entry is not one of this store, and was set aside"
          )
          assert.isNull(yield* run(page, "load"))
          const aside = yield* run(page, "dump", { table: "setAside" })
          assert.deepInclude(aside, row)
        }
      }))

    it.live("of a newer version fail, and stay", () =>
      Effect.gen(function*() {
        const { page } = yield* opened
        yield* run(page, "load")
        const row = { format: 2, something: "new" }
        yield* run(page, "put", { table: "entries", key: path, row })
        for (let round = 0; round < 2; round++) {
          assert.strictEqual(problemOf(yield* run(page, "load")).problem, "NewerFormat")
        }
        assert.deepStrictEqual(yield* run(page, "dump", { table: "entries" }), [row])
        // Nor does what is under no key at all hide it.
        yield* run(page, "put", { table: "entries", key: ["one", "two", "three"], row })
        assert.deepStrictEqual(yield* run(page, "keys"), [{ issuer: path[0], profile: path[1] }])
      }))
  })

  describe("encryption", () => {
    it.live("keeps a secret out of the database, and its key out of reach of scripts", () =>
      Effect.gen(function*() {
        const { context, origin, page } = yield* opened
        const { issuer } = yield* testServer()
        const found = fields(yield* run(page, "ensure", { issuer, encrypted: true }))
        assert.isString(found["secret"])
        const entries = JSON.stringify(yield* run(page, "dump", { table: "entries" }))
        assert.include(entries, "A256GCM")
        assert.notInclude(entries, String(found["secret"]))
        assert.notInclude(entries, String(found["client"]))
        const [kept] = Object.values(fields(yield* run(page, "dump", { table: "keys" })))
        assert.deepStrictEqual(fields(kept)["key"], {
          type: "secret",
          extractable: false,
          exported: ["refused", "refused", "refused"],
          json: "{}"
        })
        assert.deepStrictEqual(yield* run(yield* tab(context, origin), "ensure", { issuer, encrypted: true }), found)
        // Without the key it is nothing to anybody.
        assert.strictEqual(problemOf(yield* run(page, "ensure", { issuer })).problem, "Undecryptable")
      }))

    it.live("reads what was written in the clear, encrypts it with its next change, and needs its key", () =>
      Effect.gen(function*() {
        const { page } = yield* opened
        yield* run(page, "save", { value: "in the clear" })
        assert.deepStrictEqual(yield* run(page, "load", { encrypted: true }), { version: 1, value: "in the clear" })
        yield* run(page, "save", { value: "sealed", encrypted: true })
        assert.notInclude(JSON.stringify(yield* run(page, "dump", { table: "entries" })), "sealed")
        assert.deepStrictEqual(yield* run(page, "load", { encrypted: true }), { version: 2, value: "sealed" })
        yield* run(page, "empty", { table: "keys" })
        assert.strictEqual(problemOf(yield* run(page, "load", { encrypted: true })).problem, "Undecryptable")
        yield* run(page, "empty", { table: "keys" })
        yield* run(page, "put", { table: "keys", key: ["encryption"], row: "no key" })
        const { message, problem } = problemOf(yield* run(page, "load", { encrypted: true }))
        assert.strictEqual(problem, "Corrupted")
        assert.include(message, "the key that entries are encrypted with is not one")
      }))

    it.live("who begins at once agrees on one key", () =>
      Effect.gen(function*() {
        const { page } = yield* opened
        const five = ["0", "1", "2", "3", "4"]
        const input = { value: "value", encrypted: true, profiles: true }
        assert.deepStrictEqual(yield* run(page, "saveAtOnce", input), five.map(() => 1))
        for (const profile of five) {
          assert.deepStrictEqual(yield* run(page, "load", { profile, encrypted: true }), { version: 1, value: "value" })
        }
      }))
  })
})
