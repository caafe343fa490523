/** Generators of answers: what a server, or whatever stands in its place, may send. */
import { ClientInformation } from "@effect-dcr/core"
import * as fc from "fast-check"
import { inspect } from "node:util"
import { anyString, anyUnicode, jsonText } from "./json.ts"
import { allForms, secrets } from "./secrets.ts"
import type { WireAnswer } from "./wire.ts"

// -----------------------------------------------------------------------------
// members
// -----------------------------------------------------------------------------

/** A JSON object as its members' texts, so that one can stand in it twice. */
type Members = ReadonlyArray<readonly [name: string, text: string]>

const toMembers = (body: object): Members =>
  Object.entries(body).map(([name, value]): readonly [string, string] => [name, JSON.stringify(value)])

const toText = (members: Members): string =>
  `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`

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
  vendor: { a: [1, null, { b: "" }] }
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
      "__proto__",
      "constructor",
      "toString",
      "toJSON",
      "hasOwnProperty",
      "then",
      "",
      "disabled"
    )
  },
  { weight: 1, arbitrary: anyString }
)

const usableId = fc.oneof(
  { weight: 6, arbitrary: fc.constant(JSON.stringify(registered.client_id)) },
  { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 30 }).map((id) => JSON.stringify(id)) },
  { weight: 1, arbitrary: anyUnicode.filter((id) => id !== "").map((id) => JSON.stringify(id)) },
  { weight: 1, arbitrary: fc.maxSafeInteger().map(String) }
)

type Mutation =
  | { readonly kind: "drop"; readonly name: string }
  | { readonly kind: "set"; readonly name: string; readonly text: string }
  | { readonly kind: "again"; readonly name: string; readonly text: string }
  | { readonly kind: "wrap"; readonly name: string; readonly open: string; readonly close: string }

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant("drop" as const), name: names }),
  fc.record({ kind: fc.constant("set" as const), name: names, text: jsonText }),
  fc.record({ kind: fc.constant("set" as const), name: names, text: jsonText }),
  fc.record({ kind: fc.constant("again" as const), name: names, text: jsonText }),
  fc.record({
    kind: fc.constant("wrap" as const),
    name: names,
    open: fc.constantFrom("[", "[[", "{\"value\":"),
    close: fc.constant("")
  }).map((wrap) => ({ ...wrap, close: wrap.open === "[" ? "]" : wrap.open === "[[" ? "]]" : "}" })),
  fc.record({ kind: fc.constant("set" as const), name: fc.constant("client_id"), text: usableId })
)

const mutate = (members: Members, change: Mutation): Members => {
  switch (change.kind) {
    case "drop":
      return members.filter(([name]) => name !== change.name)
    case "set":
      return members.some(([name]) => name === change.name)
        ? members.map(([name, text]) => [name, name === change.name ? change.text : text])
        : [...members, [change.name, change.text]]
    case "again":
      return [...members, [change.name, change.text]]
    case "wrap":
      return members.map(([name, text]) => [name, name === change.name ? change.open + text + change.close : text])
  }
}

const mutated = fc.tuple(
  fc.constantFrom<Members>(
    toMembers(registered),
    toMembers(registered),
    toMembers(registered),
    toMembers({ client_id: registered.client_id }),
    toMembers(refused),
    toMembers({ ...registered, ...refused })
  ),
  fc.array(mutation, { maxLength: 6 })
).map(([members, changes]) => toText(changes.reduce(mutate, members)))

// -----------------------------------------------------------------------------
// bodies
// -----------------------------------------------------------------------------

/** What happens to a text on its way. */
const damage = fc.oneof(
  { weight: 12, arbitrary: fc.constant((text: string) => text) },
  { weight: 1, arbitrary: fc.constant((text: string) => `\ufeff${text}`) },
  { weight: 1, arbitrary: fc.constant((text: string) => ` \r\n\t${text}\n`) },
  {
    weight: 1,
    arbitrary: fc.double({ min: 0, max: 1, noNaN: true }).map((part) => (text: string) =>
      text.slice(0, text.length * part)
    )
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("}", ",", "\u0000", "<html>", "{}").map((more) => (text: string) => text + more)
  },
  { weight: 1, arbitrary: fc.constant((text: string) => `[${text}]`) },
  { weight: 1, arbitrary: fc.constant((text: string) => JSON.stringify(text)) },
  { weight: 1, arbitrary: fc.constant((text: string) => `<pre>${text}</pre>`) },
  { weight: 1, arbitrary: fc.constant((text: string) => `{"data":${text}}`) }
)

const bodyText = fc.oneof(
  { weight: 10, arbitrary: fc.tuple(mutated, damage).map(([text, change]) => change(text)) },
  { weight: 3, arbitrary: jsonText },
  { weight: 2, arbitrary: anyString },
  { weight: 1, arbitrary: fc.constantFrom("", " ", "{}", "[]", "null", "{", "OK", "<!DOCTYPE html><p>Not found</p>") }
)

const encoder = new TextEncoder()

/** Bytes that a report of a failure shows as text. */
const shownAsText = (bytes: Uint8Array): Uint8Array =>
  Object.defineProperty(bytes, inspect.custom, {
    value: () => JSON.stringify(new TextDecoder().decode(bytes.subarray(0, 2000)))
  })

const body: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 8, arbitrary: bodyText.map((text) => encoder.encode(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(bodyText, fc.nat(), fc.nat(255)).map(([text, at, byte]) => {
      const bytes = encoder.encode(text)
      if (bytes.length > 0) bytes[at % bytes.length] = byte
      return bytes
    })
  }
).map(shownAsText)

// -----------------------------------------------------------------------------
// headers
// -----------------------------------------------------------------------------

/** Anything that the Headers class takes: bytes, but for the three that end a line. */
const headerText = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)), maxLength: 20 }),
  fc.constantFrom(...allForms),
  fc.constantFrom("", ",", "\"", "=", " ", "\\", "x".repeat(9000), "a=b, ".repeat(2000), "\"".repeat(3000))
).map((text) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, ""))

const challenge = fc.oneof(
  fc.constantFrom(
    "Bearer",
    "Bearer error=\"invalid_token\", error_description=\"expired\"",
    "DPoP error=\"use_dpop_nonce\"",
    "dpop ERROR=use_dpop_nonce, Bearer realm=x",
    "Basic dXNlcjpwYXNz",
    "Negotiate , , ,Bearer =",
    "Bearer error=\"unclosed"
  ),
  headerText
)

const headers: fc.Arbitrary<WireAnswer["headers"]> = fc.record({
  "content-type": fc.oneof(
    { weight: 6, arbitrary: fc.constant("application/json") },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        "text/plain",
        "text/html; charset=utf-8",
        "application/vnd.x+json",
        "application/JSON;charset=\"x\""
      )
    },
    { weight: 1, arbitrary: headerText }
  ),
  "cache-control": fc.oneof(fc.constant("no-store"), fc.constant("max-age=60"), headerText),
  "www-authenticate": fc.array(challenge, { minLength: 1, maxLength: 3 }).map((all) => all.join(", ")),
  "dpop-nonce": fc.oneof(fc.constantFrom("n-1", "n-2", "n 3", ""), headerText),
  "retry-after": fc.oneof(
    fc.constantFrom(
      "0",
      "5",
      "3600",
      "-1",
      "1e400",
      "9".repeat(30),
      "Fri, 31 Dec 1999 23:59:59 GMT",
      "Fri, 31 Dec 9999 23:59:59 GMT",
      "soon"
    ),
    headerText
  ),
  location: fc.oneof(
    fc.constantFrom(
      "https://elsewhere.example/x?token=1",
      "/there",
      "//x",
      "javascript:1",
      "https://user:pw@op.example/"
    ),
    fc.constantFrom(...allForms).map((form) => `https://elsewhere.example/${form.replace(/[^\x20-\x7e]/g, "")}`),
    headerText
  ),
  "content-length": fc.oneof(
    fc.constantFrom("0", "5", "99999999", "9".repeat(15), "9".repeat(16), "-1", "x"),
    headerText
  ),
  "content-encoding": fc.constantFrom("identity", "x-unheard-of"),
  "x-anything": headerText
}, { requiredKeys: [] })

// -----------------------------------------------------------------------------
// answers
// -----------------------------------------------------------------------------

const status = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(200, 201) },
  { weight: 2, arbitrary: fc.constantFrom(202, 203, 204, 205, 206, 299) },
  { weight: 4, arbitrary: fc.constantFrom(400, 400, 401, 401, 403, 404, 405, 409, 413, 415, 422) },
  { weight: 1, arbitrary: fc.constantFrom(429, 500, 501, 502, 503, 504) },
  { weight: 1, arbitrary: fc.constantFrom(301, 302, 303, 304, 307, 308) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 999 }) }
)

export const answer: fc.Arbitrary<WireAnswer> = fc.record({
  status,
  headers: fc.oneof(
    { weight: 1, arbitrary: fc.constant({ "content-type": "application/json", "cache-control": "no-store" }) },
    { weight: 1, arbitrary: headers }
  ),
  body,
  pieces: fc.constantFrom(1, 1, 1, 2, 3, 7),
  fault: fc.oneof(
    { weight: 60, arbitrary: fc.constant("none" as const) },
    { weight: 1, arbitrary: fc.constantFrom("reset" as const, "never" as const, "breaks" as const, "stalls" as const) }
  ),
  url: fc.oneof(
    { weight: 40, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("", "https://elsewhere.example/register", "not a url", "https://op.example/register#x")
    }
  )
})

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
