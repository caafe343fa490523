/** Swapping layers is all it takes: one program, run unchanged on every transport, with and without proofs. */
import { DpopSigner } from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
import { NodeHttpClient as EffectNodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import * as jose from "jose"
import { type OidcProvider, oidcProvider } from "../support/oidcProvider.ts"
import { expected, initialAccessToken, program } from "../support/oneProgram.ts"

/** What was sent, as far as it concerns the proofs. */
interface Sent {
  readonly method: string
  readonly url: string
  readonly headers: { readonly [name: string]: unknown }
}

interface Environment {
  readonly layer: Layer.Layer<HttpClient.HttpClient | DpopSigner.DpopSigner, unknown>
  readonly sent: () => ReadonlyArray<Sent>
}

const real = (layer: Environment["layer"]) => (op: OidcProvider): Effect.Effect<Environment> =>
  Effect.succeed({
    layer,
    sent: () => op.arrived.map(({ headers, method, path }) => ({ method, url: op.issuer + path, headers }))
  })

/** Plays back what the server answered once; nothing reaches the server any more. */
const recorded = (signer: Layer.Layer<DpopSigner.DpopSigner, unknown>) => (op: OidcProvider) =>
  Effect.promise(async (): Promise<Environment> => {
    const record = async (path: string, init?: RequestInit) => {
      const answer = await fetch(op.issuer + path, init)
      const text = await answer.text()
      return () => new Response(text, { status: answer.status, headers: answer.headers })
    }
    const metadata = await record("/.well-known/oauth-authorization-server")
    const registration = await record("/reg", {
      method: "POST",
      headers: { authorization: `Bearer ${initialAccessToken}`, "content-type": "application/json" },
      body: JSON.stringify({
        redirect_uris: ["http://127.0.0.1/cb"],
        client_name: "One program",
        application_type: "native"
      })
    })
    const live = op.arrived.length
    const sent: Array<Sent> = []
    const client = HttpClient.make((request, url) => {
      sent.push({ method: request.method, url: url.href, headers: { ...request.headers } })
      return Effect.sync(() => {
        assert.lengthOf(op.arrived, live)
        return HttpClientResponse.fromWeb(request, request.method === "GET" ? metadata() : registration())
      })
    })
    return { layer: Layer.merge(Layer.succeed(HttpClient.HttpClient, client), signer), sent: () => sent }
  })

const withSigner = (http: Layer.Layer<HttpClient.HttpClient>, signer: Layer.Layer<DpopSigner.DpopSigner, unknown>) =>
  real(Layer.merge(http, signer))

const environments = [
  { name: "NodeRegistration.layer", proofs: false, environment: real(NodeRegistration.layer) },
  { name: "NodeRegistration.layerDpop", proofs: true, environment: real(NodeRegistration.layerDpop()) },
  ...[
    { proofs: false, signer: DpopSigner.layerNone, name: "no proofs" },
    { proofs: true, signer: DpopSigner.layer(), name: "proofs" }
  ].flatMap(({ name, proofs, signer }) => [
    { name: `fetch, ${name}`, proofs, environment: withSigner(FetchHttpClient.layer, signer) },
    { name: `undici of Effect, ${name}`, proofs, environment: withSigner(EffectNodeHttpClient.layerUndici, signer) },
    {
      name: `node:http of Effect, ${name}`,
      proofs,
      environment: withSigner(EffectNodeHttpClient.layerNodeHttp, signer)
    },
    { name: `a recorded HttpClient, ${name}`, proofs, environment: recorded(signer) }
  ])
]

const noon = Date.UTC(2031, 5, 1, 12) / 1000

describe("one program", () => {
  it.effect.each(environments)("$name", ({ environment, proofs }) =>
    Effect.gen(function*() {
      const op = yield* oidcProvider({
        features: { registration: { enabled: true, initialAccessToken }, dPoP: { enabled: true } }
      })
      const { layer, sent } = yield* environment(op)
      const before = op.created.length

      // Three times on one layer: the clock drives what it drives, and the key stays.
      const clients = yield* Effect.gen(function*() {
        yield* TestClock.setTime(noon * 1000)
        const first = yield* program(op.issuer)
        yield* TestClock.adjust("90 minutes")
        const second = yield* program(op.issuer)
        yield* TestClock.adjust("1500 millis")
        return [first, second, yield* program(op.issuer)]
      }).pipe(Effect.provide(layer))

      for (const { result } of clients) assert.deepStrictEqual(result, expected(op.issuer))
      const requests = sent()
      assert.deepStrictEqual(
        requests.slice(-6).map(({ method }) => method),
        ["GET", "POST", "GET", "POST", "GET", "POST"]
      )
      if (op.created.length > before) assert.deepStrictEqual(op.created, clients.map(({ client_id }) => client_id))

      for (const { headers, method } of requests) {
        assert.notProperty(headers, "traceparent")
        assert.notProperty(headers, "b3")
        if (method === "GET") assert.doesNotHaveAnyKeys(headers, ["dpop", "authorization"])
        else assert.strictEqual(headers["authorization"], `Bearer ${initialAccessToken}`)
      }
      const posts = requests.filter(({ method }) => method === "POST")
      if (!proofs) return posts.forEach(({ headers }) => assert.notProperty(headers, "dpop"))

      const verified = yield* Effect.forEach(posts, ({ headers }) =>
        Effect.promise(() =>
          jose.jwtVerify(String(headers["dpop"]), jose.EmbeddedJWK, {
            typ: "dpop+jwt",
            algorithms: ["ES256"],
            requiredClaims: ["jti", "iat", "ath"],
            currentDate: new Date((noon + 5_400) * 1000)
          })
        ))
      assert.deepStrictEqual(
        verified.map(({ payload }) =>
          payload.iat
        ),
        [noon, noon + 5_400, noon + 5_401],
        "the clock is the test's, in whole seconds"
      )
      for (const { payload } of verified) {
        assert.strictEqual(payload["htm"], "POST")
        assert.strictEqual(payload["htu"], `${op.issuer}/reg`)
      }
      assert.strictEqual(new Set(verified.map(({ payload }) => payload.jti)).size, 3)
      assert.strictEqual(new Set(verified.map(({ protectedHeader }) => protectedHeader.jwk?.["x"])).size, 1)
    }))
})
