/**
 * How a server is found: each of the well-known URLs on its own (RFC 8414 §3, OpenID Connect Discovery 1.0 §4).
 *
 * @internal
 */
import * as AuthorizationServer from "@effect-dcr/core/AuthorizationServer"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { bad, good, note, refusalOf } from "./findings.ts"
import type { Chapter, Finding } from "./report.ts"

const variants = [
  { algorithm: "oauth2", what: "metadata of RFC 8414", section: "RFC 8414 §3" },
  { algorithm: "oidc", what: "metadata of OpenID Connect", section: "OpenID Connect Discovery §4" }
] as const

export const examineDiscovery = Effect.fnUntraced(function*(
  issuer: string,
  options: AuthorizationServer.RequestOptions
) {
  const servers: Array<AuthorizationServer.AuthorizationServer> = []
  const findings: Array<Finding> = []
  let failure: RegistrationError | undefined
  for (const { algorithm, section, what } of variants) {
    const result = yield* Effect.result(AuthorizationServer.discoverDetails(issuer, { ...options, algorithm }))
    if (Result.isFailure(result)) {
      failure ??= result.failure
      findings.push(note(what, refusalOf(result.failure), section))
      continue
    }
    const { attempts, malformed, server, url } = result.success
    servers.push(server)
    findings.push(good(what, url, section))
    for (const attempt of attempts) findings.push(note("not there", `${attempt.url}: ${attempt.problem}`))
    for (const member of malformed) findings.push(bad("malformed member", member, section))
  }
  if (servers.length === 0) findings.push(bad("metadata", "none was found", "RFC 8414 §3"))
  const endpoints = new Set(servers.map(({ registration_endpoint }) => registration_endpoint))
  if (endpoints.size > 1) findings.push(bad("registration endpoint", "the two documents name different ones"))
  const [server] = servers
  if (server !== undefined) {
    findings.push(
      server.registration_endpoint === undefined
        ? bad("registration endpoint", "none is offered", "RFC 8414 §2")
        : good("registration endpoint", server.registration_endpoint, "RFC 8414 §2")
    )
  }
  return {
    server,
    failure: server === undefined ? failure : undefined,
    chapter: { title: "Discovery", findings } satisfies Chapter
  }
})
