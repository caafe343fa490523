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

export const probes: ReadonlyArray<{
  readonly what: string
  readonly metadata: ClientMetadata
  /** The member that is wrong. */
  readonly member: "redirect_uris" | "token_endpoint_auth_method"
  readonly expected: string
  readonly section: string
}> = [
  {
    what: "redirect URI with a fragment",
    metadata: { redirect_uris: ["https://client.example/callback#fragment"] },
    member: "redirect_uris",
    expected: "InvalidRedirectUri",
    section: "RFC 6749 §3.1.2"
  },
  {
    what: "no redirect URI at all",
    metadata: { redirect_uris: [], grant_types: ["authorization_code"] },
    member: "redirect_uris",
    expected: "InvalidRedirectUri",
    section: "RFC 7591 §2"
  },
  {
    what: "unknown authentication method",
    metadata: {
      redirect_uris: ["https://client.example/callback"],
      token_endpoint_auth_method: "no_such_method"
    },
    member: "token_endpoint_auth_method",
    expected: "InvalidClientMetadata",
    section: "RFC 7591 §3.2.2"
  }
]

export const examineRefusals = Effect.fnUntraced(function*(visit: Visit) {
  const findings: Array<Finding> = []
  for (const { expected, member, metadata, section, what } of probes) {
    const result = yield* visit.register(metadata)
    if (Result.isSuccess(result)) {
      findings.push(judged(what, section, metadata[member], result.success.information[member]))
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
      case "RateLimited":
        findings.push(note(what, seen, "RFC 6585 §4"))
        break
      default:
        findings.push(bad(what, seen, "RFC 7591 §3.2.2"))
    }
  }
  return { title: "Refusals", findings } satisfies Chapter
})

/** What a server made of a value that it could have refused: it may replace it as well (RFC 7591 §3.2.1). */
const judged = (what: string, section: string, asked: unknown, granted: unknown): Finding =>
  granted === undefined
    ? note(what, "a client was registered, and the answer does not have the member", section)
    : JSON.stringify(granted) === JSON.stringify(asked)
    ? note(what, "a client was registered with it", section)
    : good(what, `a client was registered with ${JSON.stringify(granted)} instead`, "RFC 7591 §3.2.1")
