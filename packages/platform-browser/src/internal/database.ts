/**
 * The database of this package in IndexedDB, and one transaction on it.
 *
 * @internal
 */
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from "idb"
import { DatabaseProblem, nameOf, type Operation, type Subject, translate } from "./databaseFailure.ts"

/** Issuer and profile of a registration. */
export type KeyPath = [issuer: string, profile: string]

/** What the database holds. Who reads checks what it is: anything of this origin may have written it. */
export interface Tables extends DBSchema {
  /** What is kept: `{ format, version, value }`. */
  entries: { key: KeyPath; value: unknown }
  /** Who may change it: `{ token, expires, ttl, lock }`. */
  leases: { key: KeyPath; value: unknown }
  /** Until when an issuer wants no registrations: `{ since, until }`. */
  issuers: { key: string; value: unknown }
  /** What is there once: the last token of a lease. */
  state: { key: string; value: unknown }
  /** Keys, whose private halves never leave the browser. */
  keys: { key: Array<string>; value: unknown }
  /** What was found and is not of this package, by the time when it was found. */
  setAside: { key: [time: number, issuer: string, profile: string]; value: unknown }
}

export type Table = "entries" | "leases" | "issuers" | "state" | "keys" | "setAside"

export type Mode = "readonly" | "readwrite"

export type Transaction<M extends Mode> = IDBPTransaction<Tables, Array<Table>, M>

/** One for all that this package keeps. */
export const defaultName = "effect-dcr"

export interface Database {
  /**
   * Runs one transaction, which is undone when `use` throws. With `readwrite` it is on the disk, and not only on its way
   * there, when this ends.
   */
  readonly run: <M extends Mode, A>(
    operation: Operation,
    tables: Array<Table>,
    mode: M,
    use: (transaction: Transaction<M>) => Promise<A>
  ) => Effect.Effect<A, RegistrationError>
}

/**
 * Opens the database; the connection ends with the scope.
 *
 * It lets go when another tab wants to delete or upgrade the database, and is made anew when it was lost: the browser closes it
 * when a person deletes the data of the site.
 */
export const open = Effect.fnUntraced(function*(
  name: string,
  subject: Subject
): Effect.fn.Return<Database, RegistrationError, Scope.Scope> {
  let connection: Promise<IDBPDatabase<Tables>> | undefined
  let closed = false
  const forget = (which: Promise<IDBPDatabase<Tables>>) => {
    if (connection === which) connection = undefined
  }
  const connect = (): Promise<IDBPDatabase<Tables>> => {
    if (connection !== undefined) return connection
    const made: Promise<IDBPDatabase<Tables>> = openTables(name, {
      lost: () => forget(made),
      wanted: (database) => {
        forget(made)
        database.close()
      }
    })
    connection = made
    made.then(
      (database) => {
        if (closed) database.close()
      },
      () => forget(made)
    )
    return made
  }
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      closed = true
      // Not waited for: it may never open.
      connection?.then((database) => database.close(), () => undefined)
    })
  )

  const once = async <M extends Mode, A>(
    tables: Array<Table>,
    mode: M,
    use: (transaction: Transaction<M>) => Promise<A>
  ): Promise<A> => {
    const database = await withinTime(connect())
    const transaction = database.transaction(tables, mode, { durability: mode === "readonly" ? "default" : "strict" })
    try {
      const result = await use(transaction)
      await transaction.done
      return result
    } catch (error) {
      const ended = transaction.done.then(() => error, (reason: unknown) => reason)
      abort(transaction)
      const reason = await ended
      // What ends a transaction is known to the transaction; its requests only say that it ended.
      throw nameOf(error) === "AbortError" ? reason : error
    }
  }
  const run: Database["run"] = (operation, tables, mode, use) =>
    // Not interruptible: a change that goes on after its caller has given up would surprise the next holder of the lease.
    Effect.uninterruptible(Effect.tryPromise({
      try: async () => {
        const before = connection
        try {
          return await once(tables, mode, use)
        } catch (error) {
          // Of a connection that was lost. Nothing was written, so that it can be done again on a new one.
          const isLost = nameOf(error) === "InvalidStateError" || nameOf(error) === "AbortError"
          if (closed || !isLost || before === undefined) throw error
          if (connection === before) forget(before)
          return await once(tables, mode, use)
        }
      },
      catch: translate(operation, subject)
    }))

  yield* Effect.uninterruptible(
    Effect.tryPromise({ try: () => withinTime(connect()), catch: translate("load", subject) })
  )
  return { run }
})

/** An upgrade adds to this, one step for each version, and never takes away what an older version reads. */
const version = 1

const openTables = (
  name: string,
  on: { readonly lost: () => void; readonly wanted: (database: IDBPDatabase<Tables>) => void }
): Promise<IDBPDatabase<Tables>> =>
  // A promise even where this throws: a page that may keep nothing must not so much as look at `indexedDB`.
  new Promise((resolve, reject) => {
    if (typeof indexedDB === "undefined") {
      throw new DatabaseProblem("Unavailable", "there is no IndexedDB here")
    }
    let database: IDBPDatabase<Tables> | undefined
    const opening = openDB<Tables>(name, version, {
      upgrade: (database, from) => {
        if (from < 1) {
          for (const table of ["entries", "leases", "issuers", "state", "keys", "setAside"] as const) {
            database.createObjectStore(table)
          }
        }
      },
      blocking: () => {
        if (database !== undefined) on.wanted(database)
      },
      terminated: on.lost
    })
    opening.then((opened) => {
      database = opened
      resolve(opened)
    }, reject)
  })

/** Opening waits for tabs that hold an older version, and has been seen to hang for ever. */
const withinTime = <A>(opening: Promise<A>): Promise<A> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  return Promise.race([
    opening,
    new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new DatabaseProblem(
              "Unavailable",
              "the database did not open within 10 seconds: close the other tabs of this site, which may hold an older version"
            )
          ),
        10_000
      )
    })
  ]).finally(() => clearTimeout(timer))
}

const abort = (transaction: { readonly abort: () => void }): void => {
  try {
    transaction.abort()
  } catch {
    // It ended already.
  }
}
