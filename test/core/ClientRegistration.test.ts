import type { AuthorizationServer } from "@effect-dcr/core/AuthorizationServer"
import * as ClientConfiguration from "@effect-dcr/core/ClientConfiguration"
import * as ClientMetadata from "@effect-dcr/core/ClientMetadata"
import * as ClientRegistration from "@effect-dcr/core/ClientRegistration"
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import * as EndpointPolicy from "@effect-dcr/core/EndpointPolicy"
import * as ExchangeLimits from "@effect-dcr/core/ExchangeLimits"
import type { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import { type RegistrationError, RegistrationErrorSchema } from "@effect-dcr/core/RegistrationError"
import * as RetryPolicy from "@effect-dcr/core/RetryPolicy"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Duration, Effect, Exit, Fiber, Layer, Option, Redacted, Schedule, Schema } from "effect"
import { Headers, HttpClientRequest, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { failsWith } from "../support/failure.ts"
import {
  type Answer,
  type RecordedHttpClient,
  recordedHttpClient,
  type Reply,
  toWeb
} from "../support/recordedHttpClient.ts"
import { unchecked } from "../support/unchecked.ts"

const endpoint = "https://op.example/register"
const server: AuthorizationServer = { issuer: "https://op.example", registration_endpoint: endpoint }
const metadata: ClientMetadata.ClientMetadata = { redirect_uris: ["https://app.example/cb"], client_name: "My app" }

/** What a good server answers. */
const granted = {
  client_id: "c",
  client_secret: "s3cret",
  client_id_issued_at: 0,
  client_secret_expires_at: 0,
  token_endpoint_auth_method: "client_secret_basic",
  grant_types: ["authorization_code"],
  response_types: ["code"],
  ...metadata
}

const created: Answer = { body: granted }

const on = (http: RecordedHttpClient) => Layer.merge(http.layer, DpopSigner.layerNone)

const register = <E = never, R = never>(
  http: RecordedHttpClient,
  options?: ClientRegistration.RegisterOptions<E, R>,
  asked = metadata,
  at = server
) => ClientRegistration.register(at, asked, options).pipe(Effect.provide(on(http)))

/** Reads an answer without sending anything. */
const process = (
  answer: Answer,
  asked: ClientMetadata.ClientMetadata = metadata,
  options?: ClientRegistration.ProcessOptions
) =>
  ClientRegistration.process(
    server,
    asked,
    HttpClientResponse.fromWeb(HttpClientRequest.post(endpoint), toWeb(answer)),
    options
  )

const ids = (client: RegisteredClient) => client.deviations.map(({ id }) => id)

/** Runs until it ends, on the test's clock, and tells how long that took. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const start = yield* Clock.currentTimeMillis
    const fiber = yield* Effect.forkChild(
      Effect.flatMap(Effect.exit(effect), (exit) =>
        Effect.map(Clock.currentTimeMillis, (end) => ({ exit, took: end - start })))
    )
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.join(fiber)
  })

// -----------------------------------------------------------------------------
// request
// -----------------------------------------------------------------------------

describe("request", () => {
  const request = ClientRegistration.request

  it.effect("is a POST of the metadata as JSON (RFC 7591 §3.1)", () =>
    Effect.gen(function*() {
      const built = yield* request(server, { ...metadata, scope: undefined })
      assert.strictEqual(built.method, "POST")
      assert.strictEqual(built.url, endpoint)
      const text = JSON.stringify(metadata)
      assert.deepStrictEqual({ ...built.headers }, {
        "accept": "application/json",
        "content-length": String(text.length),
        "content-type": "application/json"
      })
      assert.strictEqual(built.body._tag === "Uint8Array" ? new TextDecoder().decode(built.body.body) : "", text)
    }))

  it.effect("goes to the endpoint as the server writes it, to the letter of its query", () =>
    Effect.gen(function*() {
      for (const url of [`${endpoint}?flag&p=%7Eb%20c+d`, "https://op.example/a%2Fb?x=[1]"]) {
        const http = recordedHttpClient(created)
        yield* register(http, {}, metadata, { ...server, registration_endpoint: url })
        assert.strictEqual(http.requests[0]?.url, url)
      }
    }))

  it.effect("goes to the mTLS alias when that is asked for, and there is one (RFC 8705 §5)", () =>
    Effect.gen(function*() {
      const alias = "https://mtls.op.example/register"
      const aliased = { ...server, mtls_endpoint_aliases: { registration_endpoint: alias } }
      const useMtlsEndpointAliases = true
      assert.strictEqual((yield* request(aliased, metadata, { useMtlsEndpointAliases })).url, alias)
      assert.strictEqual((yield* request(server, metadata, { useMtlsEndpointAliases })).url, endpoint)
      assert.strictEqual((yield* request(aliased, metadata)).url, endpoint)
    }))

  it.effect("needs an issuer and an endpoint", () =>
    Effect.gen(function*() {
      const { reason } = yield* failsWith("Unsupported")(request({ issuer: "https://op.example" }, metadata))
      assert.strictEqual(reason.feature, "registration_endpoint")
      yield* failsWith("EndpointRefused")(request({ ...server, registration_endpoint: "/register" }, metadata))
      yield* failsWith("InvalidOptions")(request({ ...server, issuer: "" }, metadata))
    }))

  it.effect("is not built of metadata that breaks rules: all of them are named", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(created)
      const { error, reason } = yield* failsWith("InvalidMetadata")(
        register(http, {}, { redirect_uris: ["/cb"], default_max_age: -1, client_uri: "x" })
      )
      assert.deepStrictEqual(reason.violations.map(({ rule }) => rule).toSorted(), [
        "default-max-age",
        "information-uris",
        "redirect-uri-absolute"
      ])
      assert.isTrue(reason.violations.every(({ severity }) => severity === "error"))
      for (const { member } of reason.violations) assert.include(error.message, member)
      assert.strictEqual(http.requests.length, 0)
    }))

  it.effect("survives metadata of any shape, as a file may hold it", () =>
    Effect.gen(function*() {
      const circular: { self?: unknown } = {}
      circular.self = circular
      const values = [null, "authorization_code", 5, true, {}, [null], [{}], 1n, circular, () => 1]
      for (
        const name of ["redirect_uris", "grant_types", "response_types", "jwks", "token_endpoint_auth_method", "vendor"]
      ) {
        for (const value of values) {
          const asked = unchecked<ClientMetadata.ClientMetadata>({ ...metadata, [name]: value })
          const exit = yield* Effect.exit(request(server, asked))
          if (Exit.isFailure(exit)) {
            assert.isFalse(Cause.hasDies(exit.cause), `${name}: ${typeof value}: ${Cause.pretty(exit.cause)}`)
          }
        }
      }
    }))

  describe("headers", () => {
    it.effect("more of them are sent, and those of JSON are always those of JSON", () =>
      Effect.gen(function*() {
        const headers = { "X-Tenant": "a", "Content-Type": "text/plain", accept: "text/html", DPoP: "own" }
        const built = yield* request(server, metadata, { headers })
        assert.strictEqual(built.headers["x-tenant"], "a")
        assert.strictEqual(built.headers["content-type"], "application/json")
        assert.strictEqual(built.headers["accept"], "application/json")
        assert.strictEqual(built.headers["dpop"], "own")
      }))

    it.effect("of several lines, a tab, and latin-1", () =>
      Effect.gen(function*() {
        const built = yield* request(server, metadata, { headers: { a: ["1", "2"], b: "x\ty", c: "\u00fc" } })
        assert.strictEqual(built.headers["a"], "1, 2")
        assert.strictEqual(built.headers["b"], "x\ty")
        assert.strictEqual(built.headers["c"], "\u00fc")
      }))

    const refused: { readonly [name: string]: Record<string, string> } = {
      "authorization": { authorization: "Bearer s3cret" },
      "authorization in any case": { AUTHORIZATION: "Bearer s3cret" },
      "a name with a space": { "x y": "1" },
      "a name with a colon": { "x:": "1" },
      "an empty name": { "": "1" },
      "a name beyond ASCII": { "\u00fc": "1" },
      "a line break in a value": { x: "s3cret\r\nx-injected: 1" },
      "a lone line feed": { x: "s3cret\n" },
      "a null": { x: "s3cret\u0000" },
      "a value beyond latin-1": { x: "s3cret\u20ac" },
      // What frames the message, or is a matter of one connection (RFC 9110 §7.6.1), belongs to the transport.
      "content-length": { "Content-Length": "5" },
      "transfer-encoding": { "transfer-encoding": "chunked" },
      "host": { host: "evil.example" },
      "connection": { connection: "close" },
      "upgrade": { upgrade: "h2c" },
      "expect": { expect: "100-continue" }
    }
    for (const [name, headers] of Object.entries(refused)) {
      it.effect(`refused: ${name}`, () =>
        Effect.gen(function*() {
          const { error, reason } = yield* failsWith("InvalidOptions")(request(server, metadata, { headers }))
          assert.strictEqual(reason.option, "headers")
          assert.notInclude(JSON.stringify(error), "s3cret")
        }))
    }
  })

  describe("the initial access token", () => {
    it.effect("is sent by the scheme that its type says", () =>
      Effect.gen(function*() {
        const initialAccessToken = Redacted.make("a.b-c_d~e+f/g==")
        const bearer = yield* request(server, metadata, { initialAccessToken })
        assert.strictEqual(bearer.headers["authorization"], "Bearer a.b-c_d~e+f/g==")
        const dpop = yield* request(server, metadata, { initialAccessToken, initialAccessTokenType: "DPoP" })
        assert.strictEqual(dpop.headers["authorization"], "DPoP a.b-c_d~e+f/g==")
        assert.isUndefined((yield* request(server, metadata)).headers["authorization"])
      }))

    it.effect("is a token68 (RFC 6750 §2.1), and is shown nowhere when it is none", () =>
      Effect.gen(function*() {
        for (
          const token of [
            "",
            " ",
            "s3cret x",
            "s3cret\r\n",
            "s3cret,",
            "=s3cret",
            "s3cret=x",
            "\u00fc",
            "Bearer s3cret"
          ]
        ) {
          const { error, reason } = yield* failsWith("InvalidOptions")(
            request(server, metadata, { initialAccessToken: Redacted.make(token) })
          )
          assert.strictEqual(reason.option, "initialAccessToken")
          assert.notInclude(JSON.stringify(error), "s3cret")
        }
      }))

    /** A token that can be used once, and counts how often it was fetched. */
    const singleUse = () => {
      let fetched = 0
      const token = Effect.sync(() => Redacted.make(`token-${++fetched}`))
      return { token, fetched: () => fetched }
    }

    it.effect("that is an Effect is run once per registration, repetitions included", () =>
      Effect.gen(function*() {
        const { fetched, token } = singleUse()
        const limited: Reply = { status: 429, headers: { "retry-after": "1" } }
        const http = recordedHttpClient(
          limited,
          { fails: Object.assign(new Error("x"), { code: "ECONNREFUSED" }) },
          created
        )
        const { exit } = yield* timed(register(http, { initialAccessToken: token }))
        assert.isTrue(Exit.isSuccess(exit))
        assert.strictEqual(fetched(), 1)
        assert.deepStrictEqual(http.requests.map(({ headers }) => headers["authorization"]), [
          "Bearer token-1",
          "Bearer token-1",
          "Bearer token-1"
        ])
        yield* register(http, { initialAccessToken: token })
        assert.strictEqual(fetched(), 2)
      }))

    it.effect("that is an Effect is not run for a request that is refused here", () =>
      Effect.gen(function*() {
        const { fetched, token: initialAccessToken } = singleUse()
        yield* Effect.flip(request(server, { redirect_uris: ["/cb"] }, { initialAccessToken }))
        yield* Effect.flip(request({ issuer: "https://op.example" }, metadata, { initialAccessToken }))
        yield* Effect.flip(request(server, metadata, { initialAccessToken, headers: { "x y": "1" } }))
        assert.strictEqual(fetched(), 0)
      }))

    it.effect("that fails, fails the registration with what it failed with", () =>
      Effect.gen(function*() {
        const http = recordedHttpClient(created)
        assert.strictEqual(
          yield* Effect.flip(register(http, { initialAccessToken: Effect.fail("no token") })),
          "no token"
        )
        assert.strictEqual(http.requests.length, 0)
      }))
  })
})

// -----------------------------------------------------------------------------
// send
// -----------------------------------------------------------------------------

describe("send", () => {
  const send = (http: RecordedHttpClient, options?: ClientRegistration.SendOptions, url = endpoint) =>
    ClientRegistration.send(
      HttpClientRequest.post(url).pipe(HttpClientRequest.bodyText("{}", "application/json")),
      options
    ).pipe(Effect.provide(on(http)))

  it.effect("gives the answer, of success and failure alike, to be read again and again", () =>
    Effect.gen(function*() {
      for (const status of [201, 200, 400, 401, 404, 500]) {
        const response = yield* send(recordedHttpClient({ status, body: { a: 1 } }))
        assert.strictEqual(response.status, status)
        assert.deepStrictEqual(yield* response.json, { a: 1 })
        assert.strictEqual(yield* response.text, `{"a":1}`)
      }
    }))

  it.effect("fails with a redirect and with a demand to come back later", () =>
    Effect.gen(function*() {
      yield* failsWith("RedirectRefused")(send(recordedHttpClient({ status: 302, headers: { location: "/x" } })))
      const { exit } = yield* timed(send(recordedHttpClient({ status: 429 })))
      assert.isTrue(Exit.isFailure(exit))
    }))

  it.effect("sends over plain http on loopback, and elsewhere only with the loud switch", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(created)
      yield* send(http, undefined, "http://localhost:8080/register")
      const { reason } = yield* failsWith("EndpointRefused")(send(http, undefined, "http://op.example/register"))
      assert.strictEqual(reason.rule, "InsecureScheme")
      assert.strictEqual(http.requests.length, 1)
      yield* send(http, { dangerouslyAllowInsecureRequests: true }, "http://op.example/register")
      assert.strictEqual(http.requests.length, 2)
    }))

  it.effect("asks nothing of this machine because a server elsewhere named it", () =>
    Effect.gen(function*() {
      const local = "http://localhost:2375/containers"
      const http = recordedHttpClient(created)
      const refused = yield* failsWith("EndpointRefused")(
        register(http, undefined, metadata, { ...server, registration_endpoint: local })
      )
      assert.strictEqual(refused.reason.rule, "InsecureScheme")
      assert.strictEqual(http.requests.length, 0)
      yield* register(http, undefined, metadata, { issuer: "http://127.0.0.1:3000", registration_endpoint: local })
      assert.strictEqual(http.requests.length, 1)

      const management = { registration_client_uri: local, registration_access_token: "t0ken" }
      const managed = recordedHttpClient({ body: { ...granted, ...management } })
      const client = yield* register(managed)
      const { reason } = yield* failsWith("EndpointRefused")(
        ClientConfiguration.read(client).pipe(Effect.provide(on(managed)))
      )
      assert.strictEqual(reason.role, "registration_client_uri")
      assert.strictEqual(managed.requests.length, 1)
    }))

  it.effect("has one deadline for all its attempts and their pauses", () =>
    Effect.gen(function*() {
      const busy: Reply = { status: 429, after: 400 }
      const http = recordedHttpClient(busy, busy, "never")
      const { exit, took } = yield* timed(
        send(http, { deadline: "2 seconds" }).pipe(
          Effect.provide(RetryPolicy.layer({ schedule: Schedule.spaced(100) }))
        )
      )
      const error = yield* Effect.flip(exit)
      assert.isTrue(error.reason._tag === "OutcomeUnknown" && error.reason.why === "Deadline")
      assert.strictEqual(took, 2_000)
      assert.strictEqual(http.requests.length, 3)
    }))

  it.effect("does not begin a pause that the deadline would cut off", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({ status: 429, headers: { "retry-after": "5" } })
      const { exit, took } = yield* timed(send(http, { deadline: "4 seconds" }))
      const error = yield* Effect.flip(exit)
      assert.isTrue(error.reason._tag === "RateLimited")
      assert.deepStrictEqual(error.retryAfter, Duration.seconds(5))
      assert.strictEqual(took, 0)
    }))

  it.effect("asks the policy again before it repeats a request: what it allowed may be forbidden by then", () =>
    Effect.gen(function*() {
      let asked = 0
      const judgeUrl = () => ++asked === 1 ? undefined : { rule: "Custom", message: "revoked" } as const
      const http = recordedHttpClient({ status: 429, headers: { "retry-after": "1" } }, created)
      const { exit } = yield* timed(
        Effect.provideService(register(http), EndpointPolicy.EndpointPolicy, { judgeUrl })
      )
      assert.strictEqual((yield* Effect.flip(exit)).reason._tag, "EndpointRefused")
      assert.strictEqual(http.requests.length, 1)
    }))

  it.effect("counts a nonce as sent only in the attempt that sent it (RFC 9449 §8)", () =>
    Effect.gen(function*() {
      const proofs = [Option.some({ jwt: "j1", nonce: "n1" }), Option.none(), Option.some({ jwt: "j3", nonce: "n1" })]
      const signer = Layer.succeed(DpopSigner.DpopSigner, {
        thumbprint: Option.some("t"),
        sign: () => Effect.sync(() => proofs.shift() ?? Option.none()),
        learn: () => Effect.void
      })
      const demand: Reply = { status: 400, headers: { "dpop-nonce": "n1" }, body: { error: "use_dpop_nonce" } }
      const http = recordedHttpClient({ status: 429, headers: { "retry-after": "1" } }, demand, created)
      const registration = ClientRegistration.register(server, metadata)
      const { exit } = yield* timed(Effect.provide(registration, Layer.merge(http.layer, signer)))
      assert.strictEqual((yield* exit).information.client_id, "c")
      assert.deepStrictEqual(http.requests.map(({ headers }) => headers["dpop"]), ["j1", undefined, "j3"])
    }))

  it.effect("keeps to the limits in force", () =>
    Effect.gen(function*() {
      const limits = { deadline: "1 second", maxResponseBytes: 10, maxMetadataBytes: 10, maxJsonDepth: 5 } as const
      const { reason } = yield* failsWith("OutcomeUnknown")(
        send(recordedHttpClient({ body: "x".repeat(11) })).pipe(
          Effect.provideService(ExchangeLimits.ExchangeLimits, limits)
        )
      )
      assert.strictEqual(reason.why, "TooLarge")
    }))
})

// -----------------------------------------------------------------------------
// process
// -----------------------------------------------------------------------------

describe("process: success", () => {
  it.effect("gives the client, with what was asked and what was granted", () =>
    Effect.gen(function*() {
      const client = yield* process({ body: { ...granted, vendor: 1 } })
      assert.strictEqual(client.issuer, "https://op.example")
      assert.deepStrictEqual<object>(client.requested, metadata)
      assert.strictEqual(client.information.client_id, "c")
      assert.deepStrictEqual<object>(client.extensions, { vendor: 1 })
      assert.deepStrictEqual(client.filledIn, [])
      assert.deepStrictEqual(client.deviations, [])
      assert.isFalse(client.differences.assumed)
    }))

  const table: { readonly [name: string]: readonly [answer: Answer, ...deviations: ReadonlyArray<string>] } = {
    "200": [{ ...created, status: 200 }, "status"],
    "202": [{ ...created, status: 202 }, "status"],
    "a parameter of the media type": [{ ...created, headers: { "content-type": "Application/JSON; charset=utf-8" } }],
    "text/plain": [{ ...created, headers: { "content-type": "text/plain" } }, "content-type"],
    "a vendor type": [{ ...created, headers: { "content-type": "application/vnd.op+json" } }, "content-type"],
    "no media type": [{ ...created, headers: { "content-type": null } }, "content-type"],
    "cacheable": [{ ...created, headers: { "cache-control": null } }, "cacheable"],
    "cacheable for a while": [{ ...created, headers: { "cache-control": "private, max-age=60" } }, "cacheable"],
    "not to be stored, among others": [{ ...created, headers: { "cache-control": "private, No-Store" } }],
    "cacheable, without credentials": [{
      body: { client_id: "c", token_endpoint_auth_method: "none" },
      headers: { "cache-control": null }
    }],
    "a byte order mark": [{ body: `\ufeff${JSON.stringify(granted)}` }],
    "all at once, in order": [
      {
        body: { ...granted, contacts: null, scope: "" },
        status: 200,
        headers: { "content-type": null, "cache-control": null }
      },
      "status",
      "content-type",
      "cacheable",
      "null-member",
      "empty-member"
    ]
  }
  for (const [name, [answer, ...deviations]] of Object.entries(table)) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const client = yield* process(answer)
        assert.strictEqual(client.information.client_id, "c")
        assert.deepStrictEqual<ReadonlyArray<string>>(ids(client), deviations)
        assert.isTrue(client.deviations.every(({ section }) => section === "RFC 7591 §3.2.1"))
      }))
  }

  it.effect("an error beside a client_id does not take the client away", () =>
    Effect.gen(function*() {
      const client = yield* process({ body: { ...granted, error: "server_error" } })
      assert.strictEqual(client.information.client_id, "c")
      assert.strictEqual(client.extensions["error"], "server_error")
    }))

  it.effect("metadata is not judged again: a client may exist now", () =>
    Effect.gen(function*() {
      const client = yield* process(created, { redirect_uris: ["/cb"], default_max_age: -1 })
      assert.strictEqual(client.information.client_id, "c")
    }))

  it.effect("an answer that nobody sent by this SDK, with a relative URL", () =>
    Effect.gen(function*() {
      const response = HttpClientResponse.fromWeb(
        HttpClientRequest.post("/register"),
        toWeb({ body: { ...granted, registration_access_token: "t", registration_client_uri: "/c" } })
      )
      const client = yield* ClientRegistration.process(server, metadata, response)
      assert.strictEqual(client.information.client_id, "c")
      assert.include(ids(client), "malformed-member")
    }))

  it.effect("the clock of the test decides what has expired", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_000_000)
      assert.deepStrictEqual(ids(yield* process({ body: { ...granted, client_secret_expires_at: 1000 } })), [
        "expired-secret"
      ])
      assert.deepStrictEqual(ids(yield* process({ body: { ...granted, client_secret_expires_at: 1001 } })), [])
    }))

  it.effect("what is nested too deeply is left out", () =>
    Effect.gen(function*() {
      const text = JSON.stringify({ ...granted, deep: "@" }).replace(`"@"`, "[".repeat(100_000) + "]".repeat(100_000))
      const client = yield* process({ body: text })
      assert.deepStrictEqual(ids(client), ["malformed-member"])
      assert.deepStrictEqual<object>(client.extensions, {})
    }))
})

describe("process: deviations: \"fail\"", () => {
  it.effect("fails with the live registration inside the error", () =>
    Effect.gen(function*() {
      const { error, reason } = yield* failsWith("DeviationsRefused")(
        process({ status: 200, body: { ...granted, contacts: null } }, metadata, { deviations: "fail" })
      )
      assert.deepStrictEqual(reason.deviations, ["status", "null-member"])
      assert.strictEqual(error.issuer, "https://op.example")
      assert.strictEqual(error.clientId, "c")
      const secret = error.registered?.information.client_secret
      assert.strictEqual(secret === undefined ? undefined : Redacted.value(secret), "s3cret")
      assert.isTrue(error.mayHaveSucceeded)
      for (
        const text of [JSON.stringify(error), inspect(error, { depth: Infinity }), Cause.pretty(Cause.fail(error))]
      ) {
        assert.notInclude(text, "s3cret")
      }
      const encoded = yield* Schema.encodeEffect(Schema.toCodecJson(RegistrationErrorSchema))(error)
      assert.notInclude(JSON.stringify(encoded), "s3cret")
    }))

  it.effect("succeeds where there are none, and \"keep\" is the default", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(ids(yield* process(created, metadata, { deviations: "fail" })), [])
      assert.deepStrictEqual(ids(yield* process({ ...created, status: 200 }, metadata, { deviations: "keep" })), [
        "status"
      ])
    }))
})

describe("process: answers of success without a client", () => {
  const unusable: { readonly [name: string]: readonly [answer: Answer, problem: string] } = {
    "nothing": [{}, "Empty"],
    "204": [{ status: 204 }, "Empty"],
    "white space": [{ body: " \r\n" }, "Empty"],
    "HTML": [{ body: "<html>Welcome</html>" }, "NotJson"],
    "half of an object": [{ body: `{"client_id":"c"` }, "NotJson"],
    "a list": [{ body: [granted] }, "NotAnObject"],
    "null": [{ body: "null" }, "NotAnObject"],
    "a string": [{ body: `"c"` }, "NotAnObject"],
    "an object": [{ body: {} }, "MissingClientId"],
    "null as the id": [{ body: { ...granted, client_id: null } }, "MissingClientId"],
    "an empty id": [{ body: { ...granted, client_id: "" } }, "MissingClientId"],
    "a list as the id": [{ body: { ...granted, client_id: ["c"] } }, "MissingClientId"],
    "the id in a prototype": [{ body: `{"__proto__":{"client_id":"c"}}` }, "MissingClientId"],
    "an error that is none": [{ body: { error: { code: 5 } } }, "MissingClientId"]
  }
  for (const [name, [answer, problem]] of Object.entries(unusable)) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const { error, reason } = yield* failsWith("UnusableAnswer")(process(answer))
        assert.strictEqual(reason.problem, problem)
        assert.strictEqual(reason.status, answer.status ?? 201)
        assert.include(error.message, "a client may exist there that nobody can use")
        assert.isFalse(error.isSafeToRepeat)
        assert.isTrue(error.mayHaveSucceeded)
        assert.strictEqual(error.url, endpoint)
        assert.notInclude(JSON.stringify(error), "s3cret")
      }))
  }

  it.effect("a redirect is one, also of a response from elsewhere", () =>
    Effect.gen(function*() {
      for (const status of [300, 302]) {
        const { reason } = yield* failsWith("RedirectRefused")(process({ status, headers: { location: "/x" } }))
        assert.deepStrictEqual({ ...reason }, { _tag: "RedirectRefused", status, location: "https://op.example/x" })
      }
    }))

  it.effect("an error object is a refusal, whatever the status", () =>
    Effect.gen(function*() {
      for (const status of [200, 201, 202]) {
        const { reason } = yield* failsWith("InvalidRedirectUri")(
          process({ status, body: { error: "invalid_redirect_uri", error_description: "no" } })
        )
        assert.deepStrictEqual({ ...reason }, { _tag: "InvalidRedirectUri", status, error_description: "no" })
      }
    }))
})

// -----------------------------------------------------------------------------
// register
// -----------------------------------------------------------------------------

describe("register", () => {
  it.effect("registers", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(created)
      const client = yield* register(http)
      assert.strictEqual(http.requests.length, 1)
      assert.strictEqual(http.requests[0]?.method, "POST")
      assert.strictEqual(http.requests[0]?.url, endpoint)
      assert.deepStrictEqual(JSON.parse(http.requests[0]?.body ?? ""), metadata)
      assert.strictEqual(client.information.client_id, "c")
      assert.deepStrictEqual(client.deviations, [])
    }))

  it.effect("sends what it fills in, and says so", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(created)
      const client = yield* register(http, {}, { redirect_uris: ["http://127.0.0.1/cb"] })
      assert.deepStrictEqual(JSON.parse(http.requests[0]?.body ?? ""), {
        redirect_uris: ["http://127.0.0.1/cb"],
        application_type: "native"
      })
      assert.deepStrictEqual(client.filledIn, ["application_type"])
      assert.strictEqual(client.requested.application_type, "native")
    }))

  it.effect("sends extensions and localised members as they are", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(created)
      const asked = ClientMetadata.withExtensions({ ...metadata, "client_name#ja-Jpan-JP": "\u540d\u524d" }, {
        vendor: { a: [null, 1] }
      })
      yield* register(http, {}, asked)
      assert.deepStrictEqual(JSON.parse(http.requests[0]?.body ?? ""), {
        ...metadata,
        "client_name#ja-Jpan-JP": "\u540d\u524d",
        vendor: { a: [null, 1] }
      })
      assert.strictEqual(
        http.requests[0]?.headers["content-length"],
        String(Buffer.byteLength(http.requests[0]?.body ?? ""))
      )
    }))

  describe("repeats what was not processed", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", syscall: "connect" })
    const replies: { readonly [name: string]: readonly [reply: Reply, atLeast: number, atMost: number] } = {
      "a refused connection": [{ fails: refused }, 200, 300],
      "429": [{ status: 429 }, 200, 300],
      "429 with seconds": [{ status: 429, headers: { "retry-after": "7" } }, 7_200, 7_300],
      "429 with a date": [{ status: 429, headers: { "retry-after": "Thu, 01 Jan 1970 00:00:09 GMT" } }, 9_200, 9_300],
      "503 with seconds": [{ status: 503, headers: { "retry-after": "2" } }, 2_200, 2_300]
    }
    for (const [name, [reply, atLeast, atMost]] of Object.entries(replies)) {
      it.effect(name, () =>
        Effect.gen(function*() {
          const http = recordedHttpClient(reply, created)
          const { exit, took } = yield* timed(register(http))
          assert.isTrue(Exit.isSuccess(exit))
          assert.strictEqual(http.requests.length, 2)
          assert.deepStrictEqual(http.requests[0], http.requests[1])
          assert.isAtLeast(took, atLeast)
          assert.isAtMost(took, atMost)
        }))
    }

    it.effect("but not beyond the cap: the delay is in the error, at once", () =>
      Effect.gen(function*() {
        const http = recordedHttpClient({
          status: 429,
          headers: { "retry-after": "3600" },
          body: { error: "too_many_requests", error_description: "20 an hour" }
        })
        const { exit, took } = yield* timed(register(http))
        const error = yield* Effect.flip(exit)
        assert.strictEqual(took, 0)
        assert.strictEqual(http.requests.length, 1)
        assert.deepStrictEqual(error.retryAfter, Duration.hours(1))
        assert.isTrue(error.isSafeToRepeat)
        assert.include(error.message, "20 an hour")
      }))
  })

  it.effect("never sends a caller's own proof twice: that would be a replay (RFC 9449 §11.1)", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({ status: 429, body: {} })
      const fiber = yield* Effect.forkChild(Effect.flip(register(http, { headers: { dpop: "own-proof" } })))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "RateLimited")
      assert.strictEqual(http.requests.length, 1)
    }))

  describe("never repeats what may have been processed", () => {
    const replies: { readonly [name: string]: readonly [reply: Reply, tag: RegistrationError["reason"]["_tag"]] } = {
      "a reset": [{ fails: Object.assign(new Error("x"), { code: "ECONNRESET" }) }, "OutcomeUnknown"],
      "a failure that says nothing": [{ fails: new TypeError("Failed to fetch") }, "OutcomeUnknown"],
      "500": [{ status: 500 }, "UnexpectedStatus"],
      "502": [{ status: 502, body: "<html>" }, "UnexpectedStatus"],
      "503 without Retry-After": [{ status: 503 }, "UnexpectedStatus"],
      "504": [{ status: 504 }, "UnexpectedStatus"],
      "408": [{ status: 408 }, "UnexpectedStatus"],
      "409": [{ status: 409, body: { error: "conflict" } }, "OAuthError"],
      "an answer without a client": [{ body: {} }, "UnusableAnswer"],
      "a redirect": [{ status: 307, headers: { location: "/x" } }, "RedirectRefused"],
      "a refusal": [{ status: 400, body: { error: "invalid_client_metadata" } }, "InvalidClientMetadata"],
      "a demand for a token": [{ status: 401 }, "Unauthorized"]
    }
    for (const [name, [reply, tag]] of Object.entries(replies)) {
      it.effect(name, () =>
        Effect.gen(function*() {
          const http = recordedHttpClient(reply, created)
          const { exit } = yield* timed(register(http))
          const error = yield* Effect.flip(exit)
          assert.strictEqual(error.reason._tag, tag)
          assert.strictEqual(http.requests.length, 1)
          assert.isFalse(error.isSafeToRepeat)
        }))
    }
  })

  it.effect("no echo of the token is in any failure", () =>
    Effect.gen(function*() {
      const token = "s3cret-t0ken/+=="
      const echoes = [
        token,
        encodeURIComponent(token),
        token.replaceAll("/", "\\/"),
        Buffer.from(token).toString("base64")
      ]
      const replies = echoes.flatMap((echo): ReadonlyArray<Reply> => [
        { status: 400, body: { error: "invalid_request", error_description: `bad ${echo}` } },
        { status: 400, body: { message: echo } },
        { status: 400, body: echo },
        { status: 401, headers: { "www-authenticate": `Bearer realm="${echo}", error="invalid_token", x=${echo}` } },
        { status: 404, body: echo },
        { status: 429, headers: { "retry-after": "3600" }, body: { error_description: echo } },
        { status: 302, headers: { location: `https://op.example/${echo}` } },
        { status: 200, body: { error: echo } },
        { status: 400, body: { error: "use_dpop_nonce", error_description: echo } }
      ])
      for (const reply of replies) {
        const http = recordedHttpClient(reply)
        const error = yield* Effect.flip(register(http, { initialAccessToken: Redacted.make(token) }))
        const encoded = yield* Schema.encodeEffect(Schema.toCodecJson(RegistrationErrorSchema))(error)
        const texts = [
          error.message,
          JSON.stringify(error),
          JSON.stringify(encoded),
          inspect(error, { depth: Infinity }),
          Cause.pretty(Cause.fail(error))
        ]
        for (const text of texts) {
          for (const echo of [...echoes, "s3cret"]) assert.notInclude(text, echo, JSON.stringify(reply))
        }
      }
    }))

  it.effect("nor is one of another header that is a secret, or that the program calls one", () =>
    Effect.gen(function*() {
      const headers = { "x-api-key": "s3cret/key", Cookie: "id=s3cret-cookie", "x-tenant-key": "s3cret-tenant" }
      const http = recordedHttpClient({
        status: 400,
        body: { error: "invalid_request", error_description: Object.values(headers).join(" and ") }
      })
      const redacted = yield* Headers.CurrentRedactedNames
      const error = yield* Effect.flip(
        register(http, { headers }).pipe(
          Effect.provideService(Headers.CurrentRedactedNames, [...redacted, /^x-tenant-/])
        )
      )
      assert.include(error.message, "<redacted> and <redacted> and <redacted>")
      assert.notInclude(JSON.stringify(error), "s3cret")
    }))

  it.effect("an interruption ends the request", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient("never")
      const fiber = yield* Effect.forkChild(register(http))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(http.requests.length, 1)
      assert.strictEqual(http.interrupted(), 1)
    }))
})
