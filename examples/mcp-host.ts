/**
 * An MCP host that connects to a server which it has never seen: it finds the authorization server, registers there once, logs
 * its user in, and lists the tools.
 *
 * ```
 * MCP_SERVER=https://mcp.example.com/mcp node examples/mcp-host.ts
 * ```
 *
 * A second start finds the registration in the store and registers nothing.
 */
import { AuthorizationServer, MetadataPreset, Registrar } from "@effect-dcr/core"
import { NodeRegistration, NodeRegistrationStore } from "@effect-dcr/platform-node"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import { Config, Console, Effect, Layer } from "effect"
import { onwardOf } from "./onward/oauth4webapi.ts"
import { login } from "./support/login.ts"

/** The registration of this host at the authorization server of an MCP server. */
const clientFor = Effect.fnUntraced(function*(resource: string, port: number) {
  const [issuer] = yield* AuthorizationServer.fromProtectedResource(resource)
  const server = yield* AuthorizationServer.discover(issuer, { tolerateTrailingSlash: true })
  const registrar = yield* Registrar.Registrar
  return yield* registrar.ensure({
    server,
    profile: "mcp-host",
    metadata: {
      client_name: "MCP host example",
      redirect_uris: [`http://127.0.0.1:${port}/callback`],
      token_endpoint_auth_method: "none"
    },
    options: { preset: MetadataPreset.mcp }
  })
})

const connect = (resource: string, accessToken: string) =>
  Effect.acquireRelease(
    Effect.tryPromise(async () => {
      const client = new Client({ name: "MCP host example", version: "0.1.0" })
      const headers = { authorization: `Bearer ${accessToken}` }
      await client.connect(new StreamableHTTPClientTransport(new URL(resource), { requestInit: { headers } }))
      return client
    }),
    (client) => Effect.promise(() => client.close())
  )

// Registrations are kept in files of the user; STORE names another directory.
const layer = Layer.unwrap(
  Effect.map(Config.option(Config.String("STORE")), (directory) =>
    Registrar.layer().pipe(
      Layer.provide(NodeRegistrationStore.layer(
        directory._tag === "None" ? { application: "mcp-host-example" } : { directory: directory.value }
      ))
    ))
).pipe(Layer.provideMerge(NodeRegistration.layer))

export const program = Effect.gen(function*() {
  const resource = yield* Config.String("MCP_SERVER")
  // Always the same one: there are MCP servers that want the very URI that was registered, port included.
  const port = yield* Config.withDefault(Config.Port("PORT"), 8734)
  const client = yield* clientFor(resource, port)
  yield* Console.log(`Registered as ${client.information.client_id}`)
  // The token is for this MCP server and no other (RFC 8707).
  const tokens = yield* login(yield* onwardOf(client), { resource }, port)
  const mcp = yield* connect(resource, tokens.access_token)
  const { tools } = yield* Effect.tryPromise(() => mcp.listTools())
  yield* Console.log(`Tools: ${tools.map(({ name }) => name).join(", ")}`)
}).pipe(Effect.provide(layer), Effect.scoped)

if (import.meta.main) NodeRuntime.runMain(program)
