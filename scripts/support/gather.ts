import { build, type BuildOptions } from "esbuild"
import { rm, writeFile } from "node:fs/promises"
import { dirname, join, posix } from "node:path"
import { at, type packages } from "./paths.ts"

/** The modules with which a registration begins; what they import is loaded with them. */
const first: Readonly<Record<typeof packages[number], ReadonlyArray<string>>> = {
  core: ["AuthorizationServer", "ClientRegistration", "DpopSigner"],
  "platform-node": ["NodeRegistration"],
  "platform-browser": ["BrowserRegistration"]
}

/** One entry point that hands on everything that is exported by the modules, by names that tell where it comes from. */
const gathered = (exports: ReadonlyMap<string, ReadonlyArray<string>>): string =>
  [...exports].map(([module, names]) =>
    `export { ${names.map((name) => `${name} as ${unique(module, name)}`).join(", ")} } from "./${module}.js"\n`
  ).join("")

const unique = (module: string, name: string): string => `${module.replaceAll("/", "_")}_${name}`

/** Puts what a first registration loads of a built package into one file, and leaves modules that hand it on. */
export const gather = async (name: typeof packages[number]): Promise<void> => {
  const dist = at("packages", name, "dist")
  const options = {
    absWorkingDir: dist,
    bundle: true,
    format: "esm",
    logLevel: "silent",
    metafile: true,
    outdir: ".",
    packages: "external",
    platform: "neutral",
    sourcemap: true,
    sourcesContent: false,
    target: "es2023",
    write: false
  } as const satisfies BuildOptions
  const entryPoints = first[name].map((module) => `${module}.js`)
  const loaded = Object.keys((await build({ ...options, entryPoints })).metafile.inputs)
  // each by itself, and bundled: only then it is known what a module hands on by `export *`
  const alone = await build({ ...options, entryPoints: loaded })
  const exports = new Map(
    Object.entries(alone.metafile.outputs).filter(([file]) => file.endsWith(".js"))
      .map(([file, output]) => [file.slice(0, -".js".length), output.exports] as const)
  )
  const { outputFiles } = await build({
    ...options,
    stdin: { contents: gathered(exports), resolveDir: dist },
    entryNames: "internal/registration"
  })
  for (const { path, contents } of outputFiles) await writeFile(path, contents)
  for (const [module, names] of exports) {
    const from = posix.relative(dirname(module), "internal/registration.js")
    const list = names.map((name) => `${unique(module, name)} as ${name}`).join(", ")
    await writeFile(
      join(dist, `${module}.js`),
      `export { ${list} } from "${from.startsWith(".") ? from : `./${from}`}";\n`
    )
    await rm(join(dist, `${module}.js.map`))
  }
}
