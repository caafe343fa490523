/** The processes of the bench: servers, and one process per side and round. */
import { type ChildProcess, fork, spawn } from "node:child_process"
import { mkdir, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import { at } from "../../scripts/support/paths.ts"
import { makeAuthority, makeCertificate } from "../../test/support/nodeCertificates.ts"
import { type SideJob, writeJob } from "./jobs.ts"
import { published } from "./published.ts"

/** The figures of one process, by name. */
export type Figures = Readonly<Record<string, number>>

export interface Server {
  readonly origin: string
  /** What clients need to be told to trust it. */
  readonly env: NodeJS.ProcessEnv
  readonly close: () => Promise<void>
}

const children = new Set<ChildProcess>()

/** Whatever ends this process ends its children. */
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL")
})

/** A child that ends with this process. */
export const kept = <Child extends ChildProcess>(child: Child): Child => {
  children.add(child)
  child.once("exit", () => children.delete(child))
  return child
}

const figuresOf = (message: unknown): Figures => {
  const figures: Record<string, number> = {}
  if (typeof message !== "object" || message === null) throw new Error("a process handed in no figures")
  for (const [name, value] of Object.entries<unknown>({ ...message })) {
    if (typeof value !== "number" || !Number.isFinite(value)) throw new Error(`${name} is not a figure`)
    figures[name] = value
  }
  return figures
}

const authority = makeAuthority("Authority of the bench")
const certificate = makeCertificate({ commonName: "bench", altNames: ["127.0.0.1"], authority })

/** Starts a server of its own. Each has a port of its own, so that one test's closed connections are not in another's way. */
export const startServer = async (scheme: "http" | "https"): Promise<Server> => {
  const file = at("build", "bench", "authority.pem")
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, authority.cert)
  const child = kept(fork(at("bench", "server.ts"), [scheme], { execArgv: [] }))
  const port = await new Promise<number>((resolve, reject) => {
    child.once("error", reject).once("exit", () => reject(new Error("the server ended")))
    child.once("message", (message) => resolve(figuresOf(message)["port"] ?? 0))
    if (scheme === "https") child.send({ cert: certificate.cert, key: certificate.key })
  })
  return {
    origin: `${scheme}://127.0.0.1:${port}`,
    env: { NODE_EXTRA_CA_CERTS: file },
    close: () =>
      new Promise((resolve) => {
        child.removeAllListeners("exit").once("exit", () => resolve())
        children.delete(child)
        child.disconnect()
      })
  }
}

export interface SideOptions {
  readonly env: NodeJS.ProcessEnv
  readonly execArgv?: ReadonlyArray<string>
  /** What `worker.ts` is run from. Default: the packages as they are published. */
  readonly worker?: string
}

/** Runs one side in a process of its own. */
export const runSide = (
  job: SideJob,
  { env, execArgv = [], worker = published("worker") }: SideOptions
): Promise<Figures> =>
  new Promise((resolve, reject) => {
    const child = kept(fork(worker, [writeJob(job)], {
      execArgv: ["--expose-gc", ...execArgv],
      env: { ...process.env, ...env },
      stdio: ["ignore", "inherit", "inherit", "ipc"]
    }))
    let figures: Figures | undefined
    child.once("message", (message) => figures = figuresOf(message))
    child.once("error", reject).once("exit", (code) => {
      if (figures === undefined) reject(new Error(`${job.side}: its process ended with ${code} and without figures`))
      else resolve(figures)
    })
  })

/** Runs a program to its end: how long it took, in milliseconds, and the CPU that it says it used. */
export const runProgram = (
  file: string,
  args: ReadonlyArray<string>,
  execArgv: ReadonlyArray<string> = []
): Promise<{ readonly wall: number; readonly cpu: number }> =>
  new Promise((resolve, reject) => {
    const start = performance.now()
    const child = kept(spawn(process.execPath, [...execArgv, file, ...args], { stdio: ["ignore", "pipe", "inherit"] }))
    let output = ""
    child.stdout.on("data", (chunk: Buffer) => output += chunk.toString())
    child.once("error", reject).once("close", (code) => {
      const wall = performance.now() - start
      const cpu = Number(/cpu (\d+)/.exec(output)?.[1])
      if (code === 0 && cpu > 0) resolve({ wall, cpu: cpu / 1000 })
      else reject(new Error(`${file} ended with ${code}: ${output}`))
    })
  })
