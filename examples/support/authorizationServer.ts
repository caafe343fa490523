/** Starts an authorization server in a process of its own, for as long as the scope lasts. */
import { Data, Effect, type Scope } from "effect"
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"

/** The server did not start. */
export class ServerNotStarted extends Data.TaggedError("ServerNotStarted")<{ readonly message: string }> {}

/** The issuer of a server that was started for the caller. */
export const authorizationServer: Effect.Effect<string, ServerNotStarted, Scope.Scope> = Effect.gen(function*() {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      fork(fileURLToPath(new URL("oidcProvider.ts", import.meta.url)), {
        // It warns about what a server in production needs; what it says when it fails is kept.
        stdio: ["ignore", "ignore", "pipe", "ipc"],
        // what Node was told for this process is not meant for that one
        execArgv: []
      })
    ),
    (child) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        child.kill("SIGKILL")
      })
  )
  let complaint = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4_000)
  })
  return yield* Effect.callback<string, ServerNotStarted>((resume) => {
    const fail = (why: string) =>
      resume(Effect.fail(new ServerNotStarted({ message: `The authorization server did not start: ${why}` })))
    child.once("error", (error) => fail(error.message))
    child.once("exit", (code) => fail(lastError(complaint) ?? `it ended with code ${code}`))
    child.once("message", (message) => {
      if (typeof message === "object" && "issuer" in message && typeof message.issuer === "string") {
        resume(Effect.succeed(message.issuer))
      }
    })
  }).pipe(
    Effect.timeoutOrElse({
      duration: "30 seconds",
      orElse: () =>
        Effect.fail(new ServerNotStarted({ message: "The authorization server did not start within 30 seconds" }))
    })
  )
})

const lastError = (complaint: string): string | undefined => /^\w*Error.*$/m.exec(complaint)?.[0]
