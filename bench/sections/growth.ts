/** Whether what a registration costs stays the same: over many of them, and with larger answers. */
import { ratios, short, shown, table } from "../support/figures.ts"
import { runSide, startServer } from "../support/processes.ts"
import { interleaved, type Section } from "../support/section.ts"

const sizes = [1, 16, 256]

const bySize = ["effect-dcr", "oauth4webapi", "bare dispatch"]

const number = (value: number): string => value.toLocaleString("en-US")

export const growth: Section = {
  name: "growth",
  title: "Growth",
  run: async (settings, log) => {
    const totals = settings.quick ? [20, 50, 100] : [1000, 10_000, 100_000]
    const server = await startServer("http")
    try {
      const long = await interleaved(["effect-dcr"], settings, (side) =>
        runSide({
          kind: "speed",
          side,
          origin: server.origin,
          size: 1024,
          dpop: false,
          heap: true,
          warmUp: settings.quick ? 50 : 10_000,
          steps: [
            // what is compiled and cached at last belongs to no registration
            { name: "before", total: settings.quick ? 50 : 5000, inFlight: 64 },
            ...totals.map((total) => ({ name: String(total), total, inFlight: 64 }))
          ]
        }, server), log)
      const large = await interleaved(
        sizes.flatMap((size) => bySize.map((side) => `${size} ${side}`)),
        settings,
        (name) => {
          const [size = "", ...side] = name.split(" ")
          return runSide({
            kind: "speed",
            side: side.join(" "),
            origin: server.origin,
            size: Number(size) * 1024,
            dpop: false,
            heap: false,
            warmUp: settings.quick ? 20 : size === "256" ? 3000 : 12_000,
            steps: [{ name: "large", total: settings.quick ? 20 : size === "256" ? 400 : 2000, inFlight: 16 }]
          }, server)
        },
        (line) => log(`KB, ${line}`)
      )
      const last = totals.at(-1) ?? 0
      const heapBefore = long.of("effect-dcr", `${totals.at(-2)} heap`)
      const perRegistration = long.of("effect-dcr", `${last} heap`).map((bytes, round) =>
        (bytes - (heapBefore[round] ?? Number.NaN)) / last
      )
      const ofSize = (size: number, side: string, figure: string) => large.of(`${size} ${side}`, `large ${figure}`)
      return {
        text: [
          "One process, 64 in flight, one part after the other; microseconds per registration. The heap is what is left after a full collection.",
          "",
          table([
            ["registrations", "CPU", "wall", "heap afterwards, MiB"],
            ...totals.map((total) => [
              number(total),
              shown(long.of("effect-dcr", `${total} cpu`)),
              shown(long.of("effect-dcr", `${total} wall`)),
              shown(long.of("effect-dcr", `${total} heap`), 1 / 1_048_576)
            ])
          ]),
          "",
          `The last ${number(last)} leave ${shown(perRegistration)} bytes each.`,
          "",
          "Answers of several sizes, 16 in flight; what is more than 1 KB is a list of objects in a vendor's member.",
          "",
          table([
            ["answer", "side", "CPU", "wall", "CPU, bare dispatch = 1"],
            ...sizes.flatMap((size) =>
              bySize.map((side) => [
                `${size} KB`,
                side,
                shown(ofSize(size, side, "cpu")),
                shown(ofSize(size, side, "wall")),
                short(ratios(ofSize(size, side, "cpu"), ofSize(size, "bare dispatch", "cpu")))
              ])
            )
          ])
        ].join("\n"),
        goals: [
          {
            figure: `heap per registration over ${number(last)}`,
            goal: 5,
            stretch: 0,
            values: perRegistration,
            unit: "bytes"
          },
          {
            figure: "CPU of an answer of 256 KB, bare dispatch and JSON.parse = 1",
            goal: 1.3,
            stretch: 1.1,
            values: ratios(ofSize(256, "effect-dcr", "cpu"), ofSize(256, "bare dispatch", "cpu")),
            floor: [1]
          }
        ]
      }
    } finally {
      await server.close()
    }
  }
}
