/** The bundlers that applications are built with, as they are used here: for a browser, and minified by esbuild. */
import { nodeResolve } from "@rollup/plugin-node-resolve"
import { build, type BuildOptions, transform } from "esbuild"
import type { RollupCache } from "rollup"
import { rollup } from "rollup"

export interface Bundled {
  readonly code: string
  /** What the bundle still imports when it is loaded. */
  readonly imports: ReadonlyArray<string>
  /** The files that it was made of. */
  readonly modules: ReadonlyArray<string>
}

/** What rollup parsed for the programs before: most of it is the same. */
let parsed: RollupCache | undefined

const withRollup = async (input: string): Promise<Bundled> => {
  const bundle = await rollup({
    input,
    ...(parsed === undefined ? {} : { cache: parsed }),
    plugins: [nodeResolve({ browser: true, exportConditions: ["browser", "import", "default"] })],
    onLog: (level, log) => {
      if (level === "warn") throw new Error(`rollup: ${log.message}`)
    }
  })
  parsed = bundle.cache
  const { output: [chunk, ...rest] } = await bundle.generate({ format: "es", inlineDynamicImports: true })
  await bundle.close()
  if (rest.length > 0) throw new Error(`rollup made ${rest.length + 1} files of ${input}`)
  const { code } = await transform(chunk.code, { minify: true, format: "esm", target: "es2023" })
  return { code, imports: [...chunk.imports, ...chunk.dynamicImports], modules: Object.keys(chunk.modules) }
}

export const esbuildOptions = {
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: "es2023",
  write: false,
  logLevel: "silent",
  external: ["node:*"]
} as const satisfies BuildOptions

const withEsbuild = async (input: string): Promise<Bundled> => {
  const result = await build({ ...esbuildOptions, entryPoints: [input], metafile: true })
  const [output] = Object.values(result.metafile.outputs)
  const [file] = result.outputFiles
  if (output === undefined || file === undefined) throw new Error(`esbuild made nothing of ${input}`)
  return {
    code: file.text,
    imports: output.imports.map((found) => found.path),
    modules: Object.entries(output.inputs).filter(([, part]) => part.bytesInOutput > 0).map(([path]) => path)
  }
}

export const bundlers: Readonly<Record<string, (input: string) => Promise<Bundled>>> = {
  rollup: withRollup,
  esbuild: withEsbuild
}
