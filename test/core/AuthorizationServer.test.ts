import * as AuthorizationServer from "@effect-dcr/core/AuthorizationServer"
import * as EndpointPolicy from "@effect-dcr/core/EndpointPolicy"
import * as ExchangeLimits from "@effect-dcr/core/ExchangeLimits"
import type { Reason, RegistrationError } from "@effect-dcr/core/RegistrationError"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Fiber, Schema } from "effect"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { type Answer, recordedServer } from "../support/recordedServer.ts"
import { recordSpans } from "../support/recordedSpans.ts"

type ReasonOf<Tag> = Extract<Reason, { readonly _tag: Tag }>

const reasonIs = <Tag extends Reason["_tag"]>(error: RegistrationError, tag: Tag): ReasonOf<Tag> => {
  const reason = error.reason
  const is = (reason: Reason): reason is ReasonOf<Tag> => reason._tag === tag
  assert.isTrue(is(reason), `${reason._tag}: ${error.message}`)
  if (!is(reason)) throw error
  return reason
}

const host = "https://op.example.com"
const oauth = `${host}/.well-known/oauth-authorization-server`
const openid = `${host}/.well-known/openid-configuration`

const document = (issuer: string, more: object = {}): Answer => ({
  json: { issuer, registration_endpoint: `${issuer}/register`, ...more }
})

/** The IANA registry "OAuth Authorization Server Metadata", but for `issuer`, and what is in use without being there. */
const registry = `
  authorization_endpoint token_endpoint jwks_uri registration_endpoint scopes_supported response_types_supported
  response_modes_supported grant_types_supported token_endpoint_auth_methods_supported
  token_endpoint_auth_signing_alg_values_supported service_documentation ui_locales_supported op_policy_uri op_tos_uri
  revocation_endpoint revocation_endpoint_auth_methods_supported revocation_endpoint_auth_signing_alg_values_supported
  introspection_endpoint introspection_endpoint_auth_methods_supported
  introspection_endpoint_auth_signing_alg_values_supported code_challenge_methods_supported signed_metadata
  device_authorization_endpoint tls_client_certificate_bound_access_tokens mtls_endpoint_aliases
  nfv_token_signing_alg_values_supported nfv_token_encryption_alg_values_supported
  nfv_token_encryption_enc_values_supported userinfo_endpoint acr_values_supported subject_types_supported
  id_token_signing_alg_values_supported id_token_encryption_alg_values_supported
  id_token_encryption_enc_values_supported userinfo_signing_alg_values_supported
  userinfo_encryption_alg_values_supported userinfo_encryption_enc_values_supported
  request_object_signing_alg_values_supported request_object_encryption_alg_values_supported
  request_object_encryption_enc_values_supported display_values_supported claim_types_supported claims_supported
  claims_locales_supported claims_parameter_supported request_parameter_supported request_uri_parameter_supported
  require_request_uri_registration require_signed_request_object pushed_authorization_request_endpoint
  require_pushed_authorization_requests introspection_signing_alg_values_supported
  introspection_encryption_alg_values_supported introspection_encryption_enc_values_supported
  authorization_response_iss_parameter_supported check_session_iframe frontchannel_logout_supported
  backchannel_logout_supported backchannel_logout_session_supported end_session_endpoint
  backchannel_token_delivery_modes_supported backchannel_authentication_endpoint
  backchannel_authentication_request_signing_alg_values_supported backchannel_user_code_parameter_supported
  authorization_details_types_supported dpop_signing_alg_values_supported client_registration_types_supported
  federation_registration_endpoint signed_jwks_uri jwks organization_name display_name description keywords contacts
  logo_uri information_uri organization_uri protected_resources status_list_aggregation_endpoint
  identity_chaining_requested_token_types_supported
  frontchannel_logout_session_supported authorization_signing_alg_values_supported
  authorization_encryption_alg_values_supported authorization_encryption_enc_values_supported prompt_values_supported
  grant_management_actions_supported grant_management_endpoint grant_management_action_required
  pre-authorized_grant_anonymous_access_supported client_id_metadata_document_supported
`.trim().split(/\s+/)

describe("AuthorizationServer", () => {
  describe("discover", () => {
    it.effect("asks the URL of RFC 8414 first, and once", () =>
      Effect.gen(function*() {
        const server = recordedServer({ [oauth]: document(host) })
        const found = yield* AuthorizationServer.discover(host).pipe(Effect.provide(server.layer))
        assert.deepStrictEqual(found, { issuer: host, registration_endpoint: `${host}/register` })
        assert.deepStrictEqual(server.urls, [oauth])
        const request = server.requests[0]
        assert.strictEqual(request?.method, "GET")
        assert.strictEqual(request?.headers["accept"], "application/json")
      }))

    it.effect("goes on to OpenID Connect Discovery, without asking a URL twice", () =>
      Effect.gen(function*() {
        const server = recordedServer({ [openid]: document(host) })
        const found = yield* AuthorizationServer.discoverDetails(host).pipe(Effect.provide(server.layer))
        assert.strictEqual(found.server.issuer, host)
        assert.strictEqual(found.url, openid)
        assert.deepStrictEqual(found.attempts, [{ url: oauth, status: 404, problem: "status 404" }])
        assert.deepStrictEqual(server.urls, [oauth, openid])
      }))

    it.effect("tries three URLs for an issuer with a path, in the order of the specifications", () =>
      Effect.gen(function*() {
        const issuer = `${host}/tenants/a`
        const server = recordedServer({})
        const error = yield* AuthorizationServer.discover(issuer).pipe(Effect.provide(server.layer), Effect.flip)
        const urls = [
          `${host}/.well-known/oauth-authorization-server/tenants/a`,
          `${host}/.well-known/openid-configuration/tenants/a`,
          `${host}/tenants/a/.well-known/openid-configuration`
        ]
        assert.deepStrictEqual(server.urls, urls)
        const reason = reasonIs(error, "DiscoveryFailed")
        assert.strictEqual(reason.issuer, issuer)
        assert.deepStrictEqual(reason.attempts, urls.map((url) => ({ url, status: 404, problem: "status 404" })))
        assert.isFalse(error.isSafeToRepeat)
        for (const url of urls) assert.include(error.message, url)
      }))

    it.effect("removes the terminating slash of a path, and only that one", () =>
      Effect.gen(function*() {
        const server = recordedServer({})
        for (const issuer of [`${host}/`, `${host}/a/`, `${host}/a//`]) {
          yield* AuthorizationServer.discover(issuer).pipe(Effect.provide(server.layer), Effect.flip)
        }
        assert.deepStrictEqual(server.urls, [
          oauth,
          openid,
          `${oauth}/a`,
          `${openid}/a`,
          `${host}/a/.well-known/openid-configuration`,
          `${oauth}/a/`,
          `${openid}/a/`,
          `${host}/a//.well-known/openid-configuration`
        ])
      }))

    it.effect("tries the URLs of one specification only, when it is told which", () =>
      Effect.gen(function*() {
        const server = recordedServer({})
        const issuer = `${host}/a`
        yield* AuthorizationServer.discover(issuer, { algorithm: "oauth2" }).pipe(
          Effect.provide(server.layer),
          Effect.flip
        )
        assert.deepStrictEqual(server.urls, [`${oauth}/a`])
        yield* AuthorizationServer.discover(issuer, { algorithm: "oidc" }).pipe(
          Effect.provide(server.layer),
          Effect.flip
        )
        assert.deepStrictEqual(server.urls.slice(1), [`${openid}/a`, `${issuer}/.well-known/openid-configuration`])
      }))

    describe("goes on after", () => {
      const cases: ReadonlyArray<readonly [what: string, answer: Answer, problem: string]> = [
        ["400", { status: 400 }, "status 400"],
        ["401", { status: 401 }, "status 401"],
        ["403", { status: 403, json: { error: "access_denied" } }, "status 403"],
        ["405", { status: 405 }, "status 405"],
        ["410", { status: 410, text: "<html>gone</html>" }, "status 410"],
        ["a page", { text: "<!doctype html><title>Welcome</title>" }, "the answer is not JSON"],
        ["an empty answer", { status: 204 }, "the answer is not JSON"],
        ["half a document", { text: "{\"issuer\":" }, "the answer is not JSON"],
        ["an array", { json: [document(host)] }, "the answer is not a JSON object"],
        ["a string", { json: "https://op.example.com" }, "the answer is not a JSON object"],
        ["null", { json: null }, "the answer is not a JSON object"],
        ["no issuer", { json: { registration_endpoint: `${host}/register` } }, "the metadata names no issuer"],
        ["an issuer that is no string", { json: { issuer: [host] } }, "the metadata names no issuer"],
        [
          "another issuer",
          document("https://other.example.com"),
          "the metadata is that of another issuer: https://other.example.com"
        ],
        [
          "a document nested beyond reason",
          { text: `{"issuer":"${host}","a":${"[".repeat(500)}${"]".repeat(500)}}` },
          "the answer is nested too deeply"
        ]
      ]
      for (const [what, answer, problem] of cases) {
        it.effect(what, () =>
          Effect.gen(function*() {
            const server = recordedServer({ [oauth]: answer, [openid]: document(host) })
            const found = yield* AuthorizationServer.discoverDetails(host).pipe(Effect.provide(server.layer))
            assert.strictEqual(found.url, openid)
            assert.deepStrictEqual(found.attempts.map((attempt) => attempt.problem), [problem])
          }))
      }
    })

    describe("stops at", () => {
      for (const status of [429, 500, 502, 503, 504, 599]) {
        it.effect(String(status), () =>
          Effect.gen(function*() {
            const server = recordedServer({ [oauth]: { status }, [openid]: document(host) })
            const error = yield* AuthorizationServer.discover(host).pipe(Effect.provide(server.layer), Effect.flip)
            const reason = reasonIs(error, "DiscoveryFailed")
            assert.deepStrictEqual(reason.attempts, [{ url: oauth, status, problem: `status ${status}` }])
            assert.isUndefined(error.retryAfter)
            assert.isTrue(error.isSafeToRepeat)
            assert.deepStrictEqual(server.urls, [oauth])
          }))
      }

      it.effect("a redirect, which is not followed", () =>
        Effect.gen(function*() {
          const server = recordedServer({
            [oauth]: { status: 302, headers: { location: "https://evil.example.com/?secret=1" } },
            [openid]: document(host)
          })
          const error = yield* AuthorizationServer.discover(host).pipe(Effect.provide(server.layer), Effect.flip)
          const reason = reasonIs(error, "RedirectRefused")
          assert.strictEqual(reason.location, "https://evil.example.com/")
          assert.deepStrictEqual(server.urls, [oauth])
        }))

      it.effect("a redirect after another attempt, and lists both", () =>
        Effect.gen(function*() {
          const server = recordedServer({ [openid]: { status: 307, headers: { location: "/login?next=%2F" } } })
          const error = yield* AuthorizationServer.discover(host).pipe(Effect.provide(server.layer), Effect.flip)
          assert.deepStrictEqual(reasonIs(error, "DiscoveryFailed").attempts, [
            { url: oauth, status: 404, problem: "status 404" },
            {
              url: openid,
              status: 307,
              problem: `it redirects to ${host}/login, and redirects are not followed`
            }
          ])
        }))

      it.effect("metadata that is larger than its own limit, so that a cache of it stays small", () =>
        Effect.gen(function*() {
          const padded = (bytes: number): Answer => {
            const rest = bytes - JSON.stringify({ issuer: host, padding: "" }).length
            return { json: { issuer: host, padding: "x".repeat(rest) } }
          }
          const discover = (bytes: number) => {
            const server = recordedServer({ [oauth]: padded(bytes), [openid]: document(host) })
            return Effect.provide(AuthorizationServer.discover(host), server.layer)
          }
          assert.strictEqual((yield* discover(131_072)).issuer, host)
          assert.include(reasonIs(yield* Effect.flip(discover(131_073)), "Transport").message, "larger than the limit")
          const limits = { ...(yield* ExchangeLimits.ExchangeLimits), maxResponseBytes: 10, maxMetadataBytes: 200_000 }
          const found = yield* Effect.provideService(discover(200_000), ExchangeLimits.ExchangeLimits, limits)
          assert.strictEqual(found.issuer, host)
        }))

      it.effect("a connection that fails, which keeps its reason and may be tried again", () =>
        Effect.gen(function*() {
          const server = recordedServer({ [oauth]: { refuseConnection: true }, [openid]: document(host) })
          const error = yield* AuthorizationServer.discover(host).pipe(Effect.provide(server.layer), Effect.flip)
          assert.isFalse(reasonIs(error, "Transport").sent)
          assert.include(error.message, "connection refused")
          assert.isTrue(error.isSafeToRepeat)
          assert.deepStrictEqual(server.urls, [oauth])
        }))

      it.effect("a connection that fails after another attempt, and lists both", () =>
        Effect.gen(function*() {
          const server = recordedServer({ [openid]: { refuseConnection: true } })
          const error = yield* AuthorizationServer.discover(host).pipe(Effect.provide(server.layer), Effect.flip)
          const { attempts } = reasonIs(error, "DiscoveryFailed")
          assert.deepStrictEqual(attempts.map(({ status, url }) => [url, status]), [[oauth, 404], [openid, undefined]])
          assert.include(attempts[1]?.problem, "connection refused")
          const cause = error.cause
          assert.isTrue(
            typeof cause === "object" && cause !== null && "_tag" in cause && cause._tag === "RegistrationError"
          )
        }))

      it.effect("an answer larger than the limit", () =>
        Effect.gen(function*() {
          const server = recordedServer({ [oauth]: { text: " ".repeat(2_000_000) }, [openid]: document(host) })
          const error = yield* AuthorizationServer.discover(host).pipe(Effect.provide(server.layer), Effect.flip)
          reasonIs(error, "Transport")
          assert.deepStrictEqual(server.urls, [oauth])
        }))
    })

    describe("says when to come back", () => {
      const after = (headers: Record<string, string>, status = 429) =>
        AuthorizationServer.discover(host).pipe(
          Effect.provide(recordedServer({ [oauth]: { status, headers } }).layer),
          Effect.flip,
          Effect.map((error) => {
            reasonIs(error, "DiscoveryFailed")
            assert.isTrue(error.isSafeToRepeat)
            return error.retryAfter === undefined ? undefined : Duration.toSeconds(error.retryAfter)
          })
        )

      it.effect("in seconds, or at a time", () =>
        Effect.gen(function*() {
          yield* TestClock.setTime(Date.UTC(2026, 2, 25, 12, 0, 0))
          assert.strictEqual(yield* after({ "retry-after": "120" }), 120)
          assert.strictEqual(yield* after({ "retry-after": "120" }, 503), 120)
          assert.strictEqual(yield* after({ "retry-after": "Wed, 25 Mar 2026 12:00:30 GMT" }, 503), 30)
          assert.strictEqual(yield* after({ "retry-after": "Wed, 25 Mar 2026 11:00:00 GMT" }), 0)
        }))

      it.effect("unless that makes no sense", () =>
        Effect.gen(function*() {
          assert.isUndefined(yield* after({ "retry-after": "soon" }))
          assert.isUndefined(yield* after({ "retry-after": "-1" }))
          assert.isUndefined(yield* after({ "retry-after": "60" }, 500))
          const capped = yield* after({ "retry-after": "9".repeat(400) })
          assert.isAtMost(capped ?? Infinity, 366 * 24 * 3600)
        }))
    })

    describe("the issuer", () => {
      it.effect("of the answer must be the very string that was asked", () =>
        Effect.gen(function*() {
          for (
            const [asked, answered] of [
              [host, `${host}/`],
              [`${host}/`, host],
              [`${host}/a`, `${host}/a/`],
              [`${host}/a/`, `${host}/a`],
              [host, "https://OP.example.com"],
              ["https://OP.example.com", host],
              [host, `${host}:443`],
              [`${host}/a`, `${host}/A`],
              [`${host}/%61`, `${host}/a`]
            ] as const
          ) {
            const wellKnown = new URL(asked)
            const url = `${wellKnown.origin}/.well-known/oauth-authorization-server${
              wellKnown.pathname.replace(/\/$/, "")
            }`
            const server = recordedServer({ [url]: document(answered) })
            const error = yield* AuthorizationServer.discover(asked).pipe(Effect.provide(server.layer), Effect.flip)
            const reason = reasonIs(error, "DiscoveryFailed")
            assert.include(reason.attempts[0]?.problem, "another issuer", `${asked} ${answered}`)
            const isSlash = asked === `${answered}/` || `${asked}/` === answered
            assert.strictEqual(
              reason.attempts[0]?.problem.includes(
                `${answered}, which differs in the slash at its end; spell the issuer as the server does (or see the option`
              ),
              isSlash,
              `${asked} ${answered}`
            )
            assert.strictEqual(reason.attempts[0]?.problem.includes("tolerateTrailingSlash"), isSlash)
          }
        }))

      it.effect("may differ by exactly one slash, if the caller says so, and keeps the server's spelling", () =>
        Effect.gen(function*() {
          const discover = (asked: string, answered: string) =>
            AuthorizationServer.discover(asked, { tolerateTrailingSlash: true }).pipe(
              Effect.provide(recordedServer({ [oauth]: document(answered), [`${oauth}/a`]: document(answered) }).layer),
              Effect.map((server) => server.issuer),
              Effect.catch((error) => Effect.succeed(error.reason._tag))
            )
          assert.strictEqual(yield* discover(host, `${host}/`), `${host}/`)
          assert.strictEqual(yield* discover(`${host}/`, host), host)
          assert.strictEqual(yield* discover(`${host}/a`, `${host}/a/`), `${host}/a/`)
          assert.strictEqual(yield* discover(host, host), host)
          assert.strictEqual(yield* discover(host, `${host}//`), "DiscoveryFailed")
          assert.strictEqual(yield* discover(`${host}/a`, host), "DiscoveryFailed")
          assert.strictEqual(yield* discover(`${host}/a`, `${host}/a//`), "DiscoveryFailed")
          assert.strictEqual(yield* discover(host, "https://evil.example.com/"), "DiscoveryFailed")
          assert.strictEqual(yield* discover(host, "https://OP.example.com/"), "DiscoveryFailed")
        }))

      it.effect("as a URL matches both spellings of an empty path, since it cannot tell them apart", () =>
        Effect.gen(function*() {
          const discover = (asked: URL, answered: string) =>
            AuthorizationServer.discover(asked).pipe(
              Effect.provide(recordedServer({ [oauth]: document(answered), [`${oauth}/a`]: document(answered) }).layer),
              Effect.map((server) => server.issuer),
              Effect.catch((error) => Effect.succeed(error.reason._tag))
            )
          assert.strictEqual(yield* discover(new URL(host), host), host)
          assert.strictEqual(yield* discover(new URL(host), `${host}/`), `${host}/`)
          assert.strictEqual(yield* discover(new URL(`${host}/a`), `${host}/a`), `${host}/a`)
          assert.strictEqual(yield* discover(new URL(`${host}/a`), `${host}/a/`), "DiscoveryFailed")
        }))

      for (
        const [issuer, rule] of [
          ["", "InvalidUrl"],
          ["op.example.com", "InvalidUrl"],
          ["//op.example.com", "InvalidUrl"],
          ["https://", "InvalidUrl"],
          ["https://s3cret:s3cret@", "InvalidUrl"],
          [" https://op.example.com", "InvalidUrl"],
          ["https://op.example.com\n", "InvalidUrl"],
          ["https://op.exa\tmple.com", "InvalidUrl"],
          ["https:\\\\op.example.com", "InvalidUrl"],
          ["https://op.example.com/\u001b[2J", "InvalidUrl"],
          ["https://op.example.com/\u202eabc", "InvalidUrl"],
          ["https://op.example.com?s3cret=1", "InvalidUrl"],
          ["https://op.example.com/?", "InvalidUrl"],
          ["https://op.example.com#s3cret", "InvalidUrl"],
          ["https://op.example.com/#", "InvalidUrl"],
          ["http://op.example.com", "InsecureScheme"],
          ["ftp://op.example.com", "InsecureScheme"],
          ["urn:example:op", "InsecureScheme"],
          ["https://s3cret@op.example.com", "UserInformation"],
          ["https://user:s3cret@op.example.com", "UserInformation"]
        ] as const
      ) {
        it.effect(`${JSON.stringify(issuer)} is refused before anything is sent`, () =>
          Effect.gen(function*() {
            const server = recordedServer({})
            const error = yield* AuthorizationServer.discover(issuer).pipe(Effect.provide(server.layer), Effect.flip)
            const reason = reasonIs(error, "EndpointRefused")
            assert.strictEqual(reason.rule, rule)
            assert.strictEqual(reason.role, "issuer")
            assert.deepStrictEqual(server.urls, [])
            assert.notInclude(JSON.stringify(error) + error.message, "s3cret")
            if (!URL.canParse(issuer)) assert.include(error.message, "such as https://op.example.com")
          }))
      }

      it.effect("may be plain http on loopback, and elsewhere only if the caller says so", () =>
        Effect.gen(function*() {
          const local = "http://127.0.0.1:3000"
          const plain = "http://op.example.com"
          const server = recordedServer({
            [`${local}/.well-known/oauth-authorization-server`]: document(local),
            [`${plain}/.well-known/oauth-authorization-server`]: document(plain)
          })
          assert.strictEqual(
            (yield* AuthorizationServer.discover(local).pipe(Effect.provide(server.layer))).issuer,
            local
          )
          const found = yield* AuthorizationServer.discover(plain, { dangerouslyAllowInsecureRequests: true }).pipe(
            Effect.provide(server.layer)
          )
          assert.strictEqual(found.issuer, plain)
        }))

      it.effect("never carries user information, whatever the policy", () =>
        Effect.gen(function*() {
          const server = recordedServer({})
          for (const issuer of ["https://s3cret@op.example.com", "https://:s3cret@op.example.com"]) {
            const error = yield* AuthorizationServer.discover(issuer).pipe(
              Effect.provide([server.layer, EndpointPolicy.layer({ judgeUrl: () => undefined })]),
              Effect.flip
            )
            assert.strictEqual(reasonIs(error, "EndpointRefused").rule, "UserInformation")
          }
          assert.deepStrictEqual(server.urls, [])
        }))

      for (
        const issuer of [
          "https://10.0.0.1",
          "https://0x7f.1",
          "https://2130706433",
          "https://[::ffff:169.254.169.254]",
          "https://metadata.google.internal",
          "https://localhost:8443",
          "http://127.0.0.1:3000"
        ]
      ) {
        it.effect(`${issuer} is refused by publicOnly before anything is sent`, () =>
          Effect.gen(function*() {
            const server = recordedServer({})
            const error = yield* AuthorizationServer.discover(issuer).pipe(
              Effect.provide([server.layer, EndpointPolicy.layerPublicOnly]),
              Effect.flip
            )
            assert.include(["PrivateAddress", "InsecureScheme"], reasonIs(error, "EndpointRefused").rule)
            assert.deepStrictEqual(server.urls, [])
          }))
      }

      it.effect("in an error of another one does not carry what a hostile server wrote", () =>
        Effect.gen(function*() {
          for (
            const hostile of [
              "https://user:s3cret@evil.example.com/?s3cret#s3cret",
              "not a url s3cret",
              "<script>s3cret</script>",
              `https://evil.example.com/\n\u001b[31ms3cret`.slice(0, 25)
            ]
          ) {
            const server = recordedServer({ [oauth]: document(hostile) })
            const error = yield* AuthorizationServer.discover(host).pipe(Effect.provide(server.layer), Effect.flip)
            assert.notMatch(JSON.stringify(error) + error.message, /s3cret|\\n|\\u001b/)
          }
        }))
    })

    it.effect("gives all requests together one deadline", () =>
      Effect.gen(function*() {
        let asked = 0
        const slow = HttpClient.make((request) => {
          asked++
          return Effect.andThen(Effect.sleep("4 seconds"), recordedServer({}).client.execute(request))
        })
        const fiber = yield* AuthorizationServer.discover(`${host}/a`, { deadline: "10 seconds" }).pipe(
          Effect.provideService(HttpClient.HttpClient, slow),
          Effect.flip,
          Effect.forkChild
        )
        yield* TestClock.adjust("9 seconds")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 second")
        const { attempts } = reasonIs(yield* Fiber.join(fiber), "DiscoveryFailed")
        assert.strictEqual(asked, 3)
        assert.deepStrictEqual(attempts.map(({ status }) => status), [404, 404, undefined])
        assert.include(attempts[2]?.problem, "deadline")
      }))

    it.effect("aborts the request when it is interrupted", () =>
      Effect.gen(function*() {
        let aborted = false
        const silent = HttpClient.make((_request, _url, signal) => {
          signal.addEventListener("abort", () => {
            aborted = true
          })
          return Effect.never
        })
        const fiber = yield* AuthorizationServer.discover(host).pipe(
          Effect.provideService(HttpClient.HttpClient, silent),
          Effect.forkChild({ startImmediately: true })
        )
        yield* Fiber.interrupt(fiber)
        const exit = yield* Fiber.await(fiber)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
        assert.isTrue(aborted)
      }))

    it.effect("is one span, which names the host but not the tenant", () =>
      Effect.gen(function*() {
        const { spans, tracer } = recordSpans()
        const server = recordedServer({ [`${openid}/tenant-a`]: document(`${host}/tenant-a`) })
        yield* AuthorizationServer.discover(`${host}/tenant-a`).pipe(
          Effect.provide(server.layer),
          Effect.withTracer(tracer)
        )
        const own = spans.filter((span) => span.name === "AuthorizationServer.discover")
        assert.strictEqual(own.length, 1)
        const attributes = Object.fromEntries(own[0]?.attributes ?? [])
        assert.strictEqual(attributes["server.address"], "op.example.com")
        assert.strictEqual(attributes["dcr.attempts"], 2)
        assert.notInclude(JSON.stringify(attributes), "tenant-a")
      }))
  })

  describe("the metadata", () => {
    const decode = Schema.decodeUnknownEffect(AuthorizationServer.AuthorizationServer)

    it.effect("of a real server keeps every member, known or not", () =>
      Effect.gen(function*() {
        const json = {
          issuer: host,
          authorization_endpoint: `${host}/auth`,
          registration_endpoint: `${host}/reg`,
          scopes_supported: ["openid", "offline_access"],
          token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
          request_uri_parameter_supported: false,
          mtls_endpoint_aliases: {
            registration_endpoint: "https://mtls.example.com/reg",
            custom_endpoint: "https://c"
          },
          dpop_signing_alg_values_supported: ["ES256"],
          jwks: { keys: [] },
          "pre-authorized_grant_anonymous_access_supported": true,
          "x-vendor": { deep: [1, 2, { three: null }] },
          constructor: "a name like any other"
        }
        const found = yield* AuthorizationServer.discoverDetails(host).pipe(
          Effect.provide(recordedServer({ [oauth]: { json } }).layer)
        )
        assert.deepStrictEqual<object>(found.server, json)
        assert.deepStrictEqual(found.malformed, [])
        assert.deepStrictEqual(AuthorizationServer.extensions(found.server), {
          "x-vendor": { deep: [1, 2, { three: null }] },
          constructor: "a name like any other"
        })
        const encoded = yield* Schema.encodeEffect(AuthorizationServer.AuthorizationServer)(found.server)
        assert.deepStrictEqual<object>(encoded, json)
      }))

    it.effect("loses the members that are not what they should be, and says which", () =>
      Effect.gen(function*() {
        const json = {
          issuer: host,
          registration_endpoint: 42,
          jwks_uri: null,
          scopes_supported: "openid profile",
          grant_types_supported: ["authorization_code", 7],
          claims_parameter_supported: "true",
          mtls_endpoint_aliases: { registration_endpoint: "https://mtls.example.com/reg", token_endpoint: false },
          jwks: [],
          ui_locales_supported: ["de"],
          unknown: null
        }
        const found = yield* AuthorizationServer.discoverDetails(host).pipe(
          Effect.provide(recordedServer({ [oauth]: { json } }).layer)
        )
        assert.deepStrictEqual<object>(found.server, {
          issuer: host,
          mtls_endpoint_aliases: { registration_endpoint: "https://mtls.example.com/reg" },
          ui_locales_supported: ["de"],
          unknown: null
        })
        assert.deepStrictEqual(found.malformed, [
          "registration_endpoint",
          "jwks_uri",
          "scopes_supported",
          "grant_types_supported",
          "claims_parameter_supported",
          "jwks"
        ])
      }))

    it.effect("is typed for every name of the registry", () =>
      Effect.gen(function*() {
        // No member of the registry is a number, so a known name loses this value and an unknown one keeps it.
        const found = yield* AuthorizationServer.discoverDetails(host).pipe(
          Effect.provide(
            recordedServer({
              [oauth]: { json: { ...Object.fromEntries(registry.map((name) => [name, 7])), issuer: host } }
            }).layer
          )
        )
        assert.deepStrictEqual(AuthorizationServer.extensions(found.server), {})
        assert.deepStrictEqual<object>(found.server, { issuer: host })
        assert.sameMembers([...found.malformed], registry)
      }))

    it.effect("with a member __proto__ changes no prototype", () =>
      Effect.gen(function*() {
        const text = `{"issuer":"${host}","__proto__":{"registration_endpoint":"https://evil.example.com"}}`
        const found = yield* AuthorizationServer.discover(host).pipe(
          Effect.provide(recordedServer({ [oauth]: { text } }).layer)
        )
        assert.isUndefined(found.registration_endpoint)
        assert.strictEqual(Object.getPrototypeOf(found), Object.prototype)
      }))

    it.effect("is written strictly", () =>
      Effect.gen(function*() {
        const encode = Schema.encodeUnknownEffect(AuthorizationServer.AuthorizationServer)
        yield* encode({ issuer: host, scopes_supported: ["openid"], extra: 1 })
        yield* Effect.flip(encode({ issuer: host, scopes_supported: "openid" }))
        yield* Effect.flip(encode({ scopes_supported: ["openid"] }))
        yield* Effect.flip(decode({ scopes_supported: ["openid"] }))
      }))

    it.effect("survives a JSON store", () =>
      Effect.gen(function*() {
        const codec = Schema.fromJsonString(Schema.toCodecJson(AuthorizationServer.AuthorizationServer))
        const server = yield* decode({ issuer: host, scopes_supported: ["a"], extra: { b: [1] } })
        assert.deepStrictEqual(yield* Schema.decodeEffect(codec)(yield* Schema.encodeEffect(codec)(server)), server)
      }))
  })

  describe("registrationEndpoint", () => {
    const endpoint = (
      server: AuthorizationServer.AuthorizationServer,
      options?: { readonly useMtlsEndpointAliases?: boolean }
    ) => Effect.map(AuthorizationServer.registrationEndpoint(server, options), (url) => url.href)
    const server: AuthorizationServer.AuthorizationServer = {
      issuer: host,
      registration_endpoint: `${host}/register?tenant=a`,
      mtls_endpoint_aliases: { registration_endpoint: "https://mtls.example.com/register" }
    }

    it.effect("is the conventional one, or the alias for mTLS clients where there is one", () =>
      Effect.gen(function*() {
        const alias = "https://mtls.example.com/register"
        assert.strictEqual(yield* endpoint(server), `${host}/register?tenant=a`)
        assert.strictEqual(yield* endpoint(server, { useMtlsEndpointAliases: false }), `${host}/register?tenant=a`)
        assert.strictEqual(yield* endpoint(server, { useMtlsEndpointAliases: true }), alias)
        assert.strictEqual(
          yield* endpoint({ ...server, mtls_endpoint_aliases: {} }, { useMtlsEndpointAliases: true }),
          `${host}/register?tenant=a`
        )
        assert.strictEqual(
          yield* endpoint({ ...server, registration_endpoint: undefined }, { useMtlsEndpointAliases: true }),
          alias
        )
      }))

    it.effect("may be missing", () =>
      Effect.gen(function*() {
        for (const lacking of [{ issuer: host }, { ...server, registration_endpoint: undefined }]) {
          const error = yield* Effect.flip(endpoint(lacking))
          assert.strictEqual(reasonIs(error, "Unsupported").feature, "registration_endpoint")
        }
      }))

    it.effect("is refused when it is no URL", () =>
      Effect.gen(function*() {
        for (const registration_endpoint of ["", "/register", "register", "https://"]) {
          const error = yield* Effect.flip(endpoint({ issuer: host, registration_endpoint }))
          const reason = reasonIs(error, "EndpointRefused")
          assert.deepStrictEqual([reason.role, reason.rule], ["registration_endpoint", "InvalidUrl"])
        }
      }))
  })

  describe("fromProtectedResource", () => {
    const resource = "https://mcp.example.com/mcp"
    const wellKnown = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp"
    const metadata = { resource, authorization_servers: [host, "https://other.example.com"] }

    it.effect("gives the servers that the resource names", () =>
      Effect.gen(function*() {
        const server = recordedServer({ [wellKnown]: { json: metadata }, [oauth]: document(host) })
        const program = Effect.gen(function*() {
          const [issuer] = yield* AuthorizationServer.fromProtectedResource(resource)
          return yield* AuthorizationServer.discover(issuer)
        })
        const found = yield* Effect.provide(program, server.layer)
        assert.strictEqual(found.issuer, host)
        assert.deepStrictEqual(server.urls, [wellKnown, oauth])
      }))

    it.effect("puts the well-known part between the host and the path or query", () =>
      Effect.gen(function*() {
        const root = "https://mcp.example.com/.well-known/oauth-protected-resource"
        for (
          const [resource, url] of [
            ["https://mcp.example.com", root],
            ["https://mcp.example.com/", root],
            ["https://mcp.example.com/a/b", `${root}/a/b`],
            ["https://mcp.example.com/a?tenant=1", `${root}/a?tenant=1`],
            ["https://mcp.example.com?tenant=1", `${root}?tenant=1`]
          ] as const
        ) {
          const server = recordedServer({ [url]: { json: { ...metadata, resource } } })
          const found = yield* AuthorizationServer.fromProtectedResource(resource).pipe(Effect.provide(server.layer))
          assert.deepStrictEqual<ReadonlyArray<string>>(found, metadata.authorization_servers)
        }
      }))

    it.effect("asks nothing of this machine because a resource elsewhere said so", () =>
      Effect.gen(function*() {
        const server = recordedServer({})
        const metadataUrl = "http://localhost:2375/metadata"
        const error = yield* AuthorizationServer.fromProtectedResource(resource, { metadataUrl }).pipe(
          Effect.provide(server.layer),
          Effect.flip
        )
        assert.strictEqual(reasonIs(error, "EndpointRefused").rule, "InsecureScheme")
        assert.deepStrictEqual(server.urls, [])
      }))

    it.effect("asks where the challenge of the resource said", () =>
      Effect.gen(function*() {
        const metadataUrl = "https://mcp.example.com/metadata.json"
        const server = recordedServer({ [metadataUrl]: { json: metadata } })
        yield* AuthorizationServer.fromProtectedResource(resource, { metadataUrl }).pipe(Effect.provide(server.layer))
        assert.deepStrictEqual(server.urls, [metadataUrl])
        const refused = yield* AuthorizationServer.fromProtectedResource(resource, {
          metadataUrl: "http://169.254.169.254/latest"
        }).pipe(Effect.provide(server.layer), Effect.flip)
        reasonIs(refused, "EndpointRefused")
        assert.deepStrictEqual(server.urls, [metadataUrl])
      }))

    it.effect("refuses the metadata of another resource", () =>
      Effect.gen(function*() {
        for (const other of [`${resource}/`, "https://mcp.example.com", "https://MCP.example.com/mcp", undefined, 1]) {
          const server = recordedServer({ [wellKnown]: { json: { ...metadata, resource: other } } })
          const error = yield* AuthorizationServer.fromProtectedResource(resource).pipe(
            Effect.provide(server.layer),
            Effect.flip
          )
          assert.include(reasonIs(error, "DiscoveryFailed").attempts[0]?.problem, "another resource")
        }
      }))

    it.effect("says so when there is no metadata, or no server in it", () =>
      Effect.gen(function*() {
        const from = (answer: Answer) =>
          AuthorizationServer.fromProtectedResource(resource).pipe(
            Effect.provide(recordedServer({ [wellKnown]: answer }).layer),
            Effect.flip
          )
        assert.deepStrictEqual(reasonIs(yield* from({ status: 404 }), "DiscoveryFailed").attempts, [
          { url: wellKnown, status: 404, problem: "status 404" }
        ])
        reasonIs(yield* from({ text: "hello" }), "DiscoveryFailed")
        reasonIs(yield* from({ refuseConnection: true }), "Transport")
        const later = yield* from({ status: 429, headers: { "retry-after": "5" } })
        assert.deepStrictEqual(later.retryAfter, Duration.seconds(5))
        for (const authorization_servers of [undefined, [], "https://op.example.com", [1]]) {
          const error = yield* from({ json: { resource, authorization_servers } })
          assert.strictEqual(reasonIs(error, "Unsupported").feature, "authorization_servers")
        }
      }))

    it.effect("refuses a resource that is not to be contacted", () =>
      Effect.gen(function*() {
        const server = recordedServer({})
        for (
          const resource of [
            "mcp.example.com",
            "http://mcp.example.com",
            "https://a:s3cret@mcp.example.com",
            "https://mcp.example.com#a"
          ]
        ) {
          const error = yield* AuthorizationServer.fromProtectedResource(resource).pipe(
            Effect.provide(server.layer),
            Effect.flip
          )
          assert.strictEqual(reasonIs(error, "EndpointRefused").role, "protected_resource")
          assert.notInclude(JSON.stringify(error), "s3cret")
        }
        assert.deepStrictEqual(server.urls, [])
      }))
  })
})
