/**
 * Judges the packed tarballs: publint, "are the types wrong", what is in them, that every public module can be imported
 * and type-checks in an application that has them installed, and that `internal/*` cannot be reached there.
 */
import { existsSync, globSync } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join, relative, sep } from "node:path"
import { pathToFileURL } from "node:url"
import { list } from "tar"
import { at, consumer, packages, tarballs } from "./support/paths.ts"
import { main, run } from "./support/run.ts"
import { tools } from "./support/tools.ts"

const problems: Array<string> = []

const node = async (what: string, args: ReadonlyArray<string>): Promise<void> => {
  const finished = await run(process.execPath, args, { cwd: consumer, env: { NO_COLOR: "1" } })
  if (finished.code !== 0) problems.push(`${what}\n${finished.output.trim()}`)
}

const members = async (tarball: string): Promise<ReadonlyArray<string>> => {
  const names: Array<string> = []
  await list({ file: tarball, onReadEntry: (entry) => names.push(entry.path.replace(/^package\//, "")) })
  return names
}

/** The built modules of a package, as paths without an ending: `ClientRegistration`, `internal/exchange`, ... */
const modules = (name: string): ReadonlyArray<string> => {
  const dist = join(consumer, "node_modules", "@effect-dcr", name, "dist")
  return globSync(join(dist, "**", "*.js"))
    .map((file) => relative(dist, file).split(sep).join("/").replace(/\.js$/, ""))
    .sort()
}

const isInternal = (module: string): boolean => module.split("/").includes("internal")

/** What an application may import of a package: `.`, `./ClientRegistration`, ... */
const entrypoints = (name: string): ReadonlyArray<string> =>
  modules(name).filter((module) => !isInternal(module)).map((module) => module === "index" ? "." : `./${module}`)

const specifier = (name: string, entrypoint: string): string => `@effect-dcr/${name}${entrypoint.slice(1)}`

/** A program, as opposed to a module: importing it would run it. */
const isProgram = (entrypoint: string): boolean => entrypoint.startsWith("./bin/")

const contents = async (name: string, tarball: string): Promise<void> => {
  const files = await members(tarball)
  const allowed =
    /^(package\.json|LICENSE|(README|CHANGELOG)\.md|src\/[\w/.-]+\.ts|dist\/[\w/.-]+(\.js|\.d\.ts)(\.map)?)$/
  const unwanted = files.filter((file) =>
    !allowed.test(file) || /(^|[/.])(test|tests|spec|tst|long|bench)\.|tsbuildinfo/.test(file)
  )
  if (unwanted.length > 0) problems.push(`${name}: not for publishing: ${unwanted.join(", ")}`)
  for (const wanted of ["LICENSE", "README.md", "CHANGELOG.md", "src/index.ts", "dist/index.js", "dist/index.d.ts"]) {
    if (!files.includes(wanted)) problems.push(`${name}: ${wanted} is missing in the tarball`)
  }
  const folder = join(consumer, "node_modules", "@effect-dcr", name)
  const manifest = await readFile(join(folder, "package.json"), "utf8")
  if (/"(workspace|catalog|file|link):/.test(manifest)) {
    problems.push(`${name}: package.json still refers to this workspace`)
  }
  for (const file of files.filter((file) => file.endsWith(".map"))) {
    const map: unknown = JSON.parse(await readFile(join(folder, file), "utf8"))
    const sources: unknown = typeof map === "object" && map !== null ? Reflect.get(map, "sources") : undefined
    for (const source of Array.isArray(sources) ? sources.map(String) : ["nothing"]) {
      if (!existsSync(join(folder, file, "..", source))) {
        problems.push(`${name}: ${file} leads to ${source}, which is not there`)
      }
    }
  }
}

const judge = async (name: string, tarball: string): Promise<void> => {
  const reachable = entrypoints(name)
  await contents(name, tarball)
  await node(`${name}: publint`, [tools.publint, "run", tarball, "--strict"])
  await node(`${name}: are the types wrong`, [
    tools.attw,
    tarball,
    "--profile=esm-only",
    "--no-definitely-typed",
    "--format=ascii",
    "--entrypoints",
    ...reachable.filter((entrypoint) => !isProgram(entrypoint))
  ])
}

/**
 * Compares what each installed module exports, and what its classes are called, with the module that it was built from: what
 * `scripts/build.ts` gathers in one file must be handed on whole.
 */
const exported = async (): Promise<void> => {
  const pairs = packages.flatMap((name) =>
    modules(name)
      .filter((module) => !module.startsWith("bin/") && existsSync(at("packages", name, "src", `${module}.ts`)))
      .map((module) => ({
        module: `${name}/${module}`,
        built: pathToFileURL(join(consumer, "node_modules", "@effect-dcr", name, "dist", `${module}.js`)).href,
        source: pathToFileURL(at("packages", name, "src", `${module}.ts`)).href
      }))
  )
  if (pairs.length < 100) {
    problems.push(`only ${pairs.length} modules have the name of the one that they were built from`)
  }
  await writeFile(
    join(consumer, "exports.js"),
    `const described = async (specifier) =>
  Object.entries(await import(specifier)).map(([name, value]) =>
    typeof value === "function" && /^class\\b/.test(String(value)) ? name + ": class " + value.name : name
  ).sort().join(", ")
for (const { module, built, source } of ${JSON.stringify(pairs)}) {
  const [found, wanted] = [await described(built), await described(source)]
  if (found !== wanted) throw new Error(module + " exports " + found + " instead of " + wanted)
}
`
  )
  await node("what the installed modules export", ["exports.js"])
}

/** Imports every public module where it is installed, and tries to import every internal one. */
const imports = async (): Promise<void> => {
  const open: Array<string> = []
  const closed: Array<string> = []
  for (const name of packages) {
    open.push(...entrypoints(name).filter((entry) => !isProgram(entry)).map((entry) => specifier(name, entry)))
    closed.push(...modules(name).filter(isInternal).map((module) => `@effect-dcr/${name}/${module}`))
    closed.push(`@effect-dcr/${name}/index`, `@effect-dcr/${name}/src/index.ts`, `@effect-dcr/${name}/dist/index.js`)
  }
  await writeFile(
    join(consumer, "imports.js"),
    `for (const specifier of ${JSON.stringify(open)}) await import(specifier)
for (const specifier of ${JSON.stringify(closed)}) {
  const code = await import(specifier).then(() => "imported", (error) => error.code)
  if (code !== "ERR_PACKAGE_PATH_NOT_EXPORTED" && code !== "ERR_MODULE_NOT_FOUND") throw new Error(specifier + ": " + code)
}
`
  )
  await node("importing the installed packages", ["imports.js"])

  await writeFile(
    join(consumer, "imports.ts"),
    `${open.map((specifier, i) => `export type * as M${i} from "${specifier}"`).join("\n")}\n`
  )
  for (const [resolution, module] of [["nodenext", "nodenext"], ["bundler", "esnext"]] as const) {
    await mkdir(join(consumer, resolution), { recursive: true })
    const config = join(consumer, resolution, "tsconfig.json")
    await writeFile(
      config,
      JSON.stringify({
        compilerOptions: {
          target: "ES2023",
          lib: ["ES2023", "DOM", "DOM.Iterable"],
          types: ["node"],
          module,
          moduleResolution: resolution,
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
          noEmit: true
        },
        files: ["../imports.ts"]
      })
    )
    await node(`type-checking the installed packages (${resolution})`, [tools.tsc, "-p", config])
  }
}

main(async () => {
  const packed = globSync(join(tarballs, "*.tgz"))
  for (const name of packages) {
    const tarball = packed.find((file) => file.includes(`effect-dcr-${name}-`))
    if (tarball === undefined || !existsSync(at("build", "consumer"))) {
      throw new Error("nothing is packed: npm test -- build")
    }
    await judge(name, tarball)
  }
  await exported()
  await imports()
  if (problems.length > 0) throw new Error(problems.join("\n\n"))
  console.log(`${packages.length} packages are fit to be published`)
})
