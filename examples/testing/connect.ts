/** An application, as far as it registers: what is tested in `connect.test.ts`. */
import { Registrar } from "@effect-dcr/core"
import { Duration, Effect } from "effect"

/** What the application tells its user when it is connected, or why it is not. */
export const connect = Effect.fnUntraced(
  function*(issuer: string, profile: string) {
    const registrar = yield* Registrar.Registrar
    const { information } = yield* registrar.ensure({
      server: issuer,
      profile,
      metadata: { client_name: "Notes", redirect_uris: ["https://notes.example/cb"] }
    })
    return `connected as ${information.client_id}`
  },
  Effect.catchReasons("RegistrationError", {
    RateLimited: ({ retryAfter }) =>
      Effect.succeed(
        `this server is busy, try again ${retryAfter === undefined ? "later" : `in ${Duration.format(retryAfter)}`}`
      ),
    Unauthorized: () => Effect.succeed("this server wants an invitation: ask its operator for an initial access token"),
    Unsupported: () => Effect.succeed("this server takes no new clients: ask its operator to register Notes"),
    OutcomeUnknown: () => Effect.succeed("the connection broke, we try again in a while")
  }),
  // What is left is a mistake of ours or of the server.
  Effect.catchTag("RegistrationError", ({ message }) => Effect.succeed(`something went wrong: ${message}`))
)
