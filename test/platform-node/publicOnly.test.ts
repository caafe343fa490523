/** A service whose customers name the issuer: core's `publicOnly` on the transport for Node, from the issuer to the POST. */
import {
  AuthorizationServer,
  ClientRegistration,
  DpopSigner,
  EndpointPolicy,
  type RegistrationError
} from "@effect-dcr/core"
import { NodeHttpClient } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { HttpClient } from "effect/http"
import type * as Http from "node:http"
import * as Net from "node:net"
import { makeAuthority, makeCertificate } from "../support/nodeCertificates.ts"
import { httpsServer, tcpServer } from "../support/nodeServers.ts"

const metadata = { redirect_uris: ["https://app.example.com/cb"], token_endpoint_auth_method: "none" } as const

const register = (issuer: string) =>
  Effect.flatMap(AuthorizationServer.discover(issuer), (server) => ClientRegistration.register(server, metadata))

/** Names and what they resolve to; each question takes the next answer, the last one stays. */
const resolver = (names: { readonly [name: string]: ReadonlyArray<string> }): Net.LookupFunction => {
  const asked: { [name: string]: number } = {}
  return (hostname, _options, callback) => {
    const answers = names[hostname] ?? []
    const index = asked[hostname] ?? 0
    asked[hostname] = index + 1
    const address = answers[Math.min(index, answers.length - 1)]
    if (address === undefined) callback(Object.assign(new Error(hostname), { code: "ENOTFOUND" }), [])
    else callback(null, [{ address, family: Net.isIPv6(address) ? 6 : 4 }])
  }
}

/**
 * `publicOnly` in a world where 127.0.0.1, written so, is a public address: the server that a customer names has to be
 * somewhere. Its IPv4-mapped form leads to the same machine, and is private as ever.
 */
const pretending: EndpointPolicy.EndpointPolicy = {
  ...EndpointPolicy.publicOnly,
  judgeAddress: (address) => address === "127.0.0.1" ? undefined : EndpointPolicy.publicOnly.judgeAddress?.(address)
}
const elsewhere = "::ffff:127.0.0.1"

const run = <A, E>(
  program: Effect.Effect<A, E, HttpClient.HttpClient | DpopSigner.DpopSigner>,
  policy: EndpointPolicy.EndpointPolicy,
  options: NodeHttpClient.Options
) =>
  Effect.provide(program, [
    NodeHttpClient.layerOptions(options),
    DpopSigner.layerNone,
    EndpointPolicy.layer(policy)
  ])

const refusal = <A>(effect: Effect.Effect<A, RegistrationError.RegistrationError>) =>
  Effect.map(Effect.flip(effect), ({ isSafeToRepeat, reason }) => {
    assert.isFalse(isSafeToRepeat)
    return reason._tag === "EndpointRefused" ? `${reason.role}: ${reason.rule}` : reason._tag
  })

const authority = makeAuthority("Test CA")

/** A server of the name `op.example.com` that counts the registrations. */
const customerServer = (
  metadata: (port: string) => { readonly [name: string]: unknown },
  override?: (request: Http.IncomingMessage, response: Http.ServerResponse) => boolean
) =>
  Effect.gen(function*() {
    let posts = 0
    const certificate = makeCertificate({ commonName: "op", altNames: ["op.example.com"], authority })
    const server = yield* httpsServer(certificate, (request, response) => {
      request.resume()
      if (override?.(request, response) === true) return
      const port = String(request.headers.host).split(":")[1] ?? ""
      const issuer = `https://op.example.com:${port}`
      if (request.method === "POST") posts++
      response.writeHead(request.method === "POST" ? 201 : 200, { "content-type": "application/json" }).end(
        JSON.stringify(
          request.method === "POST"
            ? { client_id: "c" }
            : { issuer, registration_endpoint: `${issuer}/register`, ...metadata(port) }
        )
      )
    })
    return { ...server, issuer: `https://op.example.com:${server.port}`, posts: () => posts }
  })

const tls = { ca: authority.cert }

describe("publicOnly on Node", () => {
  it.live("refuses issuers on addresses that are not public, in every spelling", () =>
    Effect.gen(function*() {
      const victim = yield* tcpServer()
      const { port } = victim
      const hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "localhost",
        "0.0.0.0",
        "[::]",
        "10.0.0.1",
        "169.254.169.254",
        "[fe80::1]"
      ]
      for (const host of hosts) {
        const found = yield* refusal(run(register(`https://${host}:${port}`), EndpointPolicy.publicOnly, {}))
        assert.strictEqual(found, "issuer: PrivateAddress", host)
      }
      const found = yield* refusal(run(register(`http://op.example.com:${port}`), EndpointPolicy.publicOnly, {}))
      assert.strictEqual(found, "issuer: InsecureScheme")
      assert.strictEqual(victim.connections(), 0)
    }))

  it.live("refuses issuers that resolve to such an address", () =>
    Effect.gen(function*() {
      const victim = yield* tcpServer()
      for (const address of ["127.0.0.1", "::1", elsewhere, "10.1.2.3", "169.254.169.254", "fd00::1", "fe80::1%lo"]) {
        const lookup = resolver({ "op.example.com": [address] })
        const program = register(`https://op.example.com:${victim.port}`)
        const found = yield* refusal(run(program, EndpointPolicy.publicOnly, { lookup }))
        assert.strictEqual(found, "issuer: PrivateAddress", address)
      }
      assert.strictEqual(victim.connections(), 0)
    }))

  it.live("lets a public server register", () =>
    Effect.gen(function*() {
      const server = yield* customerServer(() => ({}))
      const lookup = resolver({ "op.example.com": ["127.0.0.1"] })
      const client = yield* run(register(server.issuer), pretending, { lookup, tls })
      assert.strictEqual(client.information.client_id, "c")
    }))

  it.live("refuses endpoints, named by a public issuer, that are not public", () =>
    Effect.gen(function*() {
      const victim = yield* tcpServer()
      const { port } = victim
      const lookup = resolver({ "op.example.com": ["127.0.0.1"], "inside.example.com": [elsewhere] })
      const cases = [
        [`https://inside.example.com:${port}/register`, "PrivateAddress"],
        [`https://10.0.0.1:${port}/register`, "PrivateAddress"],
        [`https://localhost:${port}/register`, "PrivateAddress"],
        [`http://inside.example.com:${port}/register`, "InsecureScheme"]
      ] as const
      for (const [endpoint, rule] of cases) {
        const server = yield* customerServer(() => ({ registration_endpoint: endpoint }))
        const found = yield* refusal(run(register(server.issuer), pretending, { lookup, tls }))
        assert.strictEqual(found, `registration_endpoint: ${rule}`, endpoint)
      }
      const server = yield* customerServer(() => ({
        mtls_endpoint_aliases: { registration_endpoint: `https://inside.example.com:${port}/register` }
      }))
      const withAlias = Effect.flatMap(
        AuthorizationServer.discover(server.issuer),
        (found) => ClientRegistration.register(found, metadata, { useMtlsEndpointAliases: true })
      )
      assert.match(yield* refusal(run(withAlias, pretending, { lookup, tls })), /: PrivateAddress$/)
      assert.strictEqual(victim.connections(), 0)
    }))

  it.live("follows no redirect there", () =>
    Effect.gen(function*() {
      const victim = yield* tcpServer()
      const lookup = resolver({ "op.example.com": ["127.0.0.1"], "inside.example.com": [elsewhere] })
      for (const method of ["GET", "POST"]) {
        const server = yield* customerServer(() => ({}), (request, response) => {
          if (request.method !== method) return false
          response.writeHead(307, { location: `https://inside.example.com:${victim.port}/` }).end()
          return true
        })
        const found = yield* refusal(run(register(server.issuer), pretending, { lookup, tls }))
        assert.strictEqual(found, "RedirectRefused")
      }
      assert.strictEqual(victim.connections(), 0)
    }))

  it.live("refuses a name that changes its answer after the discovery", () =>
    Effect.gen(function*() {
      const server = yield* customerServer(() => ({}))
      const lookup = resolver({ "op.example.com": ["127.0.0.1", elsewhere] })
      const before = server.connections()
      // no connection is kept, so that the registration has to ask again
      const found = yield* refusal(run(register(server.issuer), pretending, { lookup, tls, idleTimeout: 0 }))
      assert.strictEqual(found, "registration_endpoint: PrivateAddress")
      assert.strictEqual(server.connections() - before, 1)
      assert.strictEqual(server.posts(), 0)
    }))

  it.live("says nothing of addresses where nobody asked for it", () =>
    Effect.gen(function*() {
      const server = yield* customerServer(() => ({}))
      const lookup = resolver({ "op.example.com": ["127.0.0.1"] })
      const layer = Layer.merge(NodeHttpClient.layerOptions({ lookup, tls }), DpopSigner.layerNone)
      const client = yield* Effect.provide(register(server.issuer), layer)
      assert.strictEqual(client.information.client_id, "c")
    }))
})
