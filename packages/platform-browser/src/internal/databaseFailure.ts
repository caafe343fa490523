/**
 * What the failures of IndexedDB mean.
 *
 * @internal
 */
import { type ReasonOf, RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as Predicate from "effect/Predicate"

type StoreFailed = ReasonOf<"StoreFailed">

export type Operation = StoreFailed["operation"]
export type Problem = StoreFailed["problem"]

/** What the database is used for. */
export type Subject = "registrations" | "the DPoP key"

/** A failure whose meaning is known where it happens. What it says may be shown. */
export class DatabaseProblem extends Error {
  readonly problem: Problem

  constructor(problem: Problem, message: string, options?: ErrorOptions) {
    super(message, options)
    this.problem = problem
  }
}

/** The name of a `DOMException`, such as `QuotaExceededError`. */
export const nameOf = (error: unknown): string | undefined =>
  Predicate.hasProperty(error, "name") && typeof error.name === "string" ? error.name : undefined

/** Translates whatever was thrown. */
export const translate = (operation: Operation, subject: Subject) => (error: unknown): RegistrationError => {
  if (error instanceof DatabaseProblem) {
    return storeFailed(operation, subject, error.problem, error.message, error.cause)
  }
  const name = nameOf(error)
  const [problem, what] = meanings.get(name ?? "") ?? ["Unavailable", "IndexedDB failed"]
  return storeFailed(operation, subject, problem, name === undefined ? what : `${what} (${name})`, error)
}

const storeFailed = (operation: Operation, subject: Subject, problem: Problem, what: string, cause: unknown) =>
  new RegistrationError({
    reason: { _tag: "StoreFailed", operation, problem, message: `The store of ${subject} failed: ${what}` },
    ...(cause === undefined ? undefined : { cause })
  })

const notAllowed = [
  "Unavailable",
  "the browser does not let this page keep anything: a private window, blocked site data, or a sandboxed frame"
] as const

const meanings: ReadonlyMap<string, readonly [Problem, string]> = new Map<string, readonly [Problem, string]>([
  [
    "QuotaExceededError",
    ["Full", "the browser gives this site no more room: free some on the disk, or delete data of this site"]
  ],
  ["VersionError", ["NewerFormat", "the database was made by a newer version of this SDK: reload the page"]],
  ["SecurityError", notAllowed],
  ["InvalidStateError", notAllowed],
  ["InvalidAccessError", notAllowed],
  ["NotAllowedError", notAllowed],
  ["NotFoundError", ["Unavailable", "the database of this name is not one of this SDK: name another"]],
  ["DataCloneError", ["Unavailable", "the browser cannot keep such a thing"]],
  ["UnknownError", ["Unavailable", "the browser cannot use its disk: it may be full, or the profile damaged"]],
  ["NotReadableError", ["Unavailable", "the browser cannot read what is on its disk: the profile may be damaged"]],
  ["AbortError", ["Unavailable", "the browser ended the transaction, and nothing was changed"]]
])
