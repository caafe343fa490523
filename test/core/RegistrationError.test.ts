import { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import {
  type Reason,
  type ReasonOf,
  RegistrationError,
  RegistrationErrorSchema
} from "@effect-dcr/core/RegistrationError"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Redacted, Schema } from "effect"
import { inspect } from "node:util"
import { unchecked } from "../support/unchecked.ts"

const client = new RegisteredClient({
  issuer: "https://op.example",
  requested: {},
  filledIn: [],
  warnings: [],
  information: {
    client_id: "c",
    client_secret: Redacted.make("s3cret"),
    registration_access_token: Redacted.make("s3cret"),
    registration_client_uri: "https://op.example/c"
  },
  extensions: { vendor: "s3cret" },
  deviations: []
})

interface Example<Tag extends Reason["_tag"]> {
  readonly reason: Omit<ReasonOf<Tag>, "_tag">
  readonly message: string
  /** The message of a POST, where it says more. */
  readonly posted?: string
  readonly isSafeToRepeat?: true
  readonly mayHaveSucceeded?: true
  readonly retryAfter?: Duration.Duration
}

/** Every reason, with its message and what it says about repeating. */
const examples: { readonly [Tag in Reason["_tag"]]: ReadonlyArray<Example<Tag>> } = {
  InvalidMetadata: [
    {
      reason: {
        violations: [
          {
            rule: "a",
            member: "redirect_uris[0]",
            severity: "error",
            section: "RFC 7591 §2",
            message: "has a fragment"
          }
        ]
      },
      message: "The client metadata breaks a rule: redirect_uris[0]: has a fragment (RFC 7591 §2, a)"
    },
    {
      reason: {
        violations: [
          { rule: "a", member: "x", severity: "error", section: "RFC 7591 §2", message: "one" },
          { rule: "b", member: "y\nz", severity: "error", section: "RFC 7591 §2.1", message: "two" }
        ]
      },
      message: "The client metadata breaks rules: x: one (RFC 7591 §2, a); y z: two (RFC 7591 §2.1, b)"
    },
    {
      reason: {
        violations: Array.from({ length: 1000 }, (_, index) => ({
          rule: "a",
          member: `m${index}`,
          severity: "error",
          section: "§2",
          message: "no"
        }))
      },
      message: `The client metadata breaks rules: ${
        Array.from({ length: 10 }, (_, index) => `m${index}: no (§2, a)`).join("; ")
      }; and 990 more`
    }
  ],
  InvalidOptions: [{
    reason: { option: "headers", message: "no" },
    message: "The option headers cannot be honoured: no"
  }],
  EndpointRefused: [{
    reason: { role: "issuer", url: "http://op.example/", rule: "InsecureScheme", message: "https is required" },
    message: "The issuer http://op.example/ is not contacted: https is required"
  }],
  Unsupported: [{ reason: { feature: "registration_endpoint", message: "no endpoint" }, message: "no endpoint" }],
  ProofFailed: [{ reason: { message: "no proof" }, message: "no proof" }],
  DiscoveryFailed: [
    {
      reason: {
        issuer: "https://op.example/",
        attempts: [{ url: "https://op.example/1", status: 404, problem: "status 404" }, {
          url: "https://op.example/2",
          status: 200,
          problem: "not JSON"
        }]
      },
      message: "No authorization server metadata found for https://op.example/: https://op.example/1: status 404; " +
        "https://op.example/2: not JSON"
    },
    {
      reason: { issuer: "https://op.example/", attempts: [], retryAfter: Duration.seconds(5) },
      message: "No authorization server metadata found for https://op.example/: ",
      isSafeToRepeat: true,
      retryAfter: Duration.seconds(5)
    },
    {
      reason: { issuer: "a", attempts: [{ url: "b", status: 404, problem: "x" }, { url: "c", problem: "reset" }] },
      message: "No authorization server metadata found for a: b: x; c: reset",
      isSafeToRepeat: true
    },
    {
      reason: { issuer: "a", attempts: [{ url: "b", status: 500, problem: "status 500" }] },
      message: "No authorization server metadata found for a: b: status 500",
      isSafeToRepeat: true
    },
    {
      reason: { issuer: "a", attempts: [{ url: "b", status: 429, problem: "status 429" }] },
      message: "No authorization server metadata found for a: b: status 429",
      isSafeToRepeat: true
    }
  ],
  Transport: [
    { reason: { sent: false, message: "Nothing was sent: x" }, message: "Nothing was sent: x", isSafeToRepeat: true },
    { reason: { sent: true, message: "No answer: x" }, message: "No answer: x", isSafeToRepeat: true }
  ],
  OutcomeUnknown: [{
    reason: { why: "Deadline", message: "who knows", status: 201 },
    message: "who knows",
    posted: "who knows; sending it again may create a second client",
    mayHaveSucceeded: true
  }],
  RedirectRefused: [
    {
      reason: { status: 302, location: "https://evil.example/" },
      message: "The server answered with a redirect to https://evil.example/, and redirects are not followed"
    },
    // Of a request that was processed (RFC 9110 §15.4.4), of one that was followed, and of one that says nothing.
    {
      reason: { status: 303 },
      message: "The server answered with a redirect, and redirects are not followed",
      mayHaveSucceeded: true
    },
    {
      reason: {},
      message: "The server answered with a redirect, and redirects are not followed",
      mayHaveSucceeded: true
    }
  ],
  RateLimited: [
    {
      reason: { status: 429, error_description: "slow down", retryAfter: Duration.minutes(1) },
      message: "The server limits the rate of requests (status 429): slow down",
      isSafeToRepeat: true,
      retryAfter: Duration.minutes(1)
    },
    {
      reason: { status: 503 },
      message: "The server limits the rate of requests (status 503)",
      isSafeToRepeat: true
    }
  ],
  NonceExhausted: [
    {
      reason: { status: 400, nonce: "n", error_description: "again" },
      message: "The server demanded a DPoP nonce that the proof did not have: again"
    },
    {
      reason: { status: 401 },
      message:
        "The server demanded a DPoP nonce and gave none, or none that a page may read: for pages it has to send " +
        "Access-Control-Expose-Headers: DPoP-Nonce"
    }
  ],
  InvalidRedirectUri: [{
    reason: { status: 400, error_description: "not ours" },
    message: "The server refused a redirect URI (invalid_redirect_uri): not ours"
  }],
  InvalidClientMetadata: [{
    reason: { status: 400 },
    message: "The server refused the metadata (invalid_client_metadata)"
  }],
  InvalidSoftwareStatement: [{
    reason: { status: 400, error_description: "expired" },
    message: "The server refused the software statement (invalid_software_statement): expired"
  }],
  UnapprovedSoftwareStatement: [{
    reason: { status: 400, error_uri: "https://op.example/why" },
    message: "The server does not approve the software statement (unapproved_software_statement)"
  }],
  OAuthError: [
    {
      reason: { status: 400, error: "invalid_scope", error_description: "no x" },
      message: "The server answered with the error invalid_scope (status 400): no x"
    },
    {
      reason: { status: 500, error: "server_error" },
      message: "The server answered with the error server_error (status 500)",
      mayHaveSucceeded: true
    }
  ],
  Unauthorized: [
    {
      reason: {
        status: 401,
        error: "invalid_token",
        error_description: "expired",
        challenges: [{ scheme: "Bearer", parameters: { error: "invalid_token" } }, {
          scheme: "Negotiate",
          token68: "YQ==",
          parameters: {}
        }]
      },
      message: "The server did not accept the credentials of this request (status 401, invalid_token): expired"
    },
    {
      reason: { status: 403, challenges: [] },
      message: "The server did not accept the credentials of this request (status 403)"
    },
    {
      reason: { status: 401, challenges: [] },
      message:
        "The server did not accept the credentials of this request (status 401). It does not say why, or not so that " +
        "a page may read it: for pages it has to send Access-Control-Expose-Headers: WWW-Authenticate, DPoP-Nonce"
    }
  ],
  UnexpectedStatus: [
    { reason: { status: 418, excerpt: "teapot" }, message: "The server answered with status 418: teapot" },
    {
      reason: { status: 502, retryAfter: Duration.seconds(1) },
      message: "The server answered with status 502",
      mayHaveSucceeded: true,
      retryAfter: Duration.seconds(1)
    }
  ],
  UnusableAnswer: [{
    reason: { status: 201, problem: "NotJson", message: "not JSON" },
    message: "not JSON",
    mayHaveSucceeded: true
  }],
  DeviationsRefused: [{
    reason: { deviations: ["status", "cacheable"] },
    message: "The client was registered, but the answer departs from the specifications: status, cacheable",
    mayHaveSucceeded: true
  }],
  StoreFailed: [{
    reason: { operation: "save", problem: "Full", message: "no room" },
    message: "no room"
  }]
}

const codec = Schema.toCodecJson(RegistrationErrorSchema)

const throughJson = (error: RegistrationError) =>
  Effect.gen(function*() {
    const encoded = yield* Schema.encodeEffect(codec)(error)
    const text = JSON.stringify(encoded)
    const parsed: unknown = JSON.parse(text)
    return { text, decoded: yield* Schema.decodeUnknownEffect(codec)(parsed) }
  })

for (const [tag, list] of Object.entries(examples)) {
  describe(tag, () => {
    for (const [index, example] of list.entries()) {
      const properties = { reason: unchecked<Reason>({ _tag: tag, ...example.reason }) }
      const error = new RegistrationError(properties)

      it(`${index}: the message`, () => {
        assert.strictEqual(error.message, example.message)
        assert.strictEqual(
          new RegistrationError({ ...properties, method: "POST", url: "https://op.example/register" }).message,
          `${example.posted ?? example.message} (POST https://op.example/register)`
        )
        // Half of a place is none.
        assert.strictEqual(new RegistrationError({ ...properties, method: "POST" }).message, example.message)
        assert.strictEqual(String(error), `@effect-dcr/core/RegistrationError: ${example.message}`)
      })

      it(`${index}: what it says about repeating`, () => {
        assert.strictEqual(error.isSafeToRepeat, example.isSafeToRepeat === true)
        assert.strictEqual(error.mayHaveSucceeded, example.mayHaveSucceeded === true)
        assert.deepStrictEqual(error.retryAfter, example.retryAfter)
      })

      it.effect(`${index}: its encoded form`, () =>
        Effect.gen(function*() {
          const full = new RegistrationError({
            ...properties,
            method: "POST",
            url: "https://op.example/register",
            issuer: "https://op.example",
            clientId: "c",
            registered: client,
            cause: Object.assign(new Error("s3cret"), { socket: { remoteAddress: "s3cret" } })
          })
          const { decoded, text } = yield* throughJson(full)
          assert.notInclude(text, "s3cret")
          assert.notInclude(text, "cause")
          assert.notInclude(text, "registered\":")
          assert.instanceOf(decoded, RegistrationError)
          assert.deepStrictEqual({ ...decoded.reason }, { ...full.reason })
          assert.strictEqual(decoded.message, full.message)
          assert.strictEqual(decoded.method, "POST")
          assert.strictEqual(decoded.issuer, "https://op.example")
          assert.strictEqual(decoded.clientId, "c")
          assert.isUndefined(decoded.registered)
          assert.isUndefined(decoded.cause)
          assert.strictEqual(decoded.isSafeToRepeat, full.isSafeToRepeat)
          assert.deepStrictEqual(decoded.retryAfter, full.retryAfter)
        }))
    }
  })
}

describe("RegistrationError", () => {
  const cause = new Error("a cause")
  const error = new RegistrationError({
    reason: { _tag: "DeviationsRefused", deviations: ["status"] },
    method: "POST",
    url: "https://op.example/register",
    cause
  })

  it("has a message that can be read, however long its parts are", () => {
    const url = `https://op.example/${"a".repeat(10_000)}`
    const long: ReadonlyArray<Reason> = [
      { _tag: "EndpointRefused", role: "issuer", url, rule: "InsecureScheme", message: "https is required" },
      {
        _tag: "DiscoveryFailed",
        issuer: url,
        attempts: Array.from({ length: 100 }, () => ({ url, problem: "status 404" }))
      },
      { _tag: "DeviationsRefused", deviations: Array.from({ length: 10_000 }, () => "null-member") },
      {
        _tag: "InvalidMetadata",
        violations: Array.from({ length: 10_000 }, () => ({
          rule: "a",
          member: "m".repeat(10_000),
          severity: "error",
          section: "§2",
          message: "no".repeat(10_000)
        }))
      }
    ]
    for (const reason of long) {
      const error = new RegistrationError({ reason, method: "GET", url })
      assert.isBelow(error.message.length, 8000, reason._tag)
      assert.isTrue(error.message.endsWith("…)"))
      // What the message leaves out is in the data.
      assert.deepStrictEqual(error.reason, reason)
      assert.strictEqual(error.url, url)
    }
  })

  it("keeps its cause and the live registration, for this process only", () => {
    const live = error.withRegistered(client)
    assert.strictEqual(live.registered, client)
    assert.strictEqual(live.cause, cause)
    assert.strictEqual(live.issuer, "https://op.example")
    assert.strictEqual(live.clientId, "c")
    assert.strictEqual(live.message, error.message)
    assert.isUndefined(error.registered)
    assert.deepStrictEqual(JSON.parse(JSON.stringify(live)), {
      _tag: "RegistrationError",
      message: error.message,
      reason: { _tag: "DeviationsRefused", deviations: ["status"] },
      method: "POST",
      url: "https://op.example/register",
      issuer: "https://op.example",
      clientId: "c"
    })
  })

  it("takes nothing but a registration as one", () => {
    assert.throws(() => void Reflect.construct(RegistrationError, [{ reason: error.reason, registered: {} }]))
  })

  it("shows no secret of the registration in any way of printing it", () => {
    const live = error.withRegistered(client)
    const texts = [
      live.message,
      live.stack ?? "",
      String(live),
      JSON.stringify(live),
      inspect(live, { depth: Infinity, showHidden: true, getters: true }),
      Cause.pretty(Cause.fail(live)),
      inspect(Cause.fail(live), { depth: Infinity })
    ]
    for (const text of texts) assert.notInclude(text, "s3cret")
  })

  it.effect("is caught by its reason", () =>
    Effect.gen(function*() {
      const limited = new RegistrationError({
        reason: { _tag: "RateLimited", status: 429, retryAfter: Duration.seconds(3) }
      })
      const waited = yield* Effect.fail(limited).pipe(
        Effect.catchReason("RegistrationError", "RateLimited", (reason, whole) =>
          Effect.succeed([reason.retryAfter, whole] as const))
      )
      assert.deepStrictEqual(waited[0], Duration.seconds(3))
      assert.strictEqual(waited[1], limited)
      const other = yield* Effect.flip(
        Effect.fail(error).pipe(
          Effect.catchReason("RegistrationError", "RateLimited", () =>
            Effect.succeed("wrong"))
        )
      )
      assert.strictEqual(other, error)
    }))

  it.effect("is an error to throw, and to yield", () =>
    Effect.gen(function*() {
      assert.instanceOf(error, Error)
      assert.strictEqual(error._tag, "RegistrationError")
      assert.strictEqual(
        yield* Effect.flip(Effect.gen(function*() {
          return yield* error
        })),
        error
      )
    }))

  it.effect("a foreign encoded form with live members in it gives none", () =>
    Effect.gen(function*() {
      const decoded = yield* Effect.exit(
        Schema.decodeUnknownEffect(codec)({
          _tag: "RegistrationError",
          reason: { _tag: "ProofFailed", message: "x" },
          registered: { "~@effect-dcr/core/RegisteredClient": "~@effect-dcr/core/RegisteredClient" },
          cause: "x"
        })
      )
      if (decoded._tag === "Success") {
        assert.isUndefined(decoded.value.registered)
        assert.isUndefined(decoded.value.cause)
      }
    }))
})
