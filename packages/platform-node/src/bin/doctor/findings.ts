/**
 * How findings are put into words.
 *
 * @internal
 */
import { RegistrationError } from "@effect-dcr/core/RegistrationError"
import { messageOf, problemOf } from "../words.ts"
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

/** What RFC 7591 §3.2.2 calls it, which is shorter and what the operator of a server knows. */
const codes: { readonly [tag: string]: string | undefined } = {
  InvalidRedirectUri: "invalid_redirect_uri",
  InvalidClientMetadata: "invalid_client_metadata",
  InvalidSoftwareStatement: "invalid_software_statement",
  UnapprovedSoftwareStatement: "unapproved_software_statement"
}

/** What a server answered instead of success, without the address, which may hold a secret: the report lists the requests. */
export const refusalOf = ({ reason }: RegistrationError): string => {
  // What is asked for says where; the rest is where it was looked for.
  if (reason._tag === "DiscoveryFailed") {
    return reason.attempts.map(({ problem, url }) => `${problemOf(problem)} at ${url}`).join("; ")
  }
  const code = codes[reason._tag]
  if (code !== undefined && "error_description" in reason) {
    const { error_description, status } = reason
    return `${status} ${code}${error_description === undefined ? "" : `: ${error_description}`}`
  }
  const status = "status" in reason && reason.status !== undefined ? `${reason.status} ` : ""
  return `${status}${reason._tag}: ${messageOf(new RegistrationError({ reason }))}`
}
