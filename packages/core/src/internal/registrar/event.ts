/**
 * What a registrar tells those who listen.
 *
 * @internal
 */
import type { RegistrationError } from "../../RegistrationError.ts"
import type { Key } from "../../RegistrationStore.ts"

/**
 * What happened to a registration. A replacement names both clients.
 *
 * **Details**
 *
 * - `Registered`, `Updated`, `Rotated`, `Replaced`: the current registration is a new one, or has changed.
 * - `Invalidated`: it was said not to work any more; the next `ensure` replaces it.
 * - `Removed`, `Retired`: a client was deleted at the server; `Removed` also when somebody else had been faster to register.
 * - `RetirementFailed`: a previous client could not be deleted; it is tried again in an hour.
 * - `RenewalFailed`: a secret that expires soon could not be renewed; it is used, and tried again after a pause.
 * - `PossibleOrphan`: the server may have a client that nobody knows the credentials of.
 */
export type RegistrarEvent =
  & Key
  & (
    | { readonly _tag: "Registered" | "Updated" | "Rotated" | "Removed" | "Retired"; readonly clientId: string }
    | {
      readonly _tag: "Replaced"
      readonly clientId: string
      readonly previousClientId: string
      readonly reason: string
    }
    | { readonly _tag: "Invalidated"; readonly clientId: string; readonly reason: string }
    | {
      readonly _tag: "RenewalFailed" | "RetirementFailed"
      readonly clientId: string
      readonly error: RegistrationError
    }
    | { readonly _tag: "PossibleOrphan"; readonly why: "crashed" | "outcome-unknown" }
  )
