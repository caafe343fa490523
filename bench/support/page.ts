/** The page that a run ends with. */
import { readFile } from "node:fs/promises"
import { cpus, loadavg, totalmem } from "node:os"
import { at } from "../../scripts/support/paths.ts"
import { median, short, shown, table } from "./figures.ts"
import type { Findings, Goal, Section } from "./section.ts"

export interface Result {
  readonly section: Section
  readonly findings: Findings
  readonly seconds: number
}

const version = async (name: string): Promise<string> => {
  const manifest: unknown = JSON.parse(
    await readFile(at("bench", "node_modules", ...name.split("/"), "package.json"), "utf8")
  )
  const found: unknown = typeof manifest === "object" && manifest !== null
    ? Reflect.get(manifest, "version")
    : undefined
  return `${name} ${String(found)}`
}

const measured = [
  "effect",
  "@effect/platform-node",
  "undici",
  "jose",
  "oauth4webapi",
  "openid-client",
  "@modelcontextprotocol/sdk"
]

const verdict = ({ goal, stretch, values }: Goal): string => {
  const value = median(values)
  return value <= stretch ? "met, stretch too" : value <= goal ? "met" : "**missed**"
}

const goalsOf = (results: ReadonlyArray<Result>, quick: boolean): string =>
  table([
    ["figure", "measured", "underneath", "goal", "stretch", ""],
    ...results.flatMap(({ findings }) => findings.goals).map((goal) => [
      goal.figure,
      `${shown(goal.values)}${goal.unit === undefined ? "" : ` ${goal.unit}`}`,
      goal.floor === undefined ? "" : short(goal.floor),
      `≤ ${short([goal.goal])}`,
      `≤ ${short([goal.stretch])}`,
      quick ? "" : verdict(goal)
    ])
  ])

export const page = async (
  results: ReadonlyArray<Result>,
  run: { readonly quick: boolean; readonly seconds: number }
): Promise<string> => {
  const versions = await Promise.all(measured.map(version))
  return [
    "# Benchmarks",
    "",
    run.quick
      ? "**A quick run, which shows that everything runs. Its figures say nothing.**"
      : "What a registration costs beside other libraries, and beside what is underneath. This page is written by `npm run bench`.",
    "",
    `${new Date().toISOString().slice(0, 10)}, ${process.platform} ${process.arch}, ${cpus().length} × ${
      cpus()[0]?.model.trim() || "unnamed processor"
    }, ${Math.round(totalmem() / 2 ** 30)} GB, load ${
      loadavg().map((load) => load.toFixed(1)).join(" ")
    } at the end, ` +
    `${Math.round(run.seconds)} seconds. node ${process.versions.node}, ${versions.join(", ")}.`,
    "",
    "Medians, with the lowest and the highest in brackets. Each figure comes from several processes a side, which take turns; each process warms",
    "up first. A ratio is the median of the rounds' ratios. The server is a process of its own on the same machine, reached over loopback.",
    "The SDK is measured as it is published: built, packed, and installed beside the others, but where a section says otherwise.",
    "",
    "## Goals",
    "",
    "What is underneath is the same figure of the transport alone, or of the signature alone, where that is measured.",
    "",
    goalsOf(results, run.quick),
    ...results.flatMap(({ findings, seconds, section }) => [
      "",
      `## ${section.title}`,
      "",
      findings.text,
      "",
      `\`npm run bench -- ${section.name}\`, ${Math.round(seconds)} seconds.`
    ]),
    ""
  ].join("\n")
}
