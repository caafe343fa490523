/** Authorization servers on loopback, of another origin than the page. */
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { NodeHttpServer } from "@effect/platform-node"
import { Context, Effect, Layer } from "effect"
import { createServer } from "node:http"
import type { Configuration } from "oidc-provider"
import { oidcProvider } from "../support/oidcProvider.ts"

const Service = TestAuthorizationServer.TestAuthorizationServer

/**
 * `oidc-provider`, for pages. It has no CORS on its registration endpoint, so that its operator puts it in front; whoever can
 * reach it may register (`clientBasedCORS` is for endpoints that know the client).
 */
export const oidcProviderWithCors = (configuration?: Configuration) =>
  Effect.tap(
    oidcProvider({ clientBasedCORS: () => true, ...configuration }),
    ({ provider }) =>
      Effect.sync(() =>
        provider.use(async (context, next) => {
          context.set("access-control-allow-origin", "*")
          context.set("access-control-expose-headers", "DPoP-Nonce, WWW-Authenticate, Retry-After")
          if (context.method !== "OPTIONS") {
            await next()
            return
          }
          context.set("access-control-allow-methods", "GET, POST, PUT, DELETE")
          context.set("access-control-allow-headers", "authorization, content-type, dpop")
          context.status = 204
        })
      )
  )

/** The strict server of the SDK, mounted on a socket. */
export const testServer = (options: TestAuthorizationServer.Options = { cors: true }) =>
  Effect.gen(function*() {
    const server = Context.get(yield* Layer.build(TestAuthorizationServer.layer(options)), Service)
    const http = yield* NodeHttpServer.make(() => createServer(), { port: 0, host: "127.0.0.1" })
    yield* http.serve(server.app)
    return { server, issuer: `http://127.0.0.1:${"port" in http.address ? http.address.port : 0}` }
  })
