/** DPoP proofs, without a request around them. */
import { median, ratios, short, shown, table } from "../support/figures.ts"
import { runSide } from "../support/processes.ts"
import { interleaved, type Section } from "../support/section.ts"

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
        warmUp: settings.quick ? 20 : 2000,
        steps: inFlight.map((inFlight) => ({ name: String(inFlight), total: settings.quick ? 50 : 8000, inFlight }))
      }, { env: {} }), log)
    const perSecond = (side: string, n: number) => rounds.of(side, `${n} wall`).map((wall) => 1_000_000 / wall)
    const against = (peer: string, n: number, figure: string) =>
      ratios(rounds.of("effect-dcr", `${n} ${figure}`), rounds.of(peer, `${n} ${figure}`))
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
              short(ratios(rounds.of(side, `${n} wall`), rounds.of("oauth4webapi", `${n} wall`)))
            ])
          ])
        ]),
        "",
        `Our proofs take ${
          short(against("bare signature", 1, "wall"))
        } times as long as a bare signature one after the other, and`,
        `${short(against("bare signature", 16, "wall"))} times with 16 in flight.`
      ].join("\n"),
      goals: [
        {
          figure: "time of a proof, sequential, oauth4webapi = 1 (stretch: 1.1 bare signatures)",
          goal: 0.85,
          stretch: 1.1 / median(ratios(rounds.of("oauth4webapi", "1 wall"), rounds.of("bare signature", "1 wall"))),
          values: against("oauth4webapi", 1, "wall")
        },
        {
          figure: "time of a proof, 16 in flight, oauth4webapi = 1 (stretch: 1.1 bare signatures)",
          goal: 0.75,
          stretch: 1.1 / median(ratios(rounds.of("oauth4webapi", "16 wall"), rounds.of("bare signature", "16 wall"))),
          values: against("oauth4webapi", 16, "wall")
        }
      ]
    }
  }
}
