/**
 * Builds every package into its `dist`:
 *
 * 1. `tsc -b`.
 * 2. A pure-call annotation before every call at the top of a module. Bundlers keep an unannotated call such as
 *    `Schema.TaggedError(...)(...)` even if nobody uses its result, and with it everything that it reaches (one unused error
 *    class costs 70 KB).
 * 3. The modules that a first registration loads are gathered in one file, `internal/registration.js`, because Node takes
 *    longer to find and open seventy files than to read them (`npm run bench -- cold-start`). The modules themselves stay
 *    where they are and hand on what is in there.
 */
import { globSync } from "node:fs"
import { rm } from "node:fs/promises"
import { annotate } from "./support/annotate.ts"
import { gather } from "./support/gather.ts"
import { at, packages } from "./support/paths.ts"
import { main, must } from "./support/run.ts"
import { tools } from "./support/tools.ts"

main(async () => {
  for (const name of packages) {
    await rm(at("packages", name, "dist"), { recursive: true, force: true })
  }
  await must(process.execPath, [tools.tsc, "-b", "--force", "tsconfig.build.json"])
  const files = packages.flatMap((name) => globSync(at("packages", name, "dist", "**", "*.js")))
  await Promise.all(files.map(annotate))
  await Promise.all(packages.map(gather))
  console.log(`built ${files.length} modules in ${packages.length} packages`)
})
