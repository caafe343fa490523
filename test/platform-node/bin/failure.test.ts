import { RegistrationError } from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { exitCodes, isOutcomeUnknown, meaningOf } from "../../../packages/platform-node/src/bin/failure.ts"
import { headlineOf, messageOf } from "../../../packages/platform-node/src/bin/words.ts"

const failure = (reason: RegistrationError.Reason, method = "POST") =>
  new RegistrationError.RegistrationError({ reason, method, url: "https://op.example/register" })

const unauthorized = { _tag: "Unauthorized", status: 401, challenges: [] } as const

describe("what to do next", () => {
  it("is to give a token only where none was sent", () => {
    const next = (missing: "initialAccessToken" | undefined, method: string) =>
      meaningOf(failure({ ...unauthorized, missing }, method)).next
    assert.match(next("initialAccessToken", "POST"), /^Give an initial access token with --token-file/)
    assert.match(next(undefined, "POST"), /^The token was refused/)
    assert.match(next(undefined, "PUT"), /^That client is gone, or its token was replaced/)
  })

  it("is not to ask for a client where there is one that cannot be managed", () => {
    const next = (feature: string) => meaningOf(failure({ _tag: "Unsupported", feature, message: "no" })).next
    assert.include(next("registration_client_uri"), "--forget")
    assert.include(next("registration_access_token"), "--forget")
    assert.match(next("registration_endpoint"), /^Ask the operator of the server for a client/)
  })

  it("names the flags of the members at fault, warnings aside", () => {
    const violation = (member: string, severity: "error" | "warning") => ({
      member,
      severity,
      rule: "a-rule",
      section: "RFC 7591 §2",
      message: "It is wrong."
    })
    const { code, next } = meaningOf(failure({
      _tag: "InvalidMetadata",
      violations: [
        violation("redirect_uris[0]", "error"),
        violation("redirect_uris[1]", "error"),
        violation("default_max_age", "error"),
        violation("client_name#fr", "error"),
        violation("vendor", "warning")
      ]
    }))
    assert.strictEqual(code, 3)
    assert.include(next, "(--redirect-uri, --set default_max_age=..., --set client_name#fr=...)")
  })

  it("asks back only where the scheme is all that is missing", () => {
    const refused = failure({
      _tag: "EndpointRefused",
      role: "issuer",
      url: "(not a URL)",
      rule: "InvalidUrl",
      message: "it is not an absolute URL"
    })
    assert.include(meaningOf(refused, { issuer: "op.example" }).next, "Did you mean https://op.example?")
    for (const issuer of [undefined, "http://op.example", "op example"]) {
      assert.notInclude(meaningOf(refused, issuer === undefined ? {} : { issuer }).next, "Did you mean")
    }
  })

  it("has an exit code that the help explains", () => {
    const codes = exitCodes.map(([code]) => code)
    assert.include(codes, meaningOf(failure({ ...unauthorized })).code)
    assert.deepStrictEqual(codes, [...codes.keys()])
  })
})

describe("what is said", () => {
  it("names a flag where the API names an option", () => {
    const invalid = (option: string, message: string) =>
      headlineOf(failure({ _tag: "InvalidOptions", option, message }))
    assert.strictEqual(invalid("initialAccessToken", "it is empty"), "--token-file: it is empty")
    assert.strictEqual(invalid("--yes", "--yes is needed"), "--yes is needed")
  })

  it("names no option of the API where a token is missing or a slash is too many", () => {
    const missing = failure({ ...unauthorized, missing: "initialAccessToken" })
    assert.include(missing.message, "initialAccessToken")
    assert.notInclude(messageOf(missing), "initialAccessToken")
    const issuer = "https://op.example/"
    const problem = "the metadata is that of another issuer (see tolerateTrailingSlash)"
    const slash = failure({ _tag: "DiscoveryFailed", issuer, attempts: [{ url: issuer, problem }] })
    assert.notInclude(messageOf(slash), "tolerateTrailingSlash")
    assert.match(meaningOf(slash).next, /effect-dcr discover https:\/\/op\.example$/)
  })
})

describe("an outcome that is not known", () => {
  const badGateway = { _tag: "UnexpectedStatus", status: 502 } as const

  it("has the exit code 8 whatever the answer, but for a read, which changes nothing", () => {
    const reasons: ReadonlyArray<RegistrationError.Reason> = [
      badGateway,
      { _tag: "OAuthError", status: 500, error: "server_error" },
      { _tag: "RedirectRefused", status: 303 },
      { _tag: "UnusableAnswer", status: 201, problem: "Empty", message: "it is empty" },
      { _tag: "OutcomeUnknown", why: "Deadline", message: "no answer" }
    ]
    for (const reason of reasons) {
      const error = failure(reason)
      assert.isTrue(isOutcomeUnknown(error), reason._tag)
      const { code, next } = meaningOf(error)
      assert.strictEqual(code, 8, reason._tag)
      assert.match(next, /^A client may exist all the same: ask the operator/)
      assert.notInclude(next, "doctor")
      assert.isFalse(isOutcomeUnknown(failure(reason, "GET")))
      assert.strictEqual(meaningOf(failure(reason, "GET")).code, 5)
    }
    assert.isFalse(isOutcomeUnknown(failure({ _tag: "UnexpectedStatus", status: 400 })))
  })

  it("is told of a change and of a deletion as what they are", () => {
    const next = (method: string) =>
      meaningOf(failure(badGateway, method), { issuer: "https://op.example", profile: "a" }).next
    assert.match(next("PUT"), /: effect-dcr show https:\/\/op\.example --profile a --remote$/)
    assert.match(next("DELETE"), /^The client may be deleted all the same/)
  })

  it("recommends no doctor without saying that it registers clients", () => {
    for (const status of [400, 502]) {
      const { next } = meaningOf(failure({ _tag: "UnexpectedStatus", status }, status === 502 ? "GET" : "POST"))
      assert.include(next, "`doctor`, which registers clients and deletes them again")
    }
    assert.include(meaningOf(failure({ _tag: "InvalidClientMetadata", status: 400 })).next, "which registers clients")
  })
})

describe("a server that wants proofs of DPoP", () => {
  const demands: ReadonlyArray<RegistrationError.Reason> = ["use_dpop_nonce", "invalid_dpop_proof"].flatMap((
    error
  ): ReadonlyArray<RegistrationError.Reason> => [
    { _tag: "OAuthError", status: 400, error },
    { ...unauthorized, error, missing: "initialAccessToken" }
  ])

  it("is to be sent one, and no token", () => {
    for (const reason of demands) {
      assert.match(meaningOf(failure(reason), { dpop: false }).next, /^Run the command again with --dpop/)
      assert.match(meaningOf(failure(reason), { dpop: true }).next, /--dpop-key-file\.$/)
      assert.notInclude(messageOf(failure(reason)), "token is needed")
    }
    const [, asked] = demands
    assert.match(
      messageOf(failure(asked ?? assert.fail())),
      /^The server wants a DPoP proof that it accepts \(status 401, /
    )
  })

  it("is at fault when it does not accept its own nonce, whatever the key", () => {
    for (const nonce of [undefined, "n"]) {
      const exhausted = failure({ _tag: "NonceExhausted", status: 400, nonce })
      const { code, next } = meaningOf(exhausted, { dpop: true })
      assert.strictEqual(code, 6)
      assert.match(next, /a fault of the server.*RFC 9449 §8/)
      assert.match(
        messageOf(exhausted),
        nonce === undefined
          ? /DPoP nonce and gave none \(POST/
          : /DPoP nonce again of a proof that had the one that it gave \(/
      )
    }
  })
})

describe("what was probably meant", () => {
  it("is the issuer where its well-known address was given", () => {
    for (
      const [address, issuer] of [
        ["https://op.example/.well-known/openid-configuration", "https://op.example"],
        ["https://op.example/a/.well-known/openid-configuration", "https://op.example/a"],
        ["https://op.example/.well-known/oauth-authorization-server/a", "https://op.example/a"]
      ] as const
    ) {
      const { next } = meaningOf(failure({ _tag: "DiscoveryFailed", issuer: address, attempts: [] }, "GET"))
      assert.strictEqual(next, `Give the issuer, without /.well-known/...: effect-dcr discover ${issuer}`)
    }
    const { next } = meaningOf(failure({ _tag: "DiscoveryFailed", issuer: "https://op.example", attempts: [] }, "GET"))
    assert.match(next, /^Check the spelling/)
  })

  it("is another host where there is none", () => {
    const next = (message: string) => meaningOf(failure({ _tag: "Transport", sent: false, message }, "GET")).next
    assert.match(next("Nothing was sent: host name not found"), /^Check the host name/)
    assert.match(next("Nothing was sent: connection refused"), /^Check the connection/)
  })

  it("is another directory, where the one of the store cannot be used", () => {
    const failed = failure({ _tag: "StoreFailed", operation: "load", problem: "Unavailable", message: "no (ENOENT)" })
    assert.include(meaningOf(failed, { directory: "/srv/none" }).next, "the directory of the store (/srv/none)")
  })
})
