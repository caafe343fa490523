/** What the SDK adds to the start of a process, up to the first registered client. */
import { ratios, short, shown, table } from "../support/figures.ts"
import { runProgram, startServer } from "../support/processes.ts"
import { published } from "../support/published.ts"
import { interleaved, type Section } from "../support/section.ts"

const programs: Readonly<Record<string, string>> = {
  "Node alone": "node",
  "Effect application": "effectApp",
  "the same, importing effect-dcr": "effectAppImporting",
  "the same, registering a client": "effectAppRegistering",
  "effect-dcr alone, a client": "effectDcr",
  "oauth4webapi, a client": "oauth4webapi",
  "openid-client, a client": "openidClient",
  "MCP SDK, a client": "mcpSdk"
}

export const coldStart: Section = {
  name: "cold-start",
  title: "Cold start",
  run: async (settings, log) => {
    const server = await startServer("http")
    try {
      const names = Object.keys(programs)
      // a start is short, and the ranges are wide: more of them
      const many = settings.quick ? settings : { ...settings, rounds: settings.rounds * 4 }
      const rounds = await interleaved(
        names,
        many,
        async (name) => ({ ...await runProgram(published(`cold/${programs[name]}`), [server.origin]) }),
        log
      )
      const app = "Effect application"
      const against = (name: string, base: string, figure: "cpu" | "wall") =>
        ratios(rounds.of(name, figure), rounds.of(base, figure))
      return {
        text: [
          "Milliseconds from the start of the process to its end, which comes with the first client. The Effect application makes a request with",
          "`HttpClient` and decodes the answer with `Schema`.",
          "",
          table([
            ["program", "wall", "CPU", "wall, Effect application = 1", "CPU, Effect application = 1"],
            ...names.map((name) => [
              name,
              shown(rounds.of(name, "wall")),
              shown(rounds.of(name, "cpu")),
              short(against(name, app, "wall")),
              short(against(name, app, "cpu"))
            ])
          ])
        ].join("\n"),
        goals: [
          {
            figure: "cold start of an Effect application with the SDK imported, without it = 1",
            goal: 1.1,
            stretch: 1.05,
            values: against("the same, importing effect-dcr", app, "wall")
          },
          {
            figure: "cold start of an Effect application with a first registration, without it = 1",
            goal: 1.1,
            stretch: 1.05,
            values: against("the same, registering a client", app, "wall")
          }
        ]
      }
    } finally {
      await server.close()
    }
  }
}
