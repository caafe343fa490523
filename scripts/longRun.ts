/**
 * Keeps `docs/long-run.json`, what the long tests found when they last ran, and writes `docs/long-run.md` from it.
 */
import { existsSync } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { cpus, totalmem } from "node:os"
import { at } from "./support/paths.ts"

interface Entry {
  readonly id: string
  readonly title: string
  readonly figures: Readonly<Record<string, string | number>>
  readonly date: string
  readonly machine: string
  readonly versions: string
}

const isObject = (u: unknown): u is object => typeof u === "object" && u !== null && !Array.isArray(u)

const text = (from: object, name: string): string => {
  const value: unknown = Reflect.get(from, name)
  if (typeof value !== "string") throw new Error(`${name} is missing in ${JSON.stringify(from)}`)
  return value
}

const figures = (from: object): Record<string, string | number> => {
  const value: unknown = Reflect.get(from, "figures")
  const result: Record<string, string | number> = {}
  if (!isObject(value)) throw new Error(`figures is missing in ${JSON.stringify(from)}`)
  for (const [name, figure] of Object.entries<unknown>({ ...value })) {
    if (typeof figure !== "string" && typeof figure !== "number") throw new Error(`${name}: not a figure`)
    result[name] = figure
  }
  return result
}

const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, "utf8"))

const machine = (): string =>
  `${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model.trim() || "unnamed processor"}, ${
    Math.round(totalmem() / 2 ** 30)
  } GB`

const version = async (folder: string): Promise<string> => {
  const manifest = await read(at(...folder.split("/"), "package.json"))
  return isObject(manifest) ? `${text(manifest, "name")} ${text(manifest, "version")}` : ""
}

const versions = async (): Promise<string> =>
  [
    `node ${process.versions.node}`,
    ...await Promise.all(
      ["packages/core/node_modules/effect", "packages/platform-node/node_modules/undici"].map(version)
    )
  ].join(", ")

const page = (entries: ReadonlyArray<Entry>): string =>
  [
    "# Long runs",
    "",
    "What `npm run test:long` found. This page is written by that command; `npm test` runs the same in a reduced form.",
    ...entries.flatMap((entry) => [
      "",
      `## ${entry.title}`,
      "",
      "| | |",
      "| --- | --- |",
      ...Object.entries(entry.figures).map(([name, figure]) =>
        `| ${name} | ${typeof figure === "number" ? figure.toLocaleString("en-US") : figure} |`
      ),
      "",
      `${entry.date}, ${entry.machine}, ${entry.versions} (\`${entry.id}\`)`
    ]),
    ""
  ].join("\n")

/**
 * Takes what was recorded into the page. A complete run replaces the page; one that was limited to some tests replaces
 * their entries and leaves the others as they were.
 */
export const writeLongRun = async (
  files: ReadonlyArray<string>,
  options: { readonly complete: boolean }
): Promise<void> => {
  const shared = { date: new Date().toISOString().slice(0, 10), machine: machine(), versions: await versions() }
  const kept = at("docs", "long-run.json")
  const entries = new Map<string, Entry>()
  const before = !options.complete && existsSync(kept) ? await read(kept) : []
  for (const old of Array.isArray(before) ? before.filter(isObject) : []) {
    entries.set(text(old, "id"), {
      id: text(old, "id"),
      title: text(old, "title"),
      figures: figures(old),
      date: text(old, "date"),
      machine: text(old, "machine"),
      versions: text(old, "versions")
    })
  }
  for (const file of files) {
    const found = await read(file)
    if (!isObject(found)) throw new Error(`${file} is not a record`)
    const id = text(found, "id")
    entries.set(id, { id, title: text(found, "title"), figures: figures(found), ...shared })
  }
  const sorted = [...entries.values()].sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }))
  await mkdir(at("docs"), { recursive: true })
  await writeFile(kept, `${JSON.stringify(sorted, null, 2)}\n`)
  await writeFile(at("docs", "long-run.md"), page(sorted))
}
