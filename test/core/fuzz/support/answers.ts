/** Generators of answers to the operations on a registration: what a server, or whatever stands in its place, may send. */
import { ClientInformation } from "@effect-dcr/core"
import * as fc from "fast-check"
import { anyString, anyUnicode, jsonText } from "./json.ts"
import { damage, mutated, type Mutation, oddNames } from "./mutations.ts"
import { secrets } from "./secrets.ts"
import type { WireAnswer } from "./wire.ts"
import { answerWith } from "./wireAnswers.ts"

/** What every operation is asked with. */
export const metadata = {
  redirect_uris: ["https://app.example.com/cb", "https://app.example.com/cb2"],
  client_name: "App",
  "client_name#ja-Jpan-JP": "アプリ",
  scope: "openid email",
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "client_secret_basic",
  contacts: ["a@example.com"]
}

/** A good answer, of the client that the operations of RFC 7592 work on. */
export const registered = {
  ...metadata,
  client_id: "client/1 %",
  client_secret: secrets.newSecret,
  client_secret_expires_at: 0,
  client_id_issued_at: 1_763_899_999,
  registration_access_token: secrets.newToken,
  registration_client_uri: "https://op.example/register/c1?client_id=client%2F1",
  vendor: { a: [1, null, { b: "" }] },
  vendor_reference: null,
  vendor_note: ""
}

const refused = { error: "invalid_client_metadata", error_description: "because", error_uri: "https://op.example/why" }

const names = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...Object.keys(ClientInformation.members)) },
  { weight: 2, arbitrary: fc.constantFrom(...Object.keys(registered)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "error",
      "error_description",
      "error_uri",
      "message",
      "code",
      "detail",
      "client_name#fr",
      "client_name#",
      "logo_uri#__proto__",
      "#fr",
      "disabled",
      ...oddNames
    )
  },
  { weight: 1, arbitrary: anyString }
)

const usableId = fc.oneof(
  { weight: 6, arbitrary: fc.constant(JSON.stringify(registered.client_id)) },
  { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 30 }).map((id) => JSON.stringify(id)) },
  { weight: 1, arbitrary: anyUnicode.filter((id) => id !== "").map((id) => JSON.stringify(id)) },
  // A server that makes an identifier of a secret.
  { weight: 3, arbitrary: fc.constantFrom(...Object.values(secrets)).map((id) => JSON.stringify(id)) },
  { weight: 1, arbitrary: fc.maxSafeInteger().map(String) }
)

const otherId: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constant("set" as const),
  name: fc.constant("client_id"),
  text: usableId
})

/** Members of whose type few others are. */
const rarely: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({
    kind: fc.constant("set" as const),
    name: fc.constantFrom("client_id_issued_at", "client_secret_expires_at", "default_max_age", "vendor"),
    text: fc.constantFrom("1e400", "-1e400", "[1e400]", "\"1e400\"", "4102444800000", "-1", "1.5", "\"12\"", "null")
  }),
  fc.record({
    kind: fc.constant("set" as const),
    name: fc.constantFrom("jwks", "vp_formats_supported", "vendor", "__proto__"),
    text: fc.constantFrom(62, 63, 64, 4000).map((depth) =>
      `${"{\"keys\":[".repeat(depth / 2)}${"]}".repeat(depth / 2)}`
    )
  })
)

/** Codes of errors that every object seems to know. */
const oddCode = fc.constantFrom(...oddNames).map((error) => JSON.stringify({ ...refused, error }))

const answer: fc.Arbitrary<WireAnswer> = answerWith(fc.oneof(
  {
    weight: 10,
    arbitrary: fc.tuple(
      mutated(
        [
          registered,
          registered,
          registered,
          { client_id: registered.client_id },
          refused,
          { ...registered, ...refused }
        ],
        names,
        fc.oneof(otherId, rarely)
      ),
      damage
    ).map(([text, change]) => change(text))
  },
  { weight: 1, arbitrary: oddCode },
  { weight: 3, arbitrary: jsonText },
  { weight: 2, arbitrary: anyString },
  { weight: 1, arbitrary: fc.constantFrom("", " ", "{}", "[]", "null", "{", "OK", "<!DOCTYPE html><p>Not found</p>") }
))

export const operations = ["process", "register", "read", "replace", "update", "rotate", "remove"] as const

/** One fuzz case: an operation, and the answers that it gets one after the other. */
export interface AnswerCase {
  readonly operation: (typeof operations)[number]
  readonly answers: ReadonlyArray<WireAnswer>
  readonly withProofs: boolean
  readonly deviations: "keep" | "fail"
}

export const answerCase: fc.Arbitrary<AnswerCase> = fc.record({
  operation: fc.constantFrom<ReadonlyArray<AnswerCase["operation"]>[number]>(
    ...operations,
    "process",
    "process",
    "register"
  ),
  answers: fc.array(answer, { minLength: 1, maxLength: 3 }),
  withProofs: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  deviations: fc.constantFrom<ReadonlyArray<AnswerCase["deviations"]>[number]>("keep", "keep", "keep", "fail")
})
