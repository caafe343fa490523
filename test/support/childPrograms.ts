/** Processes of their own that use a store of files, and a real server that they register at. */
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { NodeHttpServer } from "@effect/platform-node"
import { Context, Effect, Layer, Redacted, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import * as Fs from "node:fs"
import { createServer } from "node:http"
import * as Os from "node:os"
import * as Path from "node:path"
import { createInterface } from "node:readline"

// -----------------------------------------------------------------------------
// processes
// -----------------------------------------------------------------------------

export interface Child {
  readonly pid: number
  /** Waits for its next line. */
  readonly line: Effect.Effect<string>
  /** The lines that it wrote and nobody waited for. */
  readonly unread: () => ReadonlyArray<string>
  readonly write: (line: string) => Effect.Effect<void>
  readonly signal: (signal: "SIGKILL" | "SIGSTOP" | "SIGCONT") => Effect.Effect<void>
  /** Waits for its end. */
  readonly ended: Effect.Effect<void>
  /** What it wrote to its standard error. */
  readonly complaints: () => string
}

/** How the folder of programs that are bundled is named to those who start them; see `bundledChildren.ts`. */
export const bundledChildren = "BUNDLED_CHILDREN"

/** The program as it was bundled or as it stands here, and where what is compiled of it is kept. */
const placeOf = (program: string): { readonly file: string; readonly cache: string } => {
  const folder = process.env[bundledChildren]
  if (folder !== undefined) {
    const file = Path.join(folder, program.replace(/\.ts$/, ".js"))
    if (Fs.existsSync(file)) return { file, cache: Path.join(folder, "compile-cache") }
  }
  return {
    file: Path.join(import.meta.dirname, program),
    cache: Path.join(import.meta.dirname, "../../build/compile-cache")
  }
}

/** Starts a program of this folder; it is killed with the scope, if it is still there. */
export const startChild = (program: string, args: ReadonlyArray<string>): Effect.Effect<Child, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const { cache, file } = placeOf(program)
        const child = spawn(process.execPath, [file, ...args], {
          stdio: ["pipe", "pipe", "pipe"],
          // Half of what a child does is to compile the same modules.
          env: { ...process.env, NODE_COMPILE_CACHE: cache }
        })
        // A child that was killed does not read any more.
        child.stdin.on("error", () => {})
        return { child, end: endOf(child) }
      }),
      ({ child, end }) =>
        Effect.promise(async () => {
          if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL")
          await end
        })
    ),
    ({ child, end }) => {
      const lines: Array<string> = []
      const waiting: Array<(line: string) => void> = []
      let complaints = ""
      child.stderr.on("data", (chunk: Buffer) => complaints += chunk.toString())
      createInterface({ input: child.stdout }).on("line", (line) => {
        const first = waiting.shift()
        if (first === undefined) lines.push(line)
        else first(line)
      })
      return {
        pid: child.pid ?? 0,
        line: Effect.promise(() =>
          new Promise<string>((resolve, reject) => {
            const line = lines.shift()
            if (line !== undefined) return resolve(line)
            waiting.push(resolve)
            void end.then(() => reject(new Error(`${program} ended without a line: ${complaints}`)))
          })
        ),
        unread: () => lines,
        write: (line) => Effect.sync(() => void child.stdin.write(`${line}\n`)),
        signal: (signal) => Effect.sync(() => void child.kill(signal)),
        ended: Effect.promise(() => end),
        complaints: () => complaints
      }
    }
  )

/** Waits until everything that it wrote has arrived, too. */
const endOf = (child: ChildProcess): Promise<void> => new Promise((resolve) => child.once("close", () => resolve()))

export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-dcr-processes-"))),
  (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true, force: true }))
)

// -----------------------------------------------------------------------------
// the server
// -----------------------------------------------------------------------------

export interface MountedServer {
  readonly issuer: string
  readonly clients: Effect.Effect<ReadonlyArray<TestAuthorizationServer.KnownClient>>
  /** How many requests of this method arrived. */
  readonly count: (method: string) => Effect.Effect<number>
  /** Whether the server ever gave this secret or token to this client. */
  readonly hasIssued: (clientId: string, secret: string) => boolean
}

/** A server on a socket. `pause` is how long it thinks before and after it acts, in milliseconds. */
export const mountedServer = (
  options: TestAuthorizationServer.Options,
  pause: () => number = () => 0
): Effect.Effect<MountedServer, never, Scope.Scope> =>
  Effect.gen(function*() {
    const server = Context.get(
      yield* Layer.build(TestAuthorizationServer.layer(options)),
      TestAuthorizationServer.TestAuthorizationServer
    )
    const http = yield* Effect.orDie(NodeHttpServer.make(() => createServer(), { port: 0, host: "127.0.0.1" }))
    const issued = new Map<string, Set<string>>()
    const remember = Effect.map(server.clients, (clients) => {
      for (const { clientId, registrationAccessToken, secret } of clients) {
        const known = issued.get(clientId) ?? new Set()
        issued.set(clientId, known.add(Redacted.value(registrationAccessToken)))
        if (secret !== undefined) known.add(Redacted.value(secret))
      }
    })
    const wait = Effect.suspend(() => Effect.sleep(pause()))
    yield* http.serve(wait.pipe(
      Effect.andThen(server.app),
      Effect.tap(() => Effect.andThen(remember, wait))
    ))
    return {
      issuer: `http://127.0.0.1:${"port" in http.address ? http.address.port : 0}`,
      clients: server.clients,
      count: (method) => Effect.map(server.requests, (all) => all.filter((each) => each.method === method).length),
      hasIssued: (clientId, secret) => issued.get(clientId)?.has(secret) ?? false
    }
  })
