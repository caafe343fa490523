/** What the SDK adds to the start of a process, up to the first registered client. From the packages as they are published. */
import { transform } from "esbuild"
import { existsSync, globSync, realpathSync } from "node:fs"
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { at, consumer } from "../../scripts/support/paths.ts"
import { must } from "../../scripts/support/run.ts"
import { ratios, short, shown, table } from "../support/figures.ts"
import { runProgram, startServer } from "../support/processes.ts"
import { interleaved, type Section, type Settings } from "../support/section.ts"

const programs: Readonly<Record<string, string>> = {
  "Node alone": "node",
  "Effect application": "effectApp",
  "the same, importing effect-dcr": "effectAppImporting",
  "the same, registering a client": "effectAppRegistering",
  "effect-dcr alone, a client": "effectDcr",
  "oauth4webapi, a client": "oauth4webapi",
  "openid-client, a client": "openidClient",
  "MCP SDK, a client": "mcpSdk"
}

const peers = ["oauth4webapi", "openid-client", "@modelcontextprotocol/sdk"]

/** Puts the programs, without their types, where the packed packages are installed: Node's own stripping would be measured. */
const place = async (): Promise<(program: string) => string> => {
  const folder = join(consumer, "bench")
  await rm(folder, { recursive: true, force: true })
  const files = ["cold", "sides", "support"].flatMap((part) => globSync(at("bench", part, "*.ts")))
  for (const file of files) {
    const target = join(folder, relative(at("bench"), file)).replace(/\.ts$/, ".js")
    await mkdir(dirname(target), { recursive: true })
    const { code } = await transform(await readFile(file, "utf8"), { loader: "ts", target: "es2023" })
    await writeFile(target, code.replace(/(from |import\()"(\.[^"]+)\.ts"/g, "$1\"$2.js\""))
  }
  for (const peer of peers) {
    const link = join(folder, "node_modules", peer)
    await mkdir(dirname(link), { recursive: true })
    await symlink(realpathSync(at("bench", "node_modules", peer)), link, "junction")
  }
  return (program) => join(folder, "cold", `${program}.js`)
}

const build = async ({ quick }: Settings): Promise<void> => {
  if (quick && existsSync(join(consumer, "package.json"))) return
  await must(process.execPath, ["scripts/build.ts"])
  await must(process.execPath, ["scripts/pack.ts"])
}

export const coldStart: Section = {
  name: "cold-start",
  title: "Cold start",
  run: async (settings, log) => {
    await build(settings)
    const fileOf = await place()
    const server = await startServer("http")
    try {
      const names = Object.keys(programs)
      // a start is short, and the ranges are wide: more of them
      const many = settings.quick ? settings : { ...settings, rounds: settings.rounds * 4 }
      const rounds = await interleaved(
        names,
        many,
        async (name) => ({ ...await runProgram(fileOf(programs[name] ?? ""), [server.origin]) }),
        log
      )
      const app = "Effect application"
      const against = (name: string, base: string, figure: "cpu" | "wall") =>
        ratios(rounds.of(name, figure), rounds.of(base, figure))
      return {
        text: [
          "Milliseconds from the start of the process to its end, which comes with the first client. The Effect application makes a request with",
          "`HttpClient` and decodes the answer with `Schema`.",
          "",
          table([
            ["program", "wall", "CPU", "wall, Effect application = 1", "CPU, Effect application = 1"],
            ...names.map((name) => [
              name,
              shown(rounds.of(name, "wall")),
              shown(rounds.of(name, "cpu")),
              short(against(name, app, "wall")),
              short(against(name, app, "cpu"))
            ])
          ])
        ].join("\n"),
        goals: [
          {
            figure: "cold start of an Effect application with the SDK imported, without it = 1",
            goal: 1.1,
            stretch: 1.05,
            values: against("the same, importing effect-dcr", app, "wall")
          },
          {
            figure: "cold start of an Effect application with a first registration, without it = 1",
            goal: 1.1,
            stretch: 1.05,
            values: against("the same, registering a client", app, "wall")
          }
        ]
      }
    } finally {
      await server.close()
    }
  }
}
