/**
 * The bench: what a registration costs beside other libraries and beside what is underneath.
 *
 * ```
 * npm run bench                        everything; writes docs/benchmarks.md
 * npm run bench -- registration proofs only these sections, printed
 * npm run bench -- --quick             that everything runs; its figures say nothing
 * ```
 */
import { writeFile } from "node:fs/promises"
import { at, root } from "../scripts/support/paths.ts"
import { main } from "../scripts/support/run.ts"
import { bundle } from "./sections/bundle.ts"
import { coldStart } from "./sections/coldStart.ts"
import { growth } from "./sections/growth.ts"
import { memory } from "./sections/memory.ts"
import { profile } from "./sections/profile.ts"
import { proofs } from "./sections/proofs.ts"
import { registration } from "./sections/registration.ts"
import { stores } from "./sections/stores.ts"
import { page, type Result } from "./support/page.ts"
import { publish } from "./support/published.ts"

const sections = [registration, proofs, bundle, coldStart, memory, growth, stores, profile]

main(async () => {
  process.chdir(root)
  // it keeps what npm scripts compile, and a cold start would be none
  delete process.env["NODE_COMPILE_CACHE"]
  const options = process.argv.slice(2).filter((arg) => arg.startsWith("--"))
  const names = process.argv.slice(2).filter((arg) => !arg.startsWith("--"))
  const unknown = [
    ...options.filter((option) => option !== "--quick"),
    ...names.filter((name) => !sections.some((section) => section.name === name))
  ]
  if (unknown.length > 0) {
    const known = sections.map((section) => section.name).join(", ")
    throw new Error(`unknown: ${unknown.join(" ")}. Sections: ${known}. Options: --quick`)
  }

  const quick = options.includes("--quick")
  const start = performance.now()
  const chosen = sections.filter(({ name }) => names.length === 0 || names.includes(name))
  if (chosen.some(({ fromSources }) => fromSources !== true)) await publish({ quick })
  const results: Array<Result> = []
  for (const section of chosen) {
    const begun = performance.now()
    const findings = await section.run({ quick, rounds: quick ? 1 : 4 }, (line) => {
      if (process.stderr.isTTY || !quick) process.stderr.write(`${section.name}: ${line}\n`)
    })
    results.push({ section, findings, seconds: (performance.now() - begun) / 1000 })
  }
  const text = await page(results, { quick, seconds: (performance.now() - start) / 1000 })
  console.log(text)
  if (!quick && names.length === 0) {
    await writeFile(at("docs", "benchmarks.md"), text)
    console.log("written: docs/benchmarks.md")
  }
})
