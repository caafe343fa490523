/**
 * What the steps on a record have in common.
 *
 * @internal
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type { AuthorizationServer } from "../../AuthorizationServer.ts"
import type * as ClientConfiguration from "../../ClientConfiguration.ts"
import type { ClientMetadata } from "../../ClientMetadata.ts"
import type { RegisterOptions } from "../../ClientRegistration.ts"
import type { DpopSigner } from "../../DpopSigner.ts"
import type { RegisteredClient } from "../../RegisteredClient.ts"
import type { RegistrationError } from "../../RegistrationError.ts"
import type { RegistrationStore } from "../../RegistrationStore.ts"
import type { RegistrarEvent } from "./event.ts"
import type { Session } from "./session.ts"

export type Requirements = HttpClient.HttpClient | DpopSigner

/** An effect of a step. */
export type Step<A> = Effect.Effect<A, RegistrationError, Requirements>

export interface Settings {
  readonly renewBefore: Duration.Duration
  readonly retire: "keep" | { readonly after: Duration.Input }
  /** The first pause after a failure; doubles with each in a row, up to a day. */
  readonly backoff: Duration.Duration
  readonly management: (client: RegisteredClient) => ClientConfiguration.Options<RegistrationError>
}

/** A record under its lease. */
export interface Desk {
  readonly store: RegistrationStore["Service"]
  readonly session: Session
  readonly settings: Settings
  readonly emit: (event: RegistrarEvent) => Effect.Effect<void>
  /** The record again, under a new lease, after this one was lost. */
  readonly again: <A>(use: (session: Session) => Step<A>) => Step<A>
}

/** A record whose registration is managed (RFC 7592). */
export interface Managed extends Desk {
  /** The fingerprint that holds when it is done; the one of a record that has none stays none. */
  readonly fingerprint: string | undefined
  readonly options: RegisterOptions<RegistrationError> | undefined
}

/** A record, and what is asked of it. */
export interface Task extends Managed {
  readonly server: Effect.Effect<AuthorizationServer, RegistrationError, HttpClient.HttpClient>
  readonly metadata: ClientMetadata
  readonly fingerprint: string
}

export const keyOf = ({ issuer, profile }: { readonly issuer: string; readonly profile: string }) => ({
  issuer,
  profile
})
