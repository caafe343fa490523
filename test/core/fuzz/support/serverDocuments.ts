/** Generators of what a discovery may get: metadata of servers, and what is none. */
import { AuthorizationServer } from "@effect-dcr/core"
import { Arbitrary, Effect } from "effect"
import * as fc from "fast-check"
import { anyString, jsonText } from "./json.ts"
import { damage, mutated, type Mutation, oddNames } from "./mutations.ts"
import type { WireAnswer } from "./wire.ts"
import { answerWith } from "./wireAnswers.ts"

export const issuer = "https://op.example/tenant"

/** The metadata of a server, which is also a protected resource. */
export const document = {
  issuer,
  registration_endpoint: "https://op.example/register",
  token_endpoint: "https://op.example/token",
  jwks_uri: "https://op.example/jwks",
  scopes_supported: ["openid", "email"],
  response_types_supported: ["code", "code id_token"],
  grant_types_supported: ["authorization_code", "refresh_token"],
  token_endpoint_auth_methods_supported: ["client_secret_post", "none"],
  require_pushed_authorization_requests: false,
  mtls_endpoint_aliases: { registration_endpoint: "https://mtls.op.example/register" },
  jwks: { keys: [] },
  resource: issuer,
  authorization_servers: [issuer],
  vendor: { a: [1, null] }
}

const bySchema = Arbitrary.schema(AuthorizationServer.AuthorizationServer)

/** Documents that the schema itself makes. */
const typed = fc.tuple(fc.nat(), fc.boolean()).map(([seed, isMine]) => {
  const [sample] = Effect.runSync(Arbitrary.sampleEffect(bySchema, { count: 1, seed, size: 10 }))
  return JSON.stringify({ ...sample, ...(isMine ? { issuer } : undefined) })
})

const names = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...Object.keys(document)) },
  { weight: 1, arbitrary: fc.constantFrom(...oddNames) },
  { weight: 1, arbitrary: anyString }
)

const otherIssuer: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constant("set" as const),
  name: fc.constantFrom("issuer", "resource"),
  text: fc.constantFrom(issuer, `${issuer}/`, "https://evil.example", issuer.toUpperCase()).map((text) =>
    JSON.stringify(text)
  )
})

const answer: fc.Arbitrary<WireAnswer> = answerWith(fc.oneof(
  {
    weight: 10,
    arbitrary: fc.tuple(mutated([document, document, { issuer }], names, otherIssuer), damage)
      .map(([text, change]) => change(text))
  },
  { weight: 3, arbitrary: typed },
  { weight: 1, arbitrary: jsonText },
  { weight: 1, arbitrary: anyString }
))

export interface DiscoveryCase {
  readonly operation: "discover" | "fromProtectedResource"
  readonly answers: ReadonlyArray<WireAnswer>
  readonly tolerateTrailingSlash: boolean
}

export const discoveryCase: fc.Arbitrary<DiscoveryCase> = fc.record({
  operation: fc.constantFrom<ReadonlyArray<DiscoveryCase["operation"]>[number]>(
    "discover",
    "discover",
    "fromProtectedResource"
  ),
  answers: fc.array(answer, { minLength: 1, maxLength: 3 }),
  tolerateTrailingSlash: fc.boolean()
})
