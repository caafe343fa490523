import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { repeatsOneOf, secretsIn, stringsIn, surelyRepeatsNone } from "../../../packages/core/src/internal/secrets.ts"
import { withoutSecrets } from "../../../packages/core/src/internal/serverText.ts"

// The one is searched for by what begins with a capital, the other by its longest run of letters and digits.
const sent = "initial-Access0Token-01234567890123456789"
const own = "cf136dc3c1fc93f31185e5885805d+/="

/** A secret as servers write it, some of which hide it from a search of the raw text. */
const spellings: ReadonlyArray<(secret: string) => string> = [
  (secret) => secret,
  encodeURIComponent,
  (secret) => Buffer.from(secret).toString("base64"),
  (secret) => Buffer.from(secret).toString("base64url"),
  (secret) => [...secret].join("\u200b"),
  (secret) => `${secret.slice(0, 9)}\u00ad${secret.slice(9)}`,
  (secret) => JSON.stringify({ secret }),
  (secret) => `https://op.example.com/clients/${encodeURIComponent(secret)}?a=b`
]

const text = fc.oneof(
  fc.string(),
  fc.constantFrom("client_id", "s6BhdRkqt3", own.slice(0, 12)),
  fc.tuple(fc.constantFrom(sent, own), fc.constantFrom(...spellings)).map(([secret, spell]) => spell(secret))
)

const members = fc.dictionary(
  fc.constantFrom("client_id", "client_name", "client_secret", "registration_access_token", "x_vendor", sent, own),
  fc.oneof(text, fc.array(text, { maxLength: 2 }), fc.record({ inner: text }), fc.constant(own))
)

/** JSON, also with letters and digits escaped. */
const written = (body: unknown, escaped: boolean): string => {
  const json = JSON.stringify(body)
  return escaped ? json.replace(/[a-f]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`) : json
}

/** As a text is scrubbed, which searches for nothing less than the whole secret. */
const repeatsByScrubbing = (secrets: ReadonlyArray<string>) => (value: unknown): boolean =>
  stringsIn(value).some((inner) => withoutSecrets(inner, secrets.filter(({ length }) => length >= 8)) !== inner)

const repeatsAnywhere = (body: Readonly<Record<string, unknown>>): boolean => {
  const repeats = repeatsByScrubbing([sent, ...secretsIn(body)])
  return Object.entries(body).some(([name, value]) =>
    repeats(name) || (name !== "client_secret" && name !== "registration_access_token" && repeats(value))
  )
}

describe("repeatsOneOf", () => {
  it("finds what scrubbing would take out, and nothing else", () => {
    let repeating = 0
    fc.assert(
      fc.property(text, (value) => {
        const repeats = repeatsByScrubbing([sent, own])(value)
        if (repeats) repeating++
        return repeatsOneOf([sent, own])(value) === repeats
      }),
      { numRuns: 2000, seed: 1 }
    )
    assert.isAbove(repeating, 500)
  })
})

describe("surelyRepeatsNone", () => {
  it("says so of no answer in which a member repeats a secret", () => {
    let sure = 0
    let repeating = 0
    fc.assert(
      fc.property(members, fc.boolean(), (body, escaped) => {
        const repeats = repeatsAnywhere(body)
        const none = surelyRepeatsNone(written(body, escaped), [sent], secretsIn(body))
        if (repeats) repeating++
        if (none) sure++
        return !(repeats && none)
      }),
      { numRuns: 5000, seed: 1 }
    )
    // Otherwise the above would have proved nothing.
    assert.isAbove(sure, 100)
    assert.isAbove(repeating, 1000)
  })

  it("says so of an ordinary answer", () => {
    const body = { client_id: "s6BhdRkqt3", client_secret: own, client_name: "Müller & Söhne", n: [1, { a: "b" }] }
    assert.isTrue(surelyRepeatsNone(JSON.stringify(body), [sent], secretsIn(body)))
  })
})
