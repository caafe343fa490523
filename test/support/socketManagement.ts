/** The operations of RFC 7592, on a registration whose management URI is at a server of the test. */
import { ClientConfiguration, type DpopSigner, RegisteredClient, type RegistrationError } from "@effect-dcr/core"
import { type Effect, Redacted } from "effect"
import type { HttpClient } from "effect/http"

/** The credential that every request carries. */
export const token = "rat-of-the-sockets"

export const managementPath = "/register/c1"

/** A registration, as the server at this origin granted it. */
export const clientAt = (origin: string): RegisteredClient.RegisteredClient => {
  const asked = { redirect_uris: ["https://app.example.com/cb"] }
  return new RegisteredClient.RegisteredClient({
    issuer: origin,
    requested: asked,
    filledIn: [],
    warnings: [],
    extensions: {},
    deviations: [],
    information: {
      ...asked,
      client_id: "c1",
      registration_access_token: Redacted.make(token, { label: "registration_access_token" }),
      registration_client_uri: `${origin}${managementPath}`
    }
  })
}

export interface Operation {
  readonly method: "GET" | "PUT" | "DELETE"
  /** How often the request is sent when its outcome is not known. */
  readonly sends: number
  readonly run: (
    client: RegisteredClient.RegisteredClient,
    options?: ClientConfiguration.Options
  ) => Effect.Effect<unknown, RegistrationError.RegistrationError, HttpClient.HttpClient | DpopSigner.DpopSigner>
}

const change = { set: { client_name: "Renamed" } }

export const operations: ReadonlyArray<Operation> = [
  { method: "GET", sends: 1, run: (client, options) => ClientConfiguration.read(client, options) },
  { method: "PUT", sends: 1, run: (client, options) => ClientConfiguration.replace(client, change, options) },
  // To delete what is deleted does no harm.
  { method: "DELETE", sends: 2, run: (client, options) => ClientConfiguration.remove(client, options) }
]
