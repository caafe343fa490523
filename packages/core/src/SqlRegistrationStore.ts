/**
 * Registrations in PostgreSQL, for the machines of a fleet; in SQLite for the processes of one machine.
 *
 * It stands on `SqlClient` of `effect/sql`, whose driver the application brings: `@effect/sql-pg`, or one for SQLite. A change
 * is compared and set by a version in the row, a lease is in the row with a fencing token, and time is that of the database:
 * clocks of machines are not trusted.
 *
 * A module of its own, which the package's root does not name, so that who keeps registrations elsewhere does not load it.
 *
 * **Example** (A fleet on PostgreSQL)
 *
 * ```ts
 * import { Registrar } from "@effect-dcr/core"
 * import * as SqlRegistrationStore from "@effect-dcr/core/SqlRegistrationStore"
 * import { NodeRegistration } from "@effect-dcr/platform-node"
 * import { PgClient } from "@effect/sql-pg"
 * import { Config, Layer } from "effect"
 *
 * const layer = Registrar.layer().pipe(
 *   Layer.provide([SqlRegistrationStore.layer(), NodeRegistration.layer]),
 *   Layer.provide(PgClient.layerConfig({ url: Config.Redacted("DATABASE_URL") }))
 * )
 * ```
 *
 * **Gotchas**
 *
 * Secrets are in the rows in the clear, unless `RegistrationEncryption` of `@effect-dcr/core` stands in front. Statements run
 * outside of any transaction of the caller, because what a server granted must be durable whatever becomes of that. They need a
 * connection besides those of transactions: with a pool that is too small for both, they wait until the time is over.
 *
 * With asynchronous replication a failover may lose the last changes: see the guide on fleets.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Fragment, Statement } from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import { type Operation, within } from "./internal/fleet/bounded.ts"
import { keysOf } from "./internal/fleet/listing.ts"
import { readHere } from "./internal/fleet/remoteTime.ts"
import { fromSqlError, wasRolledBack } from "./internal/fleet/sqlFailure.ts"
import { areMade, migrate, nowOf, tablesOf } from "./internal/fleet/sqlSchema.ts"
import { conflict, leaseLost, storeFailed } from "./internal/storeFailure.ts"
import { type Change, RegistrationChanges } from "./RegistrationChanges.ts"
import { RegistrationError } from "./RegistrationError.ts"
import { decodeKey, encodeKey, type Entry, type Lease, RegistrationStore } from "./RegistrationStore.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * Options of {@link layer}.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /**
   * What the names of the tables begin with: letters, digits and underscores, at most 30. Stores of one prefix in one database
   * share their registrations. Default: `dcr_`.
   */
  readonly prefix?: string | undefined
  /**
   * Whether the tables are made, and brought to the form that this version needs, when the store is opened. With `false`, run
   * {@link makeTables} in a deployment, under a role that may. Default: `true`.
   */
  readonly makeTables?: boolean | undefined
  /**
   * How long the database may take for one statement before it counts as away; ten times as long to make the tables. Default:
   * 5 seconds.
   */
  readonly timeout?: Duration.Input | undefined
  /**
   * Tells the others what changed, by `NOTIFY` of PostgreSQL, and hears it: the `listen` of a `PgClient`. It holds a connection
   * of its own while somebody listens. Everybody in the fleet has to have it. Default: nobody tells anything, and a cache has
   * only its bound of age.
   */
  readonly listen?: Listen | undefined
}

/**
 * Hears what is told on a channel, as `PgClient.listen` of `@effect/sql-pg` does.
 *
 * @since 0.1.0
 * @category models
 */
export type Listen = (
  channel: string
) => Effect.Effect<Queue.Dequeue<{ readonly payload: string }, SqlError>, SqlError, Scope.Scope>

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Opens the store. Its reach is `fleet` on PostgreSQL, `machine` on SQLite.
 *
 * **Details**
 *
 * Fails with the reason `InvalidOptions` for a prefix that cannot be one and for other databases, with `StoreFailed` when the
 * tables cannot be made. A database that is away or slow fails each method with `Unavailable`, one that takes no changes, such
 * as a standby, with `ReadOnly`, one without room with `Full`. No error says what stood in a statement.
 *
 * A `save` or `remove` that is repeated because its answer was lost succeeds.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(
  options: Options = {}
): Effect.fn.Return<RegistrationStore["Service"], RegistrationError, SqlClient.SqlClient> {
  const tables = tablesOf(yield* prefixOf(options))
  const sql = yield* SqlClient.SqlClient
  const reach = yield* sql.onDialectOrElse({
    pg: () => Effect.succeed("fleet" as const),
    sqlite: () => Effect.succeed("machine" as const),
    orElse: () => invalid("sql", "this store is for PostgreSQL and SQLite")
  })
  if (options.makeTables !== false) yield* makeTables(options)
  const digest = Context.get(yield* Layer.build(Digest.layerWebCrypto).pipe(Effect.scoped), Digest.Digest)
  const idOf = (name: string) =>
    Effect.map(Effect.orDie(digest.digest(Digest.sha256, utf8.encode(name))), Base64Url.encode)
  const now = nowOf(sql)
  const registrations = sql(tables.registrations)
  const issuers = sql(tables.issuers)
  const channel = channelOf(tables.registrations)
  const bounded = within(timeoutOf(options))
  const alone = Context.omit(sql.transactionService)

  const rows = (operation: Operation, statement: Statement<object>) =>
    statement.withoutTransform.pipe(
      Effect.retry({ while: wasRolledBack, schedule: apart }),
      Effect.mapError(fromSqlError(operation)),
      // In a transaction of the caller it would be durable too late, or never.
      Effect.updateContext((context: Context.Context<never>) => alone(context)),
      bounded(operation)
    )
  const row = (operation: Operation, statement: Statement<object>) =>
    Effect.map(rows(operation, statement), ([first]) => first === undefined ? undefined : new Row(first))
  const withId = <A>(
    name: string,
    use: (id: string) => Effect.Effect<A, RegistrationError>
  ): Effect.Effect<A, RegistrationError> => Effect.flatMap(idOf(name), use)

  /** A change of a row, and the news of it in the same transaction. */
  const told = (update: Fragment, name: string): Statement<object> =>
    options.listen === undefined
      ? sql`${update} RETURNING version`
      : sql`WITH changed AS (${update} RETURNING version)
          SELECT version, pg_notify(${channel}, ${
        name.length < longestNotice ? name : ""
      }) IS NULL AS told FROM changed`

  const isExpected = (expected: number | "any"): Fragment =>
    expected === "any"
      ? sql`1 = 1`
      : expected === 0
      ? sql`value IS NULL`
      : sql`version = ${BigInt(expected)} AND value IS NOT NULL`

  const change = (
    operation: "save" | "remove",
    { key, token }: Lease,
    expected: number | "any",
    value: Uint8Array | null
  ): Effect.Effect<number, RegistrationError> => {
    const name = encodeKey(key)
    return withId(
      name,
      Effect.fnUntraced(function*(id) {
        const changed = yield* row(
          operation,
          told(
            sql`UPDATE ${registrations} SET version = version + 1, value = ${value}, changed_by = token
              WHERE id = ${id} AND token = ${BigInt(token)} AND lease_until IS NOT NULL
              AND ${isExpected(expected)}`,
            name
          )
        )
        if (changed !== undefined) return changed.number("version")
        const found = yield* row(
          operation,
          sql`SELECT token, changed_by, lease_until, version, value FROM ${registrations} WHERE id = ${id}`
        )
        if (found === undefined || found.number("token") !== token || found.isNull("lease_until")) {
          return yield* leaseLost(operation)
        }
        // The same holder did it before, and did not hear of it.
        const isDone = found.number("changed_by") === token &&
          (typeof expected !== "number" || expected === 0 || found.number("version") === expected + 1) &&
          (value === null ? found.isNull("value") && expected !== 0 : found.hasBytes("value", value))
        return isDone ? found.number("version") : yield* conflict(operation)
      })
    )
  }

  const setAside = Effect.fnUntraced(function*(id: string, found: Row) {
    const version = BigInt(found.number("version"))
    yield* rows(
      "load",
      sql`INSERT INTO ${sql(tables.setAside)} (id, name, version, value, set_aside_at)
        SELECT id, name, version, value, ${now} FROM ${registrations} WHERE id = ${id} AND version = ${version}`
    )
    yield* rows(
      "load",
      sql`UPDATE ${registrations} SET value = NULL, version = version + 1 WHERE id = ${id} AND version = ${version}`
    )
    return yield* storeFailed("load", "Corrupted", "an entry is not text, and was set aside")
  })

  return RegistrationStore.of({
    reach,
    load: (key) =>
      withId(
        encodeKey(key),
        (id) =>
          row("load", sql`SELECT version, value FROM ${registrations} WHERE id = ${id} AND value IS NOT NULL`).pipe(
            Effect.flatMap((found) => {
              if (found === undefined) return Effect.succeedNone
              const bytes = found.bytes("value")
              // The driver's settings are no reason to set aside all that is kept.
              if (bytes === undefined) {
                return storeFailed("load", "Unavailable", "the driver gives a value that is not bytes")
              }
              const value = textOf(bytes)
              return value === undefined
                ? setAside(id, found)
                : Effect.succeedSome<Entry>({ version: found.number("version"), value })
            })
          )
      ),
    save: (lease, value, expected) => Effect.uninterruptible(change("save", lease, expected, utf8.encode(value))),
    remove: (lease, expected) => Effect.uninterruptible(Effect.asVoid(change("remove", lease, expected, null))),
    keys: keysOf(Stream.paginate("", (after: string) =>
      Effect.map(
        rows(
          "list",
          sql`SELECT id, name FROM ${registrations} WHERE value IS NOT NULL AND id > ${after}
            ORDER BY id LIMIT ${BigInt(pageSize)}`
        ),
        (found) => {
          const page = found.map((each) => new Row(each))
          const last = page.length < pageSize ? undefined : page.at(-1)?.string("id")
          return [page.map((each) => each.string("name")), Option.fromUndefinedOr(last)] as const
        }
      ))),
    acquire: (key, ttl) => {
      const name = encodeKey(key)
      return Effect.uninterruptible(withId(name, (id) =>
        // The clock in the token: whatever a failover loses, no token is handed out twice.
        row(
          "lease",
          sql`INSERT INTO ${registrations} AS kept (id, name, token, lease_until, version)
            VALUES (${id}, ${name}, ${now} * 1000, ${now} + ${millis(ttl)}, 0)
            ON CONFLICT (id) DO UPDATE SET lease_until = ${now} + ${millis(ttl)},
              token = CASE WHEN kept.token < ${now} * 1000 THEN ${now} * 1000 ELSE kept.token + 1 END
            WHERE kept.lease_until IS NULL OR kept.lease_until <= ${now}
            RETURNING token`
        ).pipe(
          Effect.map((found) =>
            found === undefined ? Option.none() : Option.some<Lease>({ key, token: found.number("token") })
          )
        )))
    },
    renew: ({ key, token }, ttl) =>
      withId(encodeKey(key), (id) =>
        row(
          "lease",
          sql`UPDATE ${registrations} SET lease_until = ${now} + ${millis(ttl)}
            WHERE id = ${id} AND token = ${BigInt(token)} AND lease_until IS NOT NULL RETURNING token`
        ).pipe(Effect.map((found) => found !== undefined))),
    release: ({ key, token }) =>
      withId(encodeKey(key), (id) =>
        rows(
          "lease",
          sql`UPDATE ${registrations} SET lease_until = NULL WHERE id = ${id} AND token = ${BigInt(token)}`
        )).pipe(Effect.asVoid, Effect.uninterruptible),
    notBefore: (issuer) =>
      withId(nameOfIssuer(issuer), (id) =>
        readHere(
          row("load", sql`SELECT until, ends_at - ${now} AS time_left FROM ${issuers} WHERE id = ${id}`).pipe(
            Effect.map((found) =>
              found === undefined ? undefined : { until: found.number("until"), left: found.number("time_left") }
            )
          )
        )),
    postpone: (issuer, until) =>
      withId(nameOfIssuer(issuer), (id) =>
        Effect.clockWith((clock) => {
          const left = BigInt(Math.ceil(until - clock.currentTimeMillisUnsafe()))
          return rows(
            "save",
            sql`INSERT INTO ${issuers} AS kept (id, issuer, until, ends_at)
              VALUES (${id}, ${nameOfIssuer(issuer)}, ${BigInt(Math.ceil(until))}, ${now} + ${left})
              ON CONFLICT (id) DO UPDATE SET until = excluded.until, ends_at = excluded.ends_at
              WHERE kept.ends_at < excluded.ends_at`
          )
        })).pipe(Effect.asVoid, Effect.uninterruptible)
  })
})

/**
 * Makes the tables, and brings those of an older version to the form that this one needs. Only looks where that is done, so that
 * a role that may not make tables may open the store then; several may do it at once. Of the options, `prefix` and `timeout`
 * matter.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeTables = Effect.fnUntraced(function*(
  options: Options = {}
): Effect.fn.Return<void, RegistrationError, SqlClient.SqlClient> {
  const tables = tablesOf(yield* prefixOf(options))
  const bounded = within(Duration.times(timeoutOf(options), 10))("save")
  yield* areMade(tables).pipe(
    Effect.flatMap((made) => made ? Effect.void : migrate(tables)),
    Effect.mapError((error) =>
      error._tag === "SqlError"
        ? fromSqlError("save")(error)
        : storeFailed("save", "Unavailable", `the tables cannot be made: ${error.kind}`)
    ),
    bounded
  )
})

/**
 * What changed, from now on, as `listen` hears it.
 *
 * @since 0.1.0
 * @category constructors
 */
export const changes = (
  listen: Listen,
  options: Pick<Options, "prefix"> = {}
): Stream.Stream<Change, RegistrationError> =>
  Stream.unwrap(Effect.gen(function*() {
    const { registrations } = tablesOf(yield* prefixOf(options))
    const heard = yield* Effect.mapError(listen(channelOf(registrations)), fromSqlError("load"))
    return Stream.fromQueue(heard).pipe(
      Stream.mapError(fromSqlError("load")),
      Stream.map(({ payload }): Change => decodeKey(payload)[0] ?? "all"),
      (news) => Stream.concat(Stream.succeed<Change>("all"), news)
    )
  }))

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * A store in the database that is provided to this layer. See {@link make}. With `listen`, it brings the
 * `RegistrationChanges` of that database for a `CachedRegistrationStore`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<RegistrationStore, RegistrationError, SqlClient.SqlClient> =>
  Layer.effectContext(
    Effect.map(make(options), (store) => {
      const context = Context.make(RegistrationStore, store)
      return options.listen === undefined
        ? context
        : Context.add(context, RegistrationChanges, changes(options.listen, options))
    })
  )

/**
 * The same with options that come from `Config`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Omit<Options, "listen">>
): Layer.Layer<RegistrationStore, RegistrationError | Config.ConfigError, SqlClient.SqlClient> =>
  Layer.unwrap(Effect.map(Config.unwrap(options), layer))

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const utf8 = new TextEncoder()

const nameOfIssuer = (issuer: string): string => encodeKey({ issuer, profile: "" })

const pageSize = 1000

/** In UTF-16 units, of ASCII: a notice holds less than 8000 bytes. Without a name it says that anything may have changed. */
const longestNotice = 7900

/** At most 63 bytes, and the same for everybody who shares the tables. */
const channelOf = (registrations: string): string => `effect_dcr_${registrations}`

const timeoutOf = ({ timeout }: Options): Duration.Duration => Duration.fromInputUnsafe(timeout ?? "5 seconds")

/** Those who got into each other's way do not come back at once; the time for a statement ends it. */
const apart = Schedule.exponential("2 millis", 1.5).pipe(Schedule.jittered)

const millis = (duration: Duration.Duration): bigint => BigInt(Math.ceil(Duration.toMillis(duration)))

const prefixOf = ({ prefix = "dcr_" }: Pick<Options, "prefix">): Effect.Effect<string, RegistrationError> =>
  /^[A-Za-z_][A-Za-z0-9_]{0,29}$/.test(prefix)
    ? Effect.succeed(prefix)
    : invalid("prefix", "it is not up to 30 letters, digits and underscores")

const invalid = (option: string, message: string) =>
  Effect.fail(new RegistrationError({ reason: { _tag: "InvalidOptions", option, message } }))

/** A row as whatever driver gives it: whole numbers as `number`, `bigint` or text. */
class Row {
  private readonly columns: ReadonlyMap<string, unknown>

  constructor(columns: object) {
    this.columns = new Map(Object.entries(columns))
  }

  number(name: string): number {
    return Number(this.columns.get(name))
  }

  string(name: string): string {
    return String(this.columns.get(name))
  }

  isNull(name: string): boolean {
    return (this.columns.get(name) ?? null) === null
  }

  /** `undefined` for what the driver made something else of. */
  bytes(name: string): Uint8Array | undefined {
    const value = this.columns.get(name)
    return value instanceof ArrayBuffer ? new Uint8Array(value) : value instanceof Uint8Array ? value : undefined
  }

  hasBytes(name: string, expected: Uint8Array): boolean {
    const value = this.bytes(name)
    return value !== undefined && value.length === expected.length &&
      value.every((byte, index) => byte === expected[index])
  }
}

/** `undefined` for what is not UTF-8. */
const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
