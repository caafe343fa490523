/** Generators of answers on the wire: statuses, headers, bytes, and what the connection does. */
import * as fc from "fast-check"
import { inspect } from "node:util"
import { allForms } from "./secrets.ts"
import type { WireAnswer } from "./wire.ts"

const encoder = new TextEncoder()

/** Bytes that a report of a failure shows as text. */
const shownAsText = (bytes: Uint8Array): Uint8Array =>
  Object.defineProperty(bytes, inspect.custom, {
    value: () => JSON.stringify(new TextDecoder().decode(bytes.subarray(0, 2000)))
  })

/** A text as bytes, now and then with a wrong one, or bytes of any kind. */
const bodyOf = (bodyText: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
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

const status = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(200, 201) },
  { weight: 2, arbitrary: fc.constantFrom(202, 203, 204, 205, 206, 299) },
  { weight: 4, arbitrary: fc.constantFrom(400, 400, 401, 401, 403, 404, 405, 409, 413, 415, 422) },
  { weight: 1, arbitrary: fc.constantFrom(429, 500, 501, 502, 503, 504) },
  { weight: 1, arbitrary: fc.constantFrom(301, 302, 303, 304, 307, 308) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 999 }) }
)

/** Answers with one of these texts. */
export const answerWith = (text: fc.Arbitrary<string>): fc.Arbitrary<WireAnswer> =>
  fc.record({
    status,
    headers: fc.oneof(
      { weight: 1, arbitrary: fc.constant({ "content-type": "application/json", "cache-control": "no-store" }) },
      { weight: 1, arbitrary: headers }
    ),
    body: bodyOf(text),
    pieces: fc.constantFrom(1, 1, 1, 2, 3, 7),
    fault: fc.oneof(
      { weight: 20, arbitrary: fc.constant("none" as const) },
      {
        weight: 1,
        arbitrary: fc.constantFrom("reset" as const, "never" as const, "breaks" as const, "stalls" as const)
      }
    ),
    url: fc.oneof(
      { weight: 40, arbitrary: fc.constant(undefined) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          "",
          "https://elsewhere.example/register",
          "not a url",
          "https://op.example/register#x"
        )
      }
    )
  })
