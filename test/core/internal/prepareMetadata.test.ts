import type { AuthorizationServer } from "@effect-dcr/core/AuthorizationServer"
import type { ClientMetadata } from "@effect-dcr/core/ClientMetadata"
import type { MetadataOptions } from "@effect-dcr/core/MetadataPreset"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { checkMetadata, prepareMetadata } from "../../../packages/core/src/internal/prepareMetadata.ts"
import { failsWith } from "../../support/failure.ts"
import { unchecked } from "../../support/unchecked.ts"

const prepare = (asked: object, server: Partial<AuthorizationServer> = {}, options?: MetadataOptions) =>
  prepareMetadata({ issuer: "https://op.example", ...server }, unchecked<ClientMetadata>(asked), options)

/** What is filled in. */
const filled = (asked: object, server: Partial<AuthorizationServer> = {}, options?: MetadataOptions): object => {
  const { filledIn, metadata } = prepare(asked, server, options)
  const all: Readonly<Record<string, unknown>> = { ...metadata }
  for (const [name, value] of Object.entries(asked)) {
    if (value !== undefined) assert.strictEqual(all[name], value)
  }
  return Object.fromEntries(filledIn.map((name) => [name, all[name]]))
}

const web = { redirect_uris: ["https://app.example/cb"] }

describe("what is sent", () => {
  it("is what was asked, without what is undefined", () => {
    const { filledIn, metadata } = prepare({ ...web, scope: undefined, vendor: null })
    assert.deepStrictEqual<object>(metadata, { ...web, vendor: null })
    assert.deepStrictEqual(filledIn, [])
  })

  it("leaves the caller's metadata alone", () => {
    const asked = Object.freeze({ redirect_uris: Object.freeze(["http://localhost/cb"]) })
    assert.deepStrictEqual(prepare(asked).filledIn, ["application_type"])
    assert.deepStrictEqual(Object.keys(asked), ["redirect_uris"])
  })
})

describe("application_type (OpenID Connect Registration §2)", () => {
  const native = { application_type: "native" }
  it("is native for loopback and custom schemes", () => {
    for (
      const uri of [
        "http://localhost/cb",
        "http://localhost:3000/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:8080/cb",
        "com.example.app:/cb",
        "urn:ietf:wg:oauth:2.0:oob"
      ]
    ) {
      assert.deepStrictEqual(filled({ redirect_uris: [uri] }), native, uri)
      assert.deepStrictEqual(filled({ redirect_uris: ["https://app.example/cb", uri] }), native, uri)
    }
  })

  it("is left to the server otherwise", () => {
    for (const uri of ["https://app.example/cb", "https://localhost/cb", "http://app.example/cb", "no URL"]) {
      assert.deepStrictEqual(filled({ redirect_uris: [uri] }), {}, uri)
    }
    assert.deepStrictEqual(filled({ redirect_uris: [] }), {})
  })

  it("is the caller's when the caller said it", () => {
    assert.deepStrictEqual(filled({ redirect_uris: ["http://localhost/cb"], application_type: "web" }), {})
  })
})

describe("response_types (RFC 7591 §2.1)", () => {
  it("are none without a redirect grant", () => {
    for (
      const grants of [["client_credentials"], ["refresh_token", "urn:ietf:params:oauth:grant-type:device_code"], []]
    ) {
      assert.deepStrictEqual(filled({ grant_types: grants }), { response_types: [] })
    }
  })

  it("are left to the server with one, and to the caller who said them", () => {
    assert.deepStrictEqual(filled({ ...web, grant_types: ["authorization_code", "client_credentials"] }), {})
    assert.deepStrictEqual(filled(web), {})
    assert.deepStrictEqual(filled({ grant_types: ["client_credentials"], response_types: ["code"] }), {})
  })
})

describe("token_endpoint_auth_method (RFC 7591 §2)", () => {
  const method = (supported: ReadonlyArray<string> | undefined, asked: object = web): unknown =>
    Reflect.get(filled(asked, { token_endpoint_auth_methods_supported: supported }), "token_endpoint_auth_method")

  it("is left to the server's default where the server takes it, or does not say", () => {
    assert.isUndefined(method(undefined))
    assert.isUndefined(method([]))
    assert.isUndefined(method(["none", "client_secret_basic"]))
  })

  it("is the next best that the server takes", () => {
    assert.strictEqual(method(["none", "client_secret_post"]), "client_secret_post")
    assert.strictEqual(method(["none"]), "none")
    assert.isUndefined(method(["attest_jwt_client_auth"]))
  })

  it("is a key's only where the client has one", () => {
    const supported = ["none", "private_key_jwt"]
    assert.strictEqual(method(supported), "none")
    assert.strictEqual(method(supported, { ...web, jwks: { keys: [] } }), "none")
    assert.strictEqual(method(supported, { ...web, jwks: { keys: [{ kty: "EC" }] } }), "private_key_jwt")
    assert.strictEqual(method(supported, { ...web, jwks_uri: "https://app.example/jwks" }), "private_key_jwt")
  })

  it("is never none for the client credentials grant (RFC 6749 §4.4)", () => {
    assert.isUndefined(method(["none"], { grant_types: ["client_credentials"] }))
    assert.strictEqual(
      method(["none", "client_secret_post"], { grant_types: ["client_credentials"] }),
      "client_secret_post"
    )
  })

  it("is the caller's when the caller said it", () => {
    assert.isUndefined(method(["none"], { ...web, token_endpoint_auth_method: "client_secret_basic" }))
  })
})

describe("nothing is filled in", () => {
  it("under a software statement, which may say it (RFC 7591 §2.3)", () => {
    const asked = { redirect_uris: ["http://localhost/cb"], software_statement: "a.b.c" }
    assert.deepStrictEqual(filled(asked, { token_endpoint_auth_methods_supported: ["none"] }), {})
  })

  it("over a member that has not its type, or that the caller wants deleted: it is refused", () => {
    const asked = {
      redirect_uris: "http://localhost/cb",
      grant_types: "client_credentials",
      application_type: null,
      response_types: "",
      token_endpoint_auth_method: 5
    }
    const { filledIn, metadata, violations } = prepare(asked, { token_endpoint_auth_methods_supported: ["none"] })
    assert.deepStrictEqual(filledIn, [])
    assert.deepStrictEqual<object>(metadata, asked)
    for (const name of Object.keys(asked)) {
      assert.isTrue(violations.some(({ member, severity }) => member === name && severity === "error"), name)
    }
  })
})

describe("presets", () => {
  const preset = {
    fillIn: (metadata: ClientMetadata): ClientMetadata => ({
      scope: "a",
      client_name: undefined,
      grant_types: ["client_credentials"],
      contacts: (metadata.redirect_uris ?? []).map((uri) => uri.toUpperCase())
    }),
    rules: []
  }

  it("go before what is filled in for anybody, and the caller before both", () => {
    assert.deepStrictEqual(filled({ scope: "mine" }, {}, { preset }), {
      grant_types: ["client_credentials"],
      contacts: [],
      response_types: []
    })
  })

  it("change nothing that the caller said, also by writing into what they are given", () => {
    const writing = {
      fillIn: (metadata: ClientMetadata) => Object.assign(metadata, { scope: "a", vendor: 1n, contacts: ["b"] }),
      rules: []
    }
    const asked = { scope: "mine", vendor: 2 }
    const { filledIn, metadata } = prepare(asked, {}, { preset: writing })
    assert.deepStrictEqual(filledIn, ["contacts"])
    assert.deepStrictEqual<object>(metadata, { ...asked, contacts: ["b"] })
    assert.deepStrictEqual(asked, { scope: "mine", vendor: 2 })
  })

  it("are refused what they fill in of another type, whatever is made of such a member", () => {
    for (const name of ["redirect_uris", "grant_types"]) {
      const wrong = { fillIn: () => unchecked<ClientMetadata>({ [name]: "https://app.example/cb" }), rules: [] }
      const server = { token_endpoint_auth_methods_supported: ["none"] }
      const { metadata, violations } = prepare({}, server, { preset: wrong })
      assert.propertyVal(metadata, name, "https://app.example/cb")
      assert.isTrue(violations.some(({ member, rule }) => rule === "member-type" && member === name))
    }
  })

  it("see no member that has not its type", () => {
    assert.doesNotThrow(() => prepare({ redirect_uris: "x" }, {}, { preset }))
    assert.doesNotThrow(() => prepare({ redirect_uris: [5] }, {}, { preset }))
  })
})

describe("checkMetadata", () => {
  it.effect("lets warnings pass", () =>
    Effect.gen(function*() {
      const prepared = prepare({ redirect_uris: ["http://app.example/cb"], vendor: 1 })
      assert.deepStrictEqual(prepared.violations.map(({ severity }) => severity), ["warning", "warning"])
      yield* checkMetadata(prepared)
    }))

  it.effect("fails with the errors, all of them, and with the warnings that may explain them", () =>
    Effect.gen(function*() {
      const { reason } = yield* failsWith("InvalidMetadata")(
        checkMetadata(prepare({ redirect_uris: ["http://app.example/#a"], default_max_age: -1, vendor: 1 }))
      )
      assert.deepStrictEqual(
        reason.violations.filter(({ severity }) => severity === "error").map(({ rule }) => rule),
        ["redirect-uri-fragment", "default-max-age"]
      )
      const misspelt = yield* failsWith("InvalidMetadata")(
        checkMetadata(prepare({ redirect_urls: ["https://app.example/cb"], grant_types: ["authorization_code"] }))
      )
      assert.deepStrictEqual(misspelt.reason.violations.map(({ member, severity }) => [member, severity]), [
        ["redirect_uris", "error"],
        ["redirect_urls", "warning"]
      ])
    }))

  it.effect("fails with warnings when the caller wants that", () =>
    Effect.gen(function*() {
      const asked = { redirect_uris: ["http://app.example/cb"] }
      yield* failsWith("InvalidMetadata")(checkMetadata(prepare(asked, {}, { failOnWarnings: true })))
      yield* checkMetadata(prepare(asked, {}, { failOnWarnings: true, rulesOff: ["redirect-uri-plain-http"] }))
    }))

  it.effect("what is no metadata at all", () =>
    Effect.gen(function*() {
      for (const asked of [null, undefined, "x", 5, []]) {
        const prepared = prepareMetadata({ issuer: "https://op.example" }, unchecked(asked), undefined)
        yield* failsWith("InvalidMetadata")(checkMetadata(prepared))
      }
    }))
})
