/** One program that registers a client, and what comes of it at `oidc-provider`, wherever it runs. */
import { AuthorizationServer, ClientRegistration } from "@effect-dcr/core"
import { Effect, Option, Redacted } from "effect"

export const initialAccessToken = "for-the-one-program"

/** The program. It knows neither transport nor signer nor clock, and runs on Node and in a page. */
export const program = (issuer: string) =>
  Effect.gen(function*() {
    const server = yield* AuthorizationServer.discover(issuer)
    const client = yield* ClientRegistration.register(
      server,
      { redirect_uris: ["http://127.0.0.1/cb"], client_name: "One program", "client_name#de": "Ein Programm" },
      { initialAccessToken: Redacted.make(initialAccessToken) }
    )
    const { added, dropped, replaced } = client.differences
    return {
      client_id: client.information.client_id,
      result: {
        issuer: client.issuer,
        name: client.information.client_name,
        filledIn: client.filledIn,
        hasSecret: Redacted.isRedacted(client.information.client_secret),
        secretExpires: Option.isSome(client.secretExpiresAt),
        deviations: client.deviations,
        added: added.map(({ member }) => member),
        replaced,
        dropped: dropped.map(({ member }) => member)
      }
    }
  })

/** What comes of it. */
export const expected = (issuer: string) => ({
  issuer,
  name: "One program",
  filledIn: ["application_type"],
  hasSecret: true,
  secretExpires: false,
  deviations: [],
  // In the order of the specifications, on every transport.
  added: [
    "token_endpoint_auth_method",
    "grant_types",
    "response_types",
    "subject_type",
    "id_token_signed_response_alg",
    "require_auth_time",
    "post_logout_redirect_uris",
    "require_pushed_authorization_requests",
    "dpop_bound_access_tokens"
  ],
  replaced: [],
  dropped: ["client_name#de"]
})
