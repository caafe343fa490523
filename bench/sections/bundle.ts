/** What the SDK adds to an application in a browser: measured by `scripts/bundle.ts`, from the packages as they are published. */
import { join } from "node:path"
import { consumer } from "../../scripts/support/paths.ts"
import { run } from "../../scripts/support/run.ts"
import { bundleParts } from "../support/bundleParts.ts"
import { table } from "../support/figures.ts"
import { type Amounts, largest } from "../support/parts.ts"
import type { Goal, Section } from "../support/section.ts"

const kibibytes = (kilobytes: number): number => kilobytes * 1000 / 1024

/** What the modules of the SDK, and those of others that it needs, add to the application. */
const addedParts = async (program: string): Promise<Amounts> => {
  const [before, after] = await Promise.all(
    ["baseline", program].map((name) => bundleParts(join(consumer, "bundle", `${name}.ts`)))
  )
  return new Map([...after ?? []].map(([part, size]) => [part, size - (before?.get(part) ?? 0)]))
}

export const bundle: Section = {
  name: "bundle",
  title: "Bundle",
  run: async (settings, log) => {
    if (settings.quick) return { text: "`npm test` measures the bundles in a part of its own.", goals: [] }
    log("bundling")
    // Its exit code says whether the recorded sizes are still right, which is not asked here.
    const { output } = await run(process.execPath, ["scripts/bundle.ts"])
    const rows = output.split("\n")
      .filter((line) => line.startsWith("| `"))
      .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
    const added = (program: string, bundler: string): number => {
      const row = rows.find(([name, by]) => name === `\`${program}\`` && by === bundler)
      const value = Number(row?.[4])
      if (!(value > 0)) throw new Error(`scripts/bundle.ts does not say how large ${program} is:\n${output}`)
      return value
    }
    const goal = (bundler: string): Goal => ({
      figure: `discover, register and DPoP, added to an Effect application, ${bundler}`,
      goal: 10,
      stretch: 6,
      values: [kibibytes(added("register-dpop", bundler))],
      unit: "KiB"
    })
    return {
      text: [
        "Kilobytes of 1,000 bytes, minified by esbuild. The baseline is an Effect application with `HttpClient` and `Schema`; the other programs",
        "of `test/bundle` are the same with what their name says.",
        "",
        table([["program", "bundler", "minified", "gzip", "added, gzip"], ...rows]),
        "",
        "What `register-dpop` adds, by module, in kilobytes minified by esbuild; the 30 largest:",
        "",
        table([
          ["", "added, minified"],
          ...largest(await addedParts("register-dpop"), 30).map(([part, size]) => [part, (size / 1000).toFixed(1)])
        ])
      ].join("\n"),
      goals: [goal("rollup"), goal("esbuild")]
    }
  }
}
