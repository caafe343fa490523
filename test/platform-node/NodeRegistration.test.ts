import { AuthorizationServer, ClientRegistration, DpopSigner } from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Layer, Option, Redacted } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import * as Crypto from "node:crypto"
import type * as Http from "node:http"
import { bodyOf, httpServer } from "../support/nodeServers.ts"

/** The smallest server that registers clients. */
const server = Effect.map(
  httpServer((request, response) => {
    void bodyOf(request).then((body) => {
      const { host = "", dpop } = request.headers
      const answer = (status: number, json: unknown) =>
        response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
          .end(JSON.stringify(json))
      if (request.url === "/.well-known/oauth-authorization-server") {
        answer(200, { issuer: `http://${host}`, registration_endpoint: `http://${host}/register` })
      } else {
        const metadata: unknown = JSON.parse(body)
        answer(201, {
          client_id: typeof dpop === "string" ? "with-proof" : "without-proof",
          ...(typeof metadata === "object" ? metadata : {})
        })
      }
    })
  }),
  ({ origin }) => origin
)

const program = (issuer: string) =>
  Effect.gen(function*() {
    const server = yield* AuthorizationServer.discover(issuer)
    const client = yield* ClientRegistration.register(server, {
      redirect_uris: ["https://app.example.com/cb"],
      token_endpoint_auth_method: "none"
    })
    return client.information.client_id
  })

describe("NodeRegistration", () => {
  it.live("registers: only the layer decides about proofs", () =>
    Effect.gen(function*() {
      const issuer = yield* server
      const key = Redacted.make(
        Crypto.generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString()
      )
      const env = ConfigProvider.fromUnknown({ KEY: Redacted.value(key) })
      const layerConfig = NodeRegistration.layerConfig({ dpop: { key: Config.Redacted("KEY") } }).pipe(
        Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, env))
      )
      const with_ = <E>(layer: Layer.Layer<HttpClient.HttpClient | DpopSigner.DpopSigner, E>) =>
        Effect.provide(program(issuer), layer)
      assert.strictEqual(yield* with_(NodeRegistration.layer), "without-proof")
      assert.strictEqual(yield* with_(NodeRegistration.layerDpop()), "with-proof")
      assert.strictEqual(yield* with_(NodeRegistration.layerDpop({ algorithm: "ES384" })), "with-proof")
      assert.strictEqual(yield* with_(NodeRegistration.layerOptions({ http: { idleTimeout: 0 } })), "without-proof")
      assert.strictEqual(yield* with_(NodeRegistration.layerOptions({ dpop: { key } })), "with-proof")
      assert.strictEqual(yield* with_(layerConfig), "with-proof")
    }))

  it.live("leaves the client and the signer of the application alone", () =>
    Effect.gen(function*() {
      const issuer = yield* server
      const seen: Array<string> = []
      const application = Layer.succeed(
        HttpClient.HttpClient,
        HttpClient.make((request) => {
          seen.push(request.url)
          return Effect.succeed(HttpClientResponse.fromWeb(request, new Response("the application's")))
        })
      )
      yield* Effect.gen(function*() {
        const before = yield* HttpClient.HttpClient
        assert.strictEqual(
          yield* Effect.provide(program(issuer), NodeRegistration.layerDpop()),
          "with-proof"
        )
        assert.deepStrictEqual(seen, [])
        assert.strictEqual(yield* HttpClient.HttpClient, before)
        const response = yield* HttpClient.get("https://application.example.com/")
        assert.strictEqual(yield* response.text, "the application's")
        const signer = yield* DpopSigner.DpopSigner
        assert.isTrue(Option.isNone(signer.thumbprint))
      }).pipe(Effect.provide([application, DpopSigner.layerNone]))
      assert.deepStrictEqual(seen, ["https://application.example.com/"])
    }))

  it.live("shares one transport and one key within one build of the layer", () =>
    Effect.gen(function*() {
      const proofs: Array<Http.IncomingHttpHeaders["dpop"]> = []
      const watched = yield* httpServer((request, response) => {
        request.resume()
        proofs.push(request.headers["dpop"])
        response.writeHead(201, { "content-type": "application/json" }).end("{\"client_id\":\"a\"}")
      })
      const metadata = { redirect_uris: ["https://app.example.com/cb"], token_endpoint_auth_method: "none" } as const
      const register = ClientRegistration.register(
        { issuer: watched.origin, registration_endpoint: `${watched.origin}/register` },
        metadata
      )
      yield* Effect.forEach([1, 2, 3], () => register).pipe(Effect.provide(NodeRegistration.layerDpop()))
      assert.strictEqual(watched.connections(), 1)
      const keys = proofs.map((proof) => String(proof).split(".")[0])
      assert.strictEqual(new Set(keys).size, 1)
    }))
})
