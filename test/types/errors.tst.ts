/** One error, whose reasons can be told apart, handled one by one, and handled all. */
import {
  type AuthorizationServer,
  type ClientMetadata,
  ClientRegistration,
  type DpopSigner,
  type RegisteredClient,
  RegistrationError
} from "@effect-dcr/core"
import { type Duration, Effect } from "effect"
import type { HttpClient } from "effect/http"
import { pin, type Same } from "./same.ts"

type Failure = RegistrationError.RegistrationError
type Reason = RegistrationError.Reason
type Both = HttpClient.HttpClient | DpopSigner.DpopSigner

declare const server: AuthorizationServer.AuthorizationServer
declare const metadata: ClientMetadata.ClientMetadata
const register = ClientRegistration.register(server, metadata)

// A new reason is a change for everybody who handles all of them: it shows here.
pin<
  Same<
    Reason["_tag"],
    | "InvalidMetadata"
    | "InvalidOptions"
    | "EndpointRefused"
    | "Unsupported"
    | "ProofFailed"
    | "DiscoveryFailed"
    | "Transport"
    | "OutcomeUnknown"
    | "RedirectRefused"
    | "RateLimited"
    | "NonceExhausted"
    | "InvalidRedirectUri"
    | "InvalidClientMetadata"
    | "InvalidSoftwareStatement"
    | "UnapprovedSoftwareStatement"
    | "OAuthError"
    | "Unauthorized"
    | "UnexpectedStatus"
    | "UnusableAnswer"
    | "DeviationsRefused"
    | "StoreFailed"
  >
>()

/** Every reason has its branch: `never` is what is left. */
export const decide = (reason: Reason): string => {
  switch (reason._tag) {
    case "InvalidMetadata":
      return reason.violations.map(({ member, rule, section }) => `${member} ${rule} ${section}`).join()
    case "InvalidOptions":
      return reason.option
    case "EndpointRefused":
      return reason.rule
    case "Unsupported":
      return reason.feature
    case "ProofFailed":
      return reason.message
    case "DiscoveryFailed":
      return reason.attempts.map(({ problem, url }) => `${url} ${problem}`).join()
    case "Transport":
      return String(reason.sent)
    case "OutcomeUnknown":
      return reason.why
    case "RedirectRefused":
      return reason.location ?? ""
    case "RateLimited":
      return String(reason.retryAfter)
    case "NonceExhausted":
      return reason.nonce ?? ""
    case "InvalidRedirectUri":
    case "InvalidClientMetadata":
    case "InvalidSoftwareStatement":
    case "UnapprovedSoftwareStatement":
      return reason.error_description ?? ""
    case "OAuthError":
      return reason.error
    case "Unauthorized":
      return reason.challenges.map(({ scheme }) => scheme).join()
    case "UnexpectedStatus":
      return reason.excerpt ?? ""
    case "UnusableAnswer":
      return reason.problem
    case "DeviationsRefused":
      return reason.deviations.join()
    case "StoreFailed":
      return `${reason.operation} ${reason.problem}`
    default: {
      const none: never = reason
      return none
    }
  }
}

export const forgetful = (reason: Reason): string => {
  switch (reason._tag) {
    case "RateLimited":
      return ""
    default: {
      // @ts-expect-error all the others are left
      const none: never = reason
      return none
    }
  }
}

// -----------------------------------------------------------------------------
// handled
// -----------------------------------------------------------------------------

const patient = register.pipe(
  Effect.catchReason("RegistrationError", "RateLimited", (reason, error) => {
    pin<Same<typeof reason, RegistrationError.ReasonOf<"RateLimited">>>()
    pin<Same<typeof reason.retryAfter, Duration.Duration | undefined>>()
    return Effect.succeed(error.message)
  })
)
pin<Same<typeof patient, Effect.Effect<RegisteredClient.RegisteredClient | string, Failure, Both>>>()

// @ts-expect-error there is no such reason
register.pipe(Effect.catchReason("RegistrationError", "RateLimit", () => Effect.succeed("later")))
// @ts-expect-error there is no such error
register.pipe(Effect.catchReason("RegisterError", "RateLimited", () => Effect.succeed("later")))

const several = register.pipe(
  Effect.catchReasons("RegistrationError", {
    Unauthorized: ({ challenges }) => Effect.succeed(challenges),
    OutcomeUnknown: ({ why }) => Effect.succeed(why)
  })
)
pin<
  Same<
    Effect.Success<typeof several>,
    | RegisteredClient.RegisteredClient
    | ReadonlyArray<RegistrationError.Challenge>
    | RegistrationError.ReasonOf<"OutcomeUnknown">["why"]
  >
>()
register.pipe(
  Effect.catchReasons("RegistrationError", {
    // @ts-expect-error there is no such reason
    Unauthorised: () => Effect.succeed("who are you")
  })
)

const unwrapped = register.pipe(Effect.unwrapReason("RegistrationError"))
pin<Same<Effect.Error<typeof unwrapped>, Reason>>()

const none = register.pipe(Effect.catchTag("RegistrationError", (error) => Effect.succeed(error.reason._tag)))
pin<Same<Effect.Error<typeof none>, never>>()

// -----------------------------------------------------------------------------
// told
// -----------------------------------------------------------------------------

declare const error: Failure
pin<Same<typeof error.isSafeToRepeat, boolean>>()
pin<Same<typeof error.retryAfter, Duration.Duration | undefined>>()
pin<Same<typeof error.clientId, string | undefined>>()
pin<Same<typeof error.registered, RegisteredClient.RegisteredClient | undefined>>()

new RegistrationError.RegistrationError({ reason: { _tag: "Transport", sent: false, message: "away" } })
// @ts-expect-error there is no such reason
new RegistrationError.RegistrationError({ reason: { _tag: "Timeout", message: "late" } })
// @ts-expect-error whether it was sent is what matters
new RegistrationError.RegistrationError({ reason: { _tag: "Transport", message: "away" } })
// @ts-expect-error no such way not to know
export const why: RegistrationError.ReasonOf<"OutcomeUnknown">["why"] = "Cosmic rays"
