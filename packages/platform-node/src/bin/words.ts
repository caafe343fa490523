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
        : error.message.replace(`give one as ${reason.missing}`, "an initial access token is needed")
    default:
      return error.message
  }
}

/** What was tried, without the options of the API that would make it pass. */
export const problemOf = (problem: string): string => problem.replace(/ \([^()]*tolerateTrailingSlash[^()]*\)/, "")

/** The failure in words for a script: the whole of it, in one line. */
export const messageOf = (error: RegistrationError): string => {
  switch (error.reason._tag) {
    case "InvalidOptions":
    case "Unauthorized":
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
