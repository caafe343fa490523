import type { Reason } from "@effect-dcr/core/RegistrationError"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { HttpClientRequest, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { isErrorObject, refusal, retryAfterOf } from "../../../packages/core/src/internal/refusal.ts"

const secret = "t0k/en+1"

interface Case {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

const withoutToken = HttpClientRequest.post("https://op.example/register?tenant=1")

const request = HttpClientRequest.bearerToken(withoutToken, "a-token")

const refused = ({ body, headers = {}, status }: Case, sent = request) => {
  const response = HttpClientResponse.fromWeb(sent, new Response(null, { status, headers }))
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body)
  return refusal({ request: sent, response, status, headers: response.headers, text, isTruncated: false }, {
    feature: "registration_endpoint",
    secrets: [secret]
  })
}

const cases: { readonly [name: string]: readonly [answer: Case, reason: Reason] } = {
  // RFC 7591 §3.2.2
  "invalid_redirect_uri": [
    { status: 400, body: { error: "invalid_redirect_uri", error_description: "not https" } },
    { _tag: "InvalidRedirectUri", status: 400, error_description: "not https" }
  ],
  "invalid_client_metadata": [
    { status: 400, body: { error: "invalid_client_metadata" } },
    { _tag: "InvalidClientMetadata", status: 400 }
  ],
  "invalid_software_statement": [
    { status: 400, body: { error: "invalid_software_statement" } },
    { _tag: "InvalidSoftwareStatement", status: 400 }
  ],
  "unapproved_software_statement": [
    { status: 400, body: { error: "unapproved_software_statement", error_uri: "https://op.example/why" } },
    { _tag: "UnapprovedSoftwareStatement", status: 400, error_uri: "https://op.example/why" }
  ],
  "a code of RFC 7591 with a status that is not 400": [
    { status: 422, body: { error: "invalid_client_metadata", error_description: "no" } },
    { _tag: "InvalidClientMetadata", status: 422, error_description: "no" }
  ],
  "a code of RFC 7591 with 401": [
    { status: 401, body: { error: "invalid_software_statement" } },
    { _tag: "InvalidSoftwareStatement", status: 401 }
  ],
  "a code of RFC 7591 with 404": [
    { status: 404, body: { error: "invalid_redirect_uri" } },
    { _tag: "InvalidRedirectUri", status: 404 }
  ],
  "a code of RFC 7591 with 200": [
    { status: 200, body: { error: "invalid_redirect_uri" } },
    { _tag: "InvalidRedirectUri", status: 200 }
  ],
  // other codes
  ...Object.fromEntries(
    ["invalid_request", "invalid_scope", "access_denied", "too_many_requests", "server_error", "invalid_token"].map((
      error
    ): [string, readonly [Case, Reason]] => [
      error,
      [{ status: 400, body: { error } }, { _tag: "OAuthError", status: 400, error }]
    ])
  ),
  "server_error with 500": [
    { status: 500, body: { error: "server_error", error_description: "sorry" } },
    { _tag: "OAuthError", status: 500, error: "server_error", error_description: "sorry" }
  ],
  "a sentence as the error": [
    { status: 400, body: { error: "Redirect URI is not allowed" } },
    { _tag: "OAuthError", status: 400, error: "Redirect URI is not allowed" }
  ],
  "constructor, toString: codes like any other": [
    { status: 400, body: { error: "constructor" } },
    { _tag: "OAuthError", status: 400, error: "constructor" }
  ],
  // the media type says one thing, the body another
  "JSON as text/plain": [
    { status: 400, headers: { "content-type": "text/plain" }, body: { error: "invalid_redirect_uri" } },
    { _tag: "InvalidRedirectUri", status: 400 }
  ],
  "JSON as text/html, with a byte order mark": [
    { status: 400, headers: { "content-type": "text/html" }, body: "\ufeff{\"error\":\"invalid_redirect_uri\"}" },
    { _tag: "InvalidRedirectUri", status: 400 }
  ],
  "text as JSON": [
    { status: 400, headers: { "content-type": "application/json" }, body: "Bad things" },
    { _tag: "UnexpectedStatus", status: 400, excerpt: "Bad things" }
  ],
  // without error
  "only message": [
    { status: 400, body: { message: "no such scope" } },
    { _tag: "UnexpectedStatus", status: 400, excerpt: "no such scope" }
  ],
  "a list of messages": [
    { status: 422, body: { message: ["one", "two"] } },
    { _tag: "UnexpectedStatus", status: 422, excerpt: "one; two" }
  ],
  "only code": [
    { status: 400, body: { code: "E123" } },
    { _tag: "UnexpectedStatus", status: 400, excerpt: "E123" }
  ],
  "a number as the code": [
    { status: 400, body: { code: 4711 } },
    { _tag: "UnexpectedStatus", status: 400, excerpt: "4711" }
  ],
  "code and message": [
    { status: 400, body: { code: "E123", message: "no" } },
    { _tag: "UnexpectedStatus", status: 400, excerpt: "E123: no" }
  ],
  "a code of RFC 7591 in the wrong member": [
    { status: 400, body: { code: "invalid_redirect_uri", message: "no" } },
    { _tag: "InvalidRedirectUri", status: 400, error_description: "no" }
  ],
  "only error_description": [
    { status: 400, body: { error_description: "no" } },
    { _tag: "UnexpectedStatus", status: 400, excerpt: "no" }
  ],
  "problem details (RFC 9457)": [
    { status: 400, headers: { "content-type": "application/problem+json" }, body: { title: "Bad", detail: "no" } },
    { _tag: "UnexpectedStatus", status: 400, excerpt: "no" }
  ],
  "wrong types": [
    { status: 400, body: { error: 5, error_description: { a: 1 }, error_uri: [], message: null } },
    { _tag: "UnexpectedStatus", status: 400 }
  ],
  "an empty error": [
    { status: 400, body: { error: "", error_description: "no" } },
    { _tag: "UnexpectedStatus", status: 400, excerpt: "no" }
  ],
  // no JSON object
  "an empty body": [{ status: 400 }, { _tag: "UnexpectedStatus", status: 400 }],
  "HTML": [
    { status: 502, headers: { "content-type": "text/html" }, body: "<html><body>Bad gateway</body></html>" },
    { _tag: "UnexpectedStatus", status: 502 }
  ],
  "HTML in a description": [
    { status: 400, body: { error: "invalid_request", error_description: "<p>no</p>" } },
    { _tag: "OAuthError", status: 400, error: "invalid_request" }
  ],
  "an array": [{ status: 400, body: ["error"] }, { _tag: "UnexpectedStatus", status: 400, excerpt: "[\"error\"]" }],
  "null": [{ status: 400, body: "null" }, { _tag: "UnexpectedStatus", status: 400, excerpt: "null" }],
  "many lines": [
    { status: 400, body: { error: "invalid_client_metadata", error_description: "one\r\n  two\n\nthree" } },
    { _tag: "InvalidClientMetadata", status: 400, error_description: "one two three" }
  ],
  "a description of 100,000 characters": [
    { status: 400, body: { error: "invalid_client_metadata", error_description: "x".repeat(100_000) } },
    { _tag: "InvalidClientMetadata", status: 400, error_description: `${"x".repeat(299)}…` }
  ],
  // not there
  "404": [
    { status: 404, body: "not found" },
    {
      _tag: "Unsupported",
      feature: "registration_endpoint",
      message: "The server answered with status 404 at its registration_endpoint: it does not offer what it " +
        "advertises (not found)"
    }
  ],
  "404 as frameworks write it": [
    { status: 404, body: { timestamp: 1, status: 404, error: "Not Found", path: "/register" } },
    {
      _tag: "Unsupported",
      feature: "registration_endpoint",
      message: "The server answered with status 404 at its registration_endpoint: it does not offer what it " +
        "advertises (Not Found)"
    }
  ],
  "405 with a page": [
    { status: 405, headers: { allow: "GET" }, body: "<html>no</html>" },
    {
      _tag: "Unsupported",
      feature: "registration_endpoint",
      message: "The server answered with status 405 at its registration_endpoint: it does not offer what it advertises"
    }
  ],
  "501": [
    { status: 501, body: { error: "not_implemented", error_description: "off" } },
    {
      _tag: "Unsupported",
      feature: "registration_endpoint",
      message: "The server answered with status 501 at its registration_endpoint: it does not offer what it " +
        "advertises (not_implemented: off)"
    }
  ],
  "500 as frameworks write it": [
    { status: 500, body: { error: "Internal Server Error", message: "null pointer" } },
    { _tag: "UnexpectedStatus", status: 500, excerpt: "Internal Server Error: null pointer" }
  ],
  "418": [{ status: 418 }, { _tag: "UnexpectedStatus", status: 418 }],
  "503 without Retry-After": [{ status: 503 }, { _tag: "UnexpectedStatus", status: 503 }],
  "500 with Retry-After": [
    { status: 500, headers: { "retry-after": "7" } },
    { _tag: "UnexpectedStatus", status: 500, retryAfter: Duration.seconds(7) }
  ],
  // RFC 9110 §11.6.1, RFC 6750 §3
  "401 without a challenge": [{ status: 401 }, { _tag: "Unauthorized", status: 401, challenges: [] }],
  "401 with Bearer alone": [
    { status: 401, headers: { "www-authenticate": "Bearer" } },
    { _tag: "Unauthorized", status: 401, challenges: [{ scheme: "Bearer", parameters: {} }] }
  ],
  "401 with an error in the body": [
    { status: 401, body: { error: "invalid_token", error_description: "expired" } },
    { _tag: "Unauthorized", status: 401, error: "invalid_token", error_description: "expired", challenges: [] }
  ],
  "401 with an error in the challenge only": [
    {
      status: 401,
      headers: {
        "www-authenticate": `Basic realm="a, b", Bearer realm="x", error="invalid_token", error_description="expired"`
      }
    },
    {
      _tag: "Unauthorized",
      status: 401,
      error: "invalid_token",
      error_description: "expired",
      challenges: [
        { scheme: "Basic", parameters: { realm: "a, b" } },
        { scheme: "Bearer", parameters: { realm: "x", error: "invalid_token", error_description: "expired" } }
      ]
    }
  ],
  "401 with a phrase in the body and an error in the challenge": [
    { status: 401, headers: { "www-authenticate": "Bearer error=invalid_token" }, body: { error: "Unauthorized" } },
    {
      _tag: "Unauthorized",
      status: 401,
      error: "invalid_token",
      challenges: [{ scheme: "Bearer", parameters: { error: "invalid_token" } }]
    }
  ],
  "401 with an empty error in the challenge": [
    { status: 401, headers: { "www-authenticate": `Bearer error=""` }, body: { error: "invalid_token" } },
    {
      _tag: "Unauthorized",
      status: 401,
      error: "invalid_token",
      challenges: [{ scheme: "Bearer", parameters: { error: "" } }]
    }
  ],
  "401 with a token68": [
    { status: 401, headers: { "www-authenticate": "Negotiate YWJj" } },
    { _tag: "Unauthorized", status: 401, challenges: [{ scheme: "Negotiate", token68: "YWJj", parameters: {} }] }
  ],
  "403": [
    { status: 403, headers: { "www-authenticate": `Bearer error="insufficient_scope", scope="dcr"` } },
    {
      _tag: "Unauthorized",
      status: 403,
      error: "insufficient_scope",
      challenges: [{ scheme: "Bearer", parameters: { error: "insufficient_scope", scope: "dcr" } }]
    }
  ],
  // come back later
  "429": [{ status: 429 }, { _tag: "RateLimited", status: 429 }],
  "429 with seconds": [
    { status: 429, headers: { "retry-after": "120" }, body: { error: "too_many_requests", error_description: "slow" } },
    { _tag: "RateLimited", status: 429, error_description: "slow", retryAfter: Duration.minutes(2) }
  ],
  "429 with a date": [
    { status: 429, headers: { "retry-after": "Thu, 01 Jan 1970 00:01:30 GMT" } },
    { _tag: "RateLimited", status: 429, retryAfter: Duration.seconds(90) }
  ],
  "429 with nonsense": [
    { status: 429, headers: { "retry-after": "soon" } },
    { _tag: "RateLimited", status: 429 }
  ],
  "503 with seconds": [
    { status: 503, headers: { "retry-after": "1" }, body: "<html>down</html>" },
    { _tag: "RateLimited", status: 503, retryAfter: Duration.seconds(1) }
  ],
  "503 with an unreadable Retry-After": [
    { status: 503, headers: { "retry-after": "-1" } },
    { _tag: "RateLimited", status: 503 }
  ],
  // somewhere else
  "a redirect to the same server": [
    { status: 302, headers: { location: "/login?token=x#y" } },
    { _tag: "RedirectRefused", status: 302, location: "https://op.example/login" }
  ],
  "a redirect to another server": [
    { status: 308, headers: { location: "https://user:pass@evil.example/x" } },
    { _tag: "RedirectRefused", status: 308, location: "https://evil.example/x" }
  ],
  "300": [{ status: 300 }, { _tag: "RedirectRefused", status: 300 }],
  "a redirect to nowhere": [{ status: 307 }, { _tag: "RedirectRefused", status: 307 }],
  "a redirect to what is no URL": [
    { status: 301, headers: { location: "http://[" } },
    { _tag: "RedirectRefused", status: 301, location: "(not a URL)" }
  ]
}

describe("a 401 to a registration without a token", () => {
  it.effect("names the option that brings one", () =>
    Effect.gen(function*() {
      const error = yield* refused({ status: 401 }, withoutToken)
      assert.deepStrictEqual({ ...error.reason }, {
        _tag: "Unauthorized",
        status: 401,
        challenges: [],
        missing: "initialAccessToken"
      })
      assert.include(error.message, "give one as initialAccessToken (status 401)")
      // A token was there, or none would help.
      assert.notProperty((yield* refused({ status: 401 })).reason, "missing")
      assert.notProperty((yield* refused({ status: 403 }, withoutToken)).reason, "missing")
    }))
})

describe("refusal", () => {
  for (const [name, [answer, reason]] of Object.entries(cases)) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const error = yield* refused(answer)
        assert.deepStrictEqual({ ...error.reason }, reason)
        assert.strictEqual(error.method, "POST")
        assert.strictEqual(error.url, "https://op.example/register")
        assert.strictEqual(error.isSafeToRepeat, reason._tag === "RateLimited")
      }))
  }

  it.effect("to a request whose URL is not absolute", () =>
    Effect.gen(function*() {
      const error = yield* refused({ status: 302, headers: { location: "/x" } }, HttpClientRequest.post("/register"))
      assert.deepStrictEqual({ ...error.reason }, { _tag: "RedirectRefused", status: 302, location: "(not a URL)" })
    }))

  it.effect("a secret that is echoed is nowhere", () =>
    Effect.gen(function*() {
      const echoes = [secret, encodeURIComponent(secret), JSON.stringify(secret), btoa(secret)]
      for (const echo of echoes) {
        const members = { error: `bad_${echo}`, error_description: `got ${echo}`, error_uri: `https://x/${echo}` }
        const answers: ReadonlyArray<Case> = [
          ...[200, 400, 404, 429, 500, 501].flatMap((status): ReadonlyArray<Case> => [
            { status, body: members },
            { status, body: { message: `got ${echo}`, code: echo } },
            { status, body: { detail: echo } },
            { status, body: `got ${echo}` }
          ]),
          ...[401, 403].map((status) => ({
            status,
            body: members,
            headers: {
              "www-authenticate":
                `Bearer realm="${echo}", error="${echo}", error_description=${echo}, Negotiate ${echo}, ${echo} a=b`
            }
          })),
          { status: 302, headers: { location: `https://op.example/${echo}/${echo}` } },
          { status: 302, headers: { location: echo } }
        ]
        for (const answer of answers) {
          const error = yield* refused(answer)
          const shown = `${error.message} ${JSON.stringify(error)} ${JSON.stringify(error.reason)}`
          for (const form of [...echoes, "t0k"]) assert.notInclude(shown, form, JSON.stringify(answer))
        }
      }
    }))

  it.effect("nor are the secrets of an answer that is a refusal all the same", () =>
    Effect.gen(function*() {
      const error = yield* refused({
        status: 200,
        body: {
          error: "server_error",
          error_description: "made c-secret and a-token",
          client_secret: "c-secret",
          registration_access_token: "a-token"
        }
      })
      assert.deepStrictEqual({ ...error.reason }, {
        _tag: "OAuthError",
        status: 200,
        error: "server_error",
        error_description: "made <redacted> and <redacted>"
      })
    }))
})

describe("isErrorObject", () => {
  it("has an error that is a string", () => {
    assert.isTrue(isErrorObject({ error: "x" }))
    for (const body of [{}, { error: "" }, { error: null }, { error: { code: 1 } }, { message: "x" }]) {
      assert.isFalse(isErrorObject(body))
    }
  })
})

describe("retryAfterOf (RFC 9110 §10.2.3)", () => {
  const now = Date.UTC(2026, 0, 1)
  const table: ReadonlyArray<readonly [header: string | undefined, seconds: number | undefined]> = [
    [undefined, undefined],
    ["0", 0],
    ["120", 120],
    [" 120 ", 120],
    ["Thu, 01 Jan 2026 00:00:30 GMT", 30],
    // The obsolete forms, which a recipient must still read (RFC 9110 §5.6.7).
    ["Thursday, 01-Jan-26 00:00:30 GMT", 30],
    ["Thu Jan  1 00:00:30 2026", 30],
    // In the past: at once.
    ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
    // Far away: not longer than a timer can.
    ["Fri, 31 Dec 9999 23:59:59 GMT", 366 * 86_400],
    ["99999999999999999999999", 366 * 86_400],
    ["-1", undefined],
    ["1.5", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["", undefined],
    ["120, 130", undefined],
    ["2026-01-01T00:00:30Z", undefined],
    ["tomorrow", undefined]
  ]
  for (const [header, seconds] of table) {
    it(JSON.stringify(header) ?? "absent", () => {
      const delay = retryAfterOf(header, now)
      assert.strictEqual(delay === undefined ? undefined : Duration.toSeconds(delay), seconds)
    })
  }

  it.effect("a date counts from the time that the clock says", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(60_000)
      const error = yield* refused({ status: 429, headers: { "retry-after": "Thu, 01 Jan 1970 00:01:30 GMT" } })
      assert.deepStrictEqual(error.retryAfter, Duration.seconds(30))
    }))
})
