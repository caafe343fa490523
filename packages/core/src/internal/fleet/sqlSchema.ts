/**
 * The tables of the store in SQL, and how they came to be.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { Fragment } from "effect/sql/Statement"

export interface Tables {
  /** One row per key that ever had a lease: without an entry it is there for the token and the version. */
  readonly registrations: string
  /** Entries that were none. */
  readonly setAside: string
  /** Until when an issuer wants no registrations. */
  readonly issuers: string
  readonly migrations: string
}

export const tablesOf = (prefix: string): Tables => ({
  registrations: `${prefix}registrations`,
  setAside: `${prefix}registrations_set_aside`,
  issuers: `${prefix}issuers`,
  migrations: `${prefix}migrations`
})

/** In the order of their numbers. */
const migrationsOf = (tables: Tables) => ({ "0001_create_tables": createTables(tables) })

export const migrate = (tables: Tables) =>
  Migrator.make({})({ table: tables.migrations, loader: Migrator.fromRecord(migrationsOf(tables)) })

/** Whether there is nothing to do, without the lock on the table of migrations that doing it takes. */
export const areMade = (tables: Tables) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // A statement that fails is the end of a transaction of the caller, unless it has one of its own.
    const done = yield* sql.withTransaction(sql`SELECT migration_id FROM ${sql(tables.migrations)}`.withoutTransform)
    return done.length >= Object.keys(migrationsOf(tables)).length
  }).pipe(
    // The table of migrations is not there, or it will be said again what else is the matter.
    Effect.catchTag("SqlError", () => Effect.succeed(false))
  )

/**
 * `changed_by` is the token under which the row was last changed: a holder that did not hear of its own change finds it there.
 * Times are milliseconds since the epoch by the clock of the database, so that both dialects share every statement. A value is
 * bytes: text of PostgreSQL holds no NUL.
 */
const createTables = (tables: Tables) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const bytes = sql.literal(sql.onDialectOrElse({ pg: () => "bytea", orElse: () => "blob" }))
    yield* sql`CREATE TABLE ${sql(tables.registrations)} (
      id varchar(43) PRIMARY KEY,
      name text NOT NULL,
      token bigint NOT NULL,
      lease_until bigint,
      version bigint NOT NULL,
      value ${bytes},
      changed_by bigint
    )`.withoutTransform
    yield* sql`CREATE TABLE ${sql(tables.setAside)} (
      id varchar(43) NOT NULL,
      name text NOT NULL,
      version bigint NOT NULL,
      value ${bytes},
      set_aside_at bigint NOT NULL
    )`.withoutTransform
    yield* sql`CREATE TABLE ${sql(tables.issuers)} (
      id varchar(43) PRIMARY KEY,
      issuer text NOT NULL,
      until bigint NOT NULL,
      ends_at bigint NOT NULL
    )`.withoutTransform
  })

/** Now, in milliseconds since the epoch, by the clock of the database; not that of the beginning of a transaction. */
export const nowOf = (sql: SqlClient.SqlClient): Fragment =>
  sql.literal(sql.onDialectOrElse({
    pg: () => "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)",
    orElse: () => "CAST(unixepoch('subsec') * 1000 AS integer)"
  }))
