/** Runs the programs of `examples/`: here, with their configuration and their console, or as a person starts them. */
import { ConfigProvider, Console, Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { browse } from "./loginProvider.ts"

/** Opens what a program asks the user to open. */
const visit = (line: string): Promise<void> | undefined => {
  const url = /^Log in at (\S+)$/.exec(line)?.[1]
  return url === undefined ? undefined : browse(url)
}

/** Runs a program in this process, and gives what it printed. Its user has a browser. */
export const runHere = <A, E>(
  program: Effect.Effect<A, E>,
  config: Readonly<Record<string, string>>
): Effect.Effect<ReadonlyArray<string>, E> =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    const visits: Array<Promise<void>> = []
    const log = (...parts: ReadonlyArray<unknown>) => {
      const line = parts.join(" ")
      lines.push(line)
      const visited = visit(line)
      if (visited !== undefined) visits.push(visited)
    }
    yield* program.pipe(
      Effect.provideService(Console.Console, { ...globalThis.console, log }),
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(config)))
    )
    yield* Effect.promise(() => Promise.all(visits))
    return lines
  })

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program of `examples/` as a process of its own, with a user who has a browser. */
export const runAlone = (
  file: string,
  env: Readonly<Record<string, string>>
): Effect.Effect<Ended, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [fileURLToPath(new URL(`../../examples/${file}`, import.meta.url))], {
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "pipe"]
      })
      let stdout = ""
      let stderr = ""
      let read = 0
      child.stdout.on("data", (chunk: Buffer) => {
        stdout += chunk.toString()
        for (let end = stdout.indexOf("\n", read); end !== -1; end = stdout.indexOf("\n", read)) {
          visit(stdout.slice(read, end))?.catch((error: unknown) => stderr += String(error))
          read = end + 1
        }
      })
      child.stderr.on("data", (chunk: Buffer) => stderr += chunk.toString())
      const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })))
      return { child, ended }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  ).pipe(Effect.flatMap(({ ended }) => Effect.promise(() => ended)))
