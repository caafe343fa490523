/**
 * `effect-dcr update`: changes what a registration asks for (RFC 7592 §2.2).
 *
 * @internal
 */
import type { ClientMetadata } from "@effect-dcr/core/ClientMetadata"
import type { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import * as Registrar from "@effect-dcr/core/Registrar"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { metadataFlags, readMetadata } from "../input.ts"
import { print, waiting } from "../output.ts"
import { clientJson, clientText, sections, titleText } from "../render.ts"
import { reporting } from "../report.ts"
import { issuer, profile } from "../settings.ts"
import { style } from "../style.ts"
import { callOptions, registrar } from "../world.ts"
import { keptUnder } from "./kept.ts"
import { outcomeOf, outcomeWord, remarkText } from "./outcome.ts"

const unset = Flag.String("unset").pipe(
  Flag.withDescription("A member to leave out; may be repeated"),
  Flag.withMetavar("MEMBER"),
  Flag.atLeast(0)
)

/** What the caller asked for, without what was filled in for them. */
const askedOf = (client: RegisteredClient, without: ReadonlyArray<string>): ClientMetadata =>
  Object.fromEntries(
    Object.entries(client.requested).filter(([member]) =>
      !client.filledIn.includes(member) && !without.includes(member)
    )
  )

export const update = Command.make(
  "update",
  { issuer, profile, unset, ...metadataFlags },
  Effect.fnUntraced(
    function*({ issuer, profile, unset, ...input }) {
      const { ensure } = yield* Registrar.Registrar
      const before = yield* keptUnder({ issuer, profile })
      const given = yield* readMetadata(input)
      const metadata = { ...askedOf(before, unset), ...given }
      const client = yield* ensure({ server: issuer, profile, metadata, options: yield* callOptions }).pipe(
        waiting(`updating at ${issuer}`, true)
      )
      const outcome = outcomeOf(before, client)
      yield* print({
        json: { profile, outcome, isNew: outcome === "replaced", ...yield* clientJson(client) },
        text: Effect.gen(function*() {
          const look = yield* style
          const paint = outcome === "updated" ? look.good : look.warn
          return sections([
            titleText(paint(outcomeWord[outcome]), { issuer: client.issuer, profile }, look),
            remarkText(outcome, look),
            yield* clientText(client)
          ])
        })
      })
    },
    Effect.provide(registrar),
    reporting
  )
).pipe(
  Command.withDescription(
    "Change what a registration asks for. Where the server does not let a registration be changed, or refuses this change, " +
      "a new one is asked for: it takes the place of the old one, which stays at the server. When that is refused as well, " +
      "nothing has changed, and the failure is that of the new registration."
  ),
  Command.withShortDescription("Change a registration"),
  Command.withExamples([
    {
      command: "effect-dcr update https://op.example.com --name \"My new app\" --unset logo_uri",
      description: "Set one member, leave out another"
    }
  ])
)
