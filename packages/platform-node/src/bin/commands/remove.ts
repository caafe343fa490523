/**
 * `effect-dcr remove`: deletes a registration at its server (RFC 7592 §2.3), or forgets it.
 *
 * @internal
 */
import * as Registrar from "@effect-dcr/core/Registrar"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { print, waiting } from "../output.ts"
import { sections, titleText } from "../render.ts"
import { reporting } from "../report.ts"
import { issuer, profile, yes } from "../settings.ts"
import { paragraph, plain, style } from "../style.ts"
import { registrar } from "../world.ts"
import { confirm } from "./confirm.ts"
import { listedUnder, noteOf } from "./kept.ts"

const forget = Flag.Boolean("forget").pipe(
  Flag.withDescription("Leave the client at the server, and only forget it here"),
  Flag.withDefault(false)
)

const remarks = {
  never: "Nothing was registered; its note is forgotten.",
  pending: "A registration was under way, or broken off: it is not known whether a client is left at the server.",
  unknown: "It is not known whether a client was created: if there is one, it stays at the server."
}

export const remove = Command.make(
  "remove",
  { issuer, profile, forget, yes },
  Effect.fnUntraced(
    function*({ forget, issuer, profile, yes }) {
      const service = yield* Registrar.Registrar
      const key = { issuer, profile }
      const listed = yield* listedUnder(key)
      const note = noteOf(listed)
      const client = plain(
        Option.match(listed.clientId, { onNone: () => "the client", onSome: (id) => `client ${id}` })
      )
      const question = note === "never" || note === "unknown"
        ? "Forget what is noted? No client is known."
        : forget
        ? `Forget the credentials of ${client}? Nobody can manage it then.`
        : `Delete ${client} at the server? Its users are logged out.`
      yield* confirm(question, yes)
      const removed = forget
        ? yield* Effect.as(service.forget(key), [])
        : yield* service.remove(key).pipe(waiting(`deleting at ${issuer}`, true))
      yield* print({
        json: { ...key, removed, forgotten: true },
        text: Effect.map(style, (look) =>
          sections([
            titleText(look.good(removed.length === 0 ? "forgotten" : "deleted"), key, look),
            note === undefined || removed.length > 0 ? "" : paragraph(remarks[note], look)
          ]))
      })
    },
    Effect.provide(registrar),
    reporting
  )
).pipe(
  Command.withDescription("Delete a registration at its server, with the ones it replaced, or only forget it here."),
  Command.withShortDescription("Delete a registration"),
  Command.withExamples([
    { command: "effect-dcr remove https://op.example.com --yes", description: "Without a question, for scripts" },
    {
      command: "effect-dcr remove https://op.example.com --forget --yes",
      description: "The client stays at the server"
    }
  ])
)
