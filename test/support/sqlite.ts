/** A driver of SQLite for `effect/sql`, on the SQLite of Node: as much as a store needs. None for Effect 4 was published. */
import { Effect, Layer, Semaphore, Stream } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { SqlClient, SqlError, Statement } from "effect/sql"
import { DatabaseSync, type SQLInputValue } from "node:sqlite"
import { unchecked } from "./unchecked.ts"

const compiler = Statement.makeCompiler({
  dialect: "sqlite",
  placeholder: () => "?",
  onIdentifier: Statement.defaultEscape("\""),
  onRecordUpdate: () => ["", []],
  onCustom: () => ["", []]
})

const make = (file: string) =>
  Effect.gen(function*() {
    const database = yield* Effect.acquireRelease(
      Effect.sync(() => new DatabaseSync(file, { timeout: 5000 })),
      (database) => Effect.sync(() => database.close())
    )
    database.exec("PRAGMA journal_mode = WAL")
    const lock = Semaphore.makeUnsafe(1)
    const run = (sql: string, params: ReadonlyArray<unknown>) =>
      Effect.try({
        try: () =>
          unchecked<ReadonlyArray<object>>(database.prepare(sql).all(...unchecked<Array<SQLInputValue>>([...params]))),
        catch: (cause) =>
          new SqlError.SqlError({
            reason: SqlError.classifySqliteError(cause, { message: "failed", operation: "execute" })
          })
      })
    const connection = unchecked<Effect.Success<SqlClient.SqlClient["reserve"]>>({
      execute: run,
      executeRaw: run,
      executeWithoutTransform: run,
      executeUnprepared: run,
      executeValues: run,
      executeValuesUnprepared: run,
      executeStream: () => Stream.die("not here")
    })
    const acquirer = Effect.as(
      Effect.acquireRelease(lock.take(1), () => lock.release(1)),
      connection
    )
    return yield* SqlClient.make({
      acquirer,
      transactionAcquirer: acquirer,
      compiler,
      driver: "test-sqlite",
      spanAttributes: [],
      beginTransaction: "BEGIN IMMEDIATE"
    })
  })

export const layerSqlite = (file: string) =>
  Layer.effect(SqlClient.SqlClient, make(file)).pipe(Layer.provide(Reactivity.layer))
