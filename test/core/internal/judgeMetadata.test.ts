import type { ClientMetadata } from "@effect-dcr/core/ClientMetadata"
import * as MetadataRule from "@effect-dcr/core/MetadataRule"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"

const uri = fc.constantFrom(
  "https://app.example.com/cb",
  "https://other.example.com/cb?code=1",
  "http://app.example.com/cb",
  "http://127.0.0.1/cb",
  "HTTPS://app.example.com/cb#f",
  "javascript:alert(1)",
  " https://app.example.com/",
  "\u0001http://app.example.com/",
  "com.example.app:/cb",
  "not a uri",
  ""
)
const uris = fc.array(uri, { maxLength: 3 })
const word = fc.constantFrom(
  "none",
  "RS256",
  "RSA-OAEP",
  "A128GCM",
  "pairwise",
  "native",
  "web",
  "tls_client_auth",
  "private_key_jwt"
)
const jwks = fc.constantFrom(
  { keys: [] },
  { keys: [{ kty: "EC", use: "sig" }, { kty: "RSA" }] },
  { keys: [{ kty: "oct", k: "c2VjcmV0" }] }
)

/** Members that some rule speaks of, each with what keeps it and what breaks it, and with what has not its type. */
const anyMetadata = fc.record({
  redirect_uris: uris,
  post_logout_redirect_uris: uris,
  claims_redirect_uris: uris,
  request_uris: uris,
  grant_types: fc.array(fc.constantFrom("authorization_code", "implicit", "client_credentials"), { maxLength: 2 }),
  response_types: fc.array(fc.constantFrom("code", "token", "code id_token"), { maxLength: 2 }),
  application_type: word,
  subject_type: fc.constantFrom("pairwise", "public"),
  token_endpoint_auth_method: word,
  token_endpoint_auth_signing_alg: word,
  id_token_signed_response_alg: word,
  id_token_encrypted_response_alg: fc.constantFrom("RSA-OAEP", "dir"),
  userinfo_encrypted_response_enc: word,
  request_object_signing_alg: word,
  tls_client_auth_subject_dn: fc.constant("CN=app"),
  jwks,
  jwks_uri: uri,
  signed_jwks_uri: uri,
  sector_identifier_uri: uri,
  initiate_login_uri: uri,
  client_uri: uri,
  "client_name#de": fc.constantFrom("Anwendung", ""),
  "tos_uri#fr": uri,
  backchannel_logout_uri: uri,
  frontchannel_logout_uri: uri,
  default_max_age: fc.constantFrom(0, -1, 1.5),
  dpop_bound_access_tokens: fc.boolean(),
  tls_client_certificate_bound_access_tokens: fc.boolean(),
  software_statement: fc.constant("e30.e30.")
}, { requiredKeys: [] })

/** Rules that are asked whatever the metadata has. */
const asked: ReadonlyArray<MetadataRule.MetadataRule> = MetadataRule.rules.map((
  { check, id, isPresence, isRaw, ...rule }
) => ({
  id,
  check,
  member: rule.member,
  severity: rule.severity,
  section: rule.section,
  ...(isPresence === undefined ? undefined : { isPresence }),
  ...(isRaw === undefined ? undefined : { isRaw })
}))

describe("judgeMetadata", () => {
  it("leaves no rule out that the metadata breaks", () => {
    const broken = new Set<string>()
    fc.assert(
      fc.property(anyMetadata, (metadata: ClientMetadata) => {
        const found = MetadataRule.validate(metadata)
        // The same rules once more, under the names that they have, each of them asked.
        const all = MetadataRule.validate(metadata, { rules: asked })
        assert.deepStrictEqual(all.slice(found.length), found)
        for (const { rule } of found) broken.add(rule)
      }),
      { numRuns: 400, seed: 1 }
    )
    // A rule about which nothing was seen was not tested.
    const untested = MetadataRule.rules.filter(({ about, id }) => about !== undefined && !broken.has(id))
    assert.deepStrictEqual(untested.map(({ id }) => id), [])
  })
})
