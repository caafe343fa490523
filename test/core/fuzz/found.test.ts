/** What fuzzing has found, each case as small as it can be. */
import {
  type AuthorizationServer,
  ClientConfiguration,
  type ClientMetadata,
  ClientRegistration,
  DpopSigner,
  MetadataRule,
  type RegisteredClient,
  type RegistrationError
} from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Redacted } from "effect"
import { type HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { failsWith } from "../../support/failure.ts"
import { recordedHttpClient } from "../../support/recordedHttpClient.ts"
import { untyped } from "./support/untyped.ts"

const server = { issuer: "https://op.example", registration_endpoint: "https://op.example/register" }

const good = { redirect_uris: ["https://app.example/cb"] }

const circular = (): object => {
  const object: { a?: unknown; b?: unknown } = {}
  object.a = object
  object.b = object
  return object
}

const deep = (depth: number): unknown => Array.from({ length: depth }).reduce((inner) => [inner], 1)

const register = (
  metadata: unknown,
  options?: ClientRegistration.RegisterOptions,
  as: unknown = server
) => {
  const http = recordedHttpClient({ body: { client_id: "c1" } })
  return {
    http,
    outcome: ClientRegistration.register(
      untyped<AuthorizationServer.AuthorizationServer>(server, as),
      untyped<ClientMetadata.ClientMetadata>({}, metadata),
      options
    ).pipe(Effect.provide(Layer.merge(http.layer, DpopSigner.layerNone)))
  }
}

describe("metadata of a JavaScript caller", () => {
  for (const metadata of [null, undefined, "x", 5, true, [], [good]]) {
    it.effect(`is refused when it is no object: ${JSON.stringify(metadata)}`, () =>
      Effect.gen(function*() {
        const { http, outcome } = register(metadata, { rulesOff: ["member-type"] })
        const { reason } = yield* failsWith("InvalidMetadata")(outcome)
        assert.deepStrictEqual(reason.violations.map(({ member, rule }) => [rule, member]), [["member-type", "*"]])
        assert.isEmpty(http.requests)
      }))
  }

  const unsayable: { readonly [what: string]: unknown } = {
    "a bigint": 1n,
    "a function": () => 1,
    "a symbol": Symbol("x"),
    "NaN, which JSON writes as null": NaN,
    "Infinity, which JSON writes as null": Infinity,
    "an object that stands in itself": circular(),
    "a value of great depth": deep(50_000),
    "a date": new Date(0),
    "a map": new Map(),
    "undefined in a list, which JSON writes as null": [undefined],
    "a hole in a list, which JSON writes as null": Array.from({ length: 1 }),
    "an object that writes itself as null": { toJSON: () => null }
  }

  for (const [what, value] of Object.entries(unsayable)) {
    it.effect(`is refused where it has no JSON: ${what}`, () =>
      Effect.gen(function*() {
        for (const members of [{ vendor: value }, { vp_formats_supported: { x: value } }]) {
          const { http, outcome } = register({ ...good, ...members })
          const { reason } = yield* failsWith("InvalidMetadata")(outcome)
          assert.deepStrictEqual(reason.violations.map(({ rule }) => rule), ["member-type"])
          assert.isEmpty(http.requests)
        }
        const { http, outcome } = register({ ...good, vendor: value }, { rulesOff: ["member-type"] })
        const { reason } = yield* failsWith("InvalidOptions")(outcome)
        assert.strictEqual(reason.option, "metadata")
        assert.isEmpty(http.requests)
      }))
  }

  it.effect("is sent where it has: nested, without a prototype, undefined left out", () =>
    Effect.gen(function*() {
      const bare: unknown = Object.assign(Object.create(null), { a: [1, { b: null }], c: undefined })
      const { http, outcome } = register({ ...good, vendor: bare, other: undefined })
      yield* outcome
      assert.deepStrictEqual(JSON.parse(http.requests[0]?.body ?? ""), { ...good, vendor: { a: [1, { b: null }] } })
    }))

  it.effect("is refused where a list holds null or an empty string", () =>
    Effect.gen(function*() {
      const { reason } = yield* failsWith("InvalidMetadata")(register({ ...good, contacts: ["a", ""] }).outcome)
      assert.deepStrictEqual(reason.violations.map(({ member, rule }) => [rule, member]), [
        ["no-null-or-empty", "contacts[1]"]
      ])
      const other = yield* failsWith("InvalidMetadata")(register({ ...good, vendor: [null] }).outcome)
      assert.deepStrictEqual(other.reason.violations.map(({ member, rule }) => [rule, member]), [
        ["no-null-or-empty", "vendor[0]"],
        ["unregistered-name", "vendor"]
      ])
    }))

  it.effect("cannot forge lines of a log by its names", () =>
    Effect.gen(function*() {
      const { error, reason } = yield* failsWith("InvalidMetadata")(
        register({ ...good, "x\n2026-01-01 all is well": null, "": null }).outcome
      )
      assert.notMatch(error.message, /\n/)
      assert.include(error.message, "(unnamed): ")
      assert.strictEqual(reason.violations[0]?.member, "x\n2026-01-01 all is well")
    }))
})

describe("a server that a JavaScript caller describes", () => {
  const supported = [null, 5, "none", {}, [1], [null]]

  it.effect("says nothing where it has another type", () =>
    Effect.gen(function*() {
      for (const value of supported) {
        const as = {
          ...server,
          token_endpoint_auth_methods_supported: value,
          grant_types_supported: value,
          mtls_endpoint_aliases: value
        }
        const { outcome } = register(good, { useMtlsEndpointAliases: true }, as)
        const client = yield* outcome
        assert.strictEqual(client.information.client_id, "c1")
        assert.isEmpty(client.filledIn)
        assert.isEmpty(
          MetadataRule.validate(good, { server: untyped<AuthorizationServer.AuthorizationServer>(server, as) })
        )
      }
    }))

  it.effect("has no endpoint where that is no text", () =>
    Effect.gen(function*() {
      for (const endpoint of [null, 5, {}, [], true]) {
        const { http, outcome } = register(good, {}, { ...server, registration_endpoint: endpoint })
        const { reason } = yield* failsWith("EndpointRefused")(outcome)
        assert.strictEqual(reason.rule, "InvalidUrl")
        assert.strictEqual(reason.url, "(not a URL)")
        assert.isEmpty(http.requests)
      }
    }))
})

// -----------------------------------------------------------------------------
// answers
// -----------------------------------------------------------------------------

const token = "iat-Canary/7f+Qz~9.odd_=="

const answered = {
  ...good,
  client_id: "c1",
  client_secret: "secret-Canary-1",
  client_secret_expires_at: 0,
  registration_access_token: "token-Canary-1",
  registration_client_uri: "https://op.example/register/c1"
}

const registered = (body: unknown, status = 201) => {
  const http = recordedHttpClient({ status, body })
  return ClientRegistration.register(server, good, { initialAccessToken: Redacted.make(token) }).pipe(
    Effect.provide(Layer.merge(http.layer, DpopSigner.layerNone))
  )
}

describe("a server that repeats secrets", () => {
  const echoes: { readonly [what: string]: object } = {
    "as text": { client_name: `${answered.client_secret} is yours` },
    "as a list": { contacts: ["x", answered.registration_access_token] },
    "in a string that should be a list": { grant_types: `a ${answered.client_secret}` },
    "in a list that should be a string": { scope: [token] },
    "in a number's place": { client_id_issued_at: token },
    "deep inside": { jwks: { keys: [{ kty: "EC", x: [{ y: token }] }] } },
    "as a name": { vp_formats_supported: { [token]: 1 } },
    "percent-encoded": { logo_uri: `https://op.example/?x=${encodeURIComponent(token)}` },
    "in base64": { policy_uri: Buffer.from(token).toString("base64") },
    "of a wrong type": { client_secret: [["another-Canary-2"]], client_name: "another-Canary-2" },
    "of another place": { inner: { client_secret: "another-Canary-2" }, client_name: "another-Canary-2" }
  }
  for (const [what, members] of Object.entries(echoes)) {
    it.effect(`${what}: the member is left out, the client is not`, () =>
      Effect.gen(function*() {
        const client = yield* registered({ ...answered, ...members })
        const repeated = client.deviations.filter(({ id }) => id === "repeated-secret")
        assert.lengthOf(repeated, 1)
        assert.include(Object.keys(members), repeated[0]?.member)
        assert.notProperty(client.information, repeated[0]?.member ?? "")
        assert.strictEqual(client.information.client_id, "c1")
      }))
  }

  it.effect("in names: they are left out, and named nowhere", () =>
    Effect.gen(function*() {
      const client = yield* registered({ ...answered, [token]: 1, [`client_name#${token}`]: "x" })
      assert.deepStrictEqual(client.deviations.map(({ id, member }) => `${id} ${member}`), [
        "repeated-secret (unnamed)",
        "repeated-secret (unnamed)"
      ])
      assert.notInclude(JSON.stringify(client), token)
    }))

  it.effect("in a vendor's member: kept, and not shown", () =>
    Effect.gen(function*() {
      const client = yield* registered({ ...answered, vendor: answered.client_secret })
      assert.isEmpty(client.deviations)
      assert.strictEqual(client.extensions["vendor"], answered.client_secret)
      assert.notInclude(inspect([client, client.differences], { depth: 9 }), answered.client_secret)
    }))

  it.effect("in the management URI: kept, because it is needed, and not shown with the client", () =>
    Effect.gen(function*() {
      const uri = `https://op.example/register?token=${answered.registration_access_token}`
      const client = yield* registered({ ...answered, registration_client_uri: uri })
      assert.strictEqual(client.information.registration_client_uri, uri)
      assert.notInclude(inspect(client, { depth: 9 }), answered.registration_access_token)
    }))

  it.effect("short ones are no secrets: a word of a test server stands in other members by chance", () =>
    Effect.gen(function*() {
      const client = yield* registered({ ...answered, client_secret: "app", client_name: "My app" })
      assert.strictEqual(client.information.client_name, "My app")
      assert.isEmpty(client.deviations)
    }))

  it.effect("in a text of JSON that is cut off, quoted or listed: not shown", () =>
    Effect.gen(function*() {
      const text = JSON.stringify(answered)
      const bodies = [
        text.slice(0, -5),
        `Error: ${text}`,
        JSON.stringify(text),
        JSON.stringify([answered, answered.client_secret]),
        JSON.stringify({ message: `created ${text}` }),
        JSON.stringify({ message: `created ${answered.client_secret}`, data: { client: answered } }),
        new URLSearchParams(Object.entries(answered).map(([name, value]) => [name, String(value)])).toString()
      ]
      for (const body of bodies) {
        const { error } = yield* failsWith("UnexpectedStatus")(registered(body, 500))
        assert.notMatch(`${inspect(error, { depth: 9 })} ${JSON.stringify(error)}`, /Canary/, body)
      }
      // What a person can use stays.
      const { error } = yield* failsWith("UnexpectedStatus")(registered("client_secret: must be longer", 500))
      assert.include(error.message, "client_secret: must be longer")
    }))
})

describe("a response from elsewhere", () => {
  const request = HttpClientRequest.post(server.registration_endpoint)

  const endless = (status: number) =>
    HttpClientResponse.fromWeb(
      request,
      new Response(new ReadableStream({ pull: () => new Promise(() => {}) }), { status })
    )

  it.effect("is not waited for without end", () =>
    Effect.gen(function*() {
      for (const status of [201, 400]) {
        const fiber = yield* Effect.forkChild(Effect.flip(ClientRegistration.process(server, good, endless(status))))
        yield* TestClock.adjust("29 seconds")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 second")
        const { reason } = yield* Fiber.join(fiber)
        assert.strictEqual(reason._tag, status === 201 ? "OutcomeUnknown" : "UnexpectedStatus")
      }
    }))

  it.effect("shows no secret when it is one that was sent for here", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({
        status: 401,
        body: answered,
        headers: {
          "www-authenticate": `Bearer error_description="${token}"`,
          location: `/x?${encodeURIComponent(token)}`,
          "x-echo": `Bearer ${token}`,
          "set-cookie": "session=Canary",
          "x-plain": "plain"
        }
      })
      const request = yield* ClientRegistration.request(server, good, { initialAccessToken: Redacted.make(token) })
      const response = yield* ClientRegistration.send(request).pipe(
        Effect.provide(Layer.merge(http.layer, DpopSigner.layer()))
      )
      for (const text of [inspect(response, { depth: 9 }), JSON.stringify(response), String(response)]) {
        assert.notMatch(text, /Canary|eyJ/)
        assert.include(text, "plain")
        assert.include(text, "401")
      }
      assert.strictEqual(response.headers["x-echo"], `Bearer ${token}`)
    }))
})

describe("a transport that quotes what it sends", () => {
  const failing = (cause: unknown) =>
    ClientRegistration.register(server, good, { initialAccessToken: Redacted.make(token) }).pipe(
      Effect.provide(Layer.merge(recordedHttpClient({ fails: cause }).layer, DpopSigner.layerNone)),
      Effect.flip
    )

  const quoting: { readonly [what: string]: () => unknown } = {
    "in its message": () =>
      Object.assign(new TypeError(`invalid header value: Bearer ${token}`), { code: "ERR_HEADER" }),
    "in the request that it holds": () =>
      Object.assign(new Error("failed"), { config: { headers: { a: `Bearer ${token}` } } }),
    "in Headers": () => Object.assign(new Error("failed"), { headers: new Headers({ authorization: token }) }),
    "in a map": () => Object.assign(new Error("failed"), { headers: new Map([["authorization", token]]) }),
    "in a cause of its cause": () => new Error("failed", { cause: new Error("x", { cause: { [token]: 1 } }) }),
    "behind a symbol": () => Object.assign(new Error("failed"), { [Symbol("request")]: { token } }),
    "as a hidden property": () => Object.defineProperty(new Error("failed"), "request", { value: token }),
    "as a text": () => `sent ${token}`
  }
  for (const [what, make] of Object.entries(quoting)) {
    it.effect(`${what}: the failure says what it was, without it`, () =>
      Effect.gen(function*() {
        const cause = make()
        const error = yield* failing(cause)
        assert.strictEqual(error.reason._tag, "OutcomeUnknown")
        assert.instanceOf(error.cause, Error)
        for (
          const text of [inspect([error, error.cause], { depth: 9, showHidden: true }), Cause.pretty(Cause.fail(error))]
        ) {
          assert.notInclude(text, "Canary")
        }
        if (cause instanceof TypeError) {
          assert.match(inspect(error.cause), /TypeError\]?: invalid header value: Bearer <redacted>[^]*ERR_HEADER/)
        }
      }))
  }

  it.effect("any other cause is given as it is", () =>
    Effect.gen(function*() {
      const cause = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", self: {} })
      cause.self = cause
      assert.strictEqual((yield* failing(cause)).cause, cause)
    }))
})

describe("a server whose nonce is a token", () => {
  it.effect("is not quoted", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({
        status: 400,
        body: { error: "use_dpop_nonce" },
        headers: { "dpop-nonce": token }
      })
      const { error, reason } = yield* failsWith("NonceExhausted")(
        ClientRegistration.register(server, good, { initialAccessToken: Redacted.make(token) }).pipe(
          Effect.provide(Layer.merge(http.layer, DpopSigner.layer()))
        )
      )
      assert.isUndefined(reason.nonce)
      assert.notInclude(inspect(error, { depth: 9 }), "Canary")
    }))
})

describe("operations of RFC 7592", () => {
  const managed = (
    answer: object,
    use: (
      client: RegisteredClient.RegisteredClient
    ) => Effect.Effect<unknown, RegistrationError.RegistrationError, HttpClient.HttpClient | DpopSigner.DpopSigner>,
    reply: object = { status: 200, body: { ...answered, ...answer } }
  ) =>
    Effect.gen(function*() {
      const http = recordedHttpClient(reply)
      const exit = yield* registered({ ...answered, ...answer }).pipe(
        Effect.flatMap(use),
        Effect.provide(Layer.merge(http.layer, DpopSigner.layerNone)),
        Effect.exit
      )
      return { http, exit }
    })

  it.effect("send nothing that is null or empty, also when the server has it so", () =>
    Effect.gen(function*() {
      const { http } = yield* managed({ reference: null, note: "", kept: { a: null } }, (client) =>
        ClientConfiguration.replace(client, { set: { client_name: "New" } }))
      assert.deepStrictEqual(JSON.parse(http.requests[0]?.body ?? ""), {
        ...good,
        client_id: "c1",
        client_name: "New",
        kept: { a: null }
      })
    }))

  it.effect("send no number that JSON writes as null", () =>
    Effect.gen(function*() {
      const { http } = yield* managed({}, (client) => ClientConfiguration.rotate(client), {
        status: 200,
        body: JSON.stringify({ ...answered, vendor: 0 }).replace("\"vendor\":0", "\"vendor\":-1e400")
      })
      assert.lengthOf(http.requests, 2)
      assert.notProperty(JSON.parse(http.requests[1]?.body ?? ""), "vendor")
    }))

  it.effect("judge what is set by its whole name", () =>
    Effect.gen(function*() {
      for (const set of [{ "vendor.flag": null }, { "a[0]": "" }, { "x.y": 1n }]) {
        const { exit, http } = yield* managed({}, (client) =>
          ClientConfiguration.replace(client, { set: untyped<ClientMetadata.ClientMetadata>({}, set) }))
        assert.isTrue(Exit.isFailure(exit))
        assert.isEmpty(http.requests)
      }
    }))

  it.effect("refuse a change that is no object", () =>
    Effect.gen(function*() {
      for (const set of ["x", [1], 5]) {
        const { exit, http } = yield* managed({}, (client) =>
          ClientConfiguration.update(client, { set: untyped<ClientMetadata.ClientMetadata>({}, set) }))
        assert.isTrue(Exit.isFailure(exit))
        assert.isEmpty(http.requests)
      }
    }))

  it.effect("do not give a transport what HTTP cannot carry: it would quote it", () =>
    Effect.gen(function*() {
      for (const bad of ["token-Canary\nx: y", "töken-Canary", " token-Canary", "token-Canary\u0000", ""]) {
        const mine = yield* managed(
          {},
          (client) => ClientConfiguration.read(client, { credential: Redacted.make(bad) })
        )
        assert.isEmpty(mine.http.requests)
        assert.include(JSON.stringify(mine.exit), "InvalidOptions")
        assert.notInclude(inspect(mine.exit, { depth: 9 }), "Canary")
        if (bad === "") continue
        const its = yield* managed({ registration_access_token: bad }, (client) => ClientConfiguration.remove(client))
        assert.isEmpty(its.http.requests)
        assert.include(JSON.stringify(its.exit), "Unsupported")
        assert.notInclude(inspect(its.exit, { depth: 9 }), "Canary")
      }
    }))

  it.effect("take a token with spaces, as some servers make them", () =>
    Effect.gen(function*() {
      const { http } = yield* managed({ registration_access_token: "a b%/+c" }, (client) =>
        ClientConfiguration.read(client))
      assert.strictEqual(http.requests[0]?.headers["authorization"], "Bearer a b%/+c")
    }))

  it.effect("scrub a credential that is not the client's own token", () =>
    Effect.gen(function*() {
      const credential = "other-Canary/token with space"
      for (const operation of [ClientConfiguration.read, ClientConfiguration.remove]) {
        const { exit } = yield* managed(
          {},
          (client) => operation(client, { credential: Redacted.make(credential) }),
          { status: 400, body: { error: "invalid_request", error_description: `got ${credential}` } }
        )
        assert.isTrue(Exit.isFailure(exit))
        assert.notInclude(inspect(exit, { depth: 9 }), "Canary")
      }
    }))
})
