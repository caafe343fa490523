/**
 * The texts that tell why something failed.
 *
 * @internal
 */
import type { Reason, ReasonOf } from "./reasons.ts"
import { cleanServerText, listed, shorten } from "./serverText.ts"

/** The text of a reason: what happened, and what the server said of it, which is cleaned and short already. */
export const describeReason = (reason: Reason): string => tell(reason) + quoteServer(reason) + hintOf(reason)

const tell = (reason: Reason): string => {
  switch (reason._tag) {
    case "InvalidMetadata":
      return `The client metadata breaks ${reason.violations.length === 1 ? "a rule" : "rules"}: ${
        // The names of members are the caller's, who may have them from elsewhere.
        listed(
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
        listed("; ", reason.attempts, (attempt) => `${shorten(attempt.url)}: ${attempt.problem}`)
      }`
    case "RedirectRefused":
      return `The server answered with a redirect${
        reason.location === undefined ? "" : ` to ${reason.location}`
      }, and redirects are not followed`
    case "RateLimited":
      return `The server limits the rate of requests (status ${reason.status})`
    case "NonceExhausted":
      return `The server demanded a DPoP nonce${
        reason.nonce === undefined
          ? " and gave none, or none that a page may read: for pages it has to send Access-Control-Expose-Headers: DPoP-Nonce"
          : " that the proof did not have"
      }`
    case "InvalidRedirectUri":
      return `The server refused a redirect URI (invalid_redirect_uri)`
    case "InvalidClientMetadata":
      return `The server refused the metadata (invalid_client_metadata)`
    case "InvalidSoftwareStatement":
      return `The server refused the software statement (invalid_software_statement)`
    case "UnapprovedSoftwareStatement":
      return `The server does not approve the software statement (unapproved_software_statement)`
    case "OAuthError":
      return `The server answered with the error ${reason.error} (status ${reason.status})`
    case "Unauthorized":
      return `${
        reason.missing === undefined
          ? "The server did not accept the credentials of this request"
          : `The server wants a token, and none was sent: give one as ${reason.missing}`
      } (status ${reason.status}${reason.error === undefined ? "" : `, ${reason.error}`})`
    case "UnexpectedStatus":
      return `The server answered with status ${reason.status}`
    case "DeviationsRefused":
      return `The client was registered, but the answer departs from the specifications: ${
        listed(", ", reason.deviations, (id) => id)
      }`
  }
}

const quoteServer = (reason: Reason): string => {
  const text = "error_description" in reason
    ? reason.error_description
    : "excerpt" in reason
    ? reason.excerpt
    : undefined
  return text === undefined ? "" : `: ${text}`
}

const hintOf = (reason: Reason): string => reason._tag === "Unauthorized" && isWithoutWord(reason) ? withoutWord : ""

/** A 401 owes a challenge (RFC 9110 §15.5.2). */
const isWithoutWord = ({ challenges, error, status }: ReasonOf<"Unauthorized">): boolean =>
  status === 401 && challenges.length === 0 && error === undefined

const withoutWord = ". It does not say why, or not so that a page may read it: for pages it has to send " +
  "Access-Control-Expose-Headers: WWW-Authenticate, DPoP-Nonce"
