/** Fuzzing in threads: on all processors, and with an end to what hangs. */
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { type KindName, kinds } from "./kinds.ts"
import { longestCase, type Tally } from "./run.ts"

/** What a thread is told. */
export interface Orders {
  readonly kind: KindName
  readonly cases: number
  readonly seed: number
  /** The number of the case that it is at, from 1. */
  readonly progress: Int32Array
}

/** What a thread tells. */
export type Report = { readonly tally: Tally } | { readonly failure: string }

/** A case that hangs in the midst of a computation cannot even be told that its time is over. */
const patience = 4 * longestCase

const runOne = (kind: KindName, cases: number, seed: number): Promise<Tally> =>
  new Promise((resolve, reject) => {
    const progress = new Int32Array(new SharedArrayBuffer(4))
    const orders: Orders = { kind, cases, seed, progress }
    const worker = new Worker(new URL("worker.ts", import.meta.url), { execArgv: [] })
    worker.postMessage(orders)
    let last = { at: 0, since: performance.now() }
    const watch = setInterval(() => {
      const at = Atomics.load(progress, 0)
      const now = performance.now()
      if (at !== last.at || at === 0) last = { at, since: now }
      else if (now - last.since > patience) {
        // Beyond the last case it was searching for a smaller one that fails.
        const what = at > cases ? "of a search for a smaller one" : kinds[kind].input(seed, at - 1)
        end(() => reject(new Error(`a hang: ${kind}, seed ${seed}, case ${at}: ${what}`)))
      }
    }, 250)
    let isOver = false
    const end = (settle: () => void): void => {
      if (isOver) return
      isOver = true
      clearInterval(watch)
      void worker.terminate().then(settle)
    }
    worker.on("message", (report: Report) =>
      end(() =>
        "tally" in report ? resolve(report.tally) : reject(new Error(`${kind}: ${report.failure}`))
      ))
    worker.on("error", (error) => end(() => reject(error)))
    worker.on("exit", () => end(() => reject(new Error(`${kind}: the thread ended without a report`))))
  })

/**
 * Fuzzes `cases` inputs, in `shards` of which each has its own seed, so that the inputs do not depend on the machine. Prints
 * the counts.
 */
export const fuzzInWorkers = async (
  kind: KindName,
  options: { readonly cases: number; readonly seed: number; readonly shards?: number }
): Promise<Tally> => {
  const { cases, seed, shards = 1 } = options
  const open = Array.from({ length: shards }, (_, index) => seed + index)
  const tallies: Array<Tally> = []
  const work = async (): Promise<void> => {
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      tallies.push(await runOne(kind, cases / shards, next))
    }
  }
  await Promise.all(Array.from({ length: Math.min(shards, availableParallelism()) }, work))
  const outcomes = new Map<string, number>()
  for (const tally of tallies) {
    for (const [outcome, count] of Object.entries(tally.outcomes)) {
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count)
    }
  }
  const all = {
    cases: tallies.reduce((sum, tally) => sum + tally.cases, 0),
    outcomes: Object.fromEntries([...outcomes].sort(([, a], [, b]) => b - a)),
    slowest: Math.max(...tallies.map(({ slowest }) => slowest))
  }
  console.info(`${kind}: ${JSON.stringify(all)}`)
  return all
}
