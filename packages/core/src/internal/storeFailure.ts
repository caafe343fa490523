/**
 * The failures of stores.
 *
 * @internal
 */
import { type ReasonOf, RegistrationError } from "../RegistrationError.ts"

type StoreFailed = ReasonOf<"StoreFailed">

export const storeFailed = (
  operation: StoreFailed["operation"],
  problem: StoreFailed["problem"],
  what: string,
  cause?: unknown
): RegistrationError =>
  new RegistrationError({
    reason: { _tag: "StoreFailed", operation, problem, message: `The store of registrations failed: ${what}` },
    ...(cause === undefined ? undefined : { cause })
  })

export const conflict = (operation: StoreFailed["operation"]): RegistrationError =>
  storeFailed(operation, "Conflict", "somebody else wrote the entry in the meantime")

export const leaseLost = (operation: StoreFailed["operation"]): RegistrationError =>
  storeFailed(operation, "LeaseLost", "somebody else took the lease in the meantime, or it was given back")
