/**
 * A client as Solid has them: it registers by itself, its tokens are bound to a key that outlives the process (DPoP), and it
 * reads a resource with them.
 *
 * ```
 * ISSUER=https://login.example.org RESOURCE=https://pod.example.org/profile KEY_FILE=dpop.pem node examples/solid-client.ts
 * ```
 */
import { AuthorizationServer, ClientRegistration, DpopSigner } from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Console, Effect, Layer, Option, Redacted, Schema } from "effect"
import { HttpClientRequest, HttpClientResponse } from "effect/http"
import { generateKeyPairSync } from "node:crypto"
import { existsSync, writeFileSync } from "node:fs"
import { LoginFailed, visit } from "./support/login.ts"
import { registeredRedirectUri } from "./support/loopbackRedirect.ts"
import { execute } from "./support/proven.ts"

const Tokens = Schema.Struct({
  access_token: Schema.RedactedFromValue(Schema.String, { label: "access token" }),
  token_type: Schema.Literals(["DPoP"])
})

/** Makes the key on the first start. Nobody but its owner may read it. */
const keyFile = Effect.map(Config.String("KEY_FILE"), (path) => {
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
    writeFileSync(path, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" })
  }
  return path
})

export const program = Effect.gen(function*() {
  const issuer = yield* Config.String("ISSUER")
  const server = yield* AuthorizationServer.discover(issuer)
  const { information } = yield* ClientRegistration.register(server, {
    client_name: "Solid example",
    redirect_uris: [registeredRedirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: "none",
    dpop_bound_access_tokens: true,
    scope: "openid webid"
  })
  if (server.token_endpoint === undefined) {
    return yield* new LoginFailed({ message: "The server has no token endpoint" })
  }

  const { thumbprint } = yield* DpopSigner.DpopSigner
  const { currentUrl, redirectUri, state, verifier } = yield* visit(server, {
    client_id: information.client_id,
    scope: "openid webid",
    // Nobody can redeem the code without the key (RFC 9449 §10).
    dpop_jkt: Option.getOrThrow(thumbprint)
  })
  const answer = currentUrl.searchParams
  const code = answer.get("code")
  if (code === null || answer.get("state") !== state || (answer.get("iss") ?? issuer) !== issuer) {
    return yield* new LoginFailed({ message: "The answer is not the one that was waited for" })
  }
  const tokens = yield* HttpClientRequest.post(server.token_endpoint).pipe(
    HttpClientRequest.bodyUrlParams({
      grant_type: "authorization_code",
      client_id: information.client_id,
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier
    }),
    execute,
    Effect.flatMap(HttpClientResponse.schemaBodyJson(Tokens))
  )

  const resource = HttpClientRequest.get(yield* Config.String("RESOURCE")).pipe(
    HttpClientRequest.setHeader("authorization", `DPoP ${Redacted.value(tokens.access_token)}`)
  )
  const response = yield* execute(resource, tokens.access_token)
  yield* Console.log(`${response.status} ${yield* response.text}`)
}).pipe(
  Effect.provide(Layer.unwrap(Effect.map(keyFile, (keyFile) => NodeRegistration.layerDpop({ keyFile })))),
  Effect.scoped
)

if (import.meta.main) NodeRuntime.runMain(program)
