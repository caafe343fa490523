/** The store in SQL: its contract on SQLite, the contract of stores on a server on PostgreSQL, and what is its own. */
import { RegistrationEncryption, RegistrationStore } from "@effect-dcr/core"
import * as SqlRegistrationStore from "@effect-dcr/core/SqlRegistrationStore"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Layer, Option, Redacted, Result, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import { readFileSync } from "node:fs"
import * as Path from "node:path"
import { inspect } from "node:util"
import { temporaryDirectory } from "../support/childPrograms.ts"
import { failsWith } from "../support/failure.ts"
import { postgres } from "../support/fleetServers.ts"
import { acquire, canaries, failsAs, fleetStoreContract, key, ttl } from "../support/fleetStoreContract.ts"
import { newPrefix, pgLayer, pgOptions, type StoreOptions } from "../support/fleetStores.ts"
import { serverFor } from "../support/fleetSuite.ts"
import { recordSpans } from "../support/recordedSpans.ts"
import { registrationStoreContract } from "../support/registrationStoreContract.ts"
import { layerSqlite } from "../support/sqlite.ts"
import { unchecked } from "../support/unchecked.ts"

type Store = RegistrationStore.RegistrationStore["Service"]

const guide = new URL("../../docs/guides/fleets.md", import.meta.url)

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

const server = serverFor(postgres)

const placeOf = ({ place }: Pick<StoreOptions, "place">) =>
  place.kind === "postgres" ? place : assert.fail("another server")

/** A client with settings of its own. */
const connect = (
  options: Pick<PgClient.PgClientConfig, "startupParameters" | "types"> & { readonly maxConnections?: number }
) => Effect.orDie(Layer.build(Layer.fresh(PgClient.layer({ ...pgOptions(placeOf(server())), ...options }))))

fleetStoreContract("PostgreSQL", server, ({ place, prefix }) =>
  Effect.gen(function*() {
    const context = yield* Effect.orDie(Layer.build(Layer.fresh(pgLayer(placeOf({ place }), 2))))
    const sql = Context.get(context, SqlClient.SqlClient)
    const registrations = sql(`${prefix}registrations`)
    return {
      loseAll: Effect.orDie(Effect.asVoid(sql`DELETE FROM ${registrations}`)),
      backTo: (token) =>
        Effect.orDie(Effect.asVoid(sql`UPDATE ${registrations} SET token = ${BigInt(token)}, lease_until = NULL`)),
      spoil: [Effect.orDie(Effect.asVoid(sql`UPDATE ${registrations} SET value = '\\xff'`))],
      aside: Effect.map(
        Effect.orDie(sql`SELECT * FROM ${sql(`${prefix}registrations_set_aside`)}`),
        ({ length }) => length
      ),
      add: (names) =>
        Effect.orDie(Effect.asVoid(sql`INSERT INTO ${registrations} (id, name, token, version, value)
          SELECT md5(each), each, 1, 1, '\\x61' FROM json_array_elements_text(${JSON.stringify(names)}::json) AS each`))
    }
  }))

/** A store on tables of its own. */
const withStore = <A, E>(
  use: (store: Store, sql: SqlClient.SqlClient, prefix: string) => Effect.Effect<A, E, Scope.Scope>
) =>
  Effect.gen(function*() {
    const prefix = yield* newPrefix(server().place)
    const context = yield* connect({})
    const store = yield* Effect.provideContext(SqlRegistrationStore.make({ prefix }), context)
    return yield* use(store, Context.get(context, SqlClient.SqlClient), prefix)
  }).pipe(Effect.scoped)

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

  it.live("says nothing of what stood in a statement, in errors and in spans", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recordSpans()
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
      // What exporters take of a span, and of the failure that ended it.
      const failures = spans.flatMap(({ status }) =>
        status._tag === "Ended" && Exit.isFailure(status.exit) ? [status.exit.cause] : []
      )
      assert.isAbove(failures.length, 0)
      const shown = inspect([
        spans.map(({ attributes, events, name }) => ({ name, attributes, events })),
        failures.flatMap((cause) => Cause.prettyErrors(cause, { includeCauseInStack: true })).map((
          { cause, message, stack }
        ) => ({
          cause: String(cause),
          message,
          stack
        })),
        failures.map(Cause.pretty)
      ], { depth: 20 })
      for (const form of canaries) assert.notInclude(shown, form)
    }))

  it.live("a standby takes no changes, and says so", () =>
    withStore((store, _, prefix) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        yield* store.save(lease, "value", 0)
        const readOnly = yield* connect({ startupParameters: { default_transaction_read_only: "on" } })
        const standby = yield* Effect.provideContext(SqlRegistrationStore.make({ prefix }), readOnly)
        assert.strictEqual(Option.getOrThrow(yield* standby.load(key)).value, "value")
        yield* standby.save(lease, "canary", 1).pipe(failsAs("ReadOnly"))
        yield* standby.acquire({ ...key, profile: "another" }, ttl).pipe(failsAs("ReadOnly"))
      })
    ))

  it.live("a driver that gives something else than bytes makes nothing of what is kept", () =>
    withStore((store, sql, prefix) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        yield* store.save(lease, "value", 0)
        const types = PgTypes.makeRegistry()
        types.register(PgTypes.OID.bytea, {
          encode: (value: Uint8Array) => Result.succeed(value),
          decode: (bytes) => Result.succeed(unchecked<Uint8Array>(Buffer.from(bytes).toString("hex")))
        })
        const context = yield* connect({ types })
        const odd = yield* Effect.provideContext(SqlRegistrationStore.make({ prefix }), context)
        yield* odd.load(key).pipe(failsAs("Unavailable"))
        assert.strictEqual(Option.getOrThrow(yield* store.load(key)).value, "value")
        assert.strictEqual((yield* sql`SELECT * FROM ${sql(`${prefix}registrations_set_aside`)}`).length, 0)
      })
    ))

  it.live("several may make the tables at once", () =>
    Effect.gen(function*() {
      const prefix = yield* newPrefix(server().place)
      const open = Effect.flatMap(connect({}), (context) =>
        Effect.provideContext(SqlRegistrationStore.make({ prefix }), context))
      const stores = yield* Effect.all(
        Array.from({ length: 6 }, () =>
          open),
        { concurrency: "unbounded" }
      )
      const leases = yield* Effect.forEach(stores, (store) => store.acquire(key, ttl))
      assert.strictEqual(leases.filter(Option.isSome).length, 1)
    }).pipe(Effect.scoped))

  it.live("says what it cannot stand on", () =>
    Effect.gen(function*() {
      const context = yield* connect({})
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

  it.live("the row that is left of a key may be deleted as the guide says: its token does not come back", () =>
    withStore((store, sql, prefix) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        yield* store.remove(lease, yield* store.save(lease, "value", 0))
        yield* store.release(lease)
        const registrations = sql(`${prefix}registrations`)
        assert.lengthOf(yield* sql`SELECT * FROM ${registrations}`, 1)
        const [, condition] = /\(`(value IS NULL [^`]+)`\)/.exec(readFileSync(guide, "utf8")) ?? []
        yield* sql`DELETE FROM ${registrations} WHERE ${sql.literal(condition ?? assert.fail("not in the guide"))}`
        assert.lengthOf(yield* sql`SELECT * FROM ${registrations}`, 0)
        const next = yield* acquire(store)
        assert.isTrue(next.token > lease.token)
        yield* store.save(lease, "late", 0).pipe(failsAs("LeaseLost"))
      })
    ))

  it.live("waits for those who get into its way under a strict isolation", () =>
    Effect.gen(function*() {
      for (const level of ["repeatable read", "serializable"]) {
        const prefix = yield* newPrefix(server().place)
        const context = yield* connect({
          maxConnections: 10,
          startupParameters: { default_transaction_isolation: level }
        })
        const store = yield* Effect.provideContext(SqlRegistrationStore.make({ prefix }), context)
        const fifty = Array.from({ length: 50 }, (_, index) => index)
        const all = { concurrency: "unbounded" } as const
        const until = Date.now() + 60_000
        yield* Effect.forEach(fifty, (index) => store.postpone(key.issuer, until + index), all)
        // How long it is to be, from when it comes to be said.
        assert.closeTo(yield* store.notBefore(key.issuer), until, 2000)
        for (let round = 0; round < 3; round++) {
          const leases = yield* Effect.forEach(fifty, () => store.acquire(key, ttl), all)
          const taken = leases.flatMap(Option.toArray)
          assert.strictEqual(taken.length, 1)
          yield* Effect.forEach(taken, (lease) => store.release(lease))
        }
      }
    }).pipe(Effect.scoped))

  it.live("opens for a role that may not make tables where they are made", () =>
    withStore((store, sql, prefix) =>
      Effect.gen(function*() {
        const lease = yield* acquire(store)
        yield* store.save(lease, "value", 0)
        // Somebody else's server has the roles that it has.
        if ("url" in server().place) return
        const role = sql(`${prefix}role`)
        yield* Effect.acquireRelease(
          sql`CREATE ROLE ${role}`,
          () => Effect.orDie(Effect.andThen(sql`DROP OWNED BY ${role}`, sql`DROP ROLE ${role}`))
        )
        for (const table of ["registrations", "registrations_set_aside", "issuers"]) {
          yield* sql`GRANT SELECT, INSERT, UPDATE ON ${sql(prefix + table)} TO ${role}`
        }
        yield* sql`GRANT SELECT ON ${sql(`${prefix}migrations`)} TO ${role}`
        const context = yield* connect({ startupParameters: { role: `${prefix}role` } })
        const theirs = yield* Effect.provideContext(SqlRegistrationStore.make({ prefix }), context)
        yield* theirs.save(lease, "theirs", 1)
        assert.strictEqual(Option.getOrThrow(yield* store.load(key)).value, "theirs")
        const missing = SqlRegistrationStore.make({ prefix: "missing_" })
        yield* Effect.provideContext(missing, context).pipe(failsAs("ReadOnly"))
      })
    ))

  it.live("a database that stands still is not waited for at the opening, either", () =>
    Effect.gen(function*() {
      const prefix = yield* newPrefix(server().place)
      const context = yield* connect({})
      yield* Context.get(context, SqlClient.SqlClient)`SELECT 1`
      const { pause, resume } = server()
      yield* Effect.acquireRelease(pause, () => resume)
      const began = performance.now()
      const store = SqlRegistrationStore.make({ prefix, timeout: "100 millis" })
      yield* Effect.provideContext(store, context).pipe(failsAs("Unavailable"))
      assert.isBelow(performance.now() - began, 15_000)
    }).pipe(Effect.scoped))
})
