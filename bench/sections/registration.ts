/** What a registration costs: CPU and wall time, at several numbers in flight, with and without TLS and DPoP. */
import { percent, ratios, short, shown, table } from "../support/figures.ts"
import { runSide, startServer } from "../support/processes.ts"
import { type Goal, interleaved, type Rounds, type Section, type Settings } from "../support/section.ts"

const peer = "oauth4webapi"

const inFlight = [1, 16, 64]

const plain = [
  "effect-dcr",
  "effect-dcr on layerUndici",
  "effect-dcr on fetch",
  peer,
  "openid-client",
  "MCP SDK",
  "bare layerUndici",
  "bare FetchHttpClient",
  "bare fetch",
  "bare dispatch"
]

const secured = ["effect-dcr", peer, "openid-client", "bare dispatch"]

const makingProofs = ["effect-dcr", peer, "openid-client"]

const measure = async (
  sides: ReadonlyArray<string>,
  scheme: "http" | "https",
  dpop: boolean,
  settings: Settings,
  log: (line: string) => void
): Promise<Rounds> => {
  const server = await startServer(scheme)
  try {
    const job = {
      kind: "speed",
      origin: server.origin,
      size: 1024,
      dpop,
      heap: false,
      // The compiler of V8 is not done before: from 8,000 to 20,000 the time of every side still falls.
      warmUp: settings.quick ? 20 : 20_000,
      steps: inFlight.map((inFlight) => ({
        name: String(inFlight),
        total: settings.quick ? 64 : inFlight === 1 ? 1000 : 4000,
        inFlight
      }))
    } as const
    return await interleaved(
      sides,
      settings,
      (side) => runSide({ ...job, side }, server),
      (line) => log(`${scheme}${dpop ? ", DPoP" : ""}: ${line}`)
    )
  } finally {
    await server.close()
  }
}

const tableOf = (rounds: Rounds): string =>
  table([
    ["in flight, side", "CPU", "wall", `CPU, ${peer} = 1`, `wall, ${peer} = 1`, "server busy"],
    ...inFlight.flatMap((n) =>
      rounds.sides.map((side) => [
        `${n}, ${side}`,
        shown(rounds.of(side, `${n} cpu`)),
        shown(rounds.of(side, `${n} wall`)),
        short(ratios(rounds.of(side, `${n} cpu`), rounds.of(peer, `${n} cpu`))),
        short(ratios(rounds.of(side, `${n} wall`), rounds.of(peer, `${n} wall`))),
        percent(rounds.of(side, `${n} server`))
      ])
    )
  ])

/** What a figure of a side is beside that of the peer, and what the same is of the transport alone. */
const goal = (
  rounds: Rounds,
  { floor, side }: { readonly side: string; readonly floor?: string },
  figure: string,
  what: string,
  goal: number,
  stretch: number
): Goal => ({
  figure: what,
  goal,
  stretch,
  values: ratios(rounds.of(side, figure), rounds.of(peer, figure)),
  ...(floor === undefined ? undefined : { floor: ratios(rounds.of(floor, figure), rounds.of(peer, figure)) })
})

const ours = { side: "effect-dcr", floor: "bare dispatch" }

export const registration: Section = {
  name: "registration",
  title: "A registration",
  run: async (settings, log) => {
    const http = await measure(plain, "http", false, settings, log)
    const proofsTls = await measure(makingProofs, "https", true, settings, log)
    // In the quick form every side, TLS and proofs have run by now.
    const https = settings.quick ? http : await measure(secured, "https", false, settings, log)
    const proofs = settings.quick ? proofsTls : await measure(makingProofs, "http", true, settings, log)
    return {
      text: [
        "Microseconds per registration, with an answer of 1 KB. The CPU is that of the whole process, its threads included. How busy the",
        "server was is its CPU time by the wall time: at 100 % it would be what is measured.",
        "",
        "### Plain http",
        "",
        tableOf(http),
        "",
        "### https",
        "",
        tableOf(https),
        "",
        "### DPoP (ES256), plain http",
        "",
        tableOf(proofs),
        "",
        "### DPoP (ES256), https",
        "",
        tableOf(proofsTls)
      ].join("\n"),
      goals: [
        goal(http, ours, "64 cpu", `CPU per registration, 64 in flight, ${peer} = 1`, 0.3, 0.2),
        goal(
          proofs,
          { side: "effect-dcr" },
          "16 cpu",
          `CPU per registration with DPoP, 16 in flight, ${peer} = 1`,
          0.45,
          0.35
        ),
        goal(http, ours, "1 wall", `wall time of one registration at a time, ${peer} = 1`, 0.7, 0.5),
        goal(
          http,
          { side: "effect-dcr on layerUndici", floor: "bare layerUndici" },
          "64 cpu",
          `CPU per registration on layerUndici, 64 in flight, ${peer} = 1`,
          0.6,
          0.5
        ),
        goal(
          http,
          { side: "effect-dcr on fetch", floor: "bare FetchHttpClient" },
          "64 cpu",
          `CPU per registration on fetch, 64 in flight, ${peer} = 1`,
          1.4,
          1.15
        )
      ]
    }
  }
}
