/**
 * One process of one side: makes it, warms it up, measures, and hands the figures to the process that asked.
 *
 * The CPU time is that of the whole process, the threads of the signature, of TLS and of the garbage collector included.
 */
import { isSideName, sides } from "./sides/index.ts"
import type { Side } from "./sides/side.ts"
import { readJob, type SideJob } from "./support/jobs.ts"

type Figures = Record<string, number>

/** Microseconds of CPU of the server. */
const serverCpu = async (origin: string): Promise<number> => {
  const found: unknown = await (await fetch(`${origin}/cpu`)).json()
  const cpu: unknown = typeof found === "object" && found !== null ? Reflect.get(found, "cpu") : undefined
  if (typeof cpu !== "number") throw new Error("the server does not say how much CPU it used")
  return cpu
}

/** Microseconds per call, of CPU and of wall time. */
const measure = async (
  what: () => Promise<void>,
  calls: number,
  profile?: string
): Promise<{ readonly cpu: number; readonly wall: number }> => {
  if (profile !== undefined) {
    const { profiled } = await import("./support/cpuProfile.ts")
    return profiled(profile, () => measure(what, calls))
  }
  const start = performance.now()
  const before = process.cpuUsage()
  await what()
  const { system, user } = process.cpuUsage(before)
  return { cpu: (system + user) / calls, wall: (performance.now() - start) * 1000 / calls }
}

const heap = (): number => {
  for (let i = 0; i < 4; i++) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const makeSide = async (job: SideJob): Promise<Side> => {
  if (!isSideName(job.side)) throw new Error(`no such side: ${job.side}`)
  return (await sides[job.side]()).make({ origin: job.origin, size: job.size, dpop: job.dpop })
}

const speed = async (job: SideJob): Promise<Figures> => {
  const side = await makeSide(job)
  await side.run(job.warmUp, 64)
  const figures: Figures = {}
  for (const step of job.steps) {
    // No forced collection before it: V8 then throws compiled code away, which no application sees.
    await side.run(Math.ceil(step.total / 10), step.inFlight)
    const server = await serverCpu(job.origin)
    const { cpu, wall } = await measure(() => side.run(step.total, step.inFlight), step.total, job.profile)
    figures[`${step.name} cpu`] = cpu
    figures[`${step.name} wall`] = wall
    figures[`${step.name} server`] = (await serverCpu(job.origin) - server) / (wall * step.total)
    if (job.heap) figures[`${step.name} heap`] = heap()
  }
  await side.close?.()
  return figures
}

/** Everything at once, in a process that does nothing else. */
const peak = async (job: SideJob): Promise<Figures> => {
  const side = await makeSide(job)
  await side.run(Math.min(job.warmUp, 500), 16)
  const figures: Figures = { before: process.resourceUsage().maxRSS * 1024 }
  for (const step of job.steps) {
    const { cpu, wall } = await measure(() => side.run(step.total, step.total), step.total)
    figures["peak"] = process.resourceUsage().maxRSS * 1024
    figures["cpu"] = cpu
    figures["wall"] = wall
  }
  await side.close?.()
  return figures
}

const proofs = async (job: SideJob): Promise<Figures> => {
  // Here and not above: it loads several libraries, which are no part of the memory of the other jobs.
  const { proofMakers } = await import("./sides/proofs.ts")
  const run = await proofMakers[job.side]?.()
  if (run === undefined) throw new Error(`nobody makes proofs as ${job.side}`)
  await run(job.warmUp, 16)
  const figures: Figures = {}
  for (const step of job.steps) {
    const { cpu, wall } = await measure(() => run(step.total, step.inFlight), step.total, job.profile)
    figures[`${step.name} cpu`] = cpu
    figures[`${step.name} wall`] = wall
  }
  return figures
}

const job = readJob(process.argv[2] ?? "")
const figures = await { speed, peak, proofs }[job.kind](job)
process.send?.(figures, () => process.exit(0))
