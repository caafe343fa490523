/** Where the time of a process goes, by V8's profiler: of its main thread alone. */
import { readFile, writeFile } from "node:fs/promises"
import { Session } from "node:inspector/promises"
import { add, type Amounts, isOurs, partOf } from "./parts.ts"

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
  /** Microseconds before each sample. */
  readonly timeDeltas: ReadonlyArray<number>
}

/** Microseconds in which the thread was not idle. */
export interface Times {
  readonly all: number
  /** By the module of the SDK or by the package, without what it calls. */
  readonly parts: Amounts
  /** By function, without what it calls. */
  readonly self: Amounts
  /** By function of the SDK, with what it calls. */
  readonly inclusive: Amounts
}

/** Runs something, and writes down what the thread did meanwhile. */
export const profiled = async <A>(file: string, what: () => Promise<A>): Promise<A> => {
  const session = new Session()
  session.connect()
  await session.post("Profiler.enable")
  await session.post("Profiler.setSamplingInterval", { interval: 500 })
  await session.post("Profiler.start")
  const result = await what()
  const { profile } = await session.post("Profiler.stop")
  session.disconnect()
  await writeFile(file, JSON.stringify(profile))
  return result
}

const parse: (text: string) => CpuProfile = JSON.parse

const partOfFrame = ({ functionName, url }: Frame): string => {
  if (functionName === "(garbage collector)") return "garbage collector"
  if (functionName === "(program)") return "Node and V8 (native)"
  const part = partOf(url)
  if (part !== undefined) return part
  return url.replaceAll("\\", "/").includes("/bench/") ? "the bench itself" : "Node (node: and built-in)"
}

const nameOf = ({ functionName, lineNumber, url }: Frame): string =>
  `${functionName === "" ? "(anonymous)" : functionName} ${url.replaceAll("\\", "/").split("/").slice(-2).join("/")}${
    url === "" ? "" : `:${lineNumber + 1}`
  }`

/** Reads what {@link profiled} or `--cpu-prof` has written. */
export const readTimes = async (file: string): Promise<Times> => {
  const { nodes, samples, timeDeltas } = parse(await readFile(file, "utf8"))
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)))
  const parts: Amounts = new Map()
  const self: Amounts = new Map()
  const inclusive: Amounts = new Map()
  let all = 0
  samples.forEach((id, index) => {
    const time = timeDeltas[index] ?? 0
    const frame = byId.get(id)?.callFrame
    if (frame === undefined || frame.functionName === "(idle)") return
    all += time
    add(parts, partOfFrame(frame), time)
    add(self, nameOf(frame), time)
    const seen = new Set<string>()
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const above = byId.get(at)?.callFrame
      if (above === undefined || !isOurs(partOfFrame(above))) continue
      const name = nameOf(above)
      if (!seen.has(name)) add(inclusive, name, time)
      seen.add(name)
    }
  })
  return { all, parts, self, inclusive }
}
