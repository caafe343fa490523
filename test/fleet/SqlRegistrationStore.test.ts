/** The store in SQL: its contract on SQLite, and what it says and does when PostgreSQL is not as it should be. */
import { RegistrationEncryption, type RegistrationError, RegistrationStore } from "@effect-dcr/core"
import * as SqlRegistrationStore from "@effect-dcr/core/SqlRegistrationStore"
import { PgClient } from "@effect/sql-pg"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import {
  Clock,
  Context,
  Duration,
  Effect,
  Exit,
  Layer,
  Option,
  Redacted,
  Schedule,
  Scope,
  Stream,
  Tracer
} from "effect"
import { SqlClient } from "effect/sql"
import * as Path from "node:path"
import { inspect } from "node:util"
import { temporaryDirectory } from "../support/childPrograms.ts"
import { failsWith } from "../support/failure.ts"
import { type Place, postgres, type StoreServer } from "../support/fleetServers.ts"
import { newPrefix, pgLayer, pgOptions } from "../support/fleetStores.ts"
import { registrationStoreContract } from "../support/registrationStoreContract.ts"
import { layerSqlite } from "../support/sqlite.ts"
import { unchecked } from "../support/unchecked.ts"

type Store = RegistrationStore.RegistrationStore["Service"]

registrationStoreContract(
  "SQLite",
  Effect.map(temporaryDirectory, (directory) => ({
    open: Effect.map(
      Layer.build(
        Layer.fresh(SqlRegistrationStore.layer()).pipe(
          Layer.provide(Layer.fresh(layerSqlite(Path.join(directory, "registrations.db"))))
        )
      ),
      (context) => Context.get(context, RegistrationStore.RegistrationStore)
    )
  })),
  { reach: "machine", live: true }
)

const key: RegistrationStore.Key = { issuer: "https://op.example.com", profile: "canary-profile" }
const ttl = Duration.minutes(1)

const scope = Scope.makeUnsafe()
let server: StoreServer
beforeAll(() =>
  Effect.runPromise(Effect.map(Scope.provide(postgres, scope), (started) => {
    server = started
  }))
)
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const place = (): Extract<Place, { kind: "postgres" }> => {
  if (server.place.kind !== "postgres") throw new Error("another server")
  return server.place
}

/** A store on tables of its own. */
const withStore = <A, E>(
  use: (store: Store, sql: SqlClient.SqlClient, prefix: string) => Effect.Effect<A, E, Scope.Scope>,
  options: SqlRegistrationStore.Options = {}
) =>
  Effect.gen(function*() {
    const prefix = newPrefix()
    const context = yield* Layer.build(Layer.fresh(pgLayer(place())))
    const store = yield* Effect.provideContext(SqlRegistrationStore.make({ prefix, ...options }), context)
    return yield* use(store, Context.get(context, SqlClient.SqlClient), prefix)
  }).pipe(Effect.scoped)

const acquire = (store: Store, of = key) => Effect.flatMap(store.acquire(of, ttl), Effect.fromOption)

const shown = (error: RegistrationError.RegistrationError) =>
  `${error.message} ${JSON.stringify(error)} ${String(error.stack)} ${inspect(error, { depth: 20, showHidden: true })}`

const failsAs =
  (problem: RegistrationError.ReasonOf<"StoreFailed">["problem"]) =>
  <A, R>(effect: Effect.Effect<A, RegistrationError.RegistrationError, R>) =>
    Effect.map(failsWith("StoreFailed")(effect), ({ error, reason }) => {
      assert.strictEqual(reason.problem, problem, reason.message)
      assert.notInclude(shown(error), "canary")
      return error
    })

describe("a store in PostgreSQL", () => {
  it.live("keeps what was saved in a transaction of the caller that is rolled back", () =>
    withStore((store, sql) =>
      Effect.gen(function*() {
        yield* sql.withTransaction(Effect.gen(function*() {
          const lease = yield* acquire(store)
          yield* store.save(lease, "granted", 0)
          return yield* Effect.fail("rolled back")
        })).pipe(Effect.ignore)
        assert.strictEqual(Option.getOrThrow(yield* store.load(key)).value, "granted")
      })
    ))

  it.live("a change may be repeated by its own lease, and by no other", () =>
    withStore((store) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        const first = yield* store.save(lease, "value", 0)
        assert.strictEqual(yield* store.save(lease, "value", 0), first)
        yield* store.save(lease, "another", 0).pipe(failsAs("Conflict"))
        const second = yield* store.save(lease, "value 2", first)
        assert.strictEqual(yield* store.save(lease, "value 2", first), second)
        yield* store.release(lease)
        const next = yield* acquire(store)
        yield* store.save(next, "value 2", first).pipe(failsAs("Conflict"))
        yield* store.remove(next, second)
        yield* store.remove(next, second)
        yield* store.release(next)
        const last = yield* acquire(store)
        yield* store.remove(last, second).pipe(failsAs("Conflict"))
      })
    ))

  it.live("says nothing of what stood in a statement, in errors and in spans", () =>
    Effect.gen(function*() {
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      yield* withStore((store, sql, prefix) =>
        Effect.gen(function*() {
          const lease = yield* acquire(store)
          yield* store.save(lease, "canary-1", 0)
          // PostgreSQL shows the row that breaks a rule.
          yield* sql`ALTER TABLE ${sql(`${prefix}registrations`)} ADD CHECK (version < 2)`
          const error = yield* store.save(lease, "canary-2", 1).pipe(failsAs("Unavailable"))
          assert.include(error.message, "23514")
          yield* store.load(key)
          yield* store.postpone("https://canary.example.com", Date.now() + 1000)
        })
      ).pipe(Effect.withTracer(tracer))
      assert.isAbove(spans.length, 5)
      assert.notInclude(
        inspect(spans.map(({ attributes, events, name }) => ({ name, attributes, events })), { depth: 20 }),
        "canary"
      )
    }))

  it.live("a standby takes no changes, and says so", () =>
    Effect.gen(function*() {
      const prefix = newPrefix()
      const writable = yield* Layer.build(Layer.fresh(PgClient.layer(pgOptions(place()))))
      const store = yield* Effect.provideContext(SqlRegistrationStore.make({ prefix }), writable)
      const lease = yield* acquire(store)
      yield* store.save(lease, "value", 0)
      const readOnly = yield* Layer.build(Layer.fresh(PgClient.layer({
        ...pgOptions(place()),
        startupParameters: { default_transaction_read_only: "on" }
      })))
      const standby = yield* Effect.provideContext(SqlRegistrationStore.make({ prefix, makeTables: false }), readOnly)
      assert.strictEqual(Option.getOrThrow(yield* standby.load(key)).value, "value")
      yield* standby.save(lease, "canary", 1).pipe(failsAs("ReadOnly"))
      yield* standby.acquire({ ...key, profile: "another" }, ttl).pipe(failsAs("ReadOnly"))
    }).pipe(Effect.scoped))

  it.live("what is not text is set aside, once, and not lost", () =>
    withStore((store, sql, prefix) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        yield* store.save(lease, "value", 0)
        yield* sql`UPDATE ${sql(`${prefix}registrations`)} SET value = '\\xff'`
        yield* store.load(key).pipe(failsAs("Corrupted"))
        assert.deepStrictEqual(yield* store.load(key), Option.none())
        assert.strictEqual((yield* sql`SELECT * FROM ${sql(`${prefix}registrations_set_aside`)}`).length, 1)
        yield* store.save(lease, "anew", 0)
      })
    ))

  it.live("a failover that loses changes hands out no token twice", () =>
    withStore((store, sql, prefix) =>
      Effect.gen(function*() {
        const before = yield* acquire(store)
        yield* sql`DELETE FROM ${sql(`${prefix}registrations`)}`
        const after = yield* acquire(store)
        assert.isAbove(after.token, before.token)
        yield* store.save(before, "stale", 0).pipe(failsAs("LeaseLost"))
        yield* store.save(after, "value", 0)
      })
    ))

  it.live("a failover that loses the last lease does not hand out its token again", () =>
    withStore((store, sql, prefix) =>
      Effect.gen(function*() {
        const kept = yield* acquire(store)
        yield* store.release(kept)
        const lost = yield* acquire(store)
        yield* sql`UPDATE ${sql(`${prefix}registrations`)} SET token = ${BigInt(kept.token)}, lease_until = NULL`
        yield* Effect.sleep("5 millis")
        const next = yield* acquire(store)
        assert.notStrictEqual(next.token, lost.token)
        yield* store.save(lost, "stale", 0).pipe(failsAs("LeaseLost"))
        // By a clock that was ahead.
        yield* sql`UPDATE ${sql(`${prefix}registrations`)} SET token = 4000000000000000, lease_until = NULL`
        assert.isAbove((yield* acquire(store)).token, 4_000_000_000_000_000)
      })
    ))

  it.live("does not trust the clock of a machine", () =>
    withStore((store) =>
      Effect.gen(function*() {
        const clock = yield* Clock.Clock
        const hour = 3_600_000
        const ahead = unchecked<Clock.Clock>(Object.setPrototypeOf({
          currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + hour),
          currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + hour,
          monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe() + BigInt(hour) * 1_000_000n
        }, clock))
        const elsewhere = Effect.provideService(Clock.Clock, ahead)
        yield* acquire(store)
        assert.isTrue(Option.isNone(yield* elsewhere(store.acquire(key, ttl))))
        const now = Date.now()
        yield* elsewhere(store.postpone(key.issuer, now + hour + 60_000))
        assert.strictEqual(yield* elsewhere(store.notBefore(key.issuer)), now + hour + 60_000)
        const here = yield* store.notBefore(key.issuer)
        assert.closeTo(here, now + 60_000, 5000)
      })
    ))

  it.live("lists more keys than come at once", () =>
    withStore((store, sql, prefix) =>
      Effect.gen(function*() {
        yield* sql`INSERT INTO ${sql(`${prefix}registrations`)} (id, name, token, version, value)
          SELECT lpad(n::text, 43, '0'), 'https%3A%2F%2Fop.example.com tenant-' || n, 1, 1, '\\x61'
          FROM generate_series(1, 2500) AS n`
        const keys = yield* Stream.runCollect(store.keys)
        assert.strictEqual(new Set(Array.from(keys, ({ profile }) => profile)).size, 2500)
        yield* sql`UPDATE ${sql(`${prefix}registrations`)} SET name = 'a name that is none' WHERE id LIKE '%0007'`
        let told = 0
        yield* Stream.runForEach(store.keys, () => Effect.sync(() => told++)).pipe(failsAs("Corrupted"))
        assert.strictEqual(told, 2499)
      })
    ))

  it.live("several may make the tables at once", () =>
    Effect.gen(function*() {
      const prefix = newPrefix()
      const open = Effect.flatMap(
        Layer.build(Layer.fresh(pgLayer(place()))),
        (context) => Effect.provideContext(SqlRegistrationStore.make({ prefix }), context)
      )
      const stores = yield* Effect.all(Array.from({ length: 6 }, () => open), { concurrency: "unbounded" })
      const leases = yield* Effect.forEach(stores, (store) => store.acquire(key, ttl))
      assert.strictEqual(leases.filter(Option.isSome).length, 1)
    }).pipe(Effect.scoped))

  it.live("says what it cannot stand on", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(Layer.fresh(pgLayer(place())))
      const open = (options: SqlRegistrationStore.Options) =>
        Effect.provideContext(SqlRegistrationStore.make(options), context)
      for (const prefix of ["", "a b", "a\"", "1a", "x".repeat(31)]) {
        yield* open({ prefix }).pipe(failsWith("InvalidOptions"))
      }
      const store = yield* open({ prefix: "missing_", makeTables: false })
      yield* store.load(key).pipe(failsAs("Unavailable"))
    }).pipe(Effect.scoped))

  it.live("without encryption the value is in the row, with it nothing of it", () =>
    withStore((store, sql, prefix) =>
      Effect.gen(function*() {
        const encrypted = yield* Effect.map(
          Layer.build(
            RegistrationEncryption.layer({
              key: { kid: "1", key: Redacted.make(Buffer.alloc(32, 1).toString("base64")) }
            })
              .pipe(Layer.provide(Layer.succeed(RegistrationStore.RegistrationStore, store)))
          ),
          (context) => Context.get(context, RegistrationStore.RegistrationStore)
        )
        const lease = yield* acquire(encrypted)
        yield* encrypted.save(lease, "canary-secret", 0)
        const rows = yield* sql`SELECT encode(value, 'escape') AS value FROM ${sql(`${prefix}registrations`)}`
        assert.notInclude(JSON.stringify(rows), "canary-secret")
        assert.include(JSON.stringify(rows), "A256GCM")
        assert.strictEqual(Option.getOrThrow(yield* encrypted.load(key)).value, "canary-secret")
      })
    ))

  it.live("a database that stands still, and one that is away, fail within the time, and serve again", () =>
    withStore((store) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        const version = yield* store.save(lease, "value", 0)
        yield* server.pause
        const paused = performance.now()
        yield* store.load(key).pipe(failsAs("Unavailable"))
        yield* store.save(lease, "canary", version).pipe(failsAs("Unavailable"))
        assert.isBelow(performance.now() - paused, 15_000)
        yield* server.resume
        yield* server.stop
        const stopped = performance.now()
        yield* store.load(key).pipe(failsAs("Unavailable"))
        yield* store.acquire(key, ttl).pipe(failsAs("Unavailable"))
        assert.isBelow(performance.now() - stopped, 15_000)
        yield* server.start
        const entry = yield* Effect.retry(store.load(key), { times: 20, schedule: Schedule.spaced("200 millis") })
        // The change that nobody heard of was made, or it was not.
        assert.include(["value", "canary"], Option.getOrThrow(entry).value)
      }), { timeout: "800 millis" }))
})
