/** The authorization router of the MCP TypeScript SDK, a server that is not ours, on loopback and a port of the system's choice. */
import { DemoInMemoryAuthProvider } from "@modelcontextprotocol/sdk/examples/server/demoInMemoryOAuthProvider.js"
import type { OAuthRegisteredClientsStore } from "@modelcontextprotocol/sdk/server/auth/clients.js"
import type { OAuthServerProvider } from "@modelcontextprotocol/sdk/server/auth/provider.js"
import { type AuthRouterOptions, mcpAuthRouter } from "@modelcontextprotocol/sdk/server/auth/router.js"
import { Effect, type Scope } from "effect"
import express from "express"
import { httpServer } from "./nodeServers.ts"

export interface McpRouterOptions extends Omit<AuthRouterOptions, "provider" | "issuerUrl"> {
  /** Default: the SDK's provider in memory, {@link inMemory}. */
  readonly provider?: OAuthServerProvider | undefined
}

/**
 * Starts a server; it ends with the scope. Gives its issuer as its metadata says it: `http://127.0.0.1:port/`, since the SDK
 * writes a slash at the end.
 */
export const mcpRouter = ({ provider, ...options }: McpRouterOptions = {}): Effect.Effect<
  string,
  never,
  Scope.Scope
> =>
  Effect.gen(function*() {
    const app = express()
    const { origin } = yield* httpServer(app)
    const issuerUrl = new URL(origin)
    app.use(mcpAuthRouter({ ...options, provider: provider ?? inMemory(), issuerUrl }))
    return issuerUrl.href
  })

/** The SDK's provider in memory, with another store of clients when one is given. */
export const inMemory = (store?: OAuthRegisteredClientsStore): OAuthServerProvider => {
  const demo = new DemoInMemoryAuthProvider()
  return {
    clientsStore: store ?? demo.clientsStore,
    authorize: (...args) => demo.authorize(...args),
    challengeForAuthorizationCode: (...args) => demo.challengeForAuthorizationCode(...args),
    exchangeAuthorizationCode: (client, code, verifier) => demo.exchangeAuthorizationCode(client, code, verifier),
    exchangeRefreshToken: (...args) => demo.exchangeRefreshToken(...args),
    verifyAccessToken: (token) => demo.verifyAccessToken(token)
  }
}
