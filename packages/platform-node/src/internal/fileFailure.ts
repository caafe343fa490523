/**
 * What the failures of a file system mean to a store.
 *
 * @internal
 */
import { type ReasonOf, RegistrationError } from "@effect-dcr/core/RegistrationError"

type StoreFailed = ReasonOf<"StoreFailed">

export type Operation = StoreFailed["operation"]
export type Problem = StoreFailed["problem"]

/** A failure whose meaning is known where it happens. What it says may be shown. */
export class FileProblem extends Error {
  readonly problem: Problem

  constructor(problem: Problem, message: string, options?: ErrorOptions) {
    super(message, options)
    this.problem = problem
  }
}

/** The code of a system error, such as `ENOENT`. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined

export const storeFailed = (
  operation: Operation,
  problem: Problem,
  what: string,
  cause?: unknown
): RegistrationError =>
  new RegistrationError({
    reason: { _tag: "StoreFailed", operation, problem, message: `The store of registrations failed: ${what}` },
    ...(cause === undefined ? undefined : { cause })
  })

/** Translates whatever was thrown. */
export const translate = (operation: Operation) => (error: unknown): RegistrationError => {
  if (error instanceof FileProblem) return storeFailed(operation, error.problem, error.message, error.cause)
  const code = codeOf(error)
  const [problem, what] = meanings.get(code ?? "") ?? ["Unavailable", "its files cannot be used"]
  return operation === "load" && problem === "ReadOnly"
    ? storeFailed(operation, "Unavailable", `its files may not be read (${code})`, error)
    : storeFailed(operation, problem, code === undefined ? what : `${what} (${code})`, error)
}

const readOnly = ["ReadOnly", "its directory may not be written to"] as const
const full = ["Full", "there is no room left for its files"] as const
const tooMany = ["Unavailable", "too many files are open"] as const

const meanings: ReadonlyMap<string, readonly [Problem, string]> = new Map<string, readonly [Problem, string]>([
  ["EROFS", readOnly],
  ["EACCES", readOnly],
  ["EPERM", readOnly],
  ["ENOSPC", full],
  ["EDQUOT", full],
  ["EFBIG", full],
  ["EMFILE", tooMany],
  ["ENFILE", tooMany]
])
