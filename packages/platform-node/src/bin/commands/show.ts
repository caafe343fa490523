/**
 * `effect-dcr show`: one registration, as it is kept or as the server says that it is now (RFC 7592 §2.1).
 *
 * @internal
 */
import * as Registrar from "@effect-dcr/core/Registrar"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { print, waiting } from "../output.ts"
import { clientJson, clientText, sections, titleText } from "../render.ts"
import { reporting } from "../report.ts"
import { issuer, profile } from "../settings.ts"
import { style } from "../style.ts"
import { registrar } from "../world.ts"
import { keptUnder } from "./kept.ts"

const remote = Flag.Boolean("remote").pipe(
  Flag.withDescription("Read it from the server, and keep what the server says"),
  Flag.withDefault(false)
)

export const show = Command.make(
  "show",
  { issuer, profile, remote },
  Effect.fnUntraced(
    function*({ issuer, profile, remote }) {
      const { read } = yield* Registrar.Registrar
      const key = { issuer, profile }
      const kept = yield* keptUnder(key)
      const client = remote ? yield* read(key).pipe(waiting(`reading from ${issuer}`, true)) : kept
      yield* print({
        json: { profile, ...yield* clientJson(client) },
        text: Effect.gen(function*() {
          const look = yield* style
          return sections([
            titleText("", { issuer: client.issuer, profile }, look),
            yield* clientText(client, { filledIn: true })
          ])
        })
      })
    },
    Effect.provide(registrar),
    reporting
  )
).pipe(
  Command.withDescription("Show a registration that is kept: what was granted, how it differs from what was asked."),
  Command.withShortDescription("Show a registration"),
  Command.withExamples([
    { command: "effect-dcr show https://op.example.com --reveal", description: "With its secrets" },
    { command: "effect-dcr show https://op.example.com --remote", description: "As the server says that it is now" }
  ])
)
