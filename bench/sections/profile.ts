/** Where the time goes: CPU profiles of what the goals are about, beside those of what is underneath. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { at } from "../../scripts/support/paths.ts"
import { readTimes, type Times } from "../support/cpuProfile.ts"
import { short, table } from "../support/figures.ts"
import type { SideJob } from "../support/jobs.ts"
import { add, type Amounts, isOurs, largest } from "../support/parts.ts"
import { runSide, type Server, startServer } from "../support/processes.ts"
import type { Section, Settings } from "../support/section.ts"

interface Run {
  readonly name: string
  readonly side: string
  readonly inFlight: number
  readonly total: number
  readonly kind?: SideJob["kind"]
  readonly kilobytes?: number
  readonly dpop?: boolean
  /** Whether its functions are shown. */
  readonly inFull?: boolean
}

/** What a goal is about, and after it what it cannot be below. */
const runs: ReadonlyArray<Run> = [
  { name: "effect-dcr, 64 in flight", side: "effect-dcr", inFlight: 64, total: 30_000, inFull: true },
  { name: "bare dispatch, 64 in flight", side: "bare dispatch", inFlight: 64, total: 30_000 },
  { name: "effect-dcr, one at a time", side: "effect-dcr", inFlight: 1, total: 8000 },
  { name: "bare dispatch, one at a time", side: "bare dispatch", inFlight: 1, total: 8000 },
  { name: "effect-dcr on layerUndici, 64 in flight", side: "effect-dcr on layerUndici", inFlight: 64, total: 20_000 },
  { name: "bare layerUndici, 64 in flight", side: "bare layerUndici", inFlight: 64, total: 20_000 },
  { name: "effect-dcr on fetch, 64 in flight", side: "effect-dcr on fetch", inFlight: 64, total: 20_000 },
  { name: "bare FetchHttpClient, 64 in flight", side: "bare FetchHttpClient", inFlight: 64, total: 20_000 },
  {
    name: "effect-dcr with DPoP, 16 in flight",
    side: "effect-dcr",
    inFlight: 16,
    total: 20_000,
    dpop: true,
    inFull: true
  },
  { name: "a proof, 16 in flight", kind: "proofs", side: "effect-dcr", inFlight: 16, total: 30_000 },
  { name: "a bare signature, 16 in flight", kind: "proofs", side: "bare signature", inFlight: 16, total: 30_000 },
  { name: "effect-dcr, 256 KB, 16 in flight", side: "effect-dcr", inFlight: 16, total: 1500, kilobytes: 256 },
  { name: "bare dispatch, 256 KB, 16 in flight", side: "bare dispatch", inFlight: 16, total: 1500, kilobytes: 256 }
]

const timesOf = async (run: Run, folder: string, server: Server, { quick }: Settings): Promise<Times> => {
  const file = join(folder, "profile.json")
  await runSide({
    kind: run.kind ?? "speed",
    side: run.side,
    origin: server.origin,
    size: (run.kilobytes ?? 1) * 1024,
    dpop: run.dpop ?? false,
    heap: false,
    warmUp: quick ? 20 : run.kilobytes === undefined ? 20_000 : 3000,
    steps: [{ name: "profile", total: totalOf(run, quick), inFlight: run.inFlight }],
    profile: file
  }, {
    env: server.env,
    // In what is published, most modules are gathered in one file, and nobody would see which of them it is.
    worker: at("bench", "worker.ts")
  })
  return readTimes(file)
}

const totalOf = ({ total }: Run, quick: boolean): number => quick ? 64 : total

const columns = ["Node", "effect", "undici", "effect-dcr", "garbage collector", "other"] as const

const columnOf = (part: string): typeof columns[number] => {
  if (part.startsWith("Node")) return "Node"
  if (isOurs(part)) return "effect-dcr"
  return columns.find((column) => column === (part === "@effect/platform-node" ? "effect" : part)) ?? "other"
}

const rowOf = (name: string, total: number, { all, parts }: Times): ReadonlyArray<string> => {
  const sums: Amounts = new Map()
  for (const [part, time] of parts) add(sums, columnOf(part), time)
  return [name, ...[all, ...columns.map((column) => sums.get(column) ?? 0)].map((time) => short([time / total]))]
}

const shares = (amounts: Amounts, all: number, count: number): string =>
  table([
    ["", "share of the time"],
    ...largest(amounts, count).map(([name, time]) => [name, `${(time / all * 100).toFixed(1)} %`])
  ])

const inFull = (name: string, { all, inclusive, parts, self }: Times): ReadonlyArray<string> => [
  `### ${name}`,
  "",
  "By part, without what it calls:",
  "",
  shares(parts, all, 20),
  "",
  "Our functions, with what they call:",
  "",
  shares(inclusive, all, 25),
  "",
  "All functions, without what they call:",
  "",
  shares(self, all, 25)
]

export const profile: Section = {
  name: "profile",
  title: "Where the time goes",
  fromSources: true,
  run: async (settings, log) => {
    const folder = await mkdtemp(join(tmpdir(), "effect-dcr-profile-"))
    const server = await startServer("http")
    try {
      const found: Array<{ readonly run: Run; readonly times: Times }> = []
      for (const run of runs) {
        log(run.name)
        found.push({ run, times: await timesOf(run, folder, server, settings) })
      }
      return {
        text: [
          "Microseconds of the main thread per registration, or proof, under the profiler of V8 and after the warm-up, by whose code it was;",
          "what is built into the language, such as `JSON.parse`, is of whoever calls it. Under what the SDK does stands what it does it on: no",
          "goal can be met that is below it. From the sources, not from the packages.",
          "",
          table([
            ["", "all", ...columns],
            ...found.map(({ run, times }) => rowOf(run.name, totalOf(run, settings.quick), times))
          ]),
          ...found.flatMap(({ run, times }) => run.inFull === true ? ["", ...inFull(run.name, times)] : [])
        ].join("\n"),
        goals: []
      }
    } finally {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
