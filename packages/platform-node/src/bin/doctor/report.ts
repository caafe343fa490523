/**
 * What a doctor found, for an operator to read and to send on: as text, as Markdown and as JSON.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import { ruled } from "../render.ts"
import { columns, labelled, paragraph, plain, type Style, unbroken } from "../style.ts"

/** How a server does in one point: as specified, something to know, or a departure that breaks clients. */
export type Verdict = "good" | "note" | "bad"

export interface Finding {
  readonly verdict: Verdict
  /** What was looked at: `status of a registration`. */
  readonly what: string
  /** What was seen. */
  readonly seen: string
  /** Where the rule stands, where there is one. */
  readonly section?: string | undefined
}

export interface Chapter {
  readonly title: string
  readonly findings: ReadonlyArray<Finding>
}

/** A client that was made to find out. */
export interface Made {
  readonly clientId: string
  /** Whether it was deleted again; else why not. */
  readonly deleted: boolean
  readonly why?: string | undefined
}

/** How many findings there are of each verdict. */
export type Summary = { readonly [V in Verdict]: number }

export interface Report {
  readonly issuer: string
  /** ISO 8601. */
  readonly at: string
  readonly version: string
  readonly chapters: ReadonlyArray<Chapter>
  readonly made: ReadonlyArray<Made>
  readonly requests: ReadonlyArray<{ readonly request: string; readonly answer: string }>
}

/** The report without secrets, before any form of it hides one from the search. */
export const withoutSecrets = (report: Report, scrub: (text: string) => string): Report => ({
  ...report,
  chapters: report.chapters.map(({ findings, title }) => ({
    title,
    findings: findings.map((finding) => ({ ...finding, what: scrub(finding.what), seen: scrub(finding.seen) }))
  })),
  made: report.made.map((made) => made.why === undefined ? made : { ...made, why: scrub(made.why) }),
  requests: report.requests.map(({ answer, request }) => ({ answer, request: scrub(request) }))
})

export const summaryOf = (chapters: ReadonlyArray<Chapter>): Summary => {
  const count = (verdict: Verdict) =>
    chapters.reduce((sum, { findings }) => sum + findings.filter((finding) => finding.verdict === verdict).length, 0)
  return { good: count("good"), note: count("note"), bad: count("bad") }
}

const summaryText = ({ bad, good, note }: Summary, paint: Pick<Style, "bad" | "good">): string =>
  `${
    bad === 0 ? paint.good("no departure") : paint.bad(counted(bad, "departure"))
  } from the specifications, ${note} to know, ${good} as specified`

const marks = { good: "✔", note: "•", bad: "✘" } as const

const legendText = (look: Style): string => paragraph(legend.split("   ").map(unbroken).join("   "), look, "")

const legend =
  `${marks.good} as specified   ${marks.note} to know   ${marks.bad} departs from the specifications, or breaks clients`

export const reportText = (report: Report, look: Style): string => {
  const painted = { good: look.good, note: look.dim, bad: look.bad }
  const left = report.made.filter(({ deleted }) => !deleted)
  return [
    `${look.bold(plain(report.issuer))}  ${look.dim(report.at)}\n${look.dim(legendText(look))}`,
    ...report.chapters.map(({ findings, title }) =>
      `${look.bold(title)}\n${
        columns(
          findings.map(({ section, seen, verdict, what }) => [
            `${painted[verdict](marks[verdict])} ${plain(what)}`,
            ruled(plain(seen), section, look)
          ]),
          look
        )
      }`
    ),
    `${summaryText(summaryOf(report.chapters), look)}\n${counted(report.requests.length, "request")}; ${
      madeText(report.made)
    }`,
    ...leftText(left, look)
  ].join("\n\n")
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`

const madeText = (made: ReadonlyArray<Made>): string => {
  const deleted = made.filter(({ deleted }) => deleted).length
  return made.length === 0
    ? "no client was made"
    : `${counted(made.length, "client")} made, ${
      deleted === made.length ? "and deleted again" : deleted === 0 ? "none deleted again" : `${deleted} deleted again`
    }`
}

/** Those that are left, by the reason why. */
const byReason = (made: ReadonlyArray<Made>): ReadonlyArray<readonly [why: string, clients: ReadonlyArray<Made>]> =>
  Object.entries(Arr.groupBy(made.filter(({ deleted }) => !deleted), ({ why }) => why ?? ""))

const leftText = (left: ReadonlyArray<Made>, look: Style): ReadonlyArray<string> =>
  left.length === 0 ? [] : [
    ...byReason(left).map(
      ([why, clients]) =>
        [
          look.warn("Left at the server"),
          ...clients.map(({ clientId }) => `  ${plain(clientId)}`),
          look.dim(paragraph(plain(why), look))
        ].join("\n")
    ),
    labelled(look.bold("next"), "Ask the operator of the server to delete them.", look)
  ]

/** A cell of a table: a bar would end it, markup would be taken for some. */
const cell = (text: string): string => plain(text).replace(/[\\|`*_<>[\]]/g, (character) => `\\${character}`)

const listOf = (items: ReadonlyArray<string>): string => items.map((item) => `- ${item}`).join("\n")

const unpainted = { good: (text: string) => text, bad: (text: string) => text }

/** First what is to be mended. */
const departuresText = (chapters: ReadonlyArray<Chapter>): ReadonlyArray<string> => {
  const departures = chapters.flatMap(({ findings, title }) =>
    findings.filter(({ verdict }) => verdict === "bad").map(({ section, seen, what }) =>
      `${title}, ${cell(what)}: ${cell(seen)}${section === undefined ? "" : ` (${cell(section)})`}`
    )
  )
  return departures.length === 0 ? [] : [listOf(departures)]
}

export const reportMarkdown = (report: Report): string =>
  [
    `# Dynamic client registration at ${cell(report.issuer)}`,
    `Seen by \`effect-dcr doctor\` ${report.version} at ${report.at}: ${
      summaryText(summaryOf(report.chapters), unpainted)
    }.`,
    ...departuresText(report.chapters),
    `${legend.replaceAll("   ", ", ")}.`,
    ...report.chapters.map(({ findings, title }) =>
      [
        `## ${title}`,
        "",
        "| | what | rule | seen |",
        "| --- | --- | --- | --- |",
        ...findings.map(({ section, seen, verdict, what }) =>
          `| ${marks[verdict]} | ${cell(what)} | ${cell(section ?? "")} | ${cell(seen)} |`
        )
      ].join("\n")
    ),
    "## Clients that were made",
    ...(report.made.length === 0 ? ["None."] : []),
    ...[report.made.filter(({ deleted }) => deleted)].filter(({ length }) => length > 0).map((deleted) =>
      listOf(deleted.map(({ clientId }) => `${cell(clientId)}, deleted again`))
    ),
    ...byReason(report.made).flatMap(([why, clients]) => [
      `${counted(clients.length, "client")} could not be deleted: ${cell(why)}`,
      listOf(clients.map(({ clientId }) => cell(clientId)))
    ]),
    [
      "## Requests",
      "",
      "| request | answer |",
      "| --- | --- |",
      ...report.requests.map(({ answer, request }) => `| ${cell(request)} | ${cell(answer)} |`)
    ].join("\n")
  ].join("\n\n")
