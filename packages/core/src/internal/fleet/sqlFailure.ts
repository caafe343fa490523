/**
 * The failures of a database, without what stood in the statements.
 *
 * @internal
 */
import * as Predicate from "effect/Predicate"
import type { SqlError } from "effect/sql/SqlError"
import type { RegistrationError } from "../../RegistrationError.ts"
import { storeFailed } from "../storeFailure.ts"
import type { Operation } from "./bounded.ts"

/**
 * What a database says of a failure may quote the row that it would not take, secrets included. Only the kind of the failure
 * and its code are kept, and not the cause.
 */
export const fromSqlError = (operation: Operation) => ({ reason }: SqlError): RegistrationError => {
  const code = codeOf(reason.cause)
  const what = `the database: ${reason._tag}${code === undefined ? "" : ` (${code})`}`
  if (code !== undefined && full.has(code)) return storeFailed(operation, "Full", what)
  // A standby that was not promoted yet; a role that may only read.
  const isReadOnly = code === "25006" || code === "SQLITE_READONLY" || reason._tag === "AuthorizationError"
  return storeFailed(operation, isReadOnly && operation !== "load" ? "ReadOnly" : "Unavailable", what)
}

/** Nothing was done, because others were at the same rows under a strict isolation: what a database does by default may be that. */
export const wasRolledBack = ({ reason }: SqlError): boolean =>
  reason._tag === "SerializationError" || reason._tag === "DeadlockError"

/** Disk full, out of memory, configuration limit exceeded. */
const full = new Set(["53100", "53200", "53400", "SQLITE_FULL"])

const codeOf = (cause: unknown): string | undefined => {
  if (!Predicate.hasProperty(cause, "code")) return undefined
  const text = String(cause.code)
  return /^[A-Z0-9_]{1,40}$/.test(text) ? text : undefined
}
