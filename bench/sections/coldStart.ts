/** What the SDK adds to the start of a process, up to the first registered client. */
import { globSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { readTimes } from "../support/cpuProfile.ts"
import { ratios, short, shown, table } from "../support/figures.ts"
import { add, type Amounts, largest } from "../support/parts.ts"
import { runProgram, startServer } from "../support/processes.ts"
import { published } from "../support/published.ts"
import { interleaved, type Section } from "../support/section.ts"

const app = "Effect application"
const importing = "the same, importing effect-dcr"
const registering = "the same, registering a client"

const programs: Readonly<Record<string, string>> = {
  "Node alone": "node",
  [app]: "effectApp",
  [importing]: "effectAppImporting",
  [registering]: "effectAppRegistering",
  "effect-dcr alone, a client": "effectDcr",
  "oauth4webapi, a client": "oauth4webapi",
  "openid-client, a client": "openidClient",
  "MCP SDK, a client": "mcpSdk"
}

/** Milliseconds of the main thread until the end of a program, by whose code it was; of the mean of several starts. */
const partsOf = async (name: string, origin: string, starts: number): Promise<Amounts> => {
  const parts: Amounts = new Map()
  for (let start = 0; start < starts; start++) {
    const folder = await mkdtemp(join(tmpdir(), "effect-dcr-profile-"))
    try {
      await runProgram(published(`cold/${programs[name]}`), [origin], ["--cpu-prof", `--cpu-prof-dir=${folder}`])
      const [file] = globSync(join(folder, "*.cpuprofile"))
      if (file === undefined) throw new Error("no profile was written")
      const times = await readTimes(file)
      for (const [part, time] of times.parts) {
        add(parts, part.replace(/(effect-dcr: .*?)\/.*/, "$1"), time / starts / 1000)
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  return parts
}

export const coldStart: Section = {
  name: "cold-start",
  title: "Cold start",
  run: async (settings, log) => {
    const server = await startServer("http")
    try {
      const names = Object.keys(programs)
      // a start is short, and the ranges are wide: more of them
      const many = settings.quick ? settings : { ...settings, rounds: settings.rounds * 4 }
      const rounds = await interleaved(
        names,
        many,
        async (name) => ({ ...await runProgram(published(`cold/${programs[name]}`), [server.origin]) }),
        log
      )
      log("profiles")
      const profiles = new Map<string, Amounts>()
      for (const name of [app, importing, registering]) {
        profiles.set(name, await partsOf(name, server.origin, settings.quick ? 1 : 8))
      }
      const ofPart = (name: string, part: string) => profiles.get(name)?.get(part) ?? 0
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
          ]),
          "",
          "Milliseconds of the main thread under V8's profiler, which slows a start, by whose code it was. What the SDK's files cost to find, to",
          "read and to compile is Node's.",
          "",
          table([
            ["", app, importing, registering],
            ...largest(profiles.get(registering) ?? new Map(), 10).map(([part]) => [
              part,
              ...[app, importing, registering].map((name) => short([ofPart(name, part)]))
            ])
          ])
        ].join("\n"),
        goals: [
          {
            figure: "cold start of an Effect application with the SDK imported, without it = 1",
            goal: 1.1,
            stretch: 1.05,
            values: against(importing, app, "wall")
          },
          {
            figure: "cold start of an Effect application with a first registration, without it = 1",
            goal: 1.1,
            stretch: 1.05,
            values: against(registering, app, "wall")
          }
        ]
      }
    } finally {
      await server.close()
    }
  }
}
