/**
 * The one table of what this SDK conforms to: the rules of the specifications, the rules that it checks in metadata, and what
 * servers do instead. `docs/conformance.md` is this table in words.
 */
import { MetadataRule } from "@effect-dcr/core"
import * as Misbehaviour from "@effect-dcr/core/testing/Misbehaviour"
import { type Case, cases } from "../support/misbehaviours.ts"
import { protocolRules } from "./protocolRules.ts"

export interface Row {
  readonly id: string
  readonly section: string
  readonly rule: string
  readonly does: string
  readonly test: readonly [file: string, title: string]
}

const metadataRows: ReadonlyArray<Row> = MetadataRule.rules.map(({ id, isPresence, member, section, severity }) => ({
  id,
  section,
  rule: member === "*" ? "any member" : `\`${member}\``,
  does: severity === "error"
    ? `Refuses to send${isPresence === true ? "; warns beside a software statement" : ""}.`
    : "Warns.",
  test: ["core/MetadataRule.test.ts", id]
}))

const misbehaviourRows: ReadonlyArray<Row> = Misbehaviour.catalogue.map(({ about, id, kind }) => ({
  id,
  section: kind,
  rule: about,
  does: expectation(cases[id]),
  test: ["support/misbehaviours.ts", id]
}))

/** The table, in parts. */
export const parts: ReadonlyArray<{ readonly title: string; readonly rows: ReadonlyArray<Row> }> = [
  { title: "Rules of the specifications", rows: protocolRules },
  { title: "Rules that metadata is checked by before it is sent", rows: metadataRows },
  { title: "What servers, and the ways to them, do instead", rows: misbehaviourRows }
]

/** The page. */
export const page = (): string =>
  [
    "# Conformance",
    "",
    "Every rule that a client has to follow or may rely on, every rule that metadata is checked by, and everything that servers were",
    "seen to do instead, each with what this SDK does about it and the test that shows it. This page is written by",
    "`npm run conformance -- --write` from the tables that the tests run on; a row without a test fails `npm test`.",
    ...parts.flatMap(({ rows, title }) => [
      "",
      `## ${title}`,
      "",
      "| id | section | rule or behaviour | what the SDK does | test |",
      "| --- | --- | --- | --- | --- |",
      ...rows.map(({ does, id, rule, section, test: [file, title] }) =>
        `| \`${id}\` | ${cell(section)} | ${cell(rule)} | ${cell(does)} | \`test/${file}\`: ${cell(title)} |`
      )
    ]),
    ""
  ].join("\n")

const cell = (text: string): string => text.replace(/\s+/g, " ").replaceAll("|", "\\|")

function expectation(expected: Case | ReadonlyArray<Case>): string {
  const list: ReadonlyArray<Case> = "length" in expected ? expected : [expected]
  return [...new Set(list.map(inWords))].join(" ")
}

function inWords({ deviations, reason }: Case): string {
  if (reason !== undefined) {
    const details = ["why", "problem", "rule"].map((name) => reason[name]).filter((value) => typeof value === "string")
    return `Fails with \`${[reason["_tag"], ...details].join("`, `")}\`.`
  }
  return deviations === undefined || deviations.length === 0
    ? "Succeeds."
    : `Succeeds; deviation \`${[...new Set(deviations)].join("`, `")}\`.`
}
