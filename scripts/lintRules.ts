/**
 * Shows that the lint rules bite: a rule that an update renamed, or whose pattern no longer fits, would otherwise look like
 * clean code for ever. Every line below is put where it is forbidden and must be reported by the rule beside it.
 */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { at } from "./support/paths.ts"
import { main, run } from "./support/run.ts"
import { tools } from "./support/tools.ts"

const core = "packages/core/src/"
const browser = "packages/platform-browser/src/"
const node = "packages/platform-node/src/"

const imports = "no-restricted-imports"
const globals = "no-restricted-globals"

const forbidden: ReadonlyArray<readonly [where: string, rule: string, code: string]> = [
  [core, imports, `export { Effect } from "effect"`],
  [core, imports, `export * as X from "effect/http"`],
  [core, imports, `import * as X from "effect/crypto"\nexport const x = X`],
  [core, imports, `export * as X from "effect/persistence"`],
  [core, imports, `export * as X from "effect/testing"`],
  [core, imports, `export * as X from "node:crypto"`],
  [core, imports, `export * as X from "undici"`],
  [core, imports, `export * as X from "@effect/platform-node/NodeRuntime"`],
  [core, imports, `export * as X from "../index.ts"`],
  [`${core}testing/`, imports, `export * as X from "effect/http"`],
  ...[
    "Date.now()",
    "new Date()",
    "fetch('/')",
    "globalThis.fetch",
    "self",
    "window",
    "document",
    "localStorage",
    "indexedDB",
    "process.env",
    "Buffer.from('')",
    "crypto.subtle",
    "setTimeout(() => {}, 1)",
    "performance.now()"
  ].map((code) => [core, globals, `export const x = ${code}`] as const),
  [core, "no-restricted-properties", `export const x = Math.random()`],
  [core, "no-console", `console.log("x")`],
  [browser, imports, `export { Effect } from "effect"`],
  [browser, imports, `export * as X from "@effect-dcr/core"`],
  [browser, imports, `export * as X from "node:fs"`],
  [browser, imports, `export * as X from "undici"`],
  [node, imports, `export { Effect } from "effect"`],
  [node, imports, `export * as X from "effect/http"`],
  [node, imports, `export * as X from "@effect-dcr/core"`],
  [node, imports, `export * as X from "@effect/platform-node"`],
  ...[core, browser, node, "test/core/", "examples/", "scripts/"].flatMap((where) =>
    [
      [where, "no-explicit-any", `export const x: any = 1`],
      [where, "no-explicit-any", `export const x = (u: unknown) => u as any`],
      [where, "no-unsafe-type-assertion", `export const x = (u: unknown) => u as string`],
      [where, "no-unsafe-type-assertion", `export const x = (u: string) => u as unknown as number`],
      [where, "no-unsafe-assignment", `export const x = () => { const y = JSON.parse("1"); return String(y) }`],
      [where, "no-unsafe-member-access", `export const x = () => String(JSON.parse("1").y)`],
      [where, "no-non-null-assertion", `export const x = (u: Array<string>) => u[0]!`],
      [where, "no-floating-promises", `export const x = (p: Promise<number>) => { p }`],
      [where, "ban-ts-comment", `// @ts-ignore\nexport const x: number = ""`],
      [where, "no-cycle", `export * from "./again.ts"`]
    ] as const
  )
]

main(async () => {
  const folder = await mkdtemp(join(tmpdir(), "effect-dcr-rules-"))
  try {
    await copyFile(at(".oxlintrc.json"), join(folder, ".oxlintrc.json"))
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { strict: true, module: "nodenext" } })
    )
    const expected = new Map<string, string>()
    for (const [index, [where, rule, code]] of forbidden.entries()) {
      // a folder of its own, so that "./again.ts" is the other half of this circle only
      const file = `${where}case${index}/x.ts`
      await mkdir(dirname(join(folder, file)), { recursive: true })
      await writeFile(join(folder, file), `${code}\n`)
      if (rule === "no-cycle") await writeFile(join(folder, dirname(file), "again.ts"), `export type * from "./x.ts"\n`)
      expected.set(file, rule)
    }
    const { output } = await run(process.execPath, [tools.oxlint, "--type-aware", "--format=unix"], { cwd: folder })
    const lines = output.split("\n")
    const missed = [...expected].filter(([file, rule]) =>
      !lines.some((line) => line.replaceAll("\\", "/").includes(`${file}:`) && line.includes(`(${rule})]`))
    )
    if (missed.length > 0) {
      const what = missed.map(([file, rule]) => {
        const found = forbidden.find(([where, of], index) => of === rule && file === `${where}case${index}/x.ts`)
        return `${rule} does not report, in ${found?.[0]}: ${found?.[2]}`
      })
      throw new Error(`${what.join("\n")}\n\noxlint said:\n${output}`)
    }
    console.log(`${expected.size} forbidden lines, each reported by its rule`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
