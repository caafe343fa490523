/** Bundles the programs of `support/bundles.ts`. `npm test -- install` starts the command line as it is published. */
import { build } from "esbuild"
import * as Path from "node:path"
import { outputs, sources } from "../support/bundles.ts"

const bundle = (source: string, output: string) =>
  build({
    entryPoints: [source],
    outdir: Path.dirname(output),
    bundle: true,
    // What the sources import when they need it stays apart, as it is there.
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    // It is CommonJS, whose names are found by Node only.
    external: ["undici"],
    logLevel: "warning"
  })

export default async (): Promise<void> => {
  await Promise.all([bundle(sources.commandLine, outputs.commandLine), bundle(sources.start, outputs.start)])
}
