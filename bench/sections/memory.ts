/** What registrations leave behind, and what many at once take. */
import { ratios, short, shown, table } from "../support/figures.ts"
import { runSide, startServer } from "../support/processes.ts"
import { interleaved, type Section } from "../support/section.ts"

const atOnce = ["effect-dcr", "oauth4webapi", "openid-client", "MCP SDK", "bare fetch", "bare dispatch"]

export const memory: Section = {
  name: "memory",
  title: "Memory",
  run: async (settings, log) => {
    const many = settings.quick ? 500 : 10_000
    const rounds = await interleaved(atOnce, settings, async (side) => {
      const server = await startServer("http")
      try {
        return await runSide({
          kind: "peak",
          side,
          origin: server.origin,
          size: 1024,
          dpop: false,
          heap: false,
          warmUp: settings.quick ? 20 : 500,
          steps: [{ name: "peak", total: many, inFlight: many }]
        }, server)
      } finally {
        await server.close()
      }
    }, log)
    const mebibyte = 1 / 1_048_576
    return {
      text: [
        `The most memory that a process holds (its resident set, in MiB) when ${
          many.toLocaleString("en-US")
        } registrations begin at once, and what it`,
        "held before. Microseconds per registration, of CPU and of wall time. The heap over many registrations stands under Growth.",
        "",
        table([
          ["side", "peak", "before", "peak, oauth4webapi = 1", "CPU", "wall"],
          ...atOnce.map((side) => [
            side,
            shown(rounds.of(side, "peak"), mebibyte),
            short(rounds.of(side, "before"), mebibyte),
            short(ratios(rounds.of(side, "peak"), rounds.of("oauth4webapi", "peak"))),
            shown(rounds.of(side, "cpu")),
            short(rounds.of(side, "wall"))
          ])
        ])
      ].join("\n"),
      goals: [{
        figure: "peak memory of 10,000 registrations at once, oauth4webapi = 1",
        goal: 0.6,
        stretch: 0.4,
        values: ratios(rounds.of("effect-dcr", "peak"), rounds.of("oauth4webapi", "peak")),
        floor: ratios(rounds.of("bare dispatch", "peak"), rounds.of("oauth4webapi", "peak"))
      }]
    }
  }
}
