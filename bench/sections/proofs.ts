/** DPoP proofs, without a request around them. */
import { median, ratios, short, shown, table } from "../support/figures.ts"
import { runSide } from "../support/processes.ts"
import { type Goal, interleaved, type Section } from "../support/section.ts"

const sides = ["effect-dcr", "oauth4webapi", "jose", "bare signature"]

const inFlight = [1, 16]

export const proofs: Section = {
  name: "proofs",
  title: "A DPoP proof",
  run: async (settings, log) => {
    const rounds = await interleaved(sides, settings, (side) =>
      runSide({
        kind: "proofs",
        side,
        origin: "",
        size: 0,
        dpop: true,
        heap: false,
        // as long as for a registration: V8 goes on compiling
        warmUp: settings.quick ? 20 : 20_000,
        steps: inFlight.map((inFlight) => ({ name: String(inFlight), total: settings.quick ? 50 : 8000, inFlight }))
      }, { env: {} }), log)
    const perSecond = (side: string, n: number) => rounds.of(side, `${n} wall`).map((wall) => 1_000_000 / wall)
    const times = (side: string, peer: string, n: number) =>
      ratios(rounds.of(side, `${n} wall`), rounds.of(peer, `${n} wall`))
    const goal = (n: number, what: string, goal: number): Goal => ({
      figure: `time of a proof, ${what}, oauth4webapi = 1 (stretch: 1.1 bare signatures)`,
      goal,
      stretch: 1.1 * median(times("bare signature", "oauth4webapi", n)),
      values: times("effect-dcr", "oauth4webapi", n),
      floor: times("bare signature", "oauth4webapi", n)
    })
    return {
      text: [
        "Proofs for a key of ES256; microseconds of CPU per proof. The bare signature is WebCrypto's, of as many bytes.",
        "",
        table([
          ["side", ...inFlight.flatMap((n) => [`${n} in flight: per second`, "CPU", "time, oauth4webapi = 1"])],
          ...sides.map((side) => [
            side,
            ...inFlight.flatMap((n) => [
              shown(perSecond(side, n)),
              shown(rounds.of(side, `${n} cpu`)),
              short(times(side, "oauth4webapi", n))
            ])
          ])
        ]),
        "",
        `Our proofs take ${
          short(times("effect-dcr", "bare signature", 1))
        } times as long as a bare signature one after the other, and`,
        `${short(times("effect-dcr", "bare signature", 16))} times with 16 in flight.`
      ].join("\n"),
      goals: [goal(1, "sequential", 0.85), goal(16, "16 in flight", 0.75)]
    }
  }
}
