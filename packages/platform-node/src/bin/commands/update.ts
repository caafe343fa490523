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
import * as Option from "effect/Option"
import { metadataFlags, readMetadata } from "../input.ts"
import { print, waiting } from "../output.ts"
import { clientJson, clientText, sections } from "../render.ts"
import { reporting } from "../report.ts"
import { issuer, profile } from "../settings.ts"
import { plain, style } from "../style.ts"
import { callOptions, registrar } from "../world.ts"
import { notKept } from "./kept.ts"

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
      const { ensure, get } = yield* Registrar.Registrar
      const key = { issuer, profile }
      const before = Option.getOrUndefined(yield* get(key)) ?? (yield* notKept(key))
      const metadata = { ...askedOf(before, unset), ...yield* readMetadata(input) }
      const client = yield* ensure({ server: issuer, profile, metadata, options: yield* callOptions }).pipe(
        waiting(`updating at ${issuer}`)
      )
      const isNew = before.information.client_id !== client.information.client_id
      yield* print({
        json: { profile, isNew, ...yield* clientJson(client) },
        text: Effect.gen(function*() {
          const look = yield* style
          const what = isNew
            ? look.warn("replaced, because the server does not update it; the client before is kept there")
            : look.good("updated")
          return sections([
            `${what}  ${look.bold(plain(client.issuer))}  ${look.dim(`profile ${plain(profile)}`)}`,
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
    "Change what a registration asks for. Where the server does not let a registration be changed, a new one takes its " +
      "place, and the old one stays at the server."
  ),
  Command.withShortDescription("Change a registration"),
  Command.withExamples([
    {
      command: "effect-dcr update https://op.example.com --name \"My new app\" --unset logo_uri",
      description: "Set one member, leave out another"
    }
  ])
)
