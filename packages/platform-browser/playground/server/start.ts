/** Starts the server in a process of its own. */
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"

export interface Started {
  readonly issuer: string
  readonly stop: () => void
}

export const startAuthorizationServer = (): Promise<Started> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL("authorizationServer.ts", import.meta.url)), {
      // It warns about what a server in production needs; what it says when it fails is kept.
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      execArgv: []
    })
    let complaint = ""
    child.stderr?.on("data", (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-4_000)
    })
    child.once("error", reject)
    child.once("exit", (code) => reject(new Error(`The authorization server ended with code ${code}\n${complaint}`)))
    child.once("message", (message) => {
      if (typeof message === "object" && "issuer" in message && typeof message.issuer === "string") {
        resolve({ issuer: message.issuer, stop: () => child.kill("SIGKILL") })
      }
    })
  })
