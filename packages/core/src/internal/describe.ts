/**
 * What an error says in words: one line, of a length that can be read. What is left out of it is in the reason.
 *
 * @internal
 */
import type { Reason } from "../RegistrationError.ts"
import { cleanServerText, shorten } from "./serverText.ts"

/** How many items of a list are told. */
const maximum = 10

const list = <A>(separator: string, items: ReadonlyArray<A>, tell: (item: A) => string): string => {
  const rest = items.length - maximum
  return items.slice(0, maximum).map(tell).join(separator) + (rest > 0 ? `${separator}and ${rest} more` : "")
}

const quoteServer = (text: string | undefined): string => text === undefined ? "" : `: ${text}`

export const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "InvalidMetadata":
      return `The client metadata breaks ${reason.violations.length === 1 ? "a rule" : "rules"}: ${
        // The names of members are the caller's, who may have them from elsewhere.
        list(
          "; ",
          reason.violations,
          (v) => `${cleanServerText(v.member, []) ?? "(unnamed)"}: ${shorten(v.message)} (${v.section}, ${v.rule})`
        )}`
    case "InvalidOptions":
      return `The option ${reason.option} cannot be honoured: ${reason.message}`
    case "EndpointRefused":
      return `The ${reason.role} ${shorten(reason.url)} is not contacted: ${reason.message}`
    case "Unsupported":
    case "ProofFailed":
    case "Transport":
    case "OutcomeUnknown":
    case "UnusableAnswer":
    case "StoreFailed":
      return reason.message
    case "DiscoveryFailed":
      return `No authorization server metadata found for ${shorten(reason.issuer)}: ${
        list("; ", reason.attempts, (attempt) => `${shorten(attempt.url)}: ${attempt.problem}`)
      }`
    case "RedirectRefused":
      return `The server answered with a redirect${
        reason.location === undefined ? "" : ` to ${reason.location}`
      }, and redirects are not followed`
    case "RateLimited":
      return `The server limits the rate of requests (status ${reason.status})${quoteServer(reason.error_description)}`
    case "NonceExhausted":
      return `The server demanded a DPoP nonce${
        reason.nonce === undefined ? " and gave none" : " that the proof did not have"
      }${quoteServer(reason.error_description)}`
    case "InvalidRedirectUri":
      return `The server refused a redirect URI (invalid_redirect_uri)${quoteServer(reason.error_description)}`
    case "InvalidClientMetadata":
      return `The server refused the metadata (invalid_client_metadata)${quoteServer(reason.error_description)}`
    case "InvalidSoftwareStatement":
      return `The server refused the software statement (invalid_software_statement)${
        quoteServer(reason.error_description)
      }`
    case "UnapprovedSoftwareStatement":
      return `The server does not approve the software statement (unapproved_software_statement)${
        quoteServer(reason.error_description)
      }`
    case "OAuthError":
      return `The server answered with the error ${reason.error} (status ${reason.status})${
        quoteServer(reason.error_description)
      }`
    case "Unauthorized":
      return `The server did not accept the credentials of this request (status ${reason.status}${
        reason.error === undefined ? "" : `, ${reason.error}`
      })${quoteServer(reason.error_description)}`
    case "UnexpectedStatus":
      return `The server answered with status ${reason.status}${quoteServer(reason.excerpt)}`
    case "DeviationsRefused":
      return `The client was registered, but the answer departs from the specifications: ${
        list(", ", reason.deviations, (id) => id)
      }`
  }
}
