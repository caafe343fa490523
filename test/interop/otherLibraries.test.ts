/** What the table of the README says of other libraries, by running them. The awkward answers are a page of their own. */
import { ClientConfiguration, ClientRegistration } from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as mcp from "@modelcontextprotocol/sdk/client/auth.js"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import * as oauth from "oauth4webapi"
import * as openid from "openid-client"
import { httpServer } from "../support/nodeServers.ts"

interface Sent {
  readonly path: string
  readonly dpop: boolean
}

type Answer = (response: ServerResponse, request: IncomingMessage, sent: ReadonlyArray<Sent>) => void

const client = (response: ServerResponse): void => {
  response.writeHead(201, { "content-type": "application/json" })
  response.end(JSON.stringify({ client_id: "c1", redirect_uris: ["https://app.example.com/cb"] }))
}

/** A server that answers as a test says; its metadata is where openid-client looks. */
const serverThat = (answer: Answer) =>
  Effect.gen(function*() {
    const sent: Array<Sent> = []
    const { origin } = yield* httpServer((request, response) => {
      if (request.url?.startsWith("/.well-known/") === true) {
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(metadataOf(origin)))
        return
      }
      request.resume().on("end", () => {
        sent.push({ path: request.url ?? "", dpop: request.headers["dpop"] !== undefined })
        answer(response, request, sent)
      })
    })
    return { server: metadataOf(origin), sent }
  })

const metadataOf = (issuer: string) => ({
  issuer,
  registration_endpoint: `${issuer}/register`,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  response_types_supported: ["code"]
})

type Server = ReturnType<typeof metadataOf>

const fine = { redirect_uris: ["https://app.example.com/cb"] }

const withOauth4webapi = async (server: Server, metadata: Partial<oauth.Client>) =>
  oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(server, metadata, { [oauth.allowInsecureRequests]: true })
  )

/** Where the MCP SDK leaves a registration: with the application, which may keep it or not. */
type KeptForMcp = mcp.OAuthClientProvider["saveClientInformation"]

const withMcp = (server: Server, clientMetadata = fine) =>
  mcp.registerClient(server.issuer, { metadata: server, clientMetadata })

const withOpenidClient = (server: Server, options: openid.DynamicClientRegistrationRequestOptions = {}) =>
  openid.dynamicClientRegistration(new URL(server.issuer), { ...fine }, undefined, {
    execute: [openid.allowInsecureRequests],
    ...options
  })

/** What a promise fails with. */
const failureOf = (work: () => Promise<unknown>): Effect.Effect<Error> =>
  Effect.promise(() =>
    work().then(
      () => assert.fail("it succeeded"),
      (error: unknown) => error instanceof Error ? error : assert.fail(String(error))
    )
  )

const ours = (server: Server, metadata = fine) =>
  ClientRegistration.register(server, metadata).pipe(Effect.provide(NodeRegistration.layer))

describe("what the README says of other libraries", () => {
  it.live("metadata that breaks a rule: sent by the others", () =>
    Effect.gen(function*() {
      const { sent, server } = yield* serverThat(client)
      const broken = { redirect_uris: ["https://app.example.com/cb#fragment"] }
      assert.strictEqual((yield* Effect.flip(ours(server, broken))).reason._tag, "InvalidMetadata")
      assert.lengthOf(sent, 0)
      yield* Effect.promise(() => withOauth4webapi(server, broken))
      yield* Effect.promise(() => withMcp(server, broken))
      assert.lengthOf(sent, 2)
    }))

  for (const status of [301, 302, 303, 307, 308]) {
    const isFollowed = status === 307 || status === 308
    it.live(`a redirect within the origin, ${status}: refused${isFollowed ? ", but followed by the MCP SDK" : ""}`, () =>
      Effect.gen(function*() {
        const { sent, server } = yield* serverThat((response, request) =>
          request.url === "/register" ? response.writeHead(status, { location: "/other" }).end() : client(response)
        )
        assert.strictEqual((yield* Effect.flip(ours(server))).reason._tag, "RedirectRefused")
        yield* failureOf(() => withOauth4webapi(server, fine))
        assert.deepStrictEqual(sent.map(({ path }) => path), ["/register", "/register"])
        if (isFollowed) yield* Effect.promise(() => withMcp(server))
        else yield* failureOf(() => withMcp(server))
        assert.strictEqual(sent.at(-1)?.path, isFollowed ? "/other" : "/register")
      }))
  }

  it.live("a 429: when to come back is in the error, in the response that is its cause, or nowhere", () =>
    Effect.gen(function*() {
      const { server } = yield* serverThat((response) => response.writeHead(429, { "retry-after": "77" }).end())
      assert.isDefined((yield* Effect.flip(ours(server))).retryAfter)
      const { cause } = yield* failureOf(() => withOauth4webapi(server, fine))
      assert.strictEqual(cause instanceof Response ? cause.headers.get("retry-after") : undefined, "77")
      const error = yield* failureOf(() => withMcp(server))
      assert.isUndefined(error.cause)
      assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "77")
    }))

  it.live("a page of HTML: the status is in the error, in the response that is its cause, with the page in the message", () =>
    Effect.gen(function*() {
      const { server } = yield* serverThat((response) =>
        response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad gateway</h1>")
      )
      const { reason } = yield* Effect.flip(ours(server))
      assert.strictEqual(reason._tag === "UnexpectedStatus" ? reason.status : undefined, 502)
      const { cause } = yield* failureOf(() => withOauth4webapi(server, fine))
      assert.strictEqual(cause instanceof Response ? cause.status : undefined, 502)
      assert.include((yield* failureOf(() => withMcp(server))).message, "<h1>Bad gateway</h1>")
    }))

  it.live("a nonce: oauth4webapi names it, openid-client answers it once, the MCP SDK sends no proof", () =>
    Effect.gen(function*() {
      const { sent, server } = yield* serverThat((response, request, sent) => {
        if (request.headers["dpop"] === undefined || sent.length > 2) return client(response)
        response.writeHead(400, { "content-type": "application/json", "dpop-nonce": `n${sent.length}` })
        response.end(JSON.stringify({ error: "use_dpop_nonce" }))
      })
      const keys = yield* Effect.promise(() => oauth.generateKeyPair("ES256"))
      const error = yield* failureOf(async () =>
        oauth.processDynamicClientRegistrationResponse(
          await oauth.dynamicClientRegistrationRequest(server, fine, {
            [oauth.allowInsecureRequests]: true,
            DPoP: oauth.DPoP({}, keys)
          })
        )
      )
      assert.isTrue(oauth.isDPoPNonceError(error))
      assert.lengthOf(sent, 1)
      const handle = openid.getDPoPHandle(
        new openid.Configuration(server, "unused"),
        yield* Effect.promise(() => openid.randomDPoPKeyPair())
      )
      yield* Effect.promise(() => withOpenidClient(server, { DPoP: handle }))
      assert.deepStrictEqual(sent.map(({ dpop }) => dpop), [true, true, true])
      yield* Effect.promise(() => withMcp(server))
      assert.isFalse(sent.at(-1)?.dpop)
    }))

  it.live("a server that never answers: openid-client has a deadline", () =>
    Effect.gen(function*() {
      const { sent, server } = yield* serverThat(() => {})
      const error = yield* failureOf(() => withOpenidClient(server, { timeout: 1 }))
      assert.match(`${error.message} ${String(error.cause)}`, /time/i)
      assert.lengthOf(sent, 1)
    }))

  it("what the MCP SDK registered is kept by the provider of the application, which need not", () => {
    const keepsNothing: KeptForMcp = undefined
    assert.isUndefined(keepsNothing)
    const source = readFileSync(
      new URL("../node_modules/@modelcontextprotocol/sdk/dist/esm/client/auth.js", import.meta.url),
      "utf8"
    )
    assert.include(source, "saveClientInformation(")
  })

  it("openid-client registers with oauth4webapi", () => {
    const manifest = readFileSync(new URL("../node_modules/openid-client/package.json", import.meta.url), "utf8")
    assert.match(manifest, /"dependencies": \{[^}]*"oauth4webapi"/)
    const built = readFileSync(new URL("../node_modules/openid-client/build/index.js", import.meta.url), "utf8")
    assert.match(built, /\.dynamicClientRegistrationRequest\(/)
  })

  it("RFC 7592 is in none of them", () => {
    const about = (names: object) => Object.keys(names).filter((name) => /regist|clientConfig/i.test(name)).sort()
    assert.deepStrictEqual(about(oauth), [
      "dynamicClientRegistrationRequest",
      "processDynamicClientRegistrationResponse"
    ])
    assert.deepStrictEqual(about(openid), ["dynamicClientRegistration"])
    assert.deepStrictEqual(about(mcp), ["registerClient"])
    for (const name of ["read", "update", "rotate", "remove"]) assert.property(ClientConfiguration, name)
  })

  it("the numbers of the table are those of the page", () => {
    const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")
    const [, cases, seed, sdk, here] =
      /Of the (\d+) answers[^]*?after (\d+) with oauth4webapi, (\d+) with the MCP SDK, (\d+) with this SDK/.exec(
        read("docs/awkward-answers.md")
      ) ?? assert.fail("the page has no numbers")
    assert.include(
      read("README.md"),
      `| of ${cases} awkward answers after which a client exists, the caller has it after | ${here} | ${seed} | ${sdk} |`
    )
  })
})
