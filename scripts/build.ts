/**
 * Builds every package into its `dist`: `tsc -b`, and then a pure-call annotation before every call at the top of a
 * module. Bundlers keep an unannotated call such as `Schema.TaggedError(...)(...)` even if nobody uses its result, and with
 * it everything that it reaches (one unused error class costs 70 KB).
 */
import { transformAsync } from "@babel/core"
import { globSync } from "node:fs"
import { readFile, rm, writeFile } from "node:fs/promises"
import { basename } from "node:path"
import { at, packages } from "./support/paths.ts"
import { main, must } from "./support/run.ts"
import { tools } from "./support/tools.ts"

const annotate = async (file: string): Promise<void> => {
  const result = await transformAsync(await readFile(file, "utf8"), {
    babelrc: false,
    configFile: false,
    compact: false,
    filename: file,
    // babel finds the map that tsc wrote through the comment at the end of the file, so the new one leads to the source
    plugins: ["annotate-pure-calls"],
    sourceMaps: true
  })
  if (typeof result?.code !== "string" || !result.map) throw new Error(`${file}: nothing came back from babel`)
  await writeFile(file, `${result.code}\n//# sourceMappingURL=${basename(file)}.map\n`)
  await writeFile(`${file}.map`, JSON.stringify({ ...result.map, file: basename(file) }))
}

main(async () => {
  for (const name of packages) {
    await rm(at("packages", name, "dist"), { recursive: true, force: true })
  }
  await must(process.execPath, [tools.tsc, "-b", "--force", "tsconfig.build.json"])
  const files = packages.flatMap((name) => globSync(at("packages", name, "dist", "**", "*.js")))
  await Promise.all(files.map(annotate))
  console.log(`built ${files.length} modules in ${packages.length} packages`)
})
