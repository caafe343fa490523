/**
 * Holds the documentation to what is there: compiles every `ts` block of the pages and of the comments in the source, runs
 * those that can be run, and follows every link.
 *
 * ```
 * node scripts/docs.ts                    everything
 * node scripts/docs.ts docs/guides/dpop   only the pages and modules whose path contains the word
 * node scripts/docs.ts --page draft.md    only this page, wherever it is
 * ```
 *
 * How a block is marked: `scripts/docsBlocks.ts`.
 */
import { type ChildProcess, fork } from "node:child_process"
import { globSync } from "node:fs"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, join, relative, resolve } from "node:path"
import { type Block, blocksOfModule, blocksOfPage, isPrinted } from "./docsBlocks.ts"
import { checkLinks } from "./docsLinks.ts"
import { at, root } from "./support/paths.ts"
import { main, run } from "./support/run.ts"
import { tools } from "./support/tools.ts"

const ignored = ["**/node_modules/**", "**/build/**", "**/dist/**"]

const find = (pattern: string): ReadonlyArray<string> =>
  globSync(pattern, { cwd: root, exclude: ignored }).map((path) => join(root, path)).sort()

/** A block and the file that it is compiled as. */
interface Placed extends Block {
  readonly file: string
  readonly before: number
}

/** Next to the examples, which know every package that a page imports. TypeScript and git pass over it. */
const place = async (blocks: ReadonlyArray<Block>, folder: string): Promise<ReadonlyArray<Placed>> => {
  await writeFile(join(folder, ".gitignore"), "*\n")
  // A name that nobody reads is no mistake in an example.
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false }
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: "../../tsconfig.check.json", compilerOptions, include: ["*.ts"], exclude: [] })
  )
  return await Promise.all(blocks.map(async (block, index) => {
    const name = `${basename(block.source).replaceAll(".", "-")}-${index}${block.kind === "test" ? ".test" : ""}.ts`
    const prelude = block.prelude === "" ? "" : `${block.prelude}\n`
    await writeFile(join(folder, name), `${prelude}${block.code}\n`)
    return { ...block, file: name, before: prelude.split("\n").length - 1 }
  }))
}

const compile = async (blocks: ReadonlyArray<Placed>, folder: string): Promise<ReadonlyArray<string>> => {
  const finished = await run(process.execPath, [tools.tsc, "-p", folder, "--pretty", "false"])
  if (finished.code === 0) return []
  return finished.output.trim().split("\n").map((complaint) => {
    const [, file = "", line = "1", rest = ""] = /([^/\s]+\.ts)\((\d+),\d+\): (.*)$/.exec(complaint) ?? []
    const block = blocks.find((block) => block.file === file)
    return block === undefined ? complaint : `${block.source}:${block.line + Number(line) - 1 - block.before}: ${rest}`
  })
}

/** The servers that the programs meet; they end with the channel to this process. */
const startServers = (): Promise<{ readonly child: ChildProcess; readonly origins: ReadonlyMap<string, string> }> =>
  new Promise((done, reject) => {
    const child = fork(at("test", "support", "docsServers.ts"), {
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"]
    })
    child.once("exit", (code) => reject(new Error(`the servers ended with code ${code}`)))
    child.once("message", (message) => {
      if (typeof message === "object") done({ child, origins: new Map(Object.entries(message)) })
    })
  })

const runPrograms = async (blocks: ReadonlyArray<Placed>, folder: string): Promise<ReadonlyArray<string>> => {
  if (blocks.length === 0) return []
  const problems: Array<string> = []
  const { child, origins } = await startServers()
  const home = await mkdtemp(join(tmpdir(), "effect-dcr-docs-"))
  try {
    for (const block of blocks) {
      const path = join(folder, `run-${block.file}`)
      let code = await readFile(join(folder, block.file), "utf8")
      for (const [name, origin] of origins) code = code.replaceAll(name, origin)
      await writeFile(path, code)
      const cwd = join(home, block.file)
      await mkdir(cwd)
      const finished = await run(process.execPath, [path], {
        cwd,
        env: { XDG_DATA_HOME: cwd, HOME: cwd, NO_COLOR: "1", INITIAL_ACCESS_TOKEN: "an-initial-access-token" }
      })
      let { output } = finished
      for (const [name, origin] of origins) output = output.replaceAll(origin, name)
      const where = `${block.source}:${block.line}`
      if (finished.code !== 0) problems.push(`${where}: the program ended with code ${finished.code}:\n${output}`)
      else if (block.prints !== undefined && !isPrinted(block.prints, output)) {
        problems.push(`${where}: the program printed something else:\n${output}`)
      }
    }
  } finally {
    child.removeAllListeners("exit")
    child.disconnect()
    await rm(home, { recursive: true, force: true })
  }
  return problems
}

const runTests = async (blocks: ReadonlyArray<Placed>, folder: string): Promise<ReadonlyArray<string>> => {
  if (blocks.length === 0) return []
  const finished = await run(process.execPath, [tools.vitest, "run", `--root=${folder}`], { env: { NO_COLOR: "1" } })
  return finished.code === 0 ? [] : [finished.output]
}

main(async () => {
  const words = process.argv.slice(2)
  const isWanted = (path: string) => words.length === 0 || words.some((word) => relative(root, path).includes(word))
  const [flag, page] = words
  const isAlone = flag === "--page" && page !== undefined
  const pages = isAlone ? [resolve(page)] : find("**/*.md").filter(isWanted)
  const modules = isAlone ? [] : find("packages/*/src/**/*.ts").filter(isWanted)
  const read = (of: typeof blocksOfPage) => async (path: string) =>
    of(relative(root, path), await readFile(path, "utf8"))
  const blocks = (await Promise.all([...pages.map(read(blocksOfPage)), ...modules.map(read(blocksOfModule))])).flat()

  const { links, problems } = await checkLinks(pages)
  const folder = await mkdtemp(at("examples", ".docs-"))
  const found = [...problems]
  try {
    const placed = await place(blocks, folder)
    const complaints = await compile(placed, folder)
    found.push(...complaints)
    // What does not compile need not be run.
    if (complaints.length === 0) {
      found.push(...await runPrograms(placed.filter(({ kind }) => kind === "run"), folder))
      found.push(...await runTests(placed.filter(({ kind }) => kind === "test"), folder))
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  if (found.length > 0) throw new Error(found.join("\n"))
  const count = (kind: Block["kind"]) => blocks.filter((block) => block.kind === kind).length
  console.log(`${blocks.length} blocks compiled, ${count("run")} run, ${count("test")} tested, ${links} links`)
})
