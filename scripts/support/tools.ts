import { at } from "./paths.ts"

/** The tools, by the file that starts them: no shell, no PATH. */
export const tools = {
  tsc: at("node_modules", "typescript", "bin", "tsc"),
  oxlint: at("node_modules", "oxlint", "bin", "oxlint"),
  dprint: at("node_modules", "dprint", "bin.cjs"),
  vitest: at("test", "node_modules", "vitest", "vitest.mjs"),
  attw: at("node_modules", "@arethetypeswrong", "cli", "dist", "index.js"),
  publint: at("node_modules", "publint", "src", "cli.js")
} as const

/** dprint keeps its compiled plugins here and not in the user's home. */
export const dprintEnv = { DPRINT_CACHE_DIR: at("node_modules", ".cache", "dprint") }
