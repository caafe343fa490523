/**
 * Installs the packed tarballs into empty projects, as a user of npm would, and uses them there: on Node 22 and 24, with Vite
 * and esbuild without any configuration, and in a strict TypeScript project with either module resolution. The command line
 * is called by its name.
 */
import { globSync, readFileSync } from "node:fs"
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { at, packages, tarballs } from "./support/paths.ts"
import { main, must } from "./support/run.ts"

/** What an application says that it needs, besides the packages: the newest that fits. */
const dependencies: ReadonlyArray<string> = ["effect@^4.1.0", "@effect/platform-node@^4.1.0"]

const development: ReadonlyArray<string> = [
  "typescript@^7.0.2",
  "@types/node@^24.0.0",
  "vite@^8.0.0",
  "esbuild@^0.28.2",
  "node22@npm:node@^22.19.0",
  "node24@npm:node@^24.0.0"
]

const settings = (moduleResolution: "bundler" | "nodenext") => ({
  compilerOptions: {
    target: "ES2023",
    lib: ["ES2023", "DOM", "DOM.Iterable"],
    types: ["node"],
    module: moduleResolution === "bundler" ? "esnext" : "nodenext",
    moduleResolution,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true
  },
  files: ["node/main.ts", "web/main.ts"]
})

/** A tarball of each package, by the name that the packing gave it. */
const packed = (): ReadonlyArray<string> =>
  packages.map((name) => {
    const [tarball] = globSync(join(tarballs, `effect-dcr-${name}-*.tgz`))
    if (tarball === undefined) throw new Error("nothing is packed: npm test -- build")
    return tarball
  })

/** Bundled code that asks for a module of Node would not run in a browser. */
const assertForBrowsers = (who: string, files: ReadonlyArray<string>): void => {
  if (files.length === 0) throw new Error(`${who} wrote nothing`)
  for (const file of files) {
    if (/\b(from|import|require)\s*\(?\s*["']node:|__vite-browser-external/.test(readFileSync(file, "utf8"))) {
      throw new Error(`${who}: ${file} asks for a module of Node`)
    }
  }
}

main(async () => {
  const project = await mkdtemp(join(tmpdir(), "effect-dcr-install-"))
  try {
    const done: Array<string> = []
    const run = async (
      what: string,
      command: string,
      args: ReadonlyArray<string>,
      env: NodeJS.ProcessEnv = {}
    ): Promise<string> => {
      const output = await must(join(project, "node_modules", command), args, { cwd: project, env })
      done.push(what)
      return output
    }
    const use = (what: string, args: ReadonlyArray<string>, node = "node24") => run(what, `${node}/bin/node`, args)
    await cp(at("test", "install"), project, { recursive: true })
    await writeFile(join(project, "package.json"), `${JSON.stringify({ private: true, type: "module" })}\n`)
    const npm = ["--no-audit", "--no-fund", "--loglevel=error"]
    await must("npm", ["install", ...npm, ...packed(), ...dependencies], { cwd: project })
    await must("npm", ["install", ...npm, "--save-dev", ...development], { cwd: project })

    for (const resolution of ["bundler", "nodenext"] as const) {
      const config = join(project, `tsconfig.${resolution}.json`)
      await writeFile(config, JSON.stringify(settings(resolution)))
      await use(`types (${resolution})`, ["node_modules/typescript/bin/tsc", "-p", config])
    }

    await use("vite", ["node_modules/vite/bin/vite.js", "build", "web", "--logLevel", "warn"])
    assertForBrowsers("vite", globSync(join(project, "web", "dist", "assets", "*.js")))
    await mkdir(join(project, "out"), { recursive: true })
    const bundle = (input: string, output: string, platform: string) =>
      run(`esbuild (${platform})`, ".bin/esbuild", [
        input,
        "--bundle",
        "--format=esm",
        `--platform=${platform}`,
        `--outfile=${output}`,
        "--log-level=warning",
        ...(platform === "node" ? ["--packages=external"] : [])
      ])
    await bundle("web/main.ts", "out/web.js", "browser")
    assertForBrowsers("esbuild", [join(project, "out", "web.js")])
    await bundle("node/main.ts", "out/node.js", "node")

    for (const node of ["node22", "node24"]) {
      const output = await use(node, ["out/node.js"], node)
      if (output.trim() !== "registered and kept") throw new Error(`${node}: ${output}`)
      await rm(join(project, "registrations"), { recursive: true })
      // By its name, as a person calls it: the first line of the file has to find Node, and the file has to be executable.
      const PATH = `${join(project, "node_modules", node, "bin")}${delimiter}${process.env["PATH"] ?? ""}`
      const version = await run(`effect-dcr (${node})`, ".bin/effect-dcr", ["--version"], { PATH })
      if (!/\d+\.\d+\.\d+/.test(version)) throw new Error(`effect-dcr --version: ${version}`)
    }
    console.log(done.join(", "))
  } finally {
    await rm(project, { recursive: true, force: true })
  }
})
