/** A thread that fuzzes: what never gives the event loop back can be ended from outside only. See `workers.ts`. */
import { chai } from "@effect/vitest"
import { inspect } from "node:util"
import { parentPort } from "node:worker_threads"
import { kinds } from "./kinds.ts"
import type { Orders, Report } from "./workers.ts"

const report = (what: Report): void => parentPort?.postMessage(what)

// A guard against names of assertions that do not exist, which the types are already; it takes a tenth of the time.
chai.config.useProxy = false

parentPort?.once("message", ({ cases, kind, progress, seed }: Orders) => {
  kinds[kind].run({
    cases,
    seed,
    onCase: (index) => {
      Atomics.store(progress, 0, index + 1)
    }
  }).then(
    (tally) => report({ tally }),
    (error: unknown) => report({ failure: inspect(error) })
  )
})
