/**
 * The program whose memory is measured: it registers once, over the transport that its first argument names, at the origin in
 * its second one, and writes by how much its memory grew at most meanwhile, the most that it was, and what became of it.
 */
import * as ClientRegistration from "@effect-dcr/core/ClientRegistration"
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { readFileSync, writeFileSync } from "node:fs"

const layers = {
  node: async () => (await import("@effect-dcr/platform-node/NodeHttpClient")).layer,
  undici: async () => (await import("@effect/platform-node/NodeHttpClient")).layerUndici,
  fetch: async () => (await import("effect/http/FetchHttpClient")).layer
}

const [, , name = "", origin = ""] = process.argv
if (name !== "node" && name !== "undici" && name !== "fetch") throw new Error(`no such transport: ${name}`)
const layer = Layer.merge(await layers[name](), DpopSigner.layerNone)

const isLinux = process.platform === "linux"

/**
 * In bytes. `maxRSS` is what counts, but on Linux it starts with that of the process that started this one (it outlives
 * `execve`), and what loading the modules took would hide what comes after: so there the kernel's figure for this program is
 * read, which can be set back.
 */
const peak = (): number => {
  if (!isLinux) return process.resourceUsage().maxRSS * 1024
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))
  return Number(line?.[1]) * 1024
}

globalThis.gc?.()
if (isLinux) writeFileSync("/proc/self/clear_refs", "5")
const before = peak()

const outcome = await ClientRegistration.register(
  { issuer: origin, registration_endpoint: `${origin}/register` },
  { redirect_uris: ["https://app.example.com/cb"] }
).pipe(
  Effect.match({
    onFailure: ({ reason }) => reason._tag === "OutcomeUnknown" ? `${reason._tag} ${reason.why}` : reason._tag,
    onSuccess: () => "registered"
  }),
  Effect.provide(layer),
  Effect.runPromise
)

process.stdout.write(`${peak() - before} ${peak()} ${outcome}`)
