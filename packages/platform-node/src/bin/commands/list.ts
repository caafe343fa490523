/**
 * `effect-dcr list`: what is kept.
 *
 * @internal
 */
import * as Registrar from "@effect-dcr/core/Registrar"
import type { Key } from "@effect-dcr/core/RegistrationStore"
import * as Arr from "effect/Array"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { print } from "../output.ts"
import { sections } from "../render.ts"
import { reporting } from "../report.ts"
import { columns, isWide, paragraph, plain, type Style, style } from "../style.ts"
import { headlineOf } from "../words.ts"
import { registrar, storeDirectory } from "../world.ts"
import { noteOf } from "./kept.ts"

/** By the code units of issuer and profile, so that the order is the same everywhere. */
const byKey = (a: Key, b: Key): number =>
  a.issuer === b.issuer ? compare(a.profile, b.profile) : compare(a.issuer, b.issuer)

const compare = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

interface Row extends Registrar.Summary {
  readonly note: ReturnType<typeof noteOf>
}

const notes = { never: "never registered", pending: "under way, or broken off", unknown: undefined }

const rowOf =
  (look: Style) => ({ clientId, issuer, note, possibleOrphans, previousClientIds, problem, profile }: Row) => [
    plain(issuer),
    plain(profile),
    plain(Option.getOrElse(clientId, () => "-")),
    [
      ...(note === undefined || notes[note] === undefined ? [] : [look.dim(notes[note])]),
      ...(previousClientIds.length === 0 ? [] : [`${previousClientIds.length} previous`]),
      ...(possibleOrphans.length === 0 ? [] : [look.warn(`${possibleOrphans.length} possibly orphaned`)]),
      ...(Option.isNone(problem) ? [] : [look.bad(plain(headlineOf(problem.value)))])
    ].join(", ")
  ]

/** A table, or a list under each issuer where the terminal is too narrow for one. */
const tableText = (summaries: ReadonlyArray<Row>, look: Style): string => {
  const rows = [
    ["ISSUER", "PROFILE", "CLIENT", summaries.some(isRemarkable) ? "NOTE" : ""].map(look.dim),
    ...summaries.map(rowOf(look))
  ]
  if (isWide(rows, look, "")) return columns(rows, look, "")
  return Object.entries(Arr.groupBy(summaries, ({ issuer }) => issuer)).map(([issuer, ofIssuer]) =>
    `${look.bold(plain(issuer))}\n${columns(ofIssuer.map((summary) => rowOf(look)(summary).slice(1)), look)}`
  ).join("\n")
}

const isRemarkable = ({ note, possibleOrphans, previousClientIds, problem }: Row): boolean =>
  note !== undefined || previousClientIds.length > 0 || possibleOrphans.length > 0 || Option.isSome(problem)

export const list = Command.make(
  "list",
  {},
  Effect.fnUntraced(
    function*() {
      const { list } = yield* Registrar.Registrar
      const summaries = Array.from(yield* Stream.runCollect(list), (summary): Row => ({
        ...summary,
        note: noteOf(summary)
      })).sort(byKey)
      const directory = yield* storeDirectory
      yield* print({
        json: summaries.map(({ clientId, note, problem, unfinished, ...summary }) => ({
          ...summary,
          clientId: Option.getOrNull(clientId),
          neverRegistered: note === "never",
          unfinished: Option.getOrNull(unfinished),
          problem: Option.getOrNull(Option.map(problem, headlineOf))
        })),
        text: Effect.map(style, (look) =>
          sections([
            summaries.length === 0
              ? "Nothing is kept. `effect-dcr register ISSUER` begins."
              : tableText(summaries, look),
            summaries.some(({ possibleOrphans }) => possibleOrphans.length > 0)
              ? paragraph(
                "possibly orphaned: it is not known whether a client was created, and nobody could manage it. Once the " +
                  "operator of the server knows, `effect-dcr remove ISSUER --forget` ends it.",
                look,
                ""
              )
              : "",
            look.dim(`kept in ${plain(directory)}`)
          ]))
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
