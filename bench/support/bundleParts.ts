/** What a bundle is made of. */
import { build } from "esbuild"
import { SourceMap, type SourceMapPayload } from "node:module"
import { esbuildOptions } from "../../scripts/support/bundlers.ts"
import { add, type Amounts, partOf } from "./parts.ts"

const parse: (text: string) => SourceMapPayload = JSON.parse

/**
 * Characters of the minified bundle, by the part that they come from. Counted by the source map: in what is published, most modules of
 * the SDK are gathered in one file.
 */
export const bundleParts = async (input: string): Promise<Amounts> => {
  const { outputFiles } = await build({ ...esbuildOptions, entryPoints: [input], sourcemap: "external", outdir: "." })
  const text = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? ""
  const map = new SourceMap(parse(text(".js.map")))
  const parts: Amounts = new Map()
  text(".js").split("\n").forEach((line, at) => {
    for (let column = 0; column < line.length; column++) {
      const entry = map.findEntry(at, column)
      add(parts, ("originalSource" in entry ? partOf(entry.originalSource) : undefined) ?? "the application", 1)
    }
  })
  return parts
}
