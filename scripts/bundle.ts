/**
 * Bundles the programs of `test/bundle` from the packed packages with rollup and with esbuild, both minified by esbuild,
 * and compares their sizes with the recorded ones (`docs/bundle-size.json`, from which `docs/bundle-size.md` is written).
 *
 * ```
 * npm run bundle               compare: more than 10 % off is a failure
 * npm run bundle -- --write    record
 * ```
 */
import { transform } from "esbuild"
import { existsSync, globSync } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { gzipSync } from "node:zlib"
import { bundlers } from "./support/bundlers.ts"
import { at, consumer } from "./support/paths.ts"
import { main, must } from "./support/run.ts"

const tolerance = 0.1

/** Bytes, minified, before and after gzip. */
interface Size {
  readonly minified: number
  readonly gzip: number
}

type Sizes = Readonly<Record<string, Readonly<Record<string, Size>>>>

/** The programs, the one with which the others are compared first. */
const fixtures = (): ReadonlyArray<string> => {
  const names = globSync(at("test", "bundle", "*.ts")).map((file) => basename(file, ".ts")).sort()
  if (!names.includes("baseline") || names.length < 2) throw new Error("test/bundle has nothing to compare")
  return ["baseline", ...names.filter((name) => name !== "baseline")]
}

/** The programs are bundled where the packages are installed, so that they are found as an application finds them. */
const place = async (): Promise<void> => {
  for (const file of globSync("**/*.ts", { cwd: at("test", "bundle") })) {
    const source = await readFile(at("test", "bundle", file), "utf8")
    const { code } = await transform(source, { loader: "ts", target: "es2023" })
    const placed = join(consumer, "bundle", file)
    await mkdir(dirname(placed), { recursive: true })
    // They keep the name by which they import each other; without its types a program is JavaScript under any name.
    await writeFile(placed, code)
  }
}

const isJose = (module: string): boolean => /[\\/]node_modules[\\/](\.pnpm[\\/])?jose[@\\/]/.test(module)

const measure = async (problems: Array<string>): Promise<Sizes> => {
  const sizes: Record<string, Record<string, Size>> = {}
  await place()
  for (const name of fixtures()) {
    const input = join(consumer, "bundle", `${name}.ts`)
    for (const [bundler, bundle] of Object.entries(bundlers)) {
      const { code, imports, modules } = await bundle(input)
      if (imports.length > 0) problems.push(`${name} (${bundler}) still imports ${imports.join(", ")}`)
      // a plain registration has no use for JWTs
      if (modules.some(isJose)) problems.push(`${name} (${bundler}) loads jose`)
      sizes[name] = {
        ...sizes[name],
        [bundler]: { minified: Buffer.byteLength(code), gzip: gzipSync(code, { level: 9 }).length }
      }
    }
  }
  return sizes
}

const isObject = (u: unknown): u is object => typeof u === "object" && u !== null

const recorded = async (): Promise<Sizes> => {
  const file = at("docs", "bundle-size.json")
  const sizes: Record<string, Record<string, Size>> = {}
  const found: unknown = existsSync(file) ? JSON.parse(await readFile(file, "utf8")) : {}
  if (!isObject(found)) throw new Error(`${file} is not a record of sizes`)
  for (const [name, row] of Object.entries<unknown>({ ...found })) {
    for (const [bundler, size] of isObject(row) ? Object.entries<unknown>({ ...row }) : []) {
      const minified: unknown = isObject(size) ? Reflect.get(size, "minified") : undefined
      const gzip: unknown = isObject(size) ? Reflect.get(size, "gzip") : undefined
      if (typeof minified !== "number" || typeof gzip !== "number") throw new Error(`${file}: ${name} is not a size`)
      sizes[name] = { ...sizes[name], [bundler]: { minified, gzip } }
    }
  }
  return sizes
}

/** By how much the sizes differ at most, as a part of the recorded ones; infinite when there is something new or gone. */
const distance = (before: Sizes, after: Sizes): number => {
  if (Object.keys(before).sort().join() !== Object.keys(after).sort().join()) return Number.POSITIVE_INFINITY
  let worst = 0
  for (const [name, row] of Object.entries(after)) {
    for (const [bundler, size] of Object.entries(row)) {
      const old = before[name]?.[bundler]
      if (old === undefined) return Number.POSITIVE_INFINITY
      worst = Math.max(
        worst,
        Math.abs(size.gzip - old.gzip) / old.gzip,
        Math.abs(size.minified - old.minified) / old.minified
      )
    }
  }
  return worst
}

const kb = (bytes: number): string => (bytes / 1000).toFixed(1)

const page = (sizes: Sizes): string =>
  [
    "# Bundle size",
    "",
    "What the packages add to an Effect application that already uses `HttpClient` and `Schema` (`test/bundle/baseline.ts`).",
    "The other programs of `test/bundle` are that application and what their name says. Bundled from the packed packages, and",
    "minified by esbuild; kilobytes of 1,000 bytes. This page is written by `npm run bundle -- --write`; `npm test` fails when a size is",
    "more than 10 % off.",
    "",
    "| program | bundler | minified | gzip | more than baseline (gzip) |",
    "| --- | --- | ---: | ---: | ---: |",
    ...Object.entries(sizes).flatMap(([name, row]) =>
      Object.entries(row).map(([bundler, size]) => {
        const base = sizes["baseline"]?.[bundler]
        const more = base === undefined || name === "baseline" ? "" : kb(size.gzip - base.gzip)
        return `| \`${name}\` | ${bundler} | ${kb(size.minified)} | ${kb(size.gzip)} | ${more} |`
      })
    ),
    ""
  ].join("\n")

main(async () => {
  if (process.argv.includes("--fresh")) {
    await must(process.execPath, ["scripts/build.ts"])
    await must(process.execPath, ["scripts/pack.ts"])
  }
  if (!existsSync(join(consumer, "package.json"))) throw new Error("nothing is packed: npm test -- build")
  const problems: Array<string> = []
  const sizes = await measure(problems)
  console.log(page(sizes).split("\n").filter((line) => line.startsWith("|")).join("\n"))
  const old = await recorded()
  const off = distance(old, sizes)
  if (process.argv.includes("--write")) {
    if (off > 0.01) {
      await mkdir(at("docs"), { recursive: true })
      await writeFile(at("docs", "bundle-size.json"), `${JSON.stringify(sizes, null, 2)}\n`)
    }
    // within 1 % the recorded figures stay, so that a run does not leave a change behind that says nothing
    await writeFile(at("docs", "bundle-size.md"), page(off > 0.01 ? sizes : old))
    console.log("written: docs/bundle-size.md")
  } else if (off > tolerance) {
    const much = Number.isFinite(off) ? `${(off * 100).toFixed(0)} % off` : "incomplete"
    problems.push(`docs/bundle-size.md is ${much}. If that is meant: npm run bundle -- --write`)
  } else if (page(old) !== await readFile(at("docs", "bundle-size.md"), "utf8")) {
    problems.push("docs/bundle-size.md was edited by hand: npm run bundle -- --write")
  }
  if (problems.length > 0) throw new Error(problems.join("\n"))
})
