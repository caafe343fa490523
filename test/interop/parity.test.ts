/**
 * Parity with the seed: every row of docs/parity.md, run on `oauth4webapi` and on this SDK side by side. Both get the same
 * server, a double that records what it was sent and answers as told.
 */
import { AuthorizationServer, ClientInformation, ClientRegistration, DpopSigner } from "@effect-dcr/core"
import type { ClientMetadata, RegisteredClient, RegistrationError } from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Redacted, Result } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import * as jose from "jose"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import * as oauth from "oauth4webapi"

// -----------------------------------------------------------------------------
// both sides
// -----------------------------------------------------------------------------

interface Recorded {
  readonly url: string
  readonly method: string
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

interface Answer {
  readonly status?: number
  readonly headers?: { readonly [name: string]: string }
  readonly body?: unknown
}

const created = { client_id: "c1" }

const toResponse = ({ body = created, headers, status = 201 }: Answer): Response =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headers }
  })

const server = { issuer: "https://op.example", registration_endpoint: "https://op.example/register" }

const metadata = { redirect_uris: ["https://app.example/cb"] }

/** One registration by the seed. */
const seed = async (
  answer: Answer,
  options: oauth.DynamicClientRegistrationRequestOptions = {},
  as: oauth.AuthorizationServer = server,
  requested: Partial<oauth.Client> = metadata
): Promise<
  {
    readonly request: Recorded | undefined
    readonly result: Result.Result<oauth.OmitSymbolProperties<oauth.Client>, unknown>
  }
> => {
  let request: Recorded | undefined
  try {
    const response = await oauth.dynamicClientRegistrationRequest(as, requested, {
      ...options,
      [oauth.customFetch]: (url, { body, headers, method }) => {
        request = { url, method, headers, body }
        return Promise.resolve(toResponse(answer))
      }
    })
    return { request, result: Result.succeed(await oauth.processDynamicClientRegistrationResponse(response)) }
  } catch (error) {
    return { request, result: Result.fail(error) }
  }
}

/** One registration by this SDK. */
const ours = (
  answer: Answer,
  options: ClientRegistration.RegisterOptions = {},
  as: AuthorizationServer.AuthorizationServer = server,
  requested: ClientMetadata.ClientMetadata = metadata,
  signer: Layer.Layer<DpopSigner.DpopSigner, RegistrationError.RegistrationError> = DpopSigner.layerNone
): Effect.Effect<{
  readonly request: Recorded | undefined
  readonly result: Result.Result<RegisteredClient.RegisteredClient, RegistrationError.RegistrationError>
}> => {
  let recorded: Recorded | undefined
  const client = HttpClient.make((request, url) =>
    Effect.sync(() => {
      const { body } = request
      recorded = {
        url: url.href,
        method: request.method,
        headers: request.headers,
        body: body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
      }
      return HttpClientResponse.fromWeb(request, toResponse(answer))
    })
  )
  return ClientRegistration.register(as, requested, options).pipe(
    Effect.provide(Layer.merge(Layer.succeed(HttpClient.HttpClient, client), signer)),
    Effect.result,
    Effect.map((result) => ({ request: recorded, result }))
  )
}

const client = (result: Result.Result<RegisteredClient.RegisteredClient, RegistrationError.RegistrationError>) => {
  if (Result.isFailure(result)) throw result.failure
  return result.success
}

const reason = (result: Result.Result<RegisteredClient.RegisteredClient, RegistrationError.RegistrationError>) => {
  if (Result.isSuccess(result)) throw new Error("expected a failure")
  return result.failure.reason
}

const failure = <E extends Error>(
  result: Result.Result<unknown, unknown>,
  type: abstract new(...args: Array<never>) => E
): E => {
  if (Result.isSuccess(result)) throw new Error("expected the seed to fail")
  if (!(result.failure instanceof type)) throw new Error(`expected ${type.name}`, { cause: result.failure })
  return result.failure
}

const keys = () => oauth.generateKeyPair("ES256")

const claimsOf = (request: Recorded | undefined) => {
  const proof = request?.headers["dpop"]
  if (proof === undefined) throw new Error("no proof")
  return { header: jose.decodeProtectedHeader(proof), claims: jose.decodeJwt(proof) }
}

// -----------------------------------------------------------------------------
// the rows
// -----------------------------------------------------------------------------

describe("parameters", () => {
  it.effect("metadata: the same members are sent, undefined ones left out", () =>
    Effect.gen(function*() {
      const asked = { ...metadata, client_name: "App", token_endpoint_auth_method: "none", scope: undefined }
      const theirs = yield* Effect.promise(() =>
        seed({}, {}, server, { ...metadata, client_name: "App", token_endpoint_auth_method: "none" })
      )
      const mine = yield* ours({}, {}, server, asked)
      assert.deepStrictEqual(JSON.parse(mine.request?.body ?? ""), JSON.parse(theirs.request?.body ?? ""))
    }))

  it.effect("request: POST to the endpoint, JSON asked and sent", () =>
    Effect.gen(function*() {
      const theirs = yield* Effect.promise(() => seed({}))
      const mine = yield* ours({})
      for (const { request } of [theirs, mine]) {
        assert.strictEqual(request?.method, "POST")
        assert.strictEqual(request?.url, server.registration_endpoint)
        assert.strictEqual(request?.headers["accept"], "application/json")
        assert.strictEqual(request?.headers["content-type"], "application/json")
      }
    }))

  it.effect("use_mtls_endpoint_aliases: the alias is used where there is one", () =>
    Effect.gen(function*() {
      const as = { ...server, mtls_endpoint_aliases: { registration_endpoint: "https://mtls.op.example/register" } }
      const asked = { ...metadata, use_mtls_endpoint_aliases: true }
      const theirs = yield* Effect.promise(() => seed({}, {}, as, asked))
      const mine = yield* ours({}, {}, as, asked)
      const byOption = yield* ours({}, { useMtlsEndpointAliases: true }, as)
      const without = yield* ours({}, {}, as)
      assert.strictEqual(theirs.request?.url, "https://mtls.op.example/register")
      assert.strictEqual(mine.request?.url, "https://mtls.op.example/register")
      assert.strictEqual(byOption.request?.url, "https://mtls.op.example/register")
      assert.strictEqual(without.request?.url, "https://op.example/register")
    }))

  it.effect("initialAccessToken: sent as a Bearer token", () =>
    Effect.gen(function*() {
      const theirs = yield* Effect.promise(() => seed({}, { initialAccessToken: "iat-1" }))
      const mine = yield* ours({}, { initialAccessToken: Redacted.make("iat-1") })
      assert.strictEqual(theirs.request?.headers["authorization"], "Bearer iat-1")
      assert.strictEqual(mine.request?.headers["authorization"], "Bearer iat-1")
    }))

  it.effect("initialAccessToken with DPoP: scheme DPoP and ath; here the scheme is what the token's type says", () =>
    Effect.gen(function*() {
      const pair = yield* Effect.promise(keys)
      const dpop = oauth.DPoP({}, pair)
      const theirs = yield* Effect.promise(() => seed({}, { initialAccessToken: "iat-1", DPoP: dpop }))
      const signer = DpopSigner.layerKeyPair(pair)
      const token = Redacted.make("iat-1")
      const mine = yield* ours(
        {},
        { initialAccessToken: token, initialAccessTokenType: "DPoP" },
        server,
        metadata,
        signer
      )
      const bearer = yield* ours({}, { initialAccessToken: token }, server, metadata, signer)
      assert.strictEqual(theirs.request?.headers["authorization"], "DPoP iat-1")
      assert.strictEqual(mine.request?.headers["authorization"], "DPoP iat-1")
      assert.strictEqual(bearer.request?.headers["authorization"], "Bearer iat-1")
      assert.strictEqual(claimsOf(mine.request).claims["ath"], claimsOf(theirs.request).claims["ath"])
      assert.strictEqual(claimsOf(bearer.request).claims["ath"], claimsOf(theirs.request).claims["ath"])
    }))

  it.effect("headers: extra ones are sent", () =>
    Effect.gen(function*() {
      const theirs = yield* Effect.promise(() => seed({}, { headers: { "x-tenant": "t1" } }))
      const mine = yield* ours({}, { headers: { "x-tenant": "t1" } })
      assert.strictEqual(theirs.request?.headers["x-tenant"], "t1")
      assert.strictEqual(mine.request?.headers["x-tenant"], "t1")
    }))

  it.effect("headers: authorization is refused before anything is sent", () =>
    Effect.gen(function*() {
      const theirs = yield* Effect.promise(() => seed({}, { headers: { authorization: "Basic eDp5" } }))
      const mine = yield* ours({}, { headers: { authorization: "Basic eDp5" } })
      assert.strictEqual(failure(theirs.result, TypeError).message.includes("authorization"), true)
      assert.strictEqual(reason(mine.result)._tag, "InvalidOptions")
      assert.strictEqual(theirs.request, undefined)
      assert.strictEqual(mine.request, undefined)
    }))

  it.effect("headers: a caller's own dpop header is sent as it is", () =>
    Effect.gen(function*() {
      const theirs = yield* Effect.promise(() => seed({}, { headers: { dpop: "own.proof.made" } }))
      const mine = yield* ours({}, { headers: { dpop: "own.proof.made" } }, server, metadata, DpopSigner.layer())
      assert.strictEqual(theirs.request?.headers["dpop"], "own.proof.made")
      assert.strictEqual(mine.request?.headers["dpop"], "own.proof.made")
    }))

  it.effect("signal: an abort ends the request; here interruption and the deadline do", () =>
    Effect.gen(function*() {
      const hanging = (signal: AbortSignal, aborted: () => void) =>
        new Promise<Response>((_, reject) =>
          signal.addEventListener("abort", () => {
            aborted()
            reject(new DOMException("aborted", "AbortError"))
          })
        )
      let theirs = false
      const controller = new AbortController()
      const pending = oauth.dynamicClientRegistrationRequest(server, metadata, {
        signal: controller.signal,
        [oauth.customFetch]: (_, { signal }) =>
          hanging(signal ?? AbortSignal.abort(), () => {
            theirs = true
          })
      }).catch((error: unknown) => error)
      yield* Effect.promise(() => Promise.resolve())
      controller.abort()
      yield* Effect.promise(() => pending)
      assert.isTrue(theirs)

      let interrupted = 0
      const http = HttpClient.make((request, _, signal) =>
        Effect.promise((inner) =>
          hanging(AbortSignal.any([signal, inner]), () => {
            interrupted += 1
          })
        ).pipe(
          Effect.map((response) => HttpClientResponse.fromWeb(request, response))
        )
      )
      const layer = Layer.merge(Layer.succeed(HttpClient.HttpClient, http), DpopSigner.layerNone)
      const fiber = yield* Effect.forkChild(ClientRegistration.register(server, metadata).pipe(Effect.provide(layer)))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(interrupted, 1)

      const late = yield* Effect.forkChild(Effect.flip(
        ClientRegistration.register(server, metadata, { deadline: "2 seconds" }).pipe(Effect.provide(layer))
      ))
      yield* TestClock.adjust("2 seconds")
      const error = yield* Fiber.join(late)
      assert.strictEqual(error.reason._tag, "OutcomeUnknown")
      assert.strictEqual(interrupted, 2)
    }))

  it.effect("allowInsecureRequests: plain http needs the switch", () =>
    Effect.gen(function*() {
      const as = { issuer: "http://op.example", registration_endpoint: "http://op.example/register" }
      const theirs = yield* Effect.promise(() => seed({}, {}, as))
      const mine = yield* ours({}, {}, as)
      failure(theirs.result, oauth.OperationProcessingError)
      const refused = reason(mine.result)
      assert.strictEqual(refused._tag === "EndpointRefused" && refused.rule, "InsecureScheme")
      const theirsAllowed = yield* Effect.promise(() => seed({}, { [oauth.allowInsecureRequests]: true }, as))
      const mineAllowed = yield* ours({}, { dangerouslyAllowInsecureRequests: true }, as)
      assert.isTrue(Result.isSuccess(theirsAllowed.result))
      assert.strictEqual(client(mineAllowed.result).information.client_id, "c1")
    }))
})

describe("checks before the request", () => {
  it.effect("as: must have an issuer", () =>
    Effect.gen(function*() {
      const as = { ...server, issuer: "" }
      const theirs = yield* Effect.promise(() => seed({}, {}, as))
      const mine = yield* ours({}, {}, as)
      failure(theirs.result, Error)
      assert.strictEqual(reason(mine.result)._tag, "InvalidOptions")
      assert.strictEqual(mine.request, undefined)
    }))

  it.effect("registration_endpoint: must be there", () =>
    Effect.gen(function*() {
      const as = { issuer: server.issuer }
      const theirs = yield* Effect.promise(() => seed({}, {}, as))
      const mine = yield* ours({}, {}, as)
      failure(theirs.result, oauth.OperationProcessingError)
      assert.strictEqual(reason(mine.result)._tag, "Unsupported")
    }))

  it.effect("registration_endpoint: must be a URL", () =>
    Effect.gen(function*() {
      const as = { ...server, registration_endpoint: "not a url" }
      const theirs = yield* Effect.promise(() => seed({}, {}, as))
      const mine = yield* ours({}, {}, as)
      failure(theirs.result, oauth.OperationProcessingError)
      const refused = reason(mine.result)
      assert.strictEqual(refused._tag === "EndpointRefused" && refused.rule, "InvalidUrl")
    }))
})

describe("the answer", () => {
  it.effect("success: the client as the server returned it, other members included", () =>
    Effect.gen(function*() {
      const body = { ...created, ...metadata, vendor: { a: 1 }, client_secret: "s3cret", client_secret_expires_at: 0 }
      const theirs = yield* Effect.promise(() => seed({ body }))
      const mine = client((yield* ours({ body })).result)
      assert.deepEqual(Result.getOrThrow(theirs.result), body)
      const { client_secret, ...information } = mine.information
      const secret = client_secret === undefined ? "" : Redacted.value(client_secret)
      const returned: unknown = { ...information, ...mine.extensions, client_secret: secret }
      assert.deepStrictEqual(returned, body)
    }))

  it.effect("redirects are not followed", () =>
    Effect.gen(function*() {
      const answer = { status: 307, headers: { location: "https://evil.example/register" }, body: "" }
      const theirs = yield* Effect.promise(() => seed(answer))
      const mine = yield* ours(answer)
      failure(theirs.result, oauth.OperationProcessingError)
      assert.strictEqual(reason(mine.result)._tag, "RedirectRefused")
    }))

  it.effect("status: other than 201 is refused by the seed; here 200 is a deviation, a failure on demand", () =>
    Effect.gen(function*() {
      const theirs = yield* Effect.promise(() => seed({ status: 200 }))
      const mine = client((yield* ours({ status: 200 })).result)
      const strict = yield* ours({ status: 200 }, { deviations: "fail" })
      failure(theirs.result, oauth.OperationProcessingError)
      assert.deepStrictEqual(mine.deviations.map(({ id }) => id), ["status", "missing-secret"])
      assert.strictEqual(reason(strict.result)._tag, "DeviationsRefused")
    }))

  it.effect("status: an unexpected one without an OAuth error", () =>
    Effect.gen(function*() {
      const answer = { status: 500, body: "oops", headers: { "content-type": "text/plain" } }
      const theirs = yield* Effect.promise(() => seed(answer))
      const mine = yield* ours(answer)
      failure(theirs.result, oauth.OperationProcessingError)
      const unexpected = reason(mine.result)
      assert.strictEqual(unexpected._tag === "UnexpectedStatus" && unexpected.status, 500)
    }))

  it.effect("ResponseBodyError: error and description of the body", () =>
    Effect.gen(function*() {
      const codes = {
        invalid_redirect_uri: "InvalidRedirectUri",
        invalid_client_metadata: "InvalidClientMetadata",
        invalid_software_statement: "InvalidSoftwareStatement",
        unapproved_software_statement: "UnapprovedSoftwareStatement",
        access_denied: "OAuthError"
      }
      for (const [error, tag] of Object.entries(codes)) {
        const answer = { status: 400, body: { error, error_description: "because" } }
        const theirs = failure((yield* Effect.promise(() => seed(answer))).result, oauth.ResponseBodyError)
        const mine = reason((yield* ours(answer)).result)
        assert.strictEqual(theirs.error, error)
        assert.strictEqual(theirs.error_description, "because")
        assert.strictEqual(mine._tag, tag)
        assert.strictEqual("error_description" in mine && mine.error_description, "because")
        assert.strictEqual("status" in mine && mine.status, 400)
      }
    }))

  it.effect("WWWAuthenticateChallengeError: the challenges", () =>
    Effect.gen(function*() {
      const answer = {
        status: 401,
        body: "",
        headers: { "www-authenticate": "Bearer realm=\"r\", error=\"invalid_token\", DPoP algs=\"ES256 PS256\"" }
      }
      const theirs = failure((yield* Effect.promise(() => seed(answer))).result, oauth.WWWAuthenticateChallengeError)
      const mine = reason((yield* ours(answer)).result)
      assert.deepStrictEqual(theirs.cause.map(({ parameters, scheme }) => [scheme, { ...parameters }]), [
        ["bearer", { realm: "r", error: "invalid_token" }],
        ["dpop", { algs: "ES256 PS256" }]
      ])
      assert.deepStrictEqual(
        mine._tag === "Unauthorized" && mine.challenges.map(({ parameters, scheme }) => [scheme, parameters]),
        [["Bearer", { realm: "r", error: "invalid_token" }], ["DPoP", { algs: "ES256 PS256" }]]
      )
    }))

  it.effect("body: must be JSON", () =>
    Effect.gen(function*() {
      const theirs = yield* Effect.promise(() => seed({ body: "{" }))
      const mine = reason((yield* ours({ body: "{" })).result)
      failure(theirs.result, oauth.OperationProcessingError)
      assert.strictEqual(mine._tag === "UnusableAnswer" && mine.problem, "NotJson")
    }))

  it.effect("body: its media type is checked when it is not JSON; here it is a deviation when it is", () =>
    Effect.gen(function*() {
      const headers = { "content-type": "text/plain" }
      const theirs = yield* Effect.promise(() => seed({ headers, body: "{" }))
      const mine = client((yield* ours({ headers })).result)
      failure(theirs.result, oauth.OperationProcessingError)
      assert.deepStrictEqual(mine.deviations.map(({ id }) => id), ["content-type", "missing-secret"])
    }))

  it.effect("body: must be an object", () =>
    Effect.gen(function*() {
      const theirs = yield* Effect.promise(() => seed({ body: ["c1"] }))
      const mine = reason((yield* ours({ body: ["c1"] })).result)
      failure(theirs.result, oauth.OperationProcessingError)
      assert.strictEqual(mine._tag === "UnusableAnswer" && mine.problem, "NotAnObject")
    }))

  it.effect("client_id: must be there", () =>
    Effect.gen(function*() {
      const theirs = yield* Effect.promise(() => seed({ body: metadata }))
      const mine = reason((yield* ours({ body: metadata })).result)
      failure(theirs.result, oauth.OperationProcessingError)
      assert.strictEqual(mine._tag === "UnusableAnswer" && mine.problem, "MissingClientId")
    }))

  it.effect("client_secret: must be a string; here one that is not is a deviation", () =>
    Effect.gen(function*() {
      const body = { ...created, client_secret: { value: "x" } }
      const theirs = yield* Effect.promise(() => seed({ body }))
      const mine = client((yield* ours({ body })).result)
      failure(theirs.result, oauth.OperationProcessingError)
      assert.deepStrictEqual(mine.deviations.map(({ id, member }) => [id, member]), [
        ["malformed-member", "client_secret"],
        ["missing-secret", "client_secret"]
      ])
    }))

  it.effect("client_secret_expires_at: must stand beside a secret; here its absence is a deviation", () =>
    Effect.gen(function*() {
      const body = { ...created, client_secret: "s3cret" }
      const theirs = yield* Effect.promise(() => seed({ body }))
      const mine = client((yield* ours({ body })).result)
      failure(theirs.result, oauth.OperationProcessingError)
      assert.deepStrictEqual(mine.deviations.map(({ id }) => id), ["missing-secret-expiry"])
    }))

  it.effect("process: a response that is read already; here it can be read again", () =>
    Effect.gen(function*() {
      const response = toResponse({})
      yield* Effect.promise(() => response.text())
      const theirs = yield* Effect.promise(() =>
        oauth.processDynamicClientRegistrationResponse(response).then(() => undefined, (error: unknown) => error)
      )
      assert.instanceOf(theirs, Error)
      const http = HttpClient.make((request) => Effect.succeed(HttpClientResponse.fromWeb(request, toResponse({}))))
      const layer = Layer.merge(Layer.succeed(HttpClient.HttpClient, http), DpopSigner.layerNone)
      const request = yield* ClientRegistration.request(server, metadata)
      const answer = yield* ClientRegistration.send(request).pipe(Effect.provide(layer))
      const once = yield* ClientRegistration.process(server, metadata, answer)
      const twice = yield* ClientRegistration.process(server, metadata, answer)
      assert.strictEqual(once.information.client_id, "c1")
      assert.deepStrictEqual(twice.information, once.information)
    }))
})

describe("DPoP", () => {
  it.effect("proof: the same header and claims", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.now())
      const pair = yield* Effect.promise(keys)
      const theirs = claimsOf((yield* Effect.promise(() => seed({}, { DPoP: oauth.DPoP({}, pair) }))).request)
      const mine = claimsOf((yield* ours({}, {}, server, metadata, DpopSigner.layerKeyPair(pair))).request)
      assert.deepStrictEqual(mine.header, theirs.header)
      assert.deepStrictEqual(Object.keys(mine.claims).sort(), Object.keys(theirs.claims).sort())
      assert.strictEqual(mine.claims["htm"], theirs.claims["htm"])
      assert.strictEqual(mine.claims["htu"], theirs.claims["htu"])
      assert.notStrictEqual(mine.claims.jti, theirs.claims.jti)
      assert.isTrue(Math.abs(Number(mine.claims.iat) - Number(theirs.claims.iat)) <= 5)
    }))

  it.effect("calculateThumbprint: the same", () =>
    Effect.gen(function*() {
      const pair = yield* Effect.promise(keys)
      const theirs = yield* Effect.promise(() => oauth.DPoP({}, pair).calculateThumbprint())
      const signer = yield* DpopSigner.DpopSigner.pipe(Effect.provide(DpopSigner.layerKeyPair(pair)))
      assert.deepStrictEqual(signer.thumbprint, Option.some(theirs))
    }))

  it.effect("key pair: a private key that cannot be exported is enough, a public key that cannot is refused", () =>
    Effect.gen(function*() {
      const pair = yield* Effect.promise(() =>
        crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"])
      )
      const jwk = yield* Effect.promise(() => crypto.subtle.exportKey("jwk", pair.publicKey))
      const hidden = yield* Effect.promise(() =>
        crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"])
      )
      assert.isFalse(pair.privateKey.extractable)
      claimsOf((yield* ours({}, {}, server, metadata, DpopSigner.layerKeyPair(pair))).request)
      assert.throws(() => oauth.DPoP({}, { ...pair, publicKey: hidden }))
      const error = yield* Effect.flip(
        DpopSigner.DpopSigner.pipe(Effect.provide(DpopSigner.layerKeyPair({ ...pair, publicKey: hidden })))
      )
      assert.strictEqual(error.reason._tag, "ProofFailed")
    }))

  it.effect("clockSkew: moves iat", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_000_000)
      const pair = yield* Effect.promise(keys)
      const now = Math.floor(Date.now() / 1000)
      const dpop = oauth.DPoP({ [oauth.clockSkew]: -3600 }, pair)
      const theirs = claimsOf((yield* Effect.promise(() => seed({}, { DPoP: dpop }))).request)
      const signer = DpopSigner.layerKeyPair({ ...pair, clockSkewSeconds: -300 })
      const mine = claimsOf((yield* ours({}, {}, server, metadata, signer)).request)
      assert.isTrue(Math.abs(Number(theirs.claims.iat) + 3600 - now) <= 5)
      assert.strictEqual(mine.claims.iat, 1000 - 300)
    }))

  it.effect("cacheNonce: a nonce of a success is used next time, per origin", () =>
    Effect.gen(function*() {
      const pair = yield* Effect.promise(keys)
      const dpop = oauth.DPoP({}, pair)
      const given = { headers: { "dpop-nonce": "n1" } }
      yield* Effect.promise(() => seed(given, { DPoP: dpop }))
      const theirs = claimsOf((yield* Effect.promise(() => seed({}, { DPoP: dpop }))).request)
      const signer = yield* DpopSigner.DpopSigner.pipe(Effect.provide(DpopSigner.layerKeyPair(pair)))
      const layer = Layer.succeed(DpopSigner.DpopSigner, signer)
      yield* ours(given, {}, server, metadata, layer)
      const mine = claimsOf((yield* ours({}, {}, server, metadata, layer)).request)
      const elsewhere = { issuer: "https://other.example", registration_endpoint: "https://other.example/register" }
      const other = claimsOf((yield* ours({}, {}, elsewhere, metadata, layer)).request)
      assert.strictEqual(theirs.claims["nonce"], "n1")
      assert.strictEqual(mine.claims["nonce"], "n1")
      assert.strictEqual(other.claims["nonce"], undefined)
    }))

  it.effect("isDPoPNonceError: told by body and by challenge; here a demand is answered, and one without end is named", () =>
    Effect.gen(function*() {
      const demands: ReadonlyArray<Answer> = [
        { status: 400, body: { error: "use_dpop_nonce" }, headers: { "dpop-nonce": "n1" } },
        { status: 401, body: "", headers: { "dpop-nonce": "n1", "www-authenticate": "DPoP error=\"use_dpop_nonce\"" } }
      ]
      for (const demand of demands) {
        const dpop = oauth.DPoP({}, yield* Effect.promise(keys))
        const theirs = yield* Effect.promise(() => seed(demand, { DPoP: dpop }))
        const mine = yield* ours(demand, {}, server, metadata, DpopSigner.layer())
        assert.isTrue(oauth.isDPoPNonceError(failure(theirs.result, Error)))
        assert.strictEqual(claimsOf(mine.request).claims["nonce"], "n1")
        const exhausted = reason(mine.result)
        assert.strictEqual(exhausted._tag === "NonceExhausted" && exhausted.nonce, "n1")
      }
    }))

  it.effect("modifyAssertion: what the hook changes is the matter of an own signer", () =>
    Effect.gen(function*() {
      const pair = yield* Effect.promise(keys)
      const dpop = oauth.DPoP({}, pair, {
        [oauth.modifyAssertion]: (_, payload) => {
          payload["htm"] = "GET"
        }
      })
      const theirs = claimsOf((yield* Effect.promise(() => seed({}, { DPoP: dpop }))).request)
      const signer = Layer.effect(
        DpopSigner.DpopSigner,
        Effect.map(DpopSigner.DpopSigner, (signer) => ({
          ...signer,
          sign: (request: DpopSigner.ProofRequest) => signer.sign({ ...request, method: "GET" })
        }))
      ).pipe(Layer.provide(DpopSigner.layerKeyPair(pair)))
      const mine = claimsOf((yield* ours({}, {}, server, metadata, signer)).request)
      assert.strictEqual(theirs.claims["htm"], "GET")
      assert.strictEqual(mine.claims["htm"], "GET")
    }))
})

describe("types", () => {
  const declarations = readFileSync(
    createRequire(import.meta.url).resolve("oauth4webapi").replace(/\.js$/, ".d.ts"),
    "utf8"
  )

  /** The names of an interface's members, symbols aside. */
  const membersOf = (name: string): ReadonlyArray<string> => {
    const start = declarations.indexOf(`export interface ${name} {`)
    const body = declarations.slice(start, declarations.indexOf("\n}", start))
    return Array.from(body.matchAll(/^ {4}(?:readonly )?([a-z_]+)\??:/gm), (match) => match[1] ?? "")
  }

  it("Client: every member is one of ClientMetadata or ClientInformation", () => {
    const names = membersOf("Client")
    assert.includeMembers([...names], ["client_id", "id_token_signed_response_alg"])
    assert.deepStrictEqual(names.filter((name) => !Object.hasOwn(ClientInformation.members, name)), [])
  })

  it("AuthorizationServer: every member is one of AuthorizationServer", () => {
    const names = membersOf("AuthorizationServer")
    assert.includeMembers([...names], ["issuer", "registration_endpoint", "mtls_endpoint_aliases"])
    const all = Object.fromEntries(names.map((name) => [name, "x"]))
    const unheardOf = { unheard_of: "x" }
    assert.deepStrictEqual(AuthorizationServer.extensions({ ...server, ...all, ...unheardOf }), unheardOf)
  })
})

describe("docs/parity.md", () => {
  it("names tests that are here, and every one of them", () => {
    const document = readFileSync(new URL("../../docs/parity.md", import.meta.url), "utf8")
    const source = readFileSync(new URL(import.meta.url), "utf8")
    const titles = Array.from(source.matchAll(/\bit(?:\.effect)?\("((?:[^"\\]|\\.)*)"/g), (match) => match[1] ?? "")
    const named = Array.from(document.matchAll(/\| `([^`]+)` \|$/gm), (match) => match[1] ?? "")
    assert.deepStrictEqual(named.filter((title) => !titles.includes(title)), [])
    assert.deepStrictEqual(titles.filter((title) => !named.includes(title) && !title.startsWith("names tests")), [])
  })
})
