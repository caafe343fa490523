/**
 * `effect-dcr rotate`: asks for new credentials (RFC 7592 §2.2).
 *
 * @internal
 */
import * as Registrar from "@effect-dcr/core/Registrar"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { print, waiting } from "../output.ts"
import { clientJson, clientText, sections, titleText } from "../render.ts"
import { reporting } from "../report.ts"
import { issuer, profile } from "../settings.ts"
import { paragraph, style } from "../style.ts"
import { registrar } from "../world.ts"
import { keptUnder } from "./kept.ts"

export const rotate = Command.make(
  "rotate",
  { issuer, profile },
  Effect.fnUntraced(
    function*({ issuer, profile }) {
      const { rotate } = yield* Registrar.Registrar
      yield* keptUnder({ issuer, profile })
      const { client, ...changes } = yield* rotate({ issuer, profile }).pipe(waiting(`asking ${issuer}`, true))
      yield* print({
        json: { profile, ...changes, ...yield* clientJson(client) },
        text: Effect.gen(function*() {
          const look = yield* style
          const fresh = [
            ...(changes.isSecretNew ? ["secret"] : []),
            ...(changes.isExpiryNew ? ["expiry"] : []),
            ...(changes.isTokenNew ? ["management token"] : [])
          ]
          const what = fresh.length === 0
            ? look.warn("the server changed nothing")
            : look.good(`new ${fresh.join(", ")}`)
          return sections([
            titleText(what, { issuer: client.issuer, profile }, look),
            fresh.length > 0 && !changes.isSecretNew && client.information.client_secret !== undefined
              ? paragraph("The secret is the same.", look)
              : "",
            yield* clientText(client)
          ])
        })
      })
    },
    Effect.provide(registrar),
    reporting
  )
).pipe(
  Command.withDescription("Ask for new credentials, and say which of secret, expiry and token changed."),
  Command.withShortDescription("Ask for new credentials"),
  Command.withExamples([
    {
      command: "effect-dcr rotate https://op.example.com",
      description: "Rotate the registration of the default profile"
    }
  ])
)
