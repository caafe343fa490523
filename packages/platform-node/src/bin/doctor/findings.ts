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
  const status = "status" in reason && reason.status !== undefined ? String(reason.status) : undefined
  const code = codes[reason._tag] ?? ("error" in reason ? reason.error : undefined)
  if (status !== undefined && code !== undefined) {
    const description = "error_description" in reason ? reason.error_description : undefined
    return `${status} ${code}${description === undefined ? "" : `: ${description}`}`
  }
  const message = messageOf(new RegistrationError({ reason }))
  return status === undefined || message.includes(status) ? message : `${status}: ${message}`
}

/** Whoever is not let in, or asked too often, hears of nothing but that. */
export const isTurnedAway = ({ reason }: RegistrationError): boolean =>
  reason._tag === "Unauthorized" || reason._tag === "RateLimited"
