/**
 * What a failure is for whoever called the command: an exit code by kind, and what to do next.
 *
 * @internal
 */
import type * as RegistrationError from "@effect-dcr/core/RegistrationError"
import * as Duration from "effect/Duration"
import * as Runtime from "effect/Runtime"
import { demandsProof, flagOfMember, issuerIn, spellingOf } from "./words.ts"

/** A failure that was reported already: what is left of it is the exit code. */
export class Exit extends Error {
  override readonly name = "Exit"
  override readonly [Runtime.errorReported] = false
  override readonly [Runtime.errorExitCode]: number

  constructor(code: number) {
    super(`exit code ${code}`)
    this[Runtime.errorExitCode] = code
  }
}

/** What the exit codes say: in the help, and in `docs/guides/command-line.md`. */
export const exitCodes: ReadonlyArray<readonly [code: number, what: string]> = [
  [0, "done"],
  [1, "a fault of this program, or its output could not be written"],
  [2, "the command was called wrongly"],
  [3, "the metadata breaks rules; nothing was sent"],
  [4, "the server has no metadata, does not offer it, or may not be contacted"],
  [5, "the server refused"],
  [6, "the credentials were not accepted, or no proof could be made"],
  [7, "nothing happened, and trying again later is safe"],
  [8, "what happened is not known: a client may exist"],
  [9, "the store failed"]
]

/** The option of a failure that says that there is no registration; see `commands/kept.ts`. */
export const notKeptOption = "ISSUER"

interface Meaning {
  readonly code: number
  /** What to do next, in a sentence. */
  readonly next: string
}

/** What the command was called with, as far as it is known. */
export interface Input {
  readonly issuer?: string | undefined
  readonly profile?: string | undefined
  /** Whether proofs of DPoP were sent. */
  readonly dpop?: boolean | undefined
  /** Where registrations are kept. */
  readonly directory?: string | undefined
}

/** Whether the server may have done what the command asked for all the same. A read that failed has changed nothing. */
export const isOutcomeUnknown = ({ mayHaveSucceeded, method }: RegistrationError.RegistrationError): boolean =>
  mayHaveSucceeded && method !== "GET"

export const meaningOf = (error: RegistrationError.RegistrationError, input: Input = {}): Meaning =>
  isOutcomeUnknown(error) ? { code: 8, next: afterUnknown(error, input) } : meaningOfRefusal(error, input)

/** What is found out before anything is sent again. */
const afterUnknown = (
  { method, reason }: RegistrationError.RegistrationError,
  { issuer, profile }: Input
): string => {
  if (reason._tag === "DeviationsRefused") {
    return "The client is kept; `show` prints it with what departs from the specifications."
  }
  switch (method) {
    case "PUT":
      return `The change may be made all the same. See how it is now: ${
        commandOf("show", { issuer, profile })
      } --remote`
    case "DELETE":
      return "The client may be deleted all the same. Run the command again: that does no harm."
    default:
      return "A client may exist all the same: ask the operator of the server before you try again, because that may make " +
        `a second one. Once it is known that there is none: ${commandOf("remove", { issuer, profile })} --forget`
  }
}

/** A command about the same registration, to copy. */
const commandOf = (command: string, { issuer, profile }: Input): string =>
  `effect-dcr ${command} ${issuer ?? "ISSUER"}${
    profile === undefined || profile === "default" ? "" : ` --profile ${profile}`
  }`

/** The doctor is no reader only, which whoever it is recommended to has to know. */
const doctorsPrice = "which registers clients and deletes them again"

const meaningOfRefusal = (error: RegistrationError.RegistrationError, input: Input): Meaning => {
  const { directory, dpop, issuer, profile } = input
  const forgetting = `${commandOf("remove", { issuer, profile })} --forget`
  const { reason, retryAfter } = error
  switch (reason._tag) {
    case "InvalidOptions":
      return {
        code: 2,
        next: reason.option === notKeptOption
          ? "`effect-dcr list` shows what is kept; nothing was sent."
          : reason.option === "--yes"
          ? "Run the command again with --yes; nothing was done."
          : "Correct it and run the command again; nothing was sent."
      }
    case "InvalidMetadata": {
      const flags = reason.violations.filter(({ severity }) => severity === "error").map(({ member }) =>
        flagOfMember(member.replace(/[[.].*/, ""))
      )
      return {
        code: 3,
        next: `Correct the metadata (${
          Array.from(new Set(flags)).join(", ")
        }) and run the command again; nothing was sent.`
      }
    }
    case "EndpointRefused":
      return {
        code: 4,
        next: issuer === undefined || issuer.includes("://") || !URL.canParse(`https://${issuer}`)
          ? "Use the https address of the server; nothing was sent there."
          : `Did you mean https://${issuer}? Nothing was sent.`
      }
    case "DiscoveryFailed": {
      const spelling = spellingOf(error)
      const inside = issuerIn(reason.issuer)
      return {
        code: 4,
        next: inside !== undefined
          ? `Give the issuer, without /.well-known/...: effect-dcr discover ${inside}`
          : spelling === undefined
          ? "Check the spelling of the issuer, a slash at its end included."
          : `Spell the issuer as the server does: effect-dcr discover ${spelling}`
      }
    }
    case "Unsupported":
      return {
        code: 4,
        next: ["registration_client_uri", "registration_access_token"].includes(reason.feature)
          ? `Only the operator of the server can change or delete it. To forget it here: ${forgetting}`
          : "Ask the operator of the server for a client; `discover` shows what it offers."
      }
    case "InvalidRedirectUri":
    case "InvalidClientMetadata":
    case "InvalidSoftwareStatement":
    case "UnapprovedSoftwareStatement":
    case "OAuthError":
      if (demandsProof(error)) return { code: 5, next: proving(dpop) }
      return {
        code: 5,
        next: `Change what the server objects to; \`doctor\`, ${doctorsPrice}, finds out what it takes.`
      }
    case "UnexpectedStatus":
    case "RedirectRefused":
    // Those whose outcome is not known were told of above: what is left are reads.
    case "OutcomeUnknown":
    case "UnusableAnswer":
    case "DeviationsRefused":
      return {
        code: 5,
        next: `\`doctor\`, ${doctorsPrice}, shows how this server answers, for a report to its operator.`
      }
    case "Unauthorized":
      return {
        code: 6,
        next: demandsProof(error)
          ? proving(dpop)
          : reason.missing !== undefined
          ? "Give an initial access token with --token-file or EFFECT_DCR_INITIAL_ACCESS_TOKEN."
          : error.method === "POST"
          ? "The token was refused: ask the operator of the server for another one."
          : `That client is gone, or its token was replaced. To forget it here: ${forgetting}`
      }
    case "ProofFailed":
      return { code: 6, next: "Try another key with --dpop-key-file, or leave out --dpop." }
    case "NonceExhausted":
      return {
        code: 6,
        next:
          "No other key helps: this is a fault of the server, which has to accept the nonce that it gives (RFC 9449 §8). " +
          "Tell its operator."
      }
    case "Transport":
      return {
        code: 7,
        next: reason.message.includes("host name not found")
          ? "Check the host name: nothing was sent."
          : "Check the connection and run the command again: the server did nothing."
      }
    case "RateLimited":
      return {
        code: 7,
        next: retryAfter === undefined
          ? "Run the command again later: the server did nothing."
          : `Run the command again in ${Duration.format(retryAfter)}: the server did nothing.`
      }
    case "StoreFailed":
      return {
        code: 9,
        next: reason.problem === "Undecryptable"
          ? "Use it with the program that encrypted it, which has the key."
          : `See to the directory of the store${
            directory === undefined ? "" : ` (${directory})`
          }, or name another one with --store.`
      }
  }
}

const proving = (dpop: boolean | undefined): string =>
  dpop === true
    ? "Check the clock of this machine, or try another key with --dpop-key-file."
    : "Run the command again with --dpop, or with --dpop-key-file FILE: the server wants a DPoP proof."
