/** Generators of JSON texts, from the ordinary to what no serializer would write. */
import * as fc from "fast-check"
import { allForms } from "./secrets.ts"

const nested = (depth: number, open: string, close: string): string => `${open.repeat(depth)}1${close.repeat(depth)}`

const secretText = fc.tuple(fc.constantFrom("", "see ", "https://op.example/x?token="), fc.constantFrom(...allForms))
  .map(([before, form]) => before + form)

/** Of all code points; fast-check's own `binary` strings take a second to set up. */
export const anyUnicode = fc.string({
  unit: fc.oneof(fc.nat(0x2fff), fc.nat(0x10ffff)).map((code) => String.fromCodePoint(code)),
  maxLength: 20
})

/** Strings that a server may write anywhere. */
export const anyString: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 2, arbitrary: anyUnicode },
  {
    weight: 1,
    arbitrary: fc.string({ unit: fc.constantFrom("\ud800", "\udfff", "\u0000", "\u202e", "a"), maxLength: 5 })
  },
  { weight: 2, arbitrary: secretText },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "",
      " ",
      "0",
      "true",
      "null",
      "1763900000",
      "1763900000000",
      "-5",
      "9".repeat(40),
      "https://app.example.com/cb",
      "/register/c1",
      "//elsewhere.example/x",
      "javascript:alert(1)",
      "https://user:pass@op.example/x?y=1#z",
      "http://[::1",
      "<!doctype html><html><body>no</body></html>",
      "line\r\nbreak\u2028and \u001b[31mcolour",
      "__proto__",
      "invalid_redirect_uri",
      "use_dpop_nonce",
      "x".repeat(4000)
    )
  }
)

/** The text of a JSON value. */
export const jsonText: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: anyString.map((text) => JSON.stringify(text)) },
  { weight: 4, arbitrary: fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)) },
  { weight: 2, arbitrary: fc.array(anyString, { maxLength: 4 }).map((texts) => JSON.stringify(texts)) },
  { weight: 1, arbitrary: anyString.map((text) => JSON.stringify({ value: text, nested: [{ client_secret: text }] })) },
  { weight: 1, arbitrary: fc.double().map((number) => Number.isFinite(number) ? String(number) : "1e999") },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "null",
      "true",
      "false",
      "\"\"",
      "[]",
      "{}",
      "[null]",
      "[\"\"]",
      "0",
      "-0",
      "-1",
      "1e400",
      "-1e400",
      "1.5",
      "123456789012345678901234567890",
      "1763900000000",
      "4102444800",
      "\"\\ud800\"",
      "\"\\u0000\"",
      "{\"__proto__\":{\"polluted\":true}}",
      "{\"constructor\":{\"prototype\":{\"polluted\":true}}}",
      "{\"keys\":[]}",
      "{\"keys\":[{\"kty\":\"EC\",\"d\":\"x\"}]}",
      nested(5, "[", "]"),
      nested(62, "[", "]"),
      nested(63, "{\"a\":", "}"),
      nested(64, "[", "]"),
      nested(4000, "[", "]"),
      nested(4000, "{\"a\":", "}"),
      JSON.stringify("y".repeat(30_000)),
      JSON.stringify(Array.from({ length: 500 }, (_, index) => `https://app.example.com/${index}`))
    )
  }
)
