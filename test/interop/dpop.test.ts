/**
 * Proofs before verifiers that are not ours: `oidc-provider`'s registration, token and userinfo endpoints, which demand a
 * nonce, and the resource-server check of `oauth4webapi`.
 */
import { AuthorizationServer, ClientRegistration, DpopSigner } from "@effect-dcr/core"
import * as DpopKey from "@effect-dcr/core/DpopKey"
import { NodeRegistration } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import * as jose from "jose"
import { createHash, randomBytes } from "node:crypto"
import * as oauth from "oauth4webapi"
import type Provider from "oidc-provider"
import { httpServer } from "../support/nodeServers.ts"
import { oidcProvider } from "../support/oidcProvider.ts"
import { algorithms } from "../support/proofs.ts"

const redirectUri = "http://127.0.0.1/cb"

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

const send = (url: string | URL, init: RequestInit = {}): Effect.Effect<Answer> =>
  Effect.promise(async (signal) => {
    const response = await fetch(url, { redirect: "manual", signal, ...init })
    const text = await response.text()
    const body: unknown = response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : { text }
    return {
      status: response.status,
      headers: response.headers,
      body: typeof body === "object" && body !== null ? { ...body } : { body }
    }
  })

interface Presented {
  readonly method: string
  readonly url: URL
  /** Sent with the scheme DPoP. */
  readonly token?: string
  readonly form?: Readonly<Record<string, string>>
  /** What stands in for the token in the proof, for a proof that must not be accepted. */
  readonly provenToken?: string
}

/** One request with a proof, and the nonce of its answer learned. */
const present = ({ form, method, provenToken, token, url }: Presented) =>
  Effect.gen(function*() {
    const signer = yield* DpopSigner.DpopSigner
    const accessToken = provenToken ?? token
    const proof = yield* signer.sign({
      method,
      url,
      ...(accessToken === undefined ? undefined : { accessToken: Redacted.make(accessToken) })
    })
    const answer = yield* send(url, {
      method,
      headers: {
        dpop: Option.getOrThrow(proof).jwt,
        ...(token === undefined ? undefined : { authorization: `DPoP ${token}` })
      },
      ...(form === undefined ? undefined : { body: new URLSearchParams(form) })
    })
    const nonce = answer.headers.get("dpop-nonce")
    if (nonce !== null) yield* signer.learn(url, nonce)
    return answer
  })

/** A server on which everybody is logged in and has consented, and where no proof is accepted without its nonce. */
const openProvider = Effect.gen(function*() {
  // Where the server sends a browser to log in: a page that asks nothing.
  const started: Array<Provider> = []
  const login = yield* httpServer((request, response) => {
    for (const provider of started) {
      provider.interactionFinished(request, response, { login: { accountId: "a-user" }, consent: {} })
        .catch((error: unknown) => response.writeHead(500).end(String(error)))
    }
  })
  const op = yield* oidcProvider({
    enabledJWA: { dPoPSigningAlgValues: [...algorithms] },
    features: { dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true } },
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 60, IdToken: 60, Interaction: 60, Session: 60 },
    interactions: { url: () => login.origin },
    loadExistingGrant: async (ctx) => {
      const { client, provider, session } = ctx.oidc
      if (client === undefined || session?.accountId === undefined) return undefined
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope("openid")
      await grant.save()
      return grant
    }
  })
  started.push(op.provider)
  return { op, server: yield* AuthorizationServer.discover(op.issuer) }
})

/** The code of an authorization request, as a browser gets it. */
const authorize = (endpoint: string, parameters: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const cookies = new Map<string, string>()
    let url = new URL(endpoint)
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    for (let requests = 0; requests < 5 && !url.href.startsWith(redirectUri); requests++) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
      const { body, headers, status } = yield* send(url, { headers: { cookie } })
      assert.strictEqual(status, 303, `${url.href}: ${JSON.stringify(body)}`)
      for (const set of headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? []
        cookies.set(name, value)
      }
      url = new URL(headers.get("location") ?? "", url)
    }
    const code = url.searchParams.get("code")
    assert.isNotNull(code, url.href)
    return code ?? ""
  })

describe("oidc-provider, nonces required", () => {
  for (const algorithm of algorithms) {
    it.live(`${algorithm}: one signer registers, redeems a code and reads userinfo`, () =>
      Effect.gen(function*() {
        const { op, server } = yield* openProvider
        const key = yield* DpopKey.generate({ algorithm })

        yield* Effect.gen(function*() {
          const { information } = yield* ClientRegistration.register(server, {
            redirect_uris: [redirectUri],
            token_endpoint_auth_method: "none",
            dpop_bound_access_tokens: true
          })
          assert.isDefined(op.arrived.find(({ path }) => path === "/reg")?.headers["dpop"])
          const { thumbprint } = yield* DpopSigner.DpopSigner
          const jkt = Option.getOrThrow(thumbprint)
          const verifier = randomBytes(32).toString("base64url")
          const code = yield* authorize(`${op.issuer}/auth`, {
            client_id: information.client_id,
            redirect_uri: redirectUri,
            response_type: "code",
            scope: "openid",
            code_challenge: createHash("sha256").update(verifier).digest("base64url"),
            code_challenge_method: "S256",
            // The server compares it with the thumbprint that it computes of the proof's key (RFC 9449 §10).
            dpop_jkt: jkt
          })

          const redeem = present({
            method: "POST",
            url: new URL(`${op.issuer}/token`),
            form: {
              grant_type: "authorization_code",
              client_id: information.client_id,
              code,
              redirect_uri: redirectUri,
              code_verifier: verifier
            }
          })
          const challenged = yield* redeem
          assert.deepStrictEqual([challenged.status, challenged.body["error"]], [400, "use_dpop_nonce"])
          const { body, status } = yield* redeem
          assert.deepStrictEqual([status, body["token_type"]], [200, "DPoP"], JSON.stringify(body))

          const userinfo = { method: "GET", url: new URL(`${op.issuer}/me?x=y`), token: String(body["access_token"]) }
          // The nonce of the token endpoint: it is the same origin.
          const read = yield* present(userinfo)
          assert.deepStrictEqual([read.status, read.body], [200, { sub: "a-user" }])

          const wrong = yield* present({ ...userinfo, provenToken: "another" })
          assert.deepStrictEqual([wrong.status, wrong.body["error"]], [401, "invalid_dpop_proof"])

          // A second signer of the same key has no nonce yet.
          const again = yield* Effect.gen(function*() {
            const first = yield* present(userinfo)
            assert.strictEqual(first.status, 401)
            assert.match(first.headers.get("www-authenticate") ?? "", /^DPoP .*error="use_dpop_nonce"/)
            return yield* present(userinfo)
          }).pipe(Effect.provide(DpopSigner.layerKeyPair(key), { local: true }))
          assert.deepStrictEqual([again.status, again.body], [200, { sub: "a-user" }])
        }).pipe(Effect.provide(DpopSigner.layerKeyPair(key)))
      }).pipe(Effect.provide(NodeRegistration.layer)))
  }
})

/** A resource that checks each request with `oauth4webapi`, and the authorization server's keys beside it. */
const resource = Effect.gen(function*() {
  const { privateKey, publicKey } = yield* Effect.promise(() => jose.generateKeyPair("ES256"))
  const jwk = yield* Effect.promise(() => jose.exportJWK(publicKey))
  const audience = "https://resource.example.com"
  const judge = async (request: Request): Promise<Response> => {
    const { origin, pathname } = new URL(request.url)
    if (pathname === "/jwks") return Response.json({ keys: [{ ...jwk, kid: "k", alg: "ES256", use: "sig" }] })
    const as = { issuer: origin, jwks_uri: `${origin}/jwks` }
    try {
      const claims = await oauth.validateJwtAccessToken(as, request, audience, {
        requireDPoP: true,
        [oauth.allowInsecureRequests]: true
      })
      return Response.json({ sub: claims.sub })
    } catch (error) {
      return Response.json({ error: error instanceof Error ? error.message : String(error) }, { status: 401 })
    }
  }
  const { origin } = yield* httpServer((incoming, outgoing) => {
    const headers = new Headers()
    for (const [name, values = []] of Object.entries(incoming.headersDistinct)) {
      for (const value of values) headers.append(name, value)
    }
    const request = new Request(new URL(incoming.url ?? "", `http://${incoming.headers.host}`), {
      method: incoming.method ?? "",
      headers
    })
    void judge(request).then(async (response) => {
      outgoing.writeHead(response.status, { "content-type": "application/json" }).end(await response.text())
    })
  })
  const tokenFor = (jkt: string) =>
    Effect.promise(() =>
      new jose.SignJWT({ client_id: "a-client", cnf: { jkt } })
        .setProtectedHeader({ alg: "ES256", kid: "k", typ: "at+jwt" })
        .setIssuer(origin)
        .setAudience(audience)
        .setSubject("a-user")
        .setJti("1")
        .setIssuedAt()
        .setExpirationTime("1 minute")
        .sign(privateKey)
    )
  return { url: new URL(`${origin}/a/resource?with=query`), tokenFor }
})

describe("oauth4webapi's resource server", () => {
  for (const algorithm of algorithms) {
    it.live(`${algorithm}: accepts the proof of a bound token, and no other`, () =>
      Effect.gen(function*() {
        const { tokenFor, url } = yield* resource
        const { thumbprint } = yield* DpopSigner.DpopSigner
        const token = yield* tokenFor(Option.getOrThrow(thumbprint))

        for (const method of ["GET", "DELETE"]) {
          const accepted = yield* present({ method, url, token })
          assert.deepStrictEqual([accepted.status, accepted.body], [200, { sub: "a-user" }])
        }
        const wrongToken = yield* present({ method: "GET", url, token, provenToken: "another" })
        assert.deepStrictEqual([wrongToken.status, wrongToken.body], [401, { error: "DPoP Proof ath mismatch" }])

        const otherKey = yield* present({ method: "GET", url, token: yield* tokenFor("another") })
        assert.strictEqual(otherKey.body["error"], "JWT Access Token confirmation mismatch")
      }).pipe(Effect.provide(DpopSigner.layer({ algorithm }))))
  }

  it.live("refuses a proof of a clock that is wrong, unless the signer is told", () =>
    Effect.gen(function*() {
      const { tokenFor, url } = yield* resource
      const key = yield* DpopKey.generate()
      const ask = (clockSkewSeconds: number) =>
        Effect.gen(function*() {
          const { thumbprint } = yield* DpopSigner.DpopSigner
          const token = yield* tokenFor(Option.getOrThrow(thumbprint))
          return (yield* present({ method: "GET", url, token })).status
        }).pipe(Effect.provide(DpopSigner.layerKeyPair({ ...key, clockSkewSeconds }), { local: true }))
      assert.deepStrictEqual(yield* Effect.all([ask(0), ask(-600), ask(-200)]), [200, 401, 200])
    }))
})
