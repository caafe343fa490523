/** What it costs to find a registration that is kept: in each store, and in the copies in front of one. */
import { Effect } from "effect"
import { fork } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { missingForFleet } from "../../scripts/fleet.ts"
import { postgres, redis } from "../../test/support/fleetServers.ts"
import type { StoreJob } from "../storeWorker.ts"
import { short, shown, table } from "../support/figures.ts"
import { type Figures, kept } from "../support/processes.ts"
import { interleaved, type Section } from "../support/section.ts"

const run = (job: StoreJob): Promise<Figures> =>
  new Promise((resolve, reject) => {
    const child = kept(fork(join(import.meta.dirname, "..", "storeWorker.ts"), [], { execArgv: [] }))
    let figures: Figures | undefined
    child.once("message", (message: Figures) => figures = message)
    child.once("error", reject).once("exit", (code) => {
      if (figures === undefined) reject(new Error(`a store ended with ${code} and without figures`))
      else resolve(figures)
    })
    child.send(job)
  })

export const stores: Section = {
  name: "stores",
  title: "A registration that is kept",
  fromSources: true,
  run: async (settings, log) => {
    const missing = await missingForFleet()
    if (missing !== undefined) {
      return { text: `Not measured: ${missing.reason}. To install what is missing: \`${missing.install}\``, goals: [] }
    }
    const directory = await mkdtemp(join(tmpdir(), "effect-dcr-bench-"))
    const total = settings.quick ? 200 : 2000
    try {
      return await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
        const places: Readonly<Record<string, StoreJob["place"]>> = {
          "memory": { kind: "memory" },
          "files": { kind: "files", directory },
          "PostgreSQL": (yield* postgres).place,
          "Redis": (yield* redis).place
        }
        const sides = [...Object.keys(places), "copies in front of PostgreSQL", "copies in front of Redis"]
        const rounds = yield* Effect.promise(() =>
          interleaved(sides, settings, (side) => {
            const isCached = side.startsWith("copies in front of ")
            const place = places[side.replace("copies in front of ", "")] ?? { kind: "memory" }
            return run({ place, isCached, total })
          }, log)
        )
        const perSecond = (side: string, figure: string) => rounds.of(side, figure).map((wall) => 1_000_000 / wall)
        return {
          text: [
            "Reads of a store, and calls of `ensure` that find what they ask for, of 200 registrations of about " +
            `${short(rounds.of("memory", "bytes"))} characters; microseconds of CPU of the asking process for each. ` +
            "The servers are on the same machine, on a socket of its file system. From the sources, not from the packages.",
            "",
            table([
              [
                "store",
                ...[1, 16].flatMap((n) => [
                  `${n} in flight: reads per second`,
                  "CPU",
                  "`ensure` per second",
                  "CPU"
                ])
              ],
              ...sides.map((side) => [
                side,
                ...[1, 16].flatMap((n) =>
                  ["load", "ensure"].flatMap((what) => [
                    shown(perSecond(side, `${n} ${what} wall`)),
                    short(rounds.of(side, `${n} ${what} cpu`))
                  ])
                )
              ])
            ])
          ].join("\n"),
          goals: []
        }
      })))
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }
}
