/**
 * `effect-dcr list`: what is kept.
 *
 * @internal
 */
import * as Registrar from "@effect-dcr/core/Registrar"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { print } from "../output.ts"
import { reporting } from "../report.ts"
import { columns, plain, style } from "../style.ts"
import { registrar } from "../world.ts"

export const list = Command.make(
  "list",
  {},
  Effect.fnUntraced(
    function*() {
      const { list } = yield* Registrar.Registrar
      const summaries = yield* Stream.runCollect(list)
      yield* print({
        json: summaries.map(({ clientId, problem, ...summary }) => ({
          ...summary,
          clientId: Option.getOrNull(clientId),
          problem: Option.getOrNull(Option.map(problem, ({ message }) => message))
        })),
        text: Effect.map(style, (look) =>
          summaries.length === 0
            ? "Nothing is kept. `effect-dcr register ISSUER` begins."
            : columns(
              [
                ["ISSUER", "PROFILE", "CLIENT", ""].map(look.dim),
                ...summaries.map(({ clientId, issuer, possibleOrphans, previousClientIds, problem, profile }) => [
                  plain(issuer),
                  plain(profile),
                  plain(Option.getOrElse(clientId, () => "-")),
                  [
                    ...(previousClientIds.length === 0 ? [] : [`${previousClientIds.length} previous`]),
                    ...(possibleOrphans.length === 0 ? [] : [look.warn(`${possibleOrphans.length} possibly orphaned`)]),
                    ...(Option.isNone(problem) ? [] : [look.bad(plain(problem.value.message))])
                  ].join(", ")
                ])
              ],
              look,
              ""
            ))
      })
    },
    Effect.provide(registrar),
    reporting
  )
).pipe(
  Command.withDescription("List the registrations that are kept, without their secrets."),
  Command.withShortDescription("List what is kept"),
  Command.withExamples([{ command: "effect-dcr list --json", description: "For a script" }])
)
