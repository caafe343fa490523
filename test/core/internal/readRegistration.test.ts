import * as ClientInformation from "@effect-dcr/core/ClientInformation"
import type * as ClientMetadata from "@effect-dcr/core/ClientMetadata"
import * as Deviation from "@effect-dcr/core/Deviation"
import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import { isJsonObject, parseJson } from "../../../packages/core/src/internal/answer.ts"
import { readRegistration } from "../../../packages/core/src/internal/readRegistration.ts"

const now = 1_700_000_000

const circumstances = (requested: ClientMetadata.ClientMetadata = {}) => ({
  requested,
  endpoint: "https://op.example/a/register",
  now,
  maxDepth: 64
})

/** A good answer: nothing in it departs from the specifications. */
const good = {
  client_id: "c",
  client_secret: "s3cret",
  client_secret_expires_at: 0,
  client_id_issued_at: now,
  registration_access_token: "t0ken",
  registration_client_uri: "https://op.example/a/register/c",
  redirect_uris: ["https://app.example/cb"],
  token_endpoint_auth_method: "client_secret_basic",
  grant_types: ["authorization_code"],
  response_types: ["code"]
}

const read = (members: object, requested?: ClientMetadata.ClientMetadata) =>
  readRegistration({ ...good, ...members }, circumstances(requested))

const departures = (members: object, requested?: ClientMetadata.ClientMetadata): ReadonlyArray<string> =>
  read(members, requested)?.deviations.map(({ id, member }) => `${id} ${member}`) ?? assert.fail("no client")

const without = (...names: ReadonlyArray<string>) => Object.fromEntries(names.map((name) => [name, undefined]))

/** A body without the members that are `undefined`, as JSON makes it. */
const body = (members: object) => {
  const parsed: unknown = JSON.parse(JSON.stringify({ ...good, ...members }))
  return typeof parsed === "object" && parsed !== null ? { ...parsed } : {}
}

const departuresWithout = (
  names: ReadonlyArray<string>,
  members: object = {},
  requested?: ClientMetadata.ClientMetadata
) =>
  readRegistration(body({ ...without(...names), ...members }), circumstances(requested))?.deviations.map((
    { id, member }
  ) => `${id} ${member}`)

describe("a good answer", () => {
  it("departs from nothing", () => {
    assert.deepStrictEqual(departures({}), [])
  })

  it("every member of it is there, its secrets redacted, its extensions apart", () => {
    const reading = read({ "client_name#ja": "\u540d", disabled: false, reference_id: { a: [1] } })
    const { client_secret, registration_access_token, ...others } = reading?.information ?? assert.fail("no client")
    const { client_secret: _1, registration_access_token: _2, ...expected } = good
    assert.deepStrictEqual<object>({ ...others }, { ...expected, "client_name#ja": "\u540d" })
    assert.strictEqual(client_secret === undefined ? undefined : Redacted.value(client_secret), "s3cret")
    assert.strictEqual(
      registration_access_token === undefined ? undefined : Redacted.value(registration_access_token),
      "t0ken"
    )
    assert.deepStrictEqual(reading?.extensions, { disabled: false, reference_id: { a: [1] } })
  })
})

describe("the client_id", () => {
  it("is all that it takes", () => {
    const reading = readRegistration({ client_id: "c" }, circumstances({ token_endpoint_auth_method: "none" }))
    assert.deepStrictEqual(reading, { information: { client_id: "c" }, extensions: {}, deviations: [] })
  })

  it("may hold anything", () => {
    for (
      const id of ["a/b", "a%2Fb", "a+b c", " ", "日本語", "https://rp.example/?a=b#c", "__proto__", "x".repeat(10_000)]
    ) {
      assert.strictEqual(read({ client_id: id })?.information.client_id, id)
    }
  })

  it("is repaired when it is a number", () => {
    assert.strictEqual(read({ client_id: 4711 })?.information.client_id, "4711")
    assert.deepStrictEqual(departures({ client_id: 4711 }), ["repaired-member client_id"])
  })

  it("without it, there is no client", () => {
    for (const id of [undefined, null, "", {}, [], ["c"], true, 1.5, 2 ** 60]) {
      assert.isUndefined(read({ client_id: id }), JSON.stringify(id))
    }
    assert.isUndefined(readRegistration({}, circumstances()))
    assert.isUndefined(
      readRegistration({ ...good, client_id: undefined, ["__proto__"]: { client_id: "c" } }, circumstances())
    )
  })
})

describe("null and empty members are left out", () => {
  const names = Object.keys(ClientInformation.members).filter((name) => name !== "client_id")
  it("each of them", () => {
    for (const name of names) {
      for (const [value, id] of [[null, "null-member"], ["", "empty-member"]] as const) {
        const reading = read({ [name]: value })
        assert.isFalse(Object.hasOwn(reading?.information ?? {}, name), name)
        assert.include(departures({ [name]: value }), `${id} ${name}`)
      }
    }
  })

  it("as real servers send them", () => {
    assert.deepStrictEqual(
      departures({ contacts: null, logo_uri: "", client_uri: "", tos_uri: null, "client_name#de": "" }),
      [
        "null-member contacts",
        "null-member tos_uri",
        "empty-member client_uri",
        "empty-member logo_uri",
        "empty-member client_name#de"
      ]
    )
  })
})

describe("repairs", () => {
  const repaired: ReadonlyArray<readonly [member: string, value: unknown, read: unknown]> = [
    ["client_secret_expires_at", "0", 0],
    ["client_id_issued_at", "1700000000", 1_700_000_000],
    ["default_max_age", "3600", 3600],
    ["require_auth_time", "true", true],
    ["dpop_bound_access_tokens", "false", false],
    ["software_version", 3, "3"],
    ["client_name", 0, "0"],
    ["scope", ["openid", "email"], "openid email"],
    ["redirect_uris", "https://app.example/cb", ["https://app.example/cb"]],
    ["redirect_uris", "https://app.example/cb?a=1,2 https://b.example/", [
      "https://app.example/cb?a=1,2",
      "https://b.example/"
    ]],
    ["redirect_uris", "https://a.example/, https://b.example/", ["https://a.example/", "https://b.example/"]],
    ["redirect_uris", "[\"https://app.example/cb\"]", ["https://app.example/cb"]],
    ["grant_types", "authorization_code refresh_token", ["authorization_code", "refresh_token"]],
    ["grant_types", "authorization_code,refresh_token", ["authorization_code", "refresh_token"]],
    ["response_types", "code id_token", ["code id_token"]],
    ["contacts", "a@example.com", ["a@example.com"]],
    ["contacts", "Jane Doe <jane@example.com>, joe@example.com", ["Jane Doe <jane@example.com>", "joe@example.com"]],
    ["jwks", "{\"keys\":[{\"kty\":\"EC\"}]}", { keys: [{ kty: "EC" }] }]
  ]
  for (const [member, value, expected] of repaired) {
    it(`${member}: ${JSON.stringify(value)}`, () => {
      const reading = read({ [member]: value })
      const information: object = reading?.information ?? {}
      assert.deepStrictEqual(Reflect.get(information, member), expected)
      assert.include(departures({ [member]: value }), `repaired-member ${member}`)
    })
  }

  it("of a secret keep it redacted", () => {
    const reading = read({ client_secret: 123_456 })
    const secret = reading?.information.client_secret
    assert.strictEqual(secret === undefined ? undefined : Redacted.value(secret), "123456")
    assert.notInclude(JSON.stringify(reading), "123456")
  })

  it("are not invented: what cannot be read is left out", () => {
    const malformed: ReadonlyArray<readonly [member: string, value: unknown]> = [
      ["client_secret_expires_at", "never"],
      ["client_secret_expires_at", "2030-01-01T00:00:00Z"],
      ["client_secret_expires_at", true],
      ["client_id_issued_at", parseJson("1e400")],
      ["client_id_issued_at", {}],
      ["require_auth_time", "yes"],
      ["require_auth_time", 1],
      ["scope", { openid: true }],
      ["scope", ["openid", 5]],
      ["scope", []],
      ["scope", [""]],
      ["jwks", parseJson("{\"keys\":[{\"kty\":\"EC\",\"x\":1e400}]}")],
      ["redirect_uris", { uri: "https://app.example/cb" }],
      ["redirect_uris", ["https://app.example/cb", null]],
      ["redirect_uris", "[https://app.example/cb]"],
      ["grant_types", [["authorization_code"]]],
      ["client_name", ["a"]],
      ["client_name#de", 5.5],
      ["jwks", "no JSON"],
      ["jwks", []],
      ["jwks", { keys: "none" }],
      ["client_secret", { value: "s3cret" }],
      ["client_secret", ["s3cret"]],
      ["registration_access_token", true],
      ["registration_client_uri", ["https://op.example/"]]
    ]
    for (const [member, value] of malformed) {
      const reading = read({ [member]: value })
      assert.isFalse(Object.hasOwn(reading?.information ?? {}, member), `${member}: ${JSON.stringify(value)}`)
      assert.include(departures({ [member]: value }), `malformed-member ${member}`)
      assert.notInclude(JSON.stringify(reading?.deviations), "s3cret")
    }
  })

  it("open enumerations need none", () => {
    assert.deepStrictEqual(
      departures({
        application_type: "service",
        token_endpoint_auth_method: "attest_jwt_client_auth",
        grant_types: ["urn:example:grant"],
        response_types: ["id_token code", "vp_token"],
        subject_type: "x"
      }),
      []
    )
  })
})

describe("times and secrets", () => {
  it("milliseconds become seconds", () => {
    const reading = read({ client_id_issued_at: 1_700_000_000_000, client_secret_expires_at: 1_800_000_000_999 })
    assert.strictEqual(reading?.information.client_id_issued_at, 1_700_000_000)
    assert.strictEqual(reading?.information.client_secret_expires_at, 1_800_000_000)
    assert.deepStrictEqual(reading?.deviations.map(({ id, member }) => `${id} ${member}`), [
      "milliseconds client_id_issued_at",
      "milliseconds client_secret_expires_at"
    ])
    assert.deepStrictEqual(departures({ client_secret_expires_at: 100_000_000_000 }), [])
  })

  it("a secret without expiry, or with one that has passed", () => {
    assert.deepStrictEqual(departuresWithout(["client_secret_expires_at"]), [
      "missing-secret-expiry client_secret_expires_at"
    ])
    assert.deepStrictEqual(departures({ client_secret_expires_at: null }), [
      "null-member client_secret_expires_at",
      "missing-secret-expiry client_secret_expires_at"
    ])
    for (const expiry of [now, now - 1, 1, -1]) {
      assert.deepStrictEqual(departures({ client_secret_expires_at: expiry }), [
        "expired-secret client_secret_expires_at"
      ])
    }
    assert.deepStrictEqual(departures({ client_secret_expires_at: now + 1 }), [])
  })

  it("an expiry without a secret says nothing", () => {
    assert.deepStrictEqual(departuresWithout(["client_secret"], { token_endpoint_auth_method: "none" }), [])
    assert.deepStrictEqual(
      departuresWithout(["client_secret"], { token_endpoint_auth_method: "none", client_secret_expires_at: 1 }),
      []
    )
  })

  it("an auth method that needs a secret, and none came", () => {
    for (const method of ["client_secret_basic", "client_secret_post", "client_secret_jwt"]) {
      assert.deepStrictEqual(departuresWithout(["client_secret"], { token_endpoint_auth_method: method }), [
        "missing-secret client_secret"
      ])
    }
    for (const method of ["none", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth", "x"]) {
      assert.deepStrictEqual(departuresWithout(["client_secret"], { token_endpoint_auth_method: method }), [])
    }
  })

  it("the method that was asked for counts when the answer does not say", () => {
    const silent = ["client_secret", "token_endpoint_auth_method"]
    assert.deepStrictEqual(departuresWithout(silent, {}, { token_endpoint_auth_method: "client_secret_post" }), [
      "missing-secret client_secret"
    ])
    assert.deepStrictEqual(departuresWithout(silent, {}, { token_endpoint_auth_method: "none" }), [])
    // RFC 7591 §2: without a word about it the method is client_secret_basic. A statement may have that word.
    assert.deepStrictEqual(departuresWithout(silent), ["missing-secret client_secret"])
    assert.deepStrictEqual(
      departuresWithout(silent, { software_statement: "a.b.c" }, { software_statement: "a.b.c" }),
      []
    )
  })

  it("a secret for a public client", () => {
    assert.deepStrictEqual(departures({ token_endpoint_auth_method: "none" }), ["needless-secret client_secret"])
    assert.deepStrictEqual(
      departuresWithout(["token_endpoint_auth_method"], {}, { token_endpoint_auth_method: "none" }),
      ["needless-secret client_secret"]
    )
  })
})

describe("management (RFC 7592 §3)", () => {
  const uri = (value: string) => read({ registration_client_uri: value })?.information.registration_client_uri

  it("a relative URI is resolved against the endpoint", () => {
    const table: ReadonlyArray<readonly [uri: string, resolved: string]> = [
      ["/clients/c", "https://op.example/clients/c"],
      ["register/c", "https://op.example/a/register/c"],
      ["?client_id=c", "https://op.example/a/register?client_id=c"],
      ["//other.example/c", "https://other.example/c"]
    ]
    for (const [relative, resolved] of table) {
      assert.strictEqual(uri(relative), resolved)
      assert.deepStrictEqual(departures({ registration_client_uri: relative }), [
        "relative-registration-client-uri registration_client_uri"
      ])
    }
  })

  it("a qualified one stays as it is, to the letter", () => {
    for (const value of ["https://op.example/c?a=%7eb&flag", "HTTPS://OP.EXAMPLE/C", "https://other.example:444/%2F"]) {
      assert.strictEqual(uri(value), value)
      assert.deepStrictEqual(departures({ registration_client_uri: value }), [])
    }
  })

  it("one that is none is left out", () => {
    assert.isUndefined(uri("http://["))
    assert.deepStrictEqual(departures({ registration_client_uri: "http://[" }), [
      "malformed-member registration_client_uri",
      "missing-registration-client-uri registration_client_uri"
    ])
  })

  it("a token without a URI, and the other way round", () => {
    assert.deepStrictEqual(departuresWithout(["registration_client_uri"]), [
      "missing-registration-client-uri registration_client_uri"
    ])
    assert.deepStrictEqual(departuresWithout(["registration_access_token"]), [
      "missing-registration-access-token registration_access_token"
    ])
    assert.deepStrictEqual(departuresWithout(["registration_access_token", "registration_client_uri"]), [])
  })
})

describe("against what was asked", () => {
  it("a redirect URI that was dropped", () => {
    const asked = { redirect_uris: ["https://app.example/cb", "https://app.example/other"] }
    assert.deepStrictEqual(departures({}, asked), ["dropped-redirect-uri redirect_uris"])
    assert.deepStrictEqual(departures({ redirect_uris: [] }, asked), ["dropped-redirect-uri redirect_uris"])
    assert.deepStrictEqual(departures({ redirect_uris: [...asked.redirect_uris, "https://x.example"] }, asked), [])
    // Without an echo nothing is known.
    assert.deepStrictEqual(departuresWithout(["redirect_uris"], {}, asked), [])
    assert.deepStrictEqual(
      departuresWithout(["redirect_uris"], { client_name: "App" }, { ...asked, client_name: "a" }),
      [
        "dropped-redirect-uri redirect_uris"
      ]
    )
  })

  it("a software statement that did not come back as it was sent", () => {
    const asked = { software_statement: "a.b.c" }
    assert.deepStrictEqual(departures({ software_statement: "a.b.c" }, asked), [])
    assert.deepStrictEqual(departures({ software_statement: "a.b.d" }, asked), [
      "changed-software-statement software_statement"
    ])
    assert.deepStrictEqual(departures({}, asked), ["changed-software-statement software_statement"])
    assert.deepStrictEqual(departures({ software_statement: "a.b.c" }), [])
  })
})

describe("a secret in another member", () => {
  const long = { client_secret: "s3cret-that-is-long", registration_access_token: "t0ken-that-is-long" }

  it("is left out with it, wherever it stands", () => {
    const reading = read({
      ...long,
      client_name: "my s3cret-that-is-long",
      contacts: ["a", encodeURIComponent("t0ken-that-is-long")],
      "tos_uri#de": "https://op.example/t0ken-that-is-long"
    })
    assert.deepStrictEqual(reading?.deviations.map(({ id, member }) => `${id} ${member}`), [
      "repeated-secret client_name",
      "repeated-secret contacts",
      "repeated-secret tos_uri#de"
    ])
    for (const name of ["client_name", "contacts", "tos_uri#de"]) {
      assert.isFalse(Object.hasOwn(reading?.information ?? {}, name))
    }
    assert.notInclude(JSON.stringify(reading?.deviations), "that-is-long")
  })

  it("is no reason to lose the client, or the way to delete it", () => {
    const uri = "https://op.example/s3cret-that-is-long"
    const reading = read({ ...long, client_id: "s3cret-that-is-long", registration_client_uri: uri })
    assert.strictEqual(reading?.information.client_id, "s3cret-that-is-long")
    assert.strictEqual(reading?.information.registration_client_uri, uri)
    assert.deepStrictEqual(reading?.deviations, [])
  })
})

describe("hostile answers", () => {
  it("__proto__ and its like are extensions like any other", () => {
    const parsed = parseJson(
      `{"client_id":"c","token_endpoint_auth_method":"none","__proto__":{"polluted":1},"constructor":2,"toString":3,"hasOwnProperty":4}`
    )
    const reading = isJsonObject(parsed) ? readRegistration(parsed, circumstances()) : undefined
    if (reading === undefined) return assert.fail("no client")
    assert.deepStrictEqual(Object.entries(reading.extensions), [
      ["__proto__", { polluted: 1 }],
      ["constructor", 2],
      ["toString", 3],
      ["hasOwnProperty", 4]
    ])
    assert.strictEqual(Object.getPrototypeOf(reading.extensions), Object.prototype)
    assert.strictEqual(Object.getPrototypeOf(reading.information), Object.prototype)
    assert.isUndefined(Reflect.get({}, "polluted"))
    assert.deepStrictEqual(reading.deviations, [])
  })

  it("members that are nested too deeply are left out, and the client is kept", () => {
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = i % 2 === 0 ? [deep] : { keys: [deep] }
    const reading = read({ jwks: { keys: [{ a: deep }] }, vendor: deep, other: [1], "client_name#de": deep })
    assert.strictEqual(reading?.information.client_id, "c")
    assert.deepStrictEqual(reading?.extensions, { other: [1] })
    assert.deepStrictEqual(reading?.deviations.map(({ id, member }) => `${id} ${member}`), [
      "malformed-member jwks",
      "malformed-member client_name#de",
      "malformed-member vendor"
    ])
    assert.doesNotThrow(() => JSON.stringify(reading))
  })

  it("a text of JSON is not nested more deeply than the answer may be", () => {
    const deep = `{"keys":[{"a":${"[".repeat(70)}${"]".repeat(70)}}]}`
    assert.deepStrictEqual(departures({ jwks: deep }), ["malformed-member jwks"])
  })

  it("the depth counts the answer itself as the first level", () => {
    const of = (maxDepth: number) =>
      Object.keys(
        readRegistration({ ...good, a: 1, b: {}, c: { d: 1 }, e: { f: [1] } }, { ...circumstances(), maxDepth })
          ?.extensions ?? {}
      )
    assert.deepStrictEqual(of(3), ["a", "b", "c", "e"])
    assert.deepStrictEqual(of(2), ["a", "b", "c"])
  })

  it("names with control characters, or without end, are cleaned where they are shown", () => {
    const reading = read({ "client_name#\u001b[31m\n": null, [`client_uri#${"x".repeat(100_000)}`]: null })
    const shown = reading?.deviations ?? []
    assert.strictEqual(shown.length, 2)
    for (const { member = "", message } of shown) {
      assert.isAtMost(member.length, 300)
      assert.isAtMost(message.length, 400)
      assert.notMatch(member + message, /\p{Cc}/u)
    }
  })

  it("a long run of white space in a list takes no quadratic time", () => {
    // With a pattern that looks for white space on both sides of a comma this takes minutes.
    const start = performance.now()
    assert.deepStrictEqual(
      read({ client_id: "c", contacts: `a${" ".repeat(400_000)}b` })?.information.contacts?.length,
      1
    )
    assert.isBelow(performance.now() - start, 10_000)
  })

  it("200,000 members are read in time", () => {
    const many = Object.fromEntries(Array.from({ length: 200_000 }, (_, index) => [`x${index}`, index]))
    const start = performance.now()
    assert.strictEqual(Object.keys(read(many)?.extensions ?? {}).length, 200_000)
    assert.isBelow(performance.now() - start, 20_000)
  })
})

describe("the order of deviations", () => {
  it("is that of their ids, then of the specifications, whatever the order of the answer", () => {
    const members = {
      software_version: 5,
      registration_client_uri: "/c",
      tos_uri: null,
      client_id_issued_at: 1_700_000_000_000,
      contacts: null,
      client_name: "",
      logo_uri: [],
      "client_name#b": null,
      "client_name#a": null
    }
    const expected = [
      "null-member contacts",
      "null-member tos_uri",
      "null-member client_name#a",
      "null-member client_name#b",
      "empty-member client_name",
      "repaired-member software_version",
      "malformed-member logo_uri",
      "milliseconds client_id_issued_at",
      "relative-registration-client-uri registration_client_uri"
    ]
    assert.deepStrictEqual(departures(members), expected)
    assert.deepStrictEqual(departures(Object.fromEntries(Object.entries(members).reverse())), expected)
  })

  it("two are in order, too", () => {
    assert.deepStrictEqual(departures({ client_uri: "", contacts: null }), [
      "null-member contacts",
      "empty-member client_uri"
    ])
  })

  it("each is fit for the schema, and names no value", () => {
    const deviations = read({ client_secret: ["s3cret"], logo_uri: 5, contacts: null })?.deviations ?? []
    assert.strictEqual(deviations.length, 4)
    for (const deviation of deviations) {
      assert.include(Deviation.DeviationId.literals, deviation.id)
      assert.match(deviation.section, /^RFC 759[12] §/)
      assert.include(deviation.message, deviation.member ?? "")
      assert.notInclude(JSON.stringify(deviation), "s3cret")
    }
  })
})
