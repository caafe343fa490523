/** Where the time of a registration goes: a CPU profile of the default path, by part and by function. */
import { globSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { at } from "../../scripts/support/paths.ts"
import { table } from "../support/figures.ts"
import { runSide, startServer } from "../support/processes.ts"
import type { Section } from "../support/section.ts"

interface Frame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

/** What V8 writes. */
interface CpuProfile {
  readonly nodes: ReadonlyArray<{
    readonly id: number
    readonly callFrame: Frame
    readonly children?: ReadonlyArray<number>
  }>
  readonly samples: ReadonlyArray<number>
  readonly timeDeltas: ReadonlyArray<number>
}

const parse: (text: string) => CpuProfile = JSON.parse

/** The part of the whole that a function belongs to. */
const partOf = ({ functionName, url }: Frame): string => {
  if (functionName === "(idle)") return "(waiting)"
  if (functionName === "(garbage collector)") return "garbage collector"
  if (functionName === "(program)") return "Node and V8 (native)"
  const place = url.replaceAll("\\", "/")
  const module = /packages\/(core|platform-node)\/(?:src|dist)\/(.*?)\.[jt]s$/.exec(place)
  if (module !== null) return `effect-dcr: ${module[1]}/${module[2]}`
  const dependency = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(place)
  if (dependency?.[1] !== undefined) return dependency[1]
  return place.includes("/bench/") ? "the bench itself" : "Node (node: and built-in)"
}

const nameOf = ({ functionName, lineNumber, url }: Frame): string =>
  `${functionName === "" ? "(anonymous)" : functionName} ${url.replaceAll("\\", "/").split("/").slice(-2).join("/")}${
    url === "" ? "" : `:${lineNumber + 1}`
  }`

const top = (times: ReadonlyMap<string, number>, all: number, count: number): string =>
  table([
    ["", "share of the time"],
    ...[...times].sort((a, b) => b[1] - a[1]).slice(0, count).map(([name, time]) => [
      name,
      `${(time / all * 100).toFixed(1)} %`
    ])
  ])

const add = (times: Map<string, number>, name: string, time: number): void => {
  times.set(name, (times.get(name) ?? 0) + time)
}

const profileOf = async (total: number, dpop: boolean): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "effect-dcr-profile-"))
  const server = await startServer("http")
  try {
    const figures = await runSide({
      kind: "speed",
      side: "effect-dcr",
      origin: server.origin,
      size: 1024,
      dpop,
      heap: false,
      warmUp: 8000,
      steps: [{ name: "profile", total, inFlight: 64 }]
    }, {
      env: server.env,
      execArgv: ["--cpu-prof", "--cpu-prof-interval=500", `--cpu-prof-dir=${folder}`],
      // In what is published, most modules are gathered in one file, and nobody would see which of them it is.
      worker: at("bench", "worker.ts")
    })
    const [file] = globSync(join(folder, "*.cpuprofile"))
    if (file === undefined) throw new Error("no profile was written")
    const { nodes, samples, timeDeltas } = parse(await readFile(file, "utf8"))
    const byId = new Map(nodes.map((node) => [node.id, node]))
    const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)))
    const parts = new Map<string, number>()
    const self = new Map<string, number>()
    const inclusive = new Map<string, number>()
    let all = 0
    samples.forEach((id, index) => {
      const time = timeDeltas[index] ?? 0
      const frame = byId.get(id)?.callFrame
      if (frame === undefined || frame.functionName === "(idle)") return
      all += time
      add(parts, partOf(frame), time)
      add(self, nameOf(frame), time)
      const seen = new Set<string>()
      for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
        const above = byId.get(at)?.callFrame
        if (above === undefined || !partOf(above).startsWith("effect-dcr")) continue
        const name = nameOf(above)
        if (!seen.has(name)) add(inclusive, name, time)
        seen.add(name)
      }
    })
    return [
      `${total.toLocaleString("en-US")} registrations, 64 in flight, under the profiler: ${
        figures["profile cpu"]?.toFixed(1)
      } microseconds of CPU each.`,
      "From the sources, not from the packages. The start of the process and the warm-up are in the profile, which is of the main thread alone.",
      "",
      "By part, without what it calls:",
      "",
      top(parts, all, 20),
      "",
      "Our functions, with what they call:",
      "",
      top(inclusive, all, 25),
      "",
      "All functions, without what they call:",
      "",
      top(self, all, 25)
    ].join("\n")
  } finally {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}

export const profile: Section = {
  name: "profile",
  title: "Where the time goes",
  run: async (settings) => {
    const total = settings.quick ? 200 : 30_000
    const plain = await profileOf(total, false)
    const proofs = await profileOf(total, true)
    return { text: ["### Plain http", "", plain, "", "### DPoP (ES256), plain http", "", proofs].join("\n"), goals: [] }
  }
}
