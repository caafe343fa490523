/**
 * `effect-dcr discover`: what an authorization server says of itself (RFC 8414).
 *
 * @internal
 */
import * as AuthorizationServer from "@effect-dcr/core/AuthorizationServer"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { print, waiting } from "../output.ts"
import { listText, sections, serverText } from "../render.ts"
import { reporting } from "../report.ts"
import { issuer } from "../settings.ts"
import { labelled, plain, style } from "../style.ts"
import { problemOf } from "../words.ts"
import { callOptions, exchange } from "../world.ts"

export const discover = Command.make(
  "discover",
  { issuer },
  Effect.fnUntraced(
    function*({ issuer }) {
      const options = yield* callOptions
      const found = yield* AuthorizationServer.discoverDetails(issuer, options).pipe(waiting(`asking ${issuer}`))
      const { attempts, malformed, server, url } = found
      yield* print({
        json: { url, attempts, malformed, server },
        text: Effect.gen(function*() {
          const look = yield* style
          return sections([
            `${look.bold(plain(server.issuer))}\n${look.dim(`found at ${plain(url)}`)}`,
            yield* serverText(server),
            listText(look, "tried before", attempts.map(({ problem, url }) => [plain(url), plain(problemOf(problem))])),
            listText(look, "left out, because malformed", malformed.map((member) => [plain(member)])),
            labelled(
              look.bold("next"),
              server.registration_endpoint === undefined
                ? "Ask the operator of the server for a client."
                : `effect-dcr register ${plain(server.issuer)} --redirect-uri URI`,
              look
            )
          ])
        })
      })
    },
    Effect.provide(exchange),
    reporting
  )
).pipe(
  Command.withDescription("Show what an authorization server offers for registrations."),
  Command.withShortDescription("Show what a server offers"),
  Command.withExamples([
    { command: "effect-dcr discover https://op.example.com", description: "Find the metadata of a server" }
  ])
)
