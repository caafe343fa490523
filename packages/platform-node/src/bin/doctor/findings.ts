/**
 * How findings are put into words.
 *
 * @internal
 */
import { RegistrationError } from "@effect-dcr/core/RegistrationError"
import { messageOf } from "../words.ts"
import type { Finding } from "./report.ts"

export const good = (what: string, seen: string, section?: string): Finding => ({
  verdict: "good",
  what,
  seen,
  section
})
export const note = (what: string, seen: string, section?: string): Finding => ({
  verdict: "note",
  what,
  seen,
  section
})
export const bad = (what: string, seen: string, section?: string): Finding => ({ verdict: "bad", what, seen, section })

/** What a server answered instead of success, without the address, which may hold a secret: the report lists the requests. */
export const refusalOf = ({ reason }: RegistrationError): string => {
  const status = "status" in reason && reason.status !== undefined ? `${reason.status} ` : ""
  return `${status}${reason._tag}: ${messageOf(new RegistrationError({ reason }))}`
}
