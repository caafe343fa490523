/** Writes docs/conformance.md from the tables of the tests (`--write`), or says whether it is current. */
import { readFileSync, writeFileSync } from "node:fs"
import { page } from "../test/conformance/conformance.ts"

const file = new URL("../docs/conformance.md", import.meta.url)

if (process.argv.includes("--write")) {
  writeFileSync(file, page())
} else if (readFileSync(file, "utf8") !== page()) {
  console.error("docs/conformance.md is not current: npm run conformance -- --write")
  process.exitCode = 1
}
