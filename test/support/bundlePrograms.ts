/**
 * Bundles programs that tests start again and again. To find, strip and link hundreds of modules takes up to three times as long
 * as to load the few files that they were bundled to.
 */
import { build } from "esbuild"

export const bundlePrograms = async (programs: ReadonlyArray<string>, folder: string): Promise<void> => {
  await build({
    entryPoints: [...programs],
    outdir: folder,
    bundle: true,
    // What is loaded late stays apart.
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    keepNames: true,
    // Of CommonJS, whose names are found by Node only.
    external: ["undici"],
    // For packages of CommonJS, which ask for modules of Node.
    banner: {
      js:
        `import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url)`
    },
    logLevel: "warning"
  })
}
