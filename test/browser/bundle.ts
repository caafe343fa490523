/** Programs of the tests, as a browser loads them: one file, made by esbuild as an application would make it. */
import { build } from "esbuild"
import { fileURLToPath } from "node:url"

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const bundled = new Map<string, Promise<string>>()

/** Bundles a module of `test/platform-browser/page`, once for all tests that run in the same process. */
export const bundlePage = (name: string): Promise<string> => {
  const before = bundled.get(name)
  if (before !== undefined) return before
  const bundle = bundleOf(name)
  bundled.set(name, bundle)
  return bundle
}

const bundleOf = async (name: string): Promise<string> => {
  const { outputFiles: [output] } = await build({
    entryPoints: [file(`../platform-browser/page/${name}.ts`)],
    bundle: true,
    format: "esm",
    target: "es2023",
    write: false,
    keepNames: true,
    logLevel: "silent",
    // The suites of the tests run in a page as well, in this place of vitest.
    alias: { "@effect/vitest": file("./vitestInPage.ts") }
  })
  if (output === undefined) throw new Error(`esbuild made nothing of ${name}`)
  return output.text
}
