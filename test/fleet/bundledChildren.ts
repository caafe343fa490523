/**
 * The programs that the tests of fleets start again and again, in a few files: to find, strip and load the hundreds of modules of
 * one takes up to three times as long as to load what they were bundled to, and longer than most of them have to do.
 */
import { build } from "esbuild"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import { bundledChildren } from "../support/childPrograms.ts"

const programs = ["fleetChild.ts", "fleetIssuers.ts"]

export default async (): Promise<() => Promise<void>> => {
  // Where the packages are found that stay what they are, and nobody takes it for code of ours.
  const parent = join(import.meta.dirname, "../node_modules/.cache")
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, "children-"))
  await build({
    entryPoints: programs.map((program) => join(import.meta.dirname, "../support", program)),
    outdir: folder,
    bundle: true,
    // Of CommonJS, and loaded late: its names would be gone.
    external: ["undici"],
    // What is loaded late stays apart.
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    keepNames: true,
    // For packages of CommonJS, which ask for modules of Node.
    banner: {
      js:
        `import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url)`
    },
    logLevel: "silent"
  })
  process.env[bundledChildren] = folder
  return () => rm(folder, { recursive: true, force: true })
}
