/**
 * What the command line says of a failure: the core's words, with the names of flags where those have the names of options.
 *
 * @internal
 */
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"

/** The flag, or what else was typed, that an option of the API comes from. */
const typed: { readonly [option: string]: string } = {
  initialAccessToken: "--token-file",
  key: "--dpop-key-file",
  keyFile: "--dpop-key-file",
  algorithm: "--dpop-key-file",
  metadata: "--metadata",
  set: "--set",
  profile: "--profile",
  directory: "--store",
  deadline: "--timeout",
  issuer: "ISSUER",
  server: "ISSUER"
}

/** The flag that says a member of the metadata. */
export const flagOfMember = (member: string): string => memberFlags[member] ?? `--set ${member}=...`

const memberFlags: { readonly [member: string]: string } = {
  redirect_uris: "--redirect-uri",
  client_name: "--name",
  scope: "--scope",
  grant_types: "--grant-type",
  token_endpoint_auth_method: "--auth-method"
}

/** The failure in one sentence, without what is listed under it. */
export const headlineOf = (error: RegistrationError): string => {
  const { reason } = error
  switch (reason._tag) {
    case "InvalidMetadata":
      return "the metadata breaks rules"
    case "InvalidOptions": {
      const subject = typed[reason.option] ?? reason.option
      // A sentence that names what it is about needs no subject before it.
      return reason.message.includes(subject) || subject === "ISSUER" ? reason.message : `${subject}: ${reason.message}`
    }
    case "DiscoveryFailed":
      return `no metadata was found for ${reason.issuer}`
    case "Unauthorized":
      return reason.missing === undefined
        ? error.message
        : demandsProof(error)
        // Whether it wants a token as well, it will say to who proves.
        ? error.message.replace(/^.*?: give one as \w+/, "The server wants a DPoP proof that it accepts")
        : error.message.replace(`give one as ${reason.missing}`, "an initial access token is needed")
    case "StoreFailed":
      return reason.problem === "Undecryptable" ? "encrypted: the command line has no key for it" : error.message
    // Here proofs are made with the nonce that the server gave last, and no page reads it.
    case "NonceExhausted":
      return error.message.replace(
        / that the proof did not have| and gave none, or none .*?DPoP-Nonce/,
        reason.nonce === undefined ? " and gave none" : " again of a proof that had the one that it gave"
      )
    default:
      return error.message
  }
}

/** Whether the server wants a proof of DPoP, or another one (RFC 9449 §5, §7.1, §8). */
export const demandsProof = ({ reason }: RegistrationError): boolean =>
  (reason._tag === "OAuthError" || reason._tag === "Unauthorized") &&
  ["use_dpop_nonce", "invalid_dpop_proof"].includes(reason.error ?? "")

/** What was tried, without the options of the API that would make it pass. */
export const problemOf = (problem: string): string => problem.replace(/ \([^()]*tolerateTrailingSlash[^()]*\)/g, "")

/** The failure in words for a script: the whole of it, in one line. */
export const messageOf = (error: RegistrationError): string => {
  switch (error.reason._tag) {
    case "InvalidOptions":
    case "Unauthorized":
    case "NonceExhausted":
    case "StoreFailed":
      return headlineOf(error)
    default:
      return problemOf(error.message)
  }
}

/** The issuer as the server spells it, where that differs from what was asked in nothing but the slash at its end. */
export const spellingOf = ({ reason }: RegistrationError): string | undefined =>
  reason._tag === "DiscoveryFailed" && reason.attempts.some(({ problem }) => problem !== problemOf(problem))
    ? reason.issuer.endsWith("/") ? reason.issuer.slice(0, -1) : `${reason.issuer}/`
    : undefined

/** The issuer in one of its well-known addresses (RFC 8414 §3, OpenID Connect Discovery 1.0 §4), if it is one. */
export const issuerIn = (address: string): string | undefined => {
  const issuer = address.replace(/\/\.well-known\/(oauth-authorization-server|openid-configuration)(?=\/|$)/, "")
  return issuer === address ? undefined : issuer
}
