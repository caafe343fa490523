import * as EndpointPolicy from "@effect-dcr/core/EndpointPolicy"
import type { Reason } from "@effect-dcr/core/RegistrationError"
import { assert, describe, it } from "@effect/vitest"
import { HttpClientError, HttpClientRequest, HttpClientResponse } from "effect/http"
import { transportReason } from "../../../packages/core/src/internal/transportFailure.ts"

const request = HttpClientRequest.post("https://op.example/register")
const place = { role: "registration_endpoint", url: "https://op.example/register", effects: true }

const reasonFor = (cause: unknown, effects = true): Reason =>
  transportReason(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) }),
    { ...place, effects }
  )

const coded = (code: string, more: object = {}) => Object.assign(new Error(`s3cret ${code}`), { code, ...more })

const nothingSent = (message: string): Reason => ({
  _tag: "Transport",
  sent: false,
  message: `Nothing was sent: ${message}`
})

const unknown = (message: string): Reason => ({
  _tag: "OutcomeUnknown",
  why: "ConnectionLost",
  message: `Whether the server processed the request is not known: ${message}`
})

/** What a platform of ours fails with when it found out what happened. */
const explained = (explanation: string, notSent: boolean) =>
  Object.assign(new Error("s3cret", { cause: new TypeError("s3cret") }), {
    name: "ExplainedFailure",
    explanation,
    notSent
  })

/** What is known not to have been sent, and may be sent again. */
const never: ReadonlyArray<readonly [cause: unknown, message: string]> = [
  [coded("ENOTFOUND", { syscall: "getaddrinfo" }), "host name not found"],
  [explained("the browser is offline", true), "the browser is offline"],
  [coded("EAI_AGAIN", { syscall: "getaddrinfo" }), "the host name cannot be looked up at the moment"],
  [coded("EAI_SOMETHING", { syscall: "getaddrinfo" }), "the connection failed (EAI_SOMETHING)"],
  [coded("ECONNREFUSED", { syscall: "connect" }), "connection refused"],
  [coded("ECONNREFUSED"), "connection refused"],
  [coded("EHOSTUNREACH", { syscall: "connect" }), "host unreachable"],
  [coded("ENETUNREACH"), "network unreachable"],
  // A time-out or a reset while connecting.
  [coded("ETIMEDOUT", { syscall: "connect" }), "the connection timed out"],
  [coded("ECONNRESET", { syscall: "connect" }), "the connection was reset"],
  [coded("UND_ERR_CONNECT_TIMEOUT"), "no connection within the time limit"],
  [coded("CERT_HAS_EXPIRED"), "the certificate has expired"],
  [coded("DEPTH_ZERO_SELF_SIGNED_CERT"), "the certificate is self-signed"],
  [coded("ERR_TLS_CERT_ALTNAME_INVALID"), "the certificate is for another host name"],
  [
    Object.assign(new Error("Client network socket disconnected before secure TLS connection was established"), {
      code: "ECONNRESET"
    }),
    "the TLS handshake failed"
  ],
  // As fetch wraps it.
  [new TypeError("fetch failed", { cause: coded("ECONNREFUSED") }), "connection refused"],
  [
    new TypeError("a", { cause: new Error("b", { cause: new Error("c", { cause: coded("ENOTFOUND") }) }) }),
    "host name not found"
  ],
  // As Node says that no address of several answered.
  [
    Object.assign(new AggregateError([coded("ECONNREFUSED"), coded("ENETUNREACH")]), { code: "ECONNREFUSED" }),
    "connection refused"
  ],
  [new AggregateError([coded("ETIMEDOUT", { syscall: "connect" }), coded("ECONNREFUSED")]), "the connection timed out"],
  // As a transport says it that knows.
  [Object.assign(new Error("x"), { notSent: true }), "the connection failed"],
  [Object.assign(new Error("x", { cause: coded("ENOTFOUND") }), { notSent: true }), "host name not found"],
  [Object.assign(new Error("x"), { notSent: true, code: "ECONNRESET" }), "the connection was reset"]
]

/** What may have been processed, and is not sent again. */
const ambiguous: ReadonlyArray<readonly [cause: unknown, message: string]> = [
  [explained("https://op.example cannot be reached", false), "https://op.example cannot be reached"],
  [undefined, "the connection failed"],
  [null, "the connection failed"],
  ["s3cret", "the connection failed"],
  [new Error("s3cret"), "the connection failed"],
  [coded("ECONNRESET", { syscall: "read" }), "the connection was reset"],
  [coded("ECONNRESET"), "the connection was reset"],
  [coded("EPIPE", { syscall: "write" }), "the connection was closed"],
  [coded("ETIMEDOUT", { syscall: "read" }), "the connection timed out"],
  [coded("ETIMEDOUT"), "the connection timed out"],
  // A network that goes away under a connection that stands has the codes of one that never stood.
  [coded("EHOSTUNREACH", { syscall: "read" }), "the connection failed (EHOSTUNREACH)"],
  [coded("ENETDOWN", { syscall: "write" }), "the connection failed (ENETDOWN)"],
  [coded("ENETUNREACH", { syscall: "writev" }), "the connection failed (ENETUNREACH)"],
  // Whoever is on the way can break TLS off after the request was processed.
  [coded("EPROTO", { syscall: "write" }), "TLS failed"],
  [coded("ERR_SSL_WRONG_VERSION_NUMBER"), "TLS failed: the other side does not speak it"],
  [coded("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"), "TLS failed: no common version"],
  [coded("UND_ERR_SOCKET"), "the connection was closed by the other side"],
  [coded("UND_ERR_HEADERS_TIMEOUT"), "no answer within the time limit"],
  [coded("UND_ERR_HEADERS_OVERFLOW"), "the answer has too many headers"],
  [coded("HPE_INVALID_CONSTANT"), "the connection failed (HPE_INVALID_CONSTANT)"],
  [coded("constructor"), "the connection failed"],
  [coded("a code\nwith s3cret"), "the connection failed"],
  [new TypeError("fetch failed", { cause: coded("ECONNRESET") }), "the connection was reset"],
  [new AggregateError([coded("ECONNREFUSED"), coded("ECONNRESET")]), "the connection failed"],
  [new AggregateError([]), "the connection failed"],
  [Object.assign(new Error("x"), { notSent: "true" }), "the connection failed"],
  [
    new TypeError("Failed to fetch"),
    "the network request failed; in a browser this is also how an answer without CORS headers looks: check that the " +
    "server allows this origin"
  ]
]

describe("transportReason", () => {
  for (const [cause, message] of never) {
    it(`nothing was sent: ${String(cause)}, ${message}`, () => {
      assert.deepStrictEqual(reasonFor(cause), nothingSent(message))
      assert.deepStrictEqual(reasonFor(cause, false), nothingSent(message))
    })
  }

  for (const [cause, message] of ambiguous) {
    it(`the outcome is unknown: ${String(cause)}, ${message}`, () => {
      assert.deepStrictEqual(reasonFor(cause), unknown(message))
      // Of a read it does not matter.
      assert.deepStrictEqual(reasonFor(cause, false), {
        _tag: "Transport",
        sent: true,
        message: `No answer: ${message}`
      })
    })
  }

  it("a chain of causes without end", () => {
    const cause: { cause?: unknown } = {}
    cause.cause = cause
    assert.deepStrictEqual(reasonFor(cause), unknown("the connection failed"))
    const errors: { errors?: unknown } = {}
    errors.errors = [errors, errors]
    assert.deepStrictEqual(reasonFor(errors), unknown("the connection failed"))
  })

  describe("an address that the endpoint policy refuses", () => {
    const refused = new EndpointPolicy.AddressRefused({ rule: "PrivateAddress", message: "10.0.0.1 is private" })
    const reason: Reason = {
      _tag: "EndpointRefused",
      role: "registration_endpoint",
      url: "https://op.example/register",
      rule: "PrivateAddress",
      message: "10.0.0.1 is private"
    }

    it("says so, however deep it is", () => {
      const causes = [
        refused,
        new TypeError("fetch failed", { cause: refused }),
        Object.assign(new Error("x", { cause: refused }), { notSent: true }),
        new AggregateError([coded("ECONNREFUSED"), refused]),
        Object.assign(new AggregateError([coded("ECONNREFUSED"), refused]), { code: "ECONNREFUSED" })
      ]
      for (const cause of causes) assert.deepStrictEqual(reasonFor(cause), reason)
    })

    it("by a rule of the user's own", () => {
      assert.deepStrictEqual(
        reasonFor(new EndpointPolicy.AddressRefused({ rule: "Custom", message: "not ours" })),
        { ...reason, rule: "Custom", message: "not ours" }
      )
    })

    it("by something that only looks like one", () => {
      assert.deepStrictEqual(reasonFor({ name: "AddressRefused" }), { ...reason, message: "the address is refused" })
      assert.deepStrictEqual(
        reasonFor({ name: "AddressRefused", refusal: { rule: "Nonsense", message: 5 } }),
        { ...reason, message: "the address is refused" }
      )
    })
  })

  describe("other failures of an HttpClient", () => {
    const response = HttpClientResponse.fromWeb(request, new Response(null))
    const of = (reason: HttpClientError.HttpClientError["reason"], effects = true) =>
      transportReason(new HttpClientError.HttpClientError({ reason }), { ...place, effects })

    it("a URL that is none", () => {
      assert.deepStrictEqual(of(new HttpClientError.InvalidUrlError({ request, cause: new Error("s3cret") })), {
        _tag: "EndpointRefused",
        role: "registration_endpoint",
        url: "https://op.example/register",
        rule: "InvalidUrl",
        message: "it is not a valid URL"
      })
    })

    it("a body that cannot be encoded", () => {
      assert.deepStrictEqual(of(new HttpClientError.EncodeError({ request, cause: new Error("s3cret") })), {
        _tag: "InvalidOptions",
        option: "request",
        message: "the body of the request cannot be encoded"
      })
    })

    it("an answer that the client itself gave up on", () => {
      for (
        const reason of [
          new HttpClientError.DecodeError({ request, response, cause: new Error("s3cret") }),
          new HttpClientError.StatusCodeError({ request, response }),
          new HttpClientError.EmptyBodyError({ request, response })
        ]
      ) {
        assert.deepStrictEqual(of(reason), unknown("the HTTP client failed after it was sent"))
        assert.deepStrictEqual(of(reason, false), {
          _tag: "Transport",
          sent: true,
          message: "No answer: the HTTP client failed"
        })
      }
    })
  })
})
