/** The command line, as a person or a script runs it: a process of its own, what it prints and how it ends. */
import { Effect, FileSystem, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import * as Path from "node:path"
import { outputs } from "./bundles.ts"

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Surroundings {
  /** What it reads on standard input. Default: nothing. */
  readonly stdin?: string | undefined
  readonly env?: { readonly [name: string]: string } | undefined
  readonly cwd?: string | undefined
  /** A file that it writes to. Default: what it writes is kept. */
  readonly stdout?: number | undefined
}

/** Starts a command; it is killed with the scope, if it is still there. */
export const startCommand = (
  args: ReadonlyArray<string>,
  { cwd, env, stdin, stdout: output }: Surroundings = {}
): Effect.Effect<{ readonly child: ChildProcess; readonly ended: Effect.Effect<Ended> }, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [outputs.commandLine, ...args], {
        cwd,
        stdio: ["pipe", output ?? "pipe", "pipe"],
        env: {
          PATH: process.env["PATH"],
          HOME: "/nonexistent",
          // Each is a process that compiles the same modules.
          NODE_COMPILE_CACHE: Path.join(import.meta.dirname, "../../build/compile-cache"),
          ...env
        }
      })
      let stdout = ""
      let stderr = ""
      child.stdout?.on("data", (chunk: Buffer) => stdout += chunk.toString())
      child.stderr?.on("data", (chunk: Buffer) => stderr += chunk.toString())
      child.stdin?.on("error", () => {}).end(stdin ?? "")
      const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })))
      return { child, ended: Effect.promise(() => ended) }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

/** Runs a command to its end. */
export const runCommand = (args: ReadonlyArray<string>, surroundings?: Surroundings): Effect.Effect<Ended> =>
  Effect.scoped(Effect.flatMap(startCommand(args, surroundings), ({ ended }) => ended))

/** A directory for a store, and commands that use it. */
export const withStore = Effect.fnUntraced(function*() {
  const files = yield* FileSystem.FileSystem
  const directory = yield* files.makeTempDirectoryScoped({ prefix: "effect-dcr-" })
  return {
    directory,
    run: (args: ReadonlyArray<string>, surroundings?: Surroundings) =>
      runCommand(["--store", Path.join(directory, "store"), ...args], { cwd: directory, ...surroundings })
  }
})
