/**
 * `npm test`: runs every part, fast ones first, and says what each found and how long it took.
 *
 * ```
 * npm test                          every part
 * npm test -- lint unit             the named parts
 * npm test -- unit EndpointPolicy   a part of tests, only the files whose path contains the word
 * npm run test:long                 the long tests, and docs/long-run.md from what they found
 * ```
 *
 * The last line is `N passed, N failed`, counted in parts, and `, N skipped` if a part could not run on this machine.
 * With `CI=true` a part that could not run is a failure.
 */
import { existsSync, globSync } from "node:fs"
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { join, relative } from "node:path"
import { missingForFleet } from "./fleet.ts"
import { writeLongRun } from "./longRun.ts"
import { at, root } from "./support/paths.ts"
import type { Finished } from "./support/run.ts"
import { endWithChildren, run } from "./support/run.ts"
import { dprintEnv, tools } from "./support/tools.ts"

type Outcome =
  | { readonly _tag: "passed"; readonly note?: string }
  | { readonly _tag: "failed"; readonly output: string }
  | { readonly _tag: "notRun"; readonly reason: string; readonly install: string }

interface Part {
  readonly name: string
  /** Part of the loop that a developer waits for. */
  readonly fast: boolean
  /** Whether it may run beside another part that may: it waits for tools of one thread, and measures no time. */
  readonly beside?: boolean
  /** Parts whose files this one reads; they run first, also when only this one is named. */
  readonly after?: ReadonlyArray<string>
  /** Whether the words after the parts on the command line mean something to it. */
  readonly filters?: boolean
  readonly run: (filters: ReadonlyArray<string>) => Promise<Outcome>
}

const passed = (note?: string): Outcome => note === undefined ? { _tag: "passed" } : { _tag: "passed", note }

const failed = (output: string): Outcome => ({ _tag: "failed", output })

const outcome = (finished: Finished, note?: string): Outcome =>
  finished.code === 0 ? passed(note) : failed(finished.output)

const node = (args: ReadonlyArray<string>, env?: NodeJS.ProcessEnv): Promise<Finished> =>
  run(process.execPath, args, env === undefined ? {} : { env })

/** Runs commands one after the other until one fails. */
const each = async (...commands: ReadonlyArray<ReadonlyArray<string>>): Promise<Finished> => {
  let last: Finished = { code: 1, output: "nothing was run" }
  for (const command of commands) {
    last = await node(command)
    if (last.code !== 0) return last
  }
  return last
}

const count = (report: unknown, name: string): number => {
  if (typeof report !== "object" || report === null) return 0
  const value: unknown = Reflect.get(report, name)
  return typeof value === "number" ? value : 0
}

/** A vitest project. That nothing was found, or that a test was skipped, is a failure: it would look like a success. */
const vitest =
  (project: string, { env, workers = 2 }: { readonly env?: NodeJS.ProcessEnv; readonly workers?: number } = {}) =>
  async (filters: ReadonlyArray<string>): Promise<Outcome> => {
    await mkdir(at("build"), { recursive: true })
    const folder = await mkdtemp(at("build", `vitest-${project}-`))
    try {
      const file = join(folder, "report.json")
      const finished = await node([
        tools.vitest,
        "run",
        `--root=${at("test")}`,
        `--project=${project}`,
        `--maxWorkers=${workers}`,
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${file}`,
        ...filters
      ], { NO_COLOR: "1", ...env })
      if (finished.code !== 0 || !existsSync(file)) return failed(finished.output)
      const report: unknown = JSON.parse(await readFile(file, "utf8"))
      const tests = count(report, "numPassedTests")
      const left = count(report, "numPendingTests") + count(report, "numTodoTests")
      if (tests === 0) return failed(`${finished.output}\nno test was run`)
      if (left > 0 && filters.length === 0) return failed(`${finished.output}\n${left} tests were skipped`)
      return passed(`${tests} tests`)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

const formatted = async (): Promise<Outcome> => {
  const finished = await node([tools.dprint, "check"], { ...dprintEnv, NO_COLOR: "1" })
  return finished.code === 0 ? passed() : failed(`${finished.output}\nto mend it: npm run format`)
}

/** The lockfile names packages and hashes, never the place where somebody happened to fetch them. */
const lockfile = async (): Promise<string | undefined> => {
  const places = /(^|[\s'"(])(https?:|file:|tarball:|\/[a-z]+\/)/i
  const lines = (await readFile(at("pnpm-lock.yaml"), "utf8")).split("\n")
  const at0 = lines.findIndex((line) => places.test(line))
  return at0 === -1 ? undefined : `pnpm-lock.yaml:${at0 + 1} names a place: ${lines[at0]}`
}

const lint = async (): Promise<Outcome> => {
  const place = await lockfile()
  if (place !== undefined) return failed(place)
  const finished = await node([tools.oxlint, "--type-aware", "--deny-warnings", "--report-unused-disable-directives"])
  if (finished.code !== 0) return outcome(finished)
  const rules = await node(["scripts/lintRules.ts"])
  return outcome(rules, rules.output.trim())
}

const types = async (): Promise<Outcome> => {
  const tests = globSync(at("test", "types", "*.tst.ts"))
  if (tests.length === 0) return failed("no type test: test/types/*.tst.ts")
  // --force: an incremental build keeps old complaints about declarations when `lib` changes
  return outcome(
    await each([tools.tsc, "-b", "--force"], [tools.tsc, "-p", "tsconfig.check.json"]),
    `${tests.length} files of type tests`
  )
}

/** In a real Chromium, or not at all. */
const browser = async (filters: ReadonlyArray<string>): Promise<Outcome> => {
  const { code, output } = await node([at("test", "browser", "chromium.ts")])
  if (code === noneStatus) {
    const install = "npx playwright-core install chromium, or name one in CHROME_PATH"
    return { _tag: "notRun", reason: output.trim(), install }
  }
  if (code !== 0) return failed(output)
  // Chromium works while the tests wait for it.
  const result = await vitest("browser", { workers: 3 })(filters)
  return result._tag === "passed" ? passed(`${result.note}, in Chromium (${output.trim()})`) : result
}

/** How `test/browser/chromium.ts` ends when no Chromium starts. */
const noneStatus = 3

const short: ReadonlyArray<Part> = [
  { name: "format", fast: true, run: formatted },
  { name: "lint", fast: true, run: lint },
  { name: "types", fast: true, run: types },
  { name: "unit", fast: true, filters: true, run: vitest("unit") },
  { name: "interop", fast: false, filters: true, run: vitest("interop") },
  {
    name: "fleet",
    fast: false,
    filters: true,
    run: async (filters) => {
      const missing = await missingForFleet()
      return missing === undefined ? await vitest("fleet")(filters) : { _tag: "notRun", ...missing }
    }
  },
  { name: "browser", fast: false, filters: true, run: browser },
  {
    name: "build",
    fast: false,
    beside: true,
    run: async () => outcome(await each(["scripts/build.ts"], ["scripts/pack.ts"]))
  },
  {
    name: "docs",
    fast: false,
    beside: true,
    run: async () => {
      const finished = await node(["scripts/docs.ts"])
      return outcome(finished, finished.output.trim())
    }
  },
  {
    name: "install",
    fast: false,
    beside: true,
    after: ["build"],
    run: async () => {
      const finished = await node(["scripts/install.ts"])
      return outcome(finished, finished.output.trim())
    }
  },
  {
    name: "bundle",
    fast: false,
    beside: true,
    after: ["build"],
    run: async () => outcome(await each(["scripts/bundle.ts"]))
  },
  {
    name: "bench",
    fast: false,
    beside: true,
    after: ["build"],
    // that it runs; how long anything takes is no matter of a test
    run: async () => outcome(await each(["bench/main.ts", "--quick"]))
  },
  {
    name: "api",
    fast: false,
    beside: true,
    run: async () =>
      outcome(
        await node([
          at("docs", "api", "node_modules", "typedoc", "bin", "typedoc"),
          "--options",
          at("docs", "api", "typedoc.json")
        ])
      )
  },
  {
    name: "packages",
    fast: false,
    beside: true,
    after: ["build"],
    run: async () => outcome(await each(["scripts/packages.ts"]))
  }
]

const records = at("build", "long-run")

const long: ReadonlyArray<Part> = [
  {
    name: "long",
    fast: false,
    filters: true,
    run: async (filters) => {
      await rm(records, { recursive: true, force: true })
      const result = await vitest("long", { env: { EFFECT_DCR_LONG_RUN: records } })(filters)
      if (result._tag !== "passed") return result
      const written = existsSync(records) ? (await readdir(records)).map((file) => join(records, file)) : []
      if (written.length === 0) return failed("no long test recorded what it found")
      await writeLongRun(written, { complete: filters.length === 0 })
      return passed(`${result.note}, ${relative(root, at("docs", "long-run.md"))} written`)
    }
  }
]

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`

const words = { passed: "passed", failed: "FAILED", notRun: "not run" } as const

const line = (part: Part, result: Outcome, took: number): string => {
  const note = result._tag === "passed"
    ? result.note ?? ""
    : result._tag === "notRun"
    ? `${result.reason}; to install what is missing: ${result.install}`
    : ""
  return `${part.name.padEnd(10)} ${words[result._tag].padEnd(8)} ${seconds(took).padStart(8)}   ${note}`.trimEnd()
}

/** The parts that were asked for and those that they stand on, in the order of the list. */
const choose = (parts: ReadonlyArray<Part>, names: ReadonlyArray<string>): ReadonlyArray<Part> => {
  if (names.length === 0) return parts
  const wanted = new Set(names)
  for (const part of parts) {
    if (wanted.has(part.name)) part.after?.forEach((name) => wanted.add(name))
  }
  return parts.filter((part) => wanted.has(part.name))
}

/** Runs parts in their order, two at a time where both may run beside another, and each after those that it stands on. */
const inOrder = async (parts: ReadonlyArray<Part>, runPart: (part: Part) => Promise<void>): Promise<void> => {
  const running = new Map<string, Promise<void>>()
  for (const part of parts) {
    const isFree = () =>
      part.beside === true ? running.size < 2 && !part.after?.some((name) => running.has(name)) : running.size === 0
    while (!isFree()) await Promise.race(running.values())
    running.set(part.name, runPart(part).finally(() => running.delete(part.name)))
    if (part.beside !== true) await running.get(part.name)
  }
  await Promise.all(running.values())
}

const test = async (args: ReadonlyArray<string>): Promise<number> => {
  const parts = args.includes("--long") ? long : short
  const given = args.filter((arg) => arg !== "--long")
  const isPart = (arg: string) => parts.some((part) => part.name === arg)
  const filters = given.filter((arg) => !isPart(arg))
  const chosen = choose(parts, given.filter(isPart))
  if (filters.length > 0 && !(chosen.length < short.length && chosen.some((part) => part.filters === true))) {
    process.stderr.write(`no such part: ${filters.join(" ")}. Parts: ${parts.map((part) => part.name).join(", ")}\n`)
    return 2
  }
  const ci = process.env["CI"] === "true"
  const results: Array<{ readonly part: Part; readonly result: Outcome; readonly took: number }> = []
  const runPart = async (part: Part): Promise<void> => {
    const broken = results.find((done) => part.after?.includes(done.part.name) && done.result._tag !== "passed")
    if (process.stdout.isTTY) process.stdout.write(`${part.name} ...\r`)
    const start = performance.now()
    const result = broken === undefined
      ? await part.run(part.filters === true ? filters : []).catch((error: unknown) =>
        failed(error instanceof Error ? error.stack ?? error.message : String(error))
      )
      : failed(`${broken.part.name} did not pass, so this had nothing to look at`)
    const took = performance.now() - start
    results.push({ part, result, took })
    console.log(line(part, result, took))
    if (result._tag === "failed") console.log(`\n${result.output.trim()}\n`)
  }
  const begun = performance.now()
  await inOrder(chosen, runPart)
  const whole = performance.now() - begun
  results.sort((a, b) => chosen.indexOf(a.part) - chosen.indexOf(b.part))

  const total = (which: ReadonlyArray<{ readonly took: number }>) =>
    seconds(which.reduce((sum, done) => sum + done.took, 0))
  console.log()
  for (const { part, result, took } of results) console.log(line(part, result, took))
  const fast = results.filter((done) => done.part.fast)
  if (fast.length > 1) console.log(`${"fast parts".padEnd(19)} ${total(fast).padStart(8)}`)
  console.log(`${"all".padEnd(19)} ${seconds(whole).padStart(8)}`)
  console.log()

  const having = (tag: Outcome["_tag"]) => results.filter((done) => done.result._tag === tag).length
  const bad = having("failed") + (ci ? having("notRun") : 0)
  const skipped = ci ? 0 : having("notRun")
  console.log(`${having("passed")} passed, ${bad} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`)
  return bad === 0 && having("passed") > 0 ? 0 : 1
}

endWithChildren()
process.chdir(root)
process.exitCode = await test(process.argv.slice(2))
