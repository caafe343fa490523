/** Generators of what a caller may pass as metadata: typed by the schemas, and as a JavaScript caller would. */
import { ClientMetadata, MetadataPreset, MetadataRule } from "@effect-dcr/core"
import { Arbitrary, Effect, type Schema } from "effect"
import * as fc from "fast-check"
import { anyString, jsonText } from "./json.ts"

// -----------------------------------------------------------------------------
// by the schemas
// -----------------------------------------------------------------------------

/** Values that a schema's own generator makes, each of its own seed. */
const ofSchema = <S extends Schema.Constraint>(schema: S): fc.Arbitrary<S["Type"]> => {
  const generator = Arbitrary.schema(schema)
  return fc.tuple(fc.nat(), fc.constantFrom(1, 3, 10)).map(([seed, size]) =>
    Effect.runSync(Arbitrary.sampleEffect(generator, { count: 1, seed, size }))[0]
  )
}

const typed = ofSchema(ClientMetadata.ClientMetadata)

/** All registered members, each of its own schema, some of them at a time. */
const typedMembers = fc.record(
  Object.fromEntries(Object.entries(ClientMetadata.members).map(([name, schema]) => [name, ofSchema(schema)])),
  { requiredKeys: [] }
)

// -----------------------------------------------------------------------------
// as a JavaScript caller would
// -----------------------------------------------------------------------------

const parse = (text: string): unknown => JSON.parse(text)

const circular = (): unknown => {
  const object: { self?: unknown } = {}
  object.self = object
  return object
}

const deep = (depth: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = [value]
  return value
}

/** What JSON cannot say, and what is not what it looks like. */
const noJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(undefined, NaN, Infinity, -Infinity, -0, 1n, Symbol("x")),
  fc.constant(null).map((): unknown => () => "x"),
  fc.date().map((date): unknown => date),
  fc.constant(null).map(circular),
  fc.constantFrom(deep(60), deep(70), deep(20_000)),
  fc.constant(null).map((): unknown => new Map([["a", 1]])),
  fc.constant(null).map((): unknown => new URL("https://app.example.com/cb")),
  fc.constant(null).map((): unknown => Object.create(null)),
  fc.constant(null).map((): unknown => Array.from<unknown>({ length: 3 })),
  fc.constant(null).map((): unknown => ({ toJSON: () => null })),
  fc.constant(null).map((): unknown => [{ a: undefined }, [undefined], [() => 1]])
)

const anything: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: jsonText.map(parse) },
  { weight: 1, arbitrary: noJson },
  { weight: 1, arbitrary: fc.array(noJson, { maxLength: 2 }) }
)

/** Metadata that breaks no rule, with members that no specification registers. */
const valid: fc.Arbitrary<unknown> = fc.tuple(
  fc.constantFrom<ReadonlyArray<object>[number]>(
    { redirect_uris: ["https://app.example.com/cb"] },
    { redirect_uris: ["http://127.0.0.1:3000/cb"] },
    { redirect_uris: ["com.example.app:/cb"], application_type: "native", token_endpoint_auth_method: "none" },
    { grant_types: ["client_credentials"] },
    {
      redirect_uris: ["https://app.example.com/cb"],
      grant_types: ["authorization_code", "implicit"],
      response_types: ["code id_token", "token"],
      jwks: { keys: [{ kty: "EC", crv: "P-256", x: "x", y: "y", use: "sig" }] },
      token_endpoint_auth_method: "private_key_jwt",
      default_max_age: 0
    }
  ),
  fc.record({
    client_name: fc.string({ minLength: 1 }),
    "client_name#ja-Jpan-JP": fc.string({ minLength: 1 }),
    scope: fc.constantFrom("openid email", "a  b"),
    contacts: fc.array(fc.string({ minLength: 1 }), { maxLength: 3 }),
    client_uri: fc.string().map((path) => `https://app.example.com/${encodeURI(path)}`),
    require_auth_time: fc.boolean(),
    undefined: fc.constant(undefined),
    "": fc.integer(),
    ["__proto__"]: fc.integer({ min: 1 }),
    odd: anything,
    vendor: jsonText.map(parse).filter((value) => value !== null && value !== "" && !Array.isArray(value))
  }, { requiredKeys: [] })
).map(([base, others]) => ({ ...base, ...others }))

const url = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom("https://app.example.com/cb", "http://127.0.0.1:3000/cb", "com.example.app:/cb")
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "http://app.example.com",
      "https://localhost/cb#x",
      "data:text/plain,x",
      "cb",
      "https://app.example.com?code=1"
    )
  },
  { weight: 1, arbitrary: anyString.map((text) => `https://app.example.com/${text}`) },
  { weight: 1, arbitrary: anyString }
)

/** Metadata that a caller means, with some of its members as nobody means them. */
const nearlyValid: fc.Arbitrary<unknown> = fc.tuple(
  fc.record({
    redirect_uris: fc.array(url, { minLength: 1, maxLength: 3 }),
    client_name: anyString,
    client_uri: url,
    token_endpoint_auth_method: fc.constantFrom(
      "none",
      "client_secret_basic",
      "private_key_jwt",
      "tls_client_auth",
      "x"
    ),
    grant_types: fc.subarray(["authorization_code", "implicit", "client_credentials", "refresh_token"]),
    response_types: fc.subarray(["code", "token", "id_token token", "code id_token", "none", " ", ""]),
    scope: fc.constantFrom("openid email", " ", "a  b"),
    application_type: fc.constantFrom("web", "native", "service"),
    jwks_uri: url,
    jwks: fc.constantFrom({ keys: [] }, { keys: [{ kty: "EC", use: "sig" }, { kty: "oct" }] }),
    subject_type: fc.constantFrom("public", "pairwise"),
    default_max_age: fc.oneof(fc.double(), fc.integer()),
    software_statement: fc.constantFrom("a.b.c", ""),
    frontchannel_logout_uri: url,
    post_logout_redirect_uris: fc.array(url, { maxLength: 2 }),
    request_uris: fc.array(url, { maxLength: 2 }),
    id_token_encrypted_response_enc: fc.constant("A128CBC-HS256")
  }, { requiredKeys: [] }),
  fc.dictionary(
    fc.oneof(
      fc.constantFrom(...Object.keys(ClientMetadata.members)),
      fc.constantFrom(
        "client_name#fr",
        "logo_uri#de-DE",
        "client_name#",
        "redirect_urls",
        "__proto__",
        "constructor",
        "toJSON",
        "x".repeat(3000)
      ),
      anyString
    ),
    anything,
    { maxKeys: 3 }
  )
).map(([meant, others]) => ({ ...meant, ...others }))

// -----------------------------------------------------------------------------
// servers and options
// -----------------------------------------------------------------------------

/** What a server says that it supports: as discovery leaves it, and as a JavaScript caller wrote it. */
const supported = fc.record({
  token_endpoint_auth_methods_supported: fc.oneof(
    fc.subarray(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]),
    anything
  ),
  grant_types_supported: fc.oneof(fc.constant(["authorization_code"]), anything),
  scopes_supported: fc.oneof(fc.constant(["openid"]), anything),
  response_types_supported: anything,
  mtls_endpoint_aliases: fc.oneof(
    fc.constant({ registration_endpoint: "https://mtls.op.example/register" }),
    anything
  )
}, { requiredKeys: [] })

export interface MetadataCase {
  readonly kind: "schema" | "members" | "nearly" | "valid" | "any"
  readonly metadata: unknown
  readonly server: object
  readonly preset: MetadataPreset.MetadataPreset | undefined
  readonly rulesOff: ReadonlyArray<string> | undefined
  readonly failOnWarnings: boolean
}

const inputs = fc.oneof(
  { weight: 2, arbitrary: typed.map((metadata) => ({ kind: "schema" as const, metadata: metadata as unknown })) },
  {
    weight: 1,
    arbitrary: typedMembers.map((metadata) => ({ kind: "members" as const, metadata: metadata as unknown }))
  },
  { weight: 4, arbitrary: nearlyValid.map((metadata) => ({ kind: "nearly" as const, metadata })) },
  { weight: 6, arbitrary: valid.map((metadata) => ({ kind: "valid" as const, metadata })) },
  { weight: 1, arbitrary: anything.map((metadata) => ({ kind: "any" as const, metadata })) }
)

export const metadataCase: fc.Arbitrary<MetadataCase> = fc.tuple(
  inputs,
  fc.record({
    server: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: supported }),
    preset: fc.constantFrom(
      undefined,
      undefined,
      undefined,
      MetadataPreset.openid,
      MetadataPreset.fapi2,
      MetadataPreset.mcp
    ),
    rulesOff: fc.oneof(
      { weight: 3, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.subarray(MetadataRule.rules.map(({ id }): string => id)) }
    ),
    failOnWarnings: fc.constantFrom(false, false, true)
  })
).map(([input, others]) => ({ ...input, ...others }))
