import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import { root } from "./paths.ts"

/** What a finished command left behind: standard output and standard error in the order in which they were written. */
export interface Finished {
  readonly code: number
  readonly output: string
}

const running = new Set<ChildProcess>()

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

let ending = false

/** Ends the commands that still run when this process is asked to end, and then this process. */
export const endWithChildren = (): void => {
  for (const signal of signals) {
    process.on(signal, () => {
      if (ending) return
      ending = true
      for (const child of running) child.kill("SIGTERM")
      const start = performance.now()
      setInterval(() => {
        // a child that does not listen must not keep us here
        if (running.size === 0 || performance.now() - start > 3000) process.exit(130)
      }, 20)
    })
  }
}

/** Runs a command to its end and collects what it prints. */
export const run = (
  command: string,
  args: ReadonlyArray<string>,
  options?: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv }
): Promise<Finished> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options?.cwd ?? root,
      env: { ...process.env, ...options?.env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    running.add(child)
    const chunks: Array<Buffer> = []
    const collect = (chunk: Buffer) => {
      chunks.push(chunk)
    }
    child.stdout.on("data", collect)
    child.stderr.on("data", collect)
    child.once("error", reject)
    child.once("close", (code) => {
      running.delete(child)
      // whoever waits for the next step must not take it
      if (!ending) resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() })
    })
  })

/** Runs a command that must succeed; what it printed is the message of the error otherwise. */
export const must = async (
  command: string,
  args: ReadonlyArray<string>,
  options?: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv }
): Promise<string> => {
  const finished = await run(command, args, options)
  if (finished.code !== 0) throw new Error(`${command} ${args.join(" ")}\n${finished.output}`)
  return finished.output
}

/** Runs the body of a script; a failure is printed without a stack, which would only name the script itself. */
export const main = (body: () => Promise<void>): void => {
  endWithChildren()
  body().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  })
}
