import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import * as EndpointPolicy from "@effect-dcr/core/EndpointPolicy"
import * as ExchangeLimits from "@effect-dcr/core/ExchangeLimits"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import { assert, describe, it } from "@effect/vitest"
import { type Context, Effect, type Exit, Fiber, Layer, Option } from "effect"
import { FetchHttpClient, Headers, HttpClient, HttpClientRequest } from "effect/http"
import { TestClock } from "effect/testing"
import { decodeJwt } from "jose"
import { createHash } from "node:crypto"
import { Budget } from "../../../packages/core/src/internal/budget.ts"
import {
  type Answer,
  exchange,
  type ExchangeOptions,
  exchangeWithProofs
} from "../../../packages/core/src/internal/exchange.ts"
import { failsWith } from "../../support/failure.ts"
import { type RecordedHttpClient, recordedHttpClient, type Reply, toWeb } from "../../support/recordedHttpClient.ts"

const endpoint = "https://op.example/register"

const post = (url: string | URL = endpoint, headers: Record<string, string> = {}) =>
  HttpClientRequest.post(url, { headers }).pipe(HttpClientRequest.bodyText("{}", "application/json"))

const options: ExchangeOptions = { role: "registration_endpoint", allowInsecure: false }

const plain = (
  http: RecordedHttpClient,
  request: HttpClientRequest.HttpClientRequest = post(),
  more: Partial<ExchangeOptions> = {}
) => exchange(request, { ...options, ...more }).pipe(Effect.provide(http.layer))

const proving = (
  http: RecordedHttpClient,
  request: HttpClientRequest.HttpClientRequest = post(),
  more: Partial<ExchangeOptions> = {}
) =>
  Effect.contextWith((context: Context.Context<HttpClient.HttpClient | DpopSigner.DpopSigner>) => {
    const asked = { ...options, ...more }
    return exchangeWithProofs(request, asked, new Budget(context, asked.deadline))
  }).pipe(Effect.provide(http.layer))

const proofs = (http: RecordedHttpClient) => http.requests.map(({ headers }) => decodeJwt(headers["dpop"] ?? ""))

const nonces = (http: RecordedHttpClient) => proofs(http).map((claims) => claims["nonce"])

const demand = (nonce: string | null) => ({
  status: 400,
  headers: { "dpop-nonce": nonce },
  body: { error: "use_dpop_nonce", error_description: "give me one" }
})

const challenge = (nonce: string | null, value = `DPoP error="use_dpop_nonce"`): Reply => ({
  status: 401,
  headers: { "dpop-nonce": nonce, "www-authenticate": value }
})

/** A signer whose proofs cost no time, for tests of time: signatures of WebCrypto run beside the test's clock. */
const instantSigner = () => {
  let nonce: string | undefined
  return Layer.succeed(DpopSigner.DpopSigner, {
    thumbprint: Option.some("t"),
    sign: () => Effect.sync(() => Option.some({ jwt: `proof-with-${nonce}`, nonce })),
    learn: (_, learned) =>
      Effect.sync(() => {
        nonce = learned
      })
  })
}

const created = { body: { client_id: "c" } }

/** Runs until `millis` have passed on the test's clock, and tells whether it has ended by then. */
const endsWithin = <A, E, R>(effect: Effect.Effect<A, E, R>, millis: number) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect)
    yield* TestClock.adjust(millis - 1)
    const early = fiber.pollUnsafe()
    yield* TestClock.adjust(1)
    const exit = fiber.pollUnsafe()
    yield* Fiber.interrupt(fiber)
    return { early, exit }
  })

const failureOf = (exit: Exit.Exit<Answer, RegistrationError> | undefined) =>
  exit === undefined ? Effect.die(new Error("it has not ended")) : Effect.flip(exit)

describe("the request", () => {
  it.effect("is sent as it is, and its answer read to the end", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({ status: 202, headers: { "x-a": "b" }, body: "hello" })
      const answer = yield* plain(http, post(endpoint, { "x-mine": "1" }))
      assert.strictEqual(answer.status, 202)
      assert.strictEqual(answer.headers["x-a"], "b")
      assert.strictEqual(answer.text, "hello")
      const [request] = http.requests
      assert.deepStrictEqual(request, {
        method: "POST",
        url: endpoint,
        headers: {
          "accept-encoding": "identity",
          "content-length": "2",
          "content-type": "application/json",
          "x-mine": "1"
        },
        body: "{}"
      })
      // who asks for a compressed answer knows how to read it
      yield* plain(http, post(endpoint, { "accept-encoding": "gzip" }))
      assert.strictEqual(http.requests[1]?.headers["accept-encoding"], "gzip")
    }))

  it.effect("keeps the query of its URL, which is no redirect", () =>
    Effect.gen(function*() {
      const urls = [
        `${endpoint}?tenant=1`,
        new URL(`${endpoint}?tenant=1&x=a+b`),
        `${endpoint}?tenant=1&flag&x=%7ea%20b`,
        `${endpoint}?tenant=1#fragment`,
        `${endpoint}?tenant=1#`,
        new URL(`${endpoint}?tenant=1#`),
        "https://op.example:443/a/../register?tenant=1",
        "HTTPS://OP.EXAMPLE/register?tenant=1"
      ]
      for (const url of urls) {
        const http = recordedHttpClient({ ...created, url: new URL(url).href.replace(/#.*/, "") })
        assert.strictEqual((yield* plain(http, post(url))).status, 201, String(url))
        assert.include(http.requests[0]?.url, "?tenant=1")
        // As a client that does not say where the answer came from.
        assert.strictEqual((yield* plain(recordedHttpClient(created), post(url))).status, 201, String(url))
      }
    }))

  it.effect("carries no trace headers, and its proof is no text for a span", () =>
    Effect.gen(function*() {
      let redacted: ReadonlyArray<string | RegExp> = []
      const http = recordedHttpClient(created)
      const client = HttpClient.mapRequestEffect(http.client, (request) =>
        Effect.map(Effect.service(Headers.CurrentRedactedNames), (names) => {
          redacted = names
          return request
        }))
      yield* exchange(post(), options).pipe(
        Effect.provideService(HttpClient.HttpClient, client),
        Effect.withSpan("outer")
      )
      assert.deepStrictEqual(
        Object.keys(http.requests[0]?.headers ?? {}).filter((name) =>
          /trace|^b3$|baggage/.test(name)
        ),
        []
      )
      assert.includeMembers([...redacted], ["authorization", "dpop"])
    }))

  it.effect("tells fetch to follow no redirect and to send no cookies, and leaves the rest as the user has it", () =>
    Effect.gen(function*() {
      const inits: Array<RequestInit | undefined> = []
      const fetch: typeof globalThis.fetch = (_url, init) => {
        inits.push(init)
        return Promise.resolve(toWeb({ body: {} }))
      }
      const run = exchange(post(), options).pipe(
        Effect.provide(FetchHttpClient.layer),
        Effect.provideService(FetchHttpClient.Fetch, fetch)
      )
      yield* run
      yield* run.pipe(
        Effect.provideService(FetchHttpClient.RequestInit, {
          redirect: "follow",
          credentials: "include",
          keepalive: true
        })
      )
      for (const init of inits) {
        assert.strictEqual(init?.redirect, "manual")
        assert.strictEqual(init?.credentials, "omit")
        assert.strictEqual(init?.referrerPolicy, "no-referrer")
      }
      assert.deepStrictEqual(inits.map((init) => init?.keepalive), [undefined, true])
    }))

  it.effect("is aborted when it is interrupted", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient("never")
      const fiber = yield* Effect.forkChild(plain(http))
      yield* Effect.yieldNow
      yield* TestClock.adjust("1 second")
      assert.strictEqual(http.requests.length, 1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(http.interrupted(), 1)
    }))
})

describe("the endpoint policy", () => {
  const refused: ReadonlyArray<readonly [url: string, rule: string, shown: string]> = [
    ["http://op.example/register?a=b", "InsecureScheme", "http://op.example/register"],
    ["https://user:hunter2@op.example/register", "UserInformation", "https://op.example/register"],
    ["ftp://op.example/register", "InsecureScheme", "ftp://op.example/register"],
    ["/register", "InvalidUrl", "(not a URL)"],
    ["", "InvalidUrl", "(not a URL)"]
  ]
  for (const [url, rule, shown] of refused) {
    it.effect(`refuses ${JSON.stringify(url)} before anything is sent`, () =>
      Effect.gen(function*() {
        const http = recordedHttpClient(created)
        const { error, reason } = yield* failsWith("EndpointRefused")(plain(http, post(url)))
        assert.strictEqual(reason.rule, rule)
        assert.strictEqual(reason.role, "registration_endpoint")
        assert.strictEqual(reason.url, shown)
        assert.notInclude(JSON.stringify(error), "hunter2")
        assert.strictEqual(http.requests.length, 0)
      }))
  }

  it.effect("sees the query, what the caller allows and who named the URL, but no secrets", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const policy = EndpointPolicy.withRule(EndpointPolicy.httpsOrLoopback, (url, circumstances) => {
        seen.push(url.href, circumstances)
        return undefined
      })
      yield* plain(recordedHttpClient(created), post(new URL("http://op.example/?a=b")), {
        allowInsecure: true,
        issuer: "http://op.example",
        secrets: ["s3cret"]
      }).pipe(
        Effect.provide(EndpointPolicy.layer(policy))
      )
      assert.deepStrictEqual(seen, [
        "http://op.example/?a=b",
        { role: "registration_endpoint", allowInsecure: true, issuer: "http://op.example" }
      ])
    }))

  it.effect("takes plain http on loopback", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* plain(recordedHttpClient(created), post("http://127.0.0.1:8080/"))).status, 201)
    }))
})

describe("redirects are refused", () => {
  for (const status of [301, 302, 303, 307, 308, 300, 304]) {
    for (const location of ["/other?a=s3cret#s3cret", "https://evil.example/x?a=s3cret", null]) {
      it.effect(`${status} to ${location ?? "nowhere"}`, () =>
        Effect.gen(function*() {
          const http = recordedHttpClient({ status, headers: { location } }, created)
          const { error, reason } = yield* failsWith("RedirectRefused")(plain(http))
          assert.strictEqual(reason.status, status)
          assert.strictEqual(
            reason.location,
            location === null
              ? undefined
              : location.startsWith("/")
              ? "https://op.example/other"
              : "https://evil.example/x"
          )
          assert.isFalse(error.isSafeToRepeat)
          assert.strictEqual(error.url, endpoint)
          assert.strictEqual(http.requests.length, 1)
          assert.notInclude(JSON.stringify(error), "s3cret")
        }))
    }
  }

  it.effect("an opaque one, of which a browser says nothing", () =>
    Effect.gen(function*() {
      const { reason } = yield* failsWith("RedirectRefused")(plain(recordedHttpClient({ status: 0 })))
      assert.deepStrictEqual({ ...reason }, { _tag: "RedirectRefused" })
    }))

  it.effect("one that was followed, whatever came of it", () =>
    Effect.gen(function*() {
      for (
        const url of ["https://evil.example/x?a=s3cret", `${endpoint}?added=s3cret`, "https://op.example/register/"]
      ) {
        const http = recordedHttpClient({ ...created, url })
        const { reason } = yield* failsWith("RedirectRefused")(plain(http))
        assert.deepStrictEqual({ ...reason }, {
          _tag: "RedirectRefused",
          location: new URL(url).origin + new URL(url).pathname
        })
      }
    }))

  it.effect("one that would hand out the token shows no token", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({ status: 302, headers: { location: "/login/t0k%2Fen" } })
      const { error } = yield* failsWith("RedirectRefused")(plain(http, post(), { secrets: ["t0k/en"] }))
      assert.notInclude(JSON.stringify(error), "t0k")
      const followed = recordedHttpClient({ ...created, url: "https://op.example/t0k/en" })
      const { error: other } = yield* failsWith("RedirectRefused")(plain(followed, post(), { secrets: ["t0k/en"] }))
      assert.notInclude(JSON.stringify(other), "t0k")
    }))
})

describe("the deadline", () => {
  it.effect("is never early; what became of a POST is not known then", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient("never")
      const { early, exit } = yield* endsWithin(plain(http, post(), { deadline: "2 seconds" }), 2000)
      assert.isUndefined(early)
      const error = yield* failureOf(exit)
      assert.deepStrictEqual({ ...error.reason }, {
        _tag: "OutcomeUnknown",
        why: "Deadline",
        message: "No answer within the deadline: whether the server processed the request is not known"
      })
      assert.isFalse(error.isSafeToRepeat)
      assert.strictEqual(http.interrupted(), 1)
    }))

  it.effect("of a read says that it can be tried again", () =>
    Effect.gen(function*() {
      const { early, exit } = yield* endsWithin(
        plain(recordedHttpClient("never"), HttpClientRequest.get(endpoint)),
        30_000
      )
      assert.isUndefined(early)
      const error = yield* failureOf(exit)
      assert.deepStrictEqual({ ...error.reason }, {
        _tag: "Transport",
        sent: true,
        message: "No answer within the deadline"
      })
    }))

  it.effect("without a call's own is that of the limits", () =>
    Effect.gen(function*() {
      const limited = plain(recordedHttpClient("never")).pipe(
        Effect.provideService(ExchangeLimits.ExchangeLimits, {
          deadline: "5 seconds",
          maxResponseBytes: 100,
          maxMetadataBytes: 100,
          maxJsonDepth: 5
        })
      )
      const { early, exit } = yield* endsWithin(limited, 5000)
      assert.isUndefined(early)
      assert.strictEqual((yield* failureOf(exit)).reason._tag, "OutcomeUnknown")
    }))

  it.effect("counts while the body drips in: a success is unknown then, a failure is what its status says", () =>
    Effect.gen(function*() {
      const drip = () => new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([123])) })
      const run = (status: number, request = post()) =>
        endsWithin(plain(recordedHttpClient({ status, body: drip() }), request, { deadline: "2 seconds" }), 2000)
      const success = yield* run(201)
      assert.isUndefined(success.early)
      assert.deepStrictEqual({ ...(yield* failureOf(success.exit)).reason }, {
        _tag: "OutcomeUnknown",
        why: "Deadline",
        status: 201,
        message: "The answer did not end within the deadline: whether the server processed the request is not known"
      })
      for (const status of [400, 401, 429, 500]) {
        const failure = yield* run(status)
        const answer = yield* failure.exit ?? Effect.die(new Error("it has not ended"))
        assert.strictEqual(answer.status, status)
        assert.strictEqual(answer.text, "")
      }
      assert.strictEqual(
        (yield* failureOf((yield* run(200, HttpClientRequest.get(endpoint))).exit)).reason._tag,
        "Transport"
      )
    }))

  it.effect("that has passed already sends nothing", () =>
    Effect.gen(function*() {
      for (const deadline of [0, -1]) {
        const http = recordedHttpClient(created)
        const { error, reason } = yield* failsWith("Transport")(plain(http, post(), { deadline }))
        assert.isFalse(reason.sent)
        assert.isTrue(error.isSafeToRepeat)
        assert.strictEqual(http.requests.length, 0)
      }
    }))

  it.effect("that passes before the proof is made has sent nothing", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(created)
      const slow = Layer.succeed(DpopSigner.DpopSigner, {
        thumbprint: Option.some("t"),
        sign: () => Effect.never,
        learn: () => Effect.void
      })
      const { exit } = yield* endsWithin(proving(http, post(), { deadline: 100 }).pipe(Effect.provide(slow)), 100)
      const error = yield* failureOf(exit)
      assert.deepStrictEqual({ ...error.reason }, {
        _tag: "Transport",
        sent: false,
        message: "The request was not sent within the deadline"
      })
      assert.strictEqual(http.requests.length, 0)
    }))

  it.effect("may be none", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({ ...created, after: "400 days" })
      const fiber = yield* Effect.forkChild(plain(http, post(), { deadline: "Infinity" }))
      yield* TestClock.adjust("400 days")
      assert.strictEqual((yield* Fiber.join(fiber)).status, 201)
      // Nor does a timer of the platform take it for none at all.
      const live = yield* plain(recordedHttpClient({ ...created, after: 20 }), post(), { deadline: "Infinity" }).pipe(
        TestClock.withLive
      )
      assert.strictEqual(live.status, 201)
    }))
})

describe("a client that sends again by itself", () => {
  it.effect("is stopped before a second POST", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({ status: 503 }, created)
      const client = http.client.pipe(HttpClient.retryTransient({ times: 3 }))
      const { error, reason } = yield* failsWith("OutcomeUnknown")(
        exchange(post(), options).pipe(Effect.provideService(HttpClient.HttpClient, client))
      )
      assert.strictEqual(reason.why, "RepeatedSend")
      assert.isFalse(error.isSafeToRepeat)
      assert.strictEqual(http.requests.length, 1)
    }))

  it.effect("may read again", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({ status: 503 }, { status: 200, body: "ok" })
      const client = http.client.pipe(HttpClient.retryTransient({ times: 3 }))
      const answer = yield* exchange(HttpClientRequest.get(endpoint), options).pipe(
        Effect.provideService(HttpClient.HttpClient, client)
      )
      assert.strictEqual(answer.text, "ok")
    }))

  it.effect("and one that fails on a status loses no answer", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({ status: 400, body: { error: "invalid_redirect_uri" } })
      const answer = yield* exchange(post(), options).pipe(
        Effect.provideService(HttpClient.HttpClient, HttpClient.filterStatusOk(http.client))
      )
      assert.strictEqual(answer.status, 400)
      assert.strictEqual(answer.text, `{"error":"invalid_redirect_uri"}`)
      const redirected = recordedHttpClient({ status: 302, headers: { location: "/x" } })
      yield* failsWith("RedirectRefused")(
        exchange(post(), options).pipe(
          Effect.provideService(HttpClient.HttpClient, HttpClient.filterStatusOk(redirected.client))
        )
      )
    }))
})

describe("proofs", () => {
  it.effect("none of a signer that makes none", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(created)
      yield* proving(http)
      assert.isUndefined(http.requests[0]?.headers["dpop"])
    }).pipe(Effect.provide(DpopSigner.layerNone)))

  it.effect("are for the method and the URL without query and fragment (RFC 9449 §4.2)", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_700_000_000_999)
      const http = recordedHttpClient(created)
      yield* proving(http, post(`${endpoint}?tenant=1#x`))
      const { jti, ...claims } = proofs(http)[0] ?? {}
      assert.deepStrictEqual(claims, { htm: "POST", htu: endpoint, iat: 1_700_000_000 })
      assert.isString(jti)
    }).pipe(Effect.provide(DpopSigner.layer())))

  it.effect("have the hash of the token of either scheme", () =>
    Effect.gen(function*() {
      for (const scheme of ["Bearer", "DPoP"]) {
        const http = recordedHttpClient(created)
        yield* proving(http, post(endpoint, { authorization: `${scheme} tok/en==` }))
        assert.strictEqual(
          proofs(http)[0]?.["ath"],
          createHash("sha256").update("tok/en==").digest("base64url")
        )
        assert.strictEqual(http.requests[0]?.headers["authorization"], `${scheme} tok/en==`)
      }
    }).pipe(Effect.provide(DpopSigner.layer())))

  it.effect("a DPoP token without a signer is refused before anything is sent", () =>
    Effect.gen(function*() {
      for (const scheme of ["DPoP", "dpop"]) {
        const http = recordedHttpClient(created)
        const { reason } = yield* failsWith("InvalidOptions")(
          proving(http, post(endpoint, { authorization: `${scheme} token` }))
        )
        assert.strictEqual(reason.option, "initialAccessToken")
        assert.strictEqual(http.requests.length, 0)
      }
    }).pipe(Effect.provide(DpopSigner.layerNone)))

  it.effect("a caller's own is sent as it is, and a demand is the caller's matter", () =>
    Effect.gen(function*() {
      const own = post(endpoint, { dpop: "own-proof", authorization: "DPoP token" })
      const http = recordedHttpClient(created)
      yield* proving(http, own)
      assert.strictEqual(http.requests[0]?.headers["dpop"], "own-proof")
      for (const reply of [demand("n1"), challenge("n1")]) {
        const demanding = recordedHttpClient(reply)
        const { error, reason } = yield* failsWith("NonceExhausted")(proving(demanding, own))
        assert.strictEqual(reason.nonce, "n1")
        assert.strictEqual(demanding.requests.length, 1)
        assert.isFalse(error.isSafeToRepeat)
      }
    }).pipe(Effect.provide(DpopSigner.layerNone)))
})

describe("nonces", () => {
  const forms: { readonly [name: string]: (nonce: string) => Reply } = {
    "400 with an error object (§8)": (nonce) => demand(nonce),
    "401 with a challenge (§9)": (nonce) => challenge(nonce),
    "401 with several challenges in one line": (nonce) =>
      challenge(nonce, `Bearer realm="a, b", error="x", DPoP algs="ES256", error="use_dpop_nonce"`),
    "401 with several challenges in several lines": (nonce) => ({
      status: 401,
      headers: { "dpop-nonce": nonce, "www-authenticate": ["Bearer", `dpop ERROR=USE_DPOP_NONCE`] }
    })
  }
  for (const [name, form] of Object.entries(forms)) {
    it.effect(`a demand is answered once, with a new proof: ${name}`, () =>
      Effect.gen(function*() {
        const http = recordedHttpClient(form("n1"), created)
        yield* TestClock.setTime(5_000)
        const answer = yield* proving(http, post(endpoint, { authorization: "Bearer token" }))
        assert.strictEqual(answer.status, 201)
        assert.deepStrictEqual(nonces(http), [undefined, "n1"])
        const [first, second] = proofs(http)
        assert.notStrictEqual(first?.jti, second?.jti)
        assert.strictEqual(first?.["ath"], second?.["ath"])
        assert.strictEqual(http.requests[0]?.body, http.requests[1]?.body)
      }).pipe(Effect.provide(DpopSigner.layer())))
  }

  it.effect("one that comes with a success is used next time, for that origin only", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({ ...created, headers: { "dpop-nonce": "n1" } }, created)
      yield* proving(http)
      yield* proving(http)
      yield* proving(http, post("https://other.example/register"))
      assert.deepStrictEqual(nonces(http), [undefined, "n1", undefined])
    }).pipe(Effect.provide(DpopSigner.layer())))

  it.effect("one that comes with a failure, or with the answer to the second attempt, is used next time", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(
        { status: 429, headers: { "dpop-nonce": "n1" } },
        demand("n2"),
        { ...created, headers: { "dpop-nonce": "n3" } },
        created
      )
      yield* proving(http)
      yield* proving(http)
      yield* proving(http)
      assert.deepStrictEqual(nonces(http), [undefined, "n1", "n2", "n3"])
    }).pipe(Effect.provide(DpopSigner.layer())))

  it.effect("demanded again after a fresh one was used: no third attempt", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(demand("n1"), challenge("n2"), created)
      const { error, reason } = yield* failsWith("NonceExhausted")(proving(http))
      assert.strictEqual(http.requests.length, 2)
      assert.deepStrictEqual({ ...reason }, { _tag: "NonceExhausted", status: 401, nonce: "n2" })
      assert.isFalse(error.isSafeToRepeat)
      assert.strictEqual(error.url, endpoint)
    }).pipe(Effect.provide(DpopSigner.layer())))

  it.effect("the one that was just sent is no new one: no second attempt", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({ ...created, headers: { "dpop-nonce": "n1" } }, demand("n1"))
      yield* proving(http)
      const { reason } = yield* failsWith("NonceExhausted")(proving(http))
      assert.strictEqual(http.requests.length, 2)
      assert.deepStrictEqual({ ...reason }, {
        _tag: "NonceExhausted",
        status: 400,
        nonce: "n1",
        error_description: "give me one"
      })
    }).pipe(Effect.provide(DpopSigner.layer())))

  it.effect("demanded, but none given, or none that can be sent: no second attempt", () =>
    Effect.gen(function*() {
      for (const nonce of [null, "a b", "a\"b", "x".repeat(5_000)]) {
        const http = recordedHttpClient(demand(nonce), created)
        const { reason } = yield* failsWith("NonceExhausted")(proving(http))
        assert.strictEqual(http.requests.length, 1)
        assert.isUndefined(reason.nonce)
      }
      // Two lines of it are not one nonce.
      const http = recordedHttpClient({
        ...created,
        status: 401,
        headers: { "dpop-nonce": ["a", "b"], "www-authenticate": "DPoP error=use_dpop_nonce" }
      })
      yield* failsWith("NonceExhausted")(proving(http))
      assert.strictEqual(http.requests.length, 1)
    }).pipe(Effect.provide(DpopSigner.layer())))

  it.effect("a demand to a client without a signer is an answer like any other", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(demand("n1"))
      assert.strictEqual((yield* proving(http)).status, 400)
      assert.strictEqual(http.requests.length, 1)
    }).pipe(Effect.provide(DpopSigner.layerNone)))

  it.effect("what the server says of its demand is cleaned", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({
        status: 400,
        body: { error: "use_dpop_nonce", error_description: "not\nwith t0k/en" }
      })
      const request = post(endpoint, { authorization: "Bearer t0k/en" })
      const { reason } = yield* failsWith("NonceExhausted")(proving(http, request, { secrets: ["t0k/en"] }))
      assert.strictEqual(reason.error_description, "not with <redacted>")
    }).pipe(Effect.provide(DpopSigner.layer())))

  it.effect("the second attempt has what is left of the time", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({ ...demand("n1"), after: 600 }, { ...created, after: 600 })
      const { early, exit } = yield* endsWithin(proving(http, post(), { deadline: 1000 }), 1000)
      assert.isUndefined(early)
      assert.strictEqual((yield* failureOf(exit)).reason._tag, "OutcomeUnknown")
      assert.strictEqual(http.requests.length, 2)
    }).pipe(Effect.provide(instantSigner())))
})

describe("failures of the transport", () => {
  it.effect("carry their cause, not the request with its token", () =>
    Effect.gen(function*() {
      const cause = Object.assign(new Error("reset"), { code: "ECONNRESET" })
      const http = recordedHttpClient({ fails: cause })
      const { error } = yield* failsWith("OutcomeUnknown")(
        plain(http, post(endpoint, { authorization: "Bearer s3cret" }))
      )
      assert.strictEqual(error.cause, cause)
      assert.strictEqual(error.method, "POST")
      assert.strictEqual(error.url, endpoint)
      assert.notInclude(JSON.stringify(error), "s3cret")
    }))
})
