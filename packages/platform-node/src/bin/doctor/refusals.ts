/**
 * How a server refuses what no server should take (RFC 7591 §3.2.2).
 *
 * @internal
 */
import type { ClientMetadata } from "@effect-dcr/core/ClientMetadata"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { bad, good, note, refusalOf } from "./findings.ts"
import type { Chapter, Finding } from "./report.ts"
import type { Visit } from "./visit.ts"

const probes: ReadonlyArray<{
  readonly what: string
  readonly metadata: ClientMetadata
  readonly expected: string
  readonly section: string
}> = [
  {
    what: "redirect URI with a fragment",
    metadata: { redirect_uris: ["https://client.example/callback#fragment"] },
    expected: "InvalidRedirectUri",
    section: "RFC 6749 §3.1.2"
  },
  {
    what: "no redirect URI at all",
    metadata: { redirect_uris: [], grant_types: ["authorization_code"] },
    expected: "InvalidRedirectUri",
    section: "RFC 7591 §2"
  },
  {
    what: "unknown authentication method",
    metadata: {
      redirect_uris: ["https://client.example/callback"],
      token_endpoint_auth_method: "no_such_method"
    },
    expected: "InvalidClientMetadata",
    section: "RFC 7591 §3.2.2"
  }
]

export const examineRefusals = Effect.fnUntraced(function*(visit: Visit) {
  const findings: Array<Finding> = []
  for (const { expected, metadata, section, what } of probes) {
    const result = yield* visit.register(metadata)
    if (Result.isSuccess(result)) {
      findings.push(note(what, "a client was registered with it", section))
      continue
    }
    const { failure } = result
    const seen = refusalOf(failure)
    switch (failure.reason._tag) {
      case "InvalidRedirectUri":
      case "InvalidClientMetadata":
        findings.push(failure.reason._tag === expected ? good(what, seen, section) : note(what, seen, section))
        break
      case "Unauthorized":
        findings.push(note(what, seen, "RFC 7591 §3"))
        break
      default:
        findings.push(bad(what, seen, "RFC 7591 §3.2.2"))
    }
  }
  return { title: "Refusals", findings } satisfies Chapter
})
