/** What the strict server refuses: each rule of it with a request that breaks that rule and no other. */
import { DpopSigner } from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { calculateJwkThumbprint, exportJWK, generateKeyPair, generateSecret, SignJWT, UnsecuredJWT } from "jose"
import { createHash } from "node:crypto"
import { askToken, basic, raw, registered, verdict } from "../../support/rawRequests.ts"

const issuer = "https://op.example.com"

const web = { redirect_uris: ["https://app.example.com/cb"] }

const machine = { grant_types: ["client_credentials"], response_types: [] }

const Service = TestAuthorizationServer.TestAuthorizationServer

// -----------------------------------------------------------------------------
// RFC 7591 §2, OpenID Connect Registration §2
// -----------------------------------------------------------------------------

const key = {
  kty: "EC",
  crv: "P-256",
  x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
}

const uri = "invalid_redirect_uri"
const data = "invalid_client_metadata"

const metadata: ReadonlyArray<readonly [what: string, error: string | undefined, json: unknown]> = [
  ["nothing wrong", undefined, web],
  ["nothing wrong with a machine", undefined, machine],
  ["a body that is a list", data, []],
  ["a body that is null", data, null],
  ["a list that is a string", uri, { redirect_uris: "https://app.example.com/cb" }],
  ["a name that is a number", data, { ...web, client_name: 1 }],
  ["a member that is null", data, { ...web, client_name: null }],
  ["a member that is empty", data, { ...web, client_name: "" }],
  ["a client_id", data, { ...web, client_id: "mine" }],
  ["a client_secret", data, { ...web, client_secret: "mine" }],
  ["no redirect URI", uri, {}],
  ["an empty list of redirect URIs", uri, { redirect_uris: [] }],
  ["a relative redirect URI", uri, { redirect_uris: ["/cb"] }],
  ["a fragment", uri, { redirect_uris: ["https://app.example.com/cb#x"] }],
  ["an empty fragment", uri, { redirect_uris: ["https://app.example.com/cb#"] }],
  ["a script", uri, { redirect_uris: ["javascript:alert(1)"], application_type: "native" }],
  ["plain http", uri, { redirect_uris: ["http://app.example.com/cb"] }],
  ["loopback for a web client", uri, { redirect_uris: ["http://localhost/cb"] }],
  ["loopback for a native client", undefined, { redirect_uris: ["http://localhost/cb"], application_type: "native" }],
  ["a custom scheme", undefined, { redirect_uris: ["com.example.app:/cb"], application_type: "native" }],
  ["plain http for a native client", uri, { redirect_uris: ["http://app.example/cb"], application_type: "native" }],
  [
    "localhost in the implicit flow",
    uri,
    { redirect_uris: ["https://localhost/cb"], grant_types: ["implicit"], response_types: ["token"] }
  ],
  ["response types that nobody asked for", data, { grant_types: ["client_credentials"] }],
  ["token without implicit", data, { ...web, response_types: ["code", "token"] }],
  ["id_token without implicit", data, { ...web, response_types: ["code id_token"] }],
  ["code without authorization_code", data, { ...web, grant_types: ["implicit"], response_types: ["code token"] }],
  ["authorization_code without code", data, { ...web, response_types: [] }],
  [
    "implicit without token",
    data,
    { ...web, grant_types: ["authorization_code", "implicit"], response_types: ["code"] }
  ],
  [
    "a mixture",
    undefined,
    { ...web, grant_types: ["authorization_code", "implicit"], response_types: ["id_token code"] }
  ],
  ["jwks beside jwks_uri", data, { ...web, jwks: { keys: [key] }, jwks_uri: "https://app.example.com/jwks" }],
  ["jwks_uri of plain http", data, { ...web, jwks_uri: "http://app.example.com/jwks" }],
  ["jwks", undefined, { ...web, jwks: { keys: [key] } }],
  ["a private key", data, { ...web, jwks: { keys: [{ ...key, d: "x" }] } }],
  ["a symmetric key", data, { ...web, jwks: { keys: [{ kty: "oct", k: "x" }] } }],
  ["a key without a type", data, { ...web, jwks: { keys: [{}] } }],
  ["keys of which one has no use", data, { ...web, jwks: { keys: [{ ...key, use: "sig" }, key] } }],
  ["private_key_jwt without keys", data, { ...web, token_endpoint_auth_method: "private_key_jwt" }],
  ["a self-signed certificate without keys", data, {
    ...web,
    token_endpoint_auth_method: "self_signed_tls_client_auth"
  }],
  ["encryption without keys", data, { ...web, id_token_encrypted_response_alg: "RSA-OAEP" }],
  ["encryption with enc alone", data, { ...web, id_token_encrypted_response_enc: "A128GCM" }],
  ["request encryption with enc alone", data, { ...web, request_object_encryption_enc: "A128GCM" }],
  ["no subject of a certificate", data, { ...web, token_endpoint_auth_method: "tls_client_auth" }],
  [
    "two subjects of a certificate",
    data,
    {
      ...web,
      token_endpoint_auth_method: "tls_client_auth",
      tls_client_auth_san_dns: "app.example.com",
      tls_client_auth_san_ip: "192.0.2.1"
    }
  ],
  [
    "assertions without a signature",
    data,
    { ...web, token_endpoint_auth_method: "client_secret_jwt", token_endpoint_auth_signing_alg: "none" }
  ],
  ["an algorithm of assertions without assertions", data, { ...web, token_endpoint_auth_signing_alg: "ES256" }],
  [
    "unsigned ID tokens from the authorization endpoint",
    data,
    { ...web, grant_types: ["implicit"], response_types: ["id_token"], id_token_signed_response_alg: "none" }
  ],
  ["a sector of plain http", data, { ...web, sector_identifier_uri: "http://app.example.com/sector" }],
  [
    "pairwise subjects without a sector",
    data,
    { redirect_uris: ["https://a.example/cb", "https://b.example/cb"], subject_type: "pairwise" }
  ],
  ["a login of plain http", data, { ...web, initiate_login_uri: "http://app.example.com/login" }],
  ["a request URI of plain http", data, { ...web, request_uris: ["http://app.example.com/request"] }],
  [
    "a signed request of plain http",
    undefined,
    { ...web, request_uris: ["http://app.example.com/request"], request_object_signing_alg: "ES256" }
  ],
  ["a negative age", data, { ...web, default_max_age: -1 }],
  ["half a second", data, { ...web, default_max_age: 0.5 }],
  ["a logout URI with a fragment", data, { ...web, post_logout_redirect_uris: ["https://app.example.com/#"] }],
  ["a backchannel URI without a scheme", data, { ...web, backchannel_logout_uri: "app.example.com" }],
  ["a frontchannel URI elsewhere", data, { ...web, frontchannel_logout_uri: "https://else.example/logout" }],
  ["a page that is no page", data, { ...web, client_uri: "mailto:ops@app.example.com" }],
  ["a localised page that is no page", data, { ...web, "tos_uri#de": "javascript:alert(1)" }],
  ["a language that is none", data, { ...web, "client_name#": "x" }],
  ["the same language twice", data, { ...web, "client_name#ja-jp": "x", "client_name#JA-JP": "y" }],
  ["two spaces in the scope", data, { ...web, scope: "read  write" }],
  ["a quotation mark in the scope", data, { ...web, scope: "\"read\"" }],
  ["an unknown grant type", data, { ...web, grant_types: ["authorization_code", "telepathy"] }],
  ["an unknown method", data, { ...web, token_endpoint_auth_method: "telepathy" }],
  ["an unknown response type", data, { ...web, response_types: ["code", "telepathy"] }],
  ["an unknown subject type", data, { ...web, subject_type: "telepathy" }],
  ["an unknown algorithm", data, { ...web, id_token_signed_response_alg: "MD5" }],
  ["a member that nobody knows", undefined, { ...web, software_colour: "green" }]
]

describe("metadata", () => {
  for (const [what, error, json] of metadata) {
    it.effect(`${what}: ${error ?? "accepted"}`, () =>
      Effect.gen(function*() {
        const server = yield* Service
        assert.deepStrictEqual(yield* verdict({ json }), error === undefined ? [201, undefined] : [400, error])
        assert.lengthOf(yield* server.clients, error === undefined ? 1 : 0)
      }).pipe(Effect.provide(TestAuthorizationServer.layer())))
  }

  it.effect("assertions without a signature, whatever the server says to support", () =>
    Effect.gen(function*() {
      const json = {
        ...web,
        token_endpoint_auth_method: "client_secret_jwt",
        token_endpoint_auth_signing_alg: "none"
      }
      assert.deepStrictEqual(yield* verdict({ json }), [400, data])
    }).pipe(Effect.provide(
      TestAuthorizationServer.layer({ metadata: { token_endpoint_auth_signing_alg_values_supported: ["none"] } })
    )))

  for (const [unknownMembers, outcome] of [["ignore", undefined], ["keep", "green"], ["refuse", "error"]] as const) {
    it.effect(`unknown members: ${unknownMembers}`, () =>
      Effect.gen(function*() {
        const { members, status } = yield* raw({ json: { ...web, software_colour: "green" } })
        assert.strictEqual(status === 201 ? members["software_colour"] : "error", outcome)
      }).pipe(Effect.provide(TestAuthorizationServer.layer({ unknownMembers }))))
  }
})

// -----------------------------------------------------------------------------
// HTTP
// -----------------------------------------------------------------------------

describe("requests", () => {
  const json = web
  for (
    const [what, expected, request] of [
      ["another method", [405, undefined], { method: "GET" }],
      ["a well-known URL with another method", [405, undefined], { url: "/.well-known/openid-configuration" }],
      ["an unknown place", [404, undefined], { url: "/nowhere" }],
      ["a client that is no valid URL", [404, undefined], { method: "GET", url: "/register/%E0%A4%A" }],
      ["no body", [415, "invalid_request"], {}],
      ["a form", [415, "invalid_request"], { json, headers: { "content-type": "application/x-www-form-urlencoded" } }],
      ["a charset", [201, undefined], { json, headers: { "content-type": "application/json; charset=utf-8" } }],
      ["a body that is not JSON", [400, "invalid_client_metadata"], { text: "{" }],
      ["no room for JSON", [406, "invalid_request"], { json, headers: { accept: "text/html" } }],
      ["room for anything", [201, undefined], { json, headers: { accept: "text/html, */*;q=0.1" } }],
      ["a token in the URL", [400, "invalid_request"], { json, url: "/register?access_token=x" }],
      ["an unknown token", [401, "invalid_token", "Bearer"], { json, headers: { authorization: "Bearer x" } }],
      ["an empty token", [401, "invalid_token", "Bearer"], { json, headers: { authorization: "Bearer" } }]
    ] as const
  ) {
    it.effect(`${what}: ${expected[0]}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* verdict(request), [...expected])
      }).pipe(Effect.provide(TestAuthorizationServer.layer())))
  }

  it.effect("names the methods that it has", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* raw({ method: "DELETE" })).headers["allow"], "POST")
      assert.strictEqual((yield* raw({ method: "PATCH", url: "/register/x" })).headers["allow"], "GET, PUT, DELETE")
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))
})

// -----------------------------------------------------------------------------
// initial access tokens
// -----------------------------------------------------------------------------

describe("initial access tokens", () => {
  const layer = TestAuthorizationServer.layer({
    initialAccessTokens: [
      { value: Redacted.make("many") },
      { value: Redacted.make("once"), singleUse: true },
      { value: Redacted.make("short"), expiresAt: 60 },
      { value: Redacted.make("bound"), thumbprint: "x" }
    ]
  })
  const present = (authorization: string, json: unknown = web) => verdict({ json, headers: { authorization } })
  const invalid = [401, "invalid_token", "Bearer"]

  it.effect("are needed, known, not expired, not used up, and of their scheme", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* verdict({ json: web }), invalid)
      assert.strictEqual((yield* raw({ json: web })).headers["www-authenticate"], "Bearer realm=\"registration\"")
      assert.deepStrictEqual(yield* present("Bearer other"), invalid)
      assert.deepStrictEqual(yield* present("Basic many"), [401, "invalid_request", "Bearer"])
      assert.deepStrictEqual(yield* present("DPoP many"), invalid)
      assert.deepStrictEqual(yield* present("Bearer bound"), [401, "invalid_token", "DPoP"])
      assert.deepStrictEqual(yield* present("bearer many"), [201, undefined])
      assert.deepStrictEqual(yield* present("Bearer many"), [201, undefined])
      // what is refused for another reason does not use it up
      assert.deepStrictEqual(yield* present("Bearer once", {}), [400, "invalid_redirect_uri"])
      assert.deepStrictEqual(yield* present("Bearer once"), [201, undefined])
      assert.deepStrictEqual(yield* present("Bearer once"), invalid)
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(yield* present("Bearer short"), [201, undefined])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* present("Bearer short"), invalid)
    }).pipe(Effect.provide(layer)))

  it.effect("that are issued expire too", () =>
    Effect.gen(function*() {
      const server = yield* Service
      const token = yield* server.issueInitialAccessToken({ lifetime: "1 minute" })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* present(`Bearer ${Redacted.value(token)}`), invalid)
    }).pipe(Effect.provide(layer)))
})

// -----------------------------------------------------------------------------
// DPoP
// -----------------------------------------------------------------------------

const pair = await generateKeyPair("ES256", { extractable: true })
const other = await generateKeyPair("ES256", { extractable: true })
const secret = await generateSecret("HS256", { extractable: true })
const publicJwk = await exportJWK(pair.publicKey)
const otherJwk = await exportJWK(other.publicKey)
const secretJwk = await exportJWK(secret)
const thumbprint = await calculateJwkThumbprint(publicJwk)

interface ProofParts {
  readonly header?: Record<string, unknown>
  readonly claims?: Record<string, unknown>
  readonly signWith?: Parameters<SignJWT["sign"]>[0]
}

let proofs = 0

const proofOf = ({ claims, header, signWith = pair.privateKey }: ProofParts = {}) => {
  const all = { typ: "dpop+jwt", alg: "ES256", jwk: publicJwk, ...header }
  return Effect.promise(() =>
    new SignJWT({
      jti: `a jti of enough length, number ${++proofs}`,
      htm: "POST",
      htu: `${issuer}/register`,
      iat: 0,
      ...claims
    }).setProtectedHeader(all).sign(signWith)
  )
}

const ath = (token: string) => createHash("sha256").update(token).digest("base64url")

describe("proofs", () => {
  const refused: ReadonlyArray<readonly [what: string, parts: ProofParts]> = [
    ["another type", { header: { typ: "JWT" } }],
    ["no type", { header: { typ: undefined } }],
    ["the type with its prefix", { header: { typ: "application/dpop+jwt" } }],
    ["no key", { header: { jwk: undefined } }],
    ["a private key", { header: { jwk: { ...publicJwk, d: "x" } } }],
    ["a stray part of a private key", { header: { jwk: { ...publicJwk, dp: "x" } } }],
    ["a nonce that is a number", { claims: { nonce: 1 } }],
    ["the key of somebody else", { header: { jwk: otherJwk } }],
    ["a symmetric key", { header: { alg: "HS256", jwk: secretJwk }, signWith: secret }],
    ["no jti", { claims: { jti: undefined } }],
    ["a short jti", { claims: { jti: "123456789012345" } }],
    ["another method", { claims: { htm: "GET" } }],
    ["the method in lower case", { claims: { htm: "post" } }],
    ["another URL", { claims: { htu: `${issuer}/token` } }],
    ["a query", { claims: { htu: `${issuer}/register?` } }],
    ["a fragment", { claims: { htu: `${issuer}/register#x` } }],
    ["no URL", { claims: { htu: undefined } }],
    ["no time", { claims: { iat: undefined } }],
    ["an old proof", { claims: { iat: -61 } }],
    ["a proof of the future", { claims: { iat: 61 } }],
    ["a time that is a string", { claims: { iat: "0" } }],
    ["an expired proof", { claims: { exp: -1 } }]
  ]
  for (const challenge of [400, 401] as const) {
    for (const [what, parts] of refused) {
      it.effect(`${what}: ${challenge}`, () =>
        Effect.gen(function*() {
          const headers = { dpop: yield* proofOf(parts) }
          assert.deepStrictEqual(
            yield* verdict({ json: web, headers }),
            challenge === 400 ? [400, "invalid_dpop_proof"] : [401, "invalid_dpop_proof", "DPoP"]
          )
        }).pipe(Effect.provide(TestAuthorizationServer.layer({ dpop: { challenge } }))))
    }
  }

  it.effect("are good as they are, within the window, in any spelling of the URL, and once", () =>
    Effect.gen(function*() {
      for (
        const parts of [
          {},
          { claims: { iat: -60 } },
          { claims: { iat: 60 } },
          { claims: { htu: "HTTPS://OP.example.com:443/register" } }
        ]
      ) {
        const headers = { dpop: yield* proofOf(parts) }
        assert.deepStrictEqual(yield* verdict({ json: web, headers, url: "/register?x=1" }), [201, undefined])
        assert.deepStrictEqual(yield* verdict({ json: web, headers }), [400, "invalid_dpop_proof"], "replayed")
      }
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("unsigned, several, or no JWT at all", () =>
    Effect.gen(function*() {
      const unsigned = new UnsecuredJWT({ htm: "POST", htu: `${issuer}/register`, iat: 0 }).encode()
      const two = `${yield* proofOf()}, ${yield* proofOf()}`
      for (const dpop of [unsigned, two, "x"]) {
        assert.deepStrictEqual(yield* verdict({ json: web, headers: { dpop } }), [400, "invalid_dpop_proof"])
      }
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("of an algorithm that is not taken, and none where one is needed", () =>
    Effect.gen(function*() {
      const server = yield* Service
      assert.deepStrictEqual(server.metadata().dpop_signing_alg_values_supported, ["PS256"])
      const headers = { dpop: yield* proofOf() }
      assert.deepStrictEqual(yield* verdict({ json: web, headers }), [400, "invalid_dpop_proof"])
      assert.deepStrictEqual(yield* verdict({ json: web }), [400, "invalid_dpop_proof"])
    }).pipe(Effect.provide(TestAuthorizationServer.layer({ dpop: { algorithms: ["PS256"], required: true } }))))

  it.effect("are too old by the clock, with the window of the options", () =>
    Effect.gen(function*() {
      const proof = proofOf({ claims: { iat: 100 } })
      yield* TestClock.setTime(105_999)
      assert.deepStrictEqual(yield* verdict({ json: web, headers: { dpop: yield* proof } }), [201, undefined])
      yield* TestClock.setTime(106_000)
      assert.deepStrictEqual(
        yield* verdict({ json: web, headers: { dpop: yield* proof } }),
        [400, "invalid_dpop_proof"]
      )
    }).pipe(Effect.provide(TestAuthorizationServer.layer({ dpop: { window: "5 seconds" } }))))

  it.effect("belong to the token: its hash, its key, its scheme", () =>
    Effect.gen(function*() {
      const server = yield* Service
      const token = Redacted.value(yield* server.issueInitialAccessToken({ thumbprint }))
      const bearer = Redacted.value(yield* server.issueInitialAccessToken())
      const present = (scheme: string, value: string, parts: ProofParts) =>
        Effect.flatMap(proofOf(parts), (dpop) =>
          verdict({ json: web, headers: { authorization: `${scheme} ${value}`, dpop } }))
      const claims = { ath: ath(token) }
      assert.deepStrictEqual(yield* present("DPoP", token, { claims }), [201, undefined])
      assert.deepStrictEqual(
        yield* verdict({ json: web, headers: { authorization: `DPoP ${token}` } }),
        [401, "invalid_dpop_proof", "DPoP"]
      )
      assert.deepStrictEqual(yield* present("DPoP", token, {}), [401, "invalid_dpop_proof", "DPoP"])
      assert.deepStrictEqual(
        yield* present("DPoP", token, { claims: { ath: ath("x") } }),
        [401, "invalid_dpop_proof", "DPoP"]
      )
      assert.deepStrictEqual(
        yield* present("DPoP", token, { claims, header: { jwk: otherJwk }, signWith: other.privateKey }),
        [401, "invalid_dpop_proof", "DPoP"]
      )
      assert.deepStrictEqual(yield* present("Bearer", token, { claims }), [401, "invalid_token", "DPoP"])
      // a Bearer token may have a proof beside it, which then is for that token
      assert.deepStrictEqual(yield* present("Bearer", bearer, { claims: { ath: ath(bearer) } }), [201, undefined])
      assert.deepStrictEqual(yield* present("Bearer", bearer, {}), [400, "invalid_dpop_proof"])
      assert.deepStrictEqual(
        yield* present("DPoP", bearer, { claims: { ath: ath(bearer) } }),
        [401, "invalid_token", "Bearer"]
      )
    }).pipe(Effect.provide(TestAuthorizationServer.layer({ protected: true }))))

  it.effect("with nonces: demanded, taken, one each time, the next with every answer", () =>
    Effect.gen(function*() {
      const send = (nonce: string | undefined, json: unknown = web) =>
        Effect.flatMap(proofOf({ claims: { nonce } }), (dpop) => raw({ json, headers: { dpop } }))
      const first = yield* send(undefined)
      assert.deepStrictEqual([first.status, first.members["error"]], [400, "use_dpop_nonce"])
      const second = yield* send(first.headers["dpop-nonce"])
      assert.strictEqual(second.status, 201)
      const again = yield* send(first.headers["dpop-nonce"])
      assert.deepStrictEqual([again.status, again.members["error"]], [400, "use_dpop_nonce"], "used before")
      const bad = yield* send(second.headers["dpop-nonce"], {})
      assert.deepStrictEqual([bad.status, bad.members["error"]], [400, "invalid_redirect_uri"])
      assert.strictEqual((yield* send(bad.headers["dpop-nonce"])).status, 201)
      assert.strictEqual((yield* send("made-up")).members["error"], "use_dpop_nonce")
    }).pipe(Effect.provide(TestAuthorizationServer.layer({ dpop: { nonce: "rotating" } }))))

  it.effect("with one nonce for all, demanded as a resource does", () =>
    Effect.gen(function*() {
      const send = (nonce: string | undefined) =>
        Effect.flatMap(proofOf({ claims: { nonce } }), (dpop) => raw({ json: web, headers: { dpop } }))
      const { headers, status } = yield* send(undefined)
      assert.strictEqual(status, 401)
      assert.include(headers["www-authenticate"], "DPoP error=\"use_dpop_nonce\"")
      assert.strictEqual((yield* send(headers["dpop-nonce"])).status, 201)
      assert.strictEqual((yield* send(headers["dpop-nonce"])).status, 201)
    }).pipe(Effect.provide(TestAuthorizationServer.layer({ dpop: { nonce: "stable", challenge: 401 } }))))
})

// -----------------------------------------------------------------------------
// software statements
// -----------------------------------------------------------------------------

describe("software statements", () => {
  const vendor = "https://vendor.example"
  const mac = "a secret of at least 32 bytes, for HS256"
  const layer = (options?: TestAuthorizationServer.Options) =>
    TestAuthorizationServer.layer({
      softwareStatements: [
        { issuer: vendor, keys: { keys: [{ ...publicJwk, alg: "ES256" }] }, audience: issuer },
        { issuer: `${vendor}/mac`, keys: Redacted.make(mac) }
      ],
      ...options
    })
  const state = (claims: Record<string, unknown>, signWith: ProofParts["signWith"] = pair.privateKey) =>
    Effect.promise(() =>
      new SignJWT({ iss: vendor, aud: issuer, ...claims }).setProtectedHeader({
        alg: signWith instanceof Uint8Array ? "HS256" : "ES256"
      }).sign(signWith)
    )
  const register = (statement: string, json: Record<string, unknown> = web) =>
    raw({ json: { ...json, software_statement: statement } })

  it.effect("win over plain members, bring what is missing, and come back as they were", () =>
    Effect.gen(function*() {
      const statement = yield* state({
        software_id: "4711",
        client_name: "Stated",
        redirect_uris: ["https://stated.example/cb"],
        something: "else"
      })
      const { members, status } = yield* register(statement, { client_name: "Plain", scope: "read" })
      assert.strictEqual(status, 201)
      assert.deepInclude(members, {
        software_statement: statement,
        software_id: "4711",
        client_name: "Stated",
        redirect_uris: ["https://stated.example/cb"],
        scope: "read"
      })
      assert.notProperty(members, "something")
      assert.notProperty(members, "iss")
      const maced = yield* state({ iss: `${vendor}/mac` }, new TextEncoder().encode(mac))
      assert.strictEqual((yield* register(maced)).status, 201)
    }).pipe(Effect.provide(layer())))

  it.effect("are refused", () =>
    Effect.gen(function*() {
      const valid = yield* state({})
      const cases: ReadonlyArray<readonly [what: string, error: string, statement: unknown]> = [
        ["not a JWT", "invalid_software_statement", "x"],
        ["not a string", "invalid_software_statement", 1],
        ["empty", "invalid_software_statement", ""],
        ["unsigned", "invalid_software_statement", new UnsecuredJWT({ iss: vendor, aud: issuer }).encode()],
        ["without iss", "invalid_software_statement", yield* state({ iss: undefined })],
        ["for somebody else", "invalid_software_statement", yield* state({ aud: "https://else.example" })],
        ["with another key", "invalid_software_statement", yield* state({}, other.privateKey)],
        ["tampered with", "invalid_software_statement", `${valid.slice(0, -4)}AAAA`],
        ["expired", "invalid_software_statement", yield* state({ exp: 0 })],
        ["with a claim of the wrong type", "invalid_software_statement", yield* state({ redirect_uris: "x" })],
        ["of a stranger", "unapproved_software_statement", yield* state({ iss: "https://else.example" })]
      ]
      for (const [what, error, software_statement] of cases) {
        assert.deepStrictEqual(yield* verdict({ json: { ...web, software_statement } }), [400, error], what)
      }
      assert.deepStrictEqual(yield* verdict({ json: { ...web, software_statement: valid } }), [201, undefined])
    }).pipe(Effect.provide(layer())))

  it.effect("are needed where the server says so, and nobody's is approved where it trusts nobody", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* verdict({ json: web }), [400, "invalid_software_statement"])
      const software_statement = yield* state({})
      assert.deepStrictEqual(
        yield* verdict({ json: { ...web, software_statement } }),
        [400, "unapproved_software_statement"]
      )
    }).pipe(Effect.provide(TestAuthorizationServer.layer({ softwareStatementRequired: true }))))
})

// -----------------------------------------------------------------------------
// RFC 7592
// -----------------------------------------------------------------------------

describe("management", () => {
  const invalid = [401, "invalid_token", "Bearer"]
  const full = (client: { readonly id: string }) => ({ ...machine, client_id: client.id })

  it.effect("needs the token of the client, and revokes one that turns up elsewhere", () =>
    Effect.gen(function*() {
      const one = yield* registered(machine)
      const two = yield* registered(machine)
      const get = (url: string, authorization?: string) =>
        verdict({ method: "GET", url, headers: authorization === undefined ? {} : { authorization } })
      assert.deepStrictEqual(yield* get(one.uri), invalid)
      assert.deepStrictEqual(yield* get(one.uri, "Bearer x"), invalid)
      assert.deepStrictEqual(yield* get(one.uri, `DPoP ${one.token}`), invalid)
      assert.deepStrictEqual(yield* get(one.uri, `Basic ${one.token}`), [401, "invalid_request", "Bearer"])
      assert.deepStrictEqual(yield* get(one.uri, `Bearer ${one.token}`), [200, undefined])
      assert.deepStrictEqual(yield* get(one.uri, `Bearer ${two.token}`), invalid)
      assert.deepStrictEqual(yield* get(two.uri, `Bearer ${two.token}`), invalid, "revoked")
      assert.deepStrictEqual(yield* get(one.uri, `Bearer ${one.token}`), [200, undefined])
      assert.deepStrictEqual(yield* get("/register/nobody", `Bearer ${one.token}`), invalid)
      assert.deepStrictEqual(yield* get(one.uri, `Bearer ${one.token}`), invalid, "revoked")
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("verifies a proof that comes along", () =>
    Effect.gen(function*() {
      const client = yield* registered(machine)
      const get = (claims: Record<string, unknown>) =>
        Effect.flatMap(
          proofOf({ claims: { htm: "GET", htu: client.uri, ...claims } }),
          (dpop) =>
            verdict({ method: "GET", url: client.uri, headers: { authorization: `Bearer ${client.token}`, dpop } })
        )
      assert.deepStrictEqual(yield* get({ ath: ath(client.token) }), [200, undefined])
      assert.deepStrictEqual(yield* get({}), [401, "invalid_dpop_proof", "DPoP"])
      assert.deepStrictEqual(yield* get({ ath: ath(client.token), htm: "PUT" }), [401, "invalid_dpop_proof", "DPoP"])
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("updates by the rules of §2.2", () =>
    Effect.gen(function*() {
      const client = yield* registered(machine)
      const put = (json: unknown) =>
        verdict({ method: "PUT", url: client.uri, json, headers: { authorization: `Bearer ${client.token}` } })
      const whole = full(client)
      const refusal = [400, "invalid_client_metadata"]
      assert.deepStrictEqual(yield* put(machine), refusal, "no client_id")
      assert.deepStrictEqual(yield* put({ ...whole, client_id: "x" }), refusal, "another client_id")
      assert.deepStrictEqual(yield* put({ ...whole, client_secret: "x" }), refusal, "another secret")
      assert.deepStrictEqual(yield* put({ ...whole, client_secret: null }), refusal, "a secret that is null")
      for (
        const name of [
          "registration_access_token",
          "registration_client_uri",
          "client_secret_expires_at",
          "client_id_issued_at"
        ]
      ) {
        assert.deepStrictEqual(yield* put({ ...whole, [name]: 0 }), refusal, name)
        assert.deepStrictEqual(yield* put({ ...whole, [name]: null }), refusal, `${name}, null`)
      }
      assert.deepStrictEqual(yield* put({ ...whole, client_name: 1 }), refusal, "a wrong type")
      assert.deepStrictEqual(yield* put({ client_id: client.id }), [400, "invalid_redirect_uri"], "defaults apply")
      assert.deepStrictEqual(yield* put([]), refusal)
      assert.deepStrictEqual(yield* put({ ...whole, client_secret: client.secret }), [200, undefined])
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("replaces everything: left out, null and empty are deleted", () =>
    Effect.gen(function*() {
      const client = yield* registered({ ...machine, client_name: "x", scope: "a", software_id: "s", contacts: ["c"] })
      const { members } = yield* raw({
        method: "PUT",
        url: client.uri,
        json: { ...full(client), client_name: null, scope: "", contacts: ["d"] },
        headers: { authorization: `Bearer ${client.token}` }
      })
      for (const name of ["client_name", "scope", "software_id"]) assert.notProperty(members, name)
      assert.deepInclude(members, {
        client_id: client.id,
        client_secret: client.secret,
        registration_access_token: client.token,
        registration_client_uri: client.uri,
        contacts: ["d"]
      })
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("gives a secret when the method comes to need one, and takes it away", () =>
    Effect.gen(function*() {
      const client = yield* registered(machine)
      const put = (token_endpoint_auth_method: string) =>
        Effect.map(
          raw({
            method: "PUT",
            url: client.uri,
            json: { ...full(client), token_endpoint_auth_method },
            headers: { authorization: `Bearer ${client.token}` }
          }),
          ({ members }) => members["client_secret"]
        )
      assert.isUndefined(yield* put("none"))
      const fresh = yield* put("client_secret_post")
      assert.isTrue(typeof fresh === "string" && fresh !== client.secret)
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("removes with 204, and the token is gone with the client", () =>
    Effect.gen(function*() {
      const client = yield* registered(machine)
      const headers = { authorization: `Bearer ${client.token}` }
      const removal = yield* raw({ method: "DELETE", url: client.uri, headers })
      assert.deepStrictEqual([removal.status, removal.headers["content-type"]], [204, undefined])
      assert.deepStrictEqual(yield* verdict({ method: "DELETE", url: client.uri, headers }), invalid)
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("is not there when it is switched off", () =>
    Effect.gen(function*() {
      const { members } = yield* raw({ json: web })
      assert.notProperty(members, "registration_access_token")
      assert.notProperty(members, "registration_client_uri")
      const url = `/register/${String(members["client_id"])}`
      assert.deepStrictEqual(yield* verdict({ method: "GET", url, headers: { authorization: "Bearer x" } }), [
        404,
        undefined
      ])
    }).pipe(Effect.provide(TestAuthorizationServer.layer({ management: false }))))
})

// -----------------------------------------------------------------------------
// the token endpoint
// -----------------------------------------------------------------------------

describe("tokens", () => {
  const unknown = [401, "invalid_client"]

  it.effect("are for clients that authenticate by their method", () =>
    Effect.gen(function*() {
      const byBasic = yield* registered(machine)
      const byPost = yield* registered({ ...machine, token_endpoint_auth_method: "client_secret_post" })
      const post = ({ id, secret }: { readonly id: string; readonly secret: string }) => ({
        client_id: id,
        client_secret: secret
      })
      const authorization = basic(byBasic.id, byBasic.secret)
      assert.deepStrictEqual(yield* askToken({ authorization }), [200, undefined])
      assert.deepStrictEqual(yield* askToken({}, post(byPost)), [200, undefined])
      assert.deepStrictEqual(yield* askToken({}, post(byBasic)), unknown)
      assert.deepStrictEqual(yield* askToken({ authorization: basic(byPost.id, byPost.secret) }), [...unknown, "Basic"])
      assert.deepStrictEqual(yield* askToken({ authorization: basic(byBasic.id, "x") }), [...unknown, "Basic"])
      assert.deepStrictEqual(yield* askToken({ authorization: "Basic %" }), [...unknown, "Basic"])
      assert.deepStrictEqual(yield* askToken({ authorization: "Basic %" }, post(byPost)), [...unknown, "Basic"])
      const asked = (text: string) =>
        verdict({
          url: "/token",
          headers: { authorization, "content-type": "application/x-www-form-urlencoded" },
          text
        })
      assert.deepStrictEqual(yield* asked("scope=read"), [400, "invalid_request"])
      assert.deepStrictEqual(
        yield* asked("grant_type=client_credentials&grant_type=client_credentials"),
        [400, "invalid_request"]
      )
      assert.deepStrictEqual(yield* askToken({}), unknown)
      assert.deepStrictEqual(yield* askToken({}, { client_id: byPost.id }), unknown)
      assert.deepStrictEqual(yield* askToken({ authorization }, post(byBasic)), [400, "invalid_request"])
      assert.deepStrictEqual(yield* askToken({ authorization }, { grant_type: "password" }), [
        400,
        "unsupported_grant_type"
      ])
      assert.deepStrictEqual(
        yield* askToken({ authorization, "content-type": "application/json" }),
        [400, "invalid_request"]
      )
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("are for the grants and scopes that were registered", () =>
    Effect.gen(function*() {
      const page = yield* registered(web)
      assert.deepStrictEqual(
        yield* askToken({ authorization: basic(page.id, page.secret) }),
        [400, "unauthorized_client"]
      )
      const client = yield* registered({ ...machine, scope: "read write" })
      const authorization = basic(client.id, client.secret)
      assert.deepStrictEqual(yield* askToken({ authorization }, { scope: "read" }), [200, undefined])
      assert.deepStrictEqual(yield* askToken({ authorization }, { scope: "read admin" }), [400, "invalid_scope"])
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("are bound to the key of a proof", () =>
    Effect.gen(function*() {
      const client = yield* registered({ ...machine, dpop_bound_access_tokens: true })
      const authorization = basic(client.id, client.secret)
      assert.deepStrictEqual(yield* askToken({ authorization }), [400, "invalid_dpop_proof"])
      const dpop = yield* proofOf({ claims: { htu: `${issuer}/token` } })
      const { members } = yield* raw({
        url: "/token",
        headers: { authorization, dpop, "content-type": "application/x-www-form-urlencoded" },
        text: "grant_type=client_credentials"
      })
      assert.strictEqual(members["token_type"], "DPoP")
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("for clients with odd identifiers and secrets, when these are encoded", () =>
    Effect.gen(function*() {
      const server = yield* Service
      yield* server.misbehave("odd-credentials")
      const { id, secret } = yield* registered(machine)
      assert.isTrue([id, secret].every((text) => text.startsWith("/%2F +=&?#")))
      assert.deepStrictEqual(yield* askToken({ authorization: basic(id, secret) }), [200, undefined])
      assert.deepStrictEqual(yield* askToken({ authorization: `Basic ${btoa(`${id}:${secret}`)}` }), [
        ...unknown,
        "Basic"
      ])
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("with a signer of ours", () =>
    Effect.gen(function*() {
      const signer = yield* DpopSigner.DpopSigner
      const client = yield* registered({ ...machine, dpop_bound_access_tokens: true })
      const proof = yield* signer.sign({ method: "POST", url: new URL(`${issuer}/token`) })
      const dpop = Option.match(proof, { onNone: () => "", onSome: ({ jwt }) => jwt })
      assert.deepStrictEqual(
        yield* askToken({ authorization: basic(client.id, client.secret), dpop }),
        [200, undefined]
      )
    }).pipe(Effect.provide([TestAuthorizationServer.layerHttpClient(), DpopSigner.layer()])))
})
