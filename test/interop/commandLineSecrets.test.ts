/** What the command line prints, searched for secrets, where a server puts them into the address at which it manages a client. */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Fs from "node:fs"
import type * as Http from "node:http"
import * as Path from "node:path"
import { type Ended, withStore } from "../support/commandLine.ts"
import { makeHunt } from "../support/leakHunt.ts"
import { bodyOf, httpServer } from "../support/nodeServers.ts"

const hunt = makeHunt()

const initialAccessToken = "iat-canary/with+signs="
/** One that no member of the answer names. */
const capability = "capability-canary-77"
/** One that is too short to be searched for. */
const shortCapability = "canary-77"
const vendorOfCaller = "vendor-canary-of-the-caller"
const vendorOfServer = "vendor-canary-of-the-server"

const decodeMembers = Schema.decodeSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

const base64url = (text: string) => Buffer.from(text).toString("base64url")

type Address = (token: string, secret: string) => string

/** How the address of a client holds its secrets: as they are, encoded as a whole or in part, as base64. */
const addresses: { readonly [where: string]: Address } = {
  path: (token, secret) =>
    [token, secret, token.replace("+", "%2b"), secret.replace("/", "%2f"), base64url(token), base64url(secret)]
      .concat([token, secret].map(encodeURIComponent)).map((part) => `/${part}`).join(""),
  query: (token, secret) =>
    `?${new URLSearchParams({
      token,
      key: capability,
      k: shortCapability,
      iat: initialAccessToken
    })}&secret=${secret}#${base64url(token)}`
}

type Trouble = "none" | "refused" | "unauthorized" | "cut" | "elsewhere" | "nonsense" | "half"

/** A server with one client at a time, whose token changes with every answer. */
const server = (address: Address, tokenTail = "") =>
  Effect.gen(function*() {
    const told = new Map<string, string>([
      ["the initial access token", initialAccessToken],
      ["a capability", capability],
      ["a short one", shortCapability],
      ["what the caller put into a vendor's member", vendorOfCaller],
      ["what the server put into a vendor's member", vendorOfServer]
    ])
    const state = { trouble: "none" as Trouble, keepsClients: false }
    let count = 0
    const answer = (origin: string, request: Http.IncomingMessage, response: Http.ServerResponse, body: string) => {
      const method = request.method ?? ""
      const isRegistration = request.url === "/register"
      const authorization = request.headers.authorization ?? ""
      const reply = (status: number, value: unknown) => {
        response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
        response.end(value === undefined ? "" : JSON.stringify(value))
      }
      const trouble = state.keepsClients && method === "DELETE" ? "refused" : isRegistration ? "none" : state.trouble
      switch (trouble) {
        case "refused":
          return reply(400, {
            error: "invalid_client_metadata",
            error_description: `no ${authorization} at ${request.url} ${base64url(authorization.replace(/^\S+ /, ""))}`
          })
        case "unauthorized":
          response.setHeader("www-authenticate", `Bearer error="invalid_token", error_description="${authorization}"`)
          return reply(401, { error: "invalid_token", error_description: request.url })
        case "cut":
          return void request.socket.destroy()
        case "elsewhere":
          response.setHeader("location", `${request.url}/moved`)
          return reply(302, undefined)
        case "nonsense":
          return void response.writeHead(200).end(`<html>${request.url}</html>`)
        case "half":
          // What is read brings a new token, which is then refused.
          if (method === "GET") break
          return reply(400, { error: "invalid_client_metadata", error_description: request.url })
        case "none":
      }
      if (method === "DELETE") return reply(204, undefined)
      if (method === "OPTIONS") return reply(404, undefined)
      count += 1
      const token = `rat-canary/${count}+signs${tokenTail}=`
      const secret = `cs-canary/${count}+signs=`
      told.set(`token ${count}`, token).set(`secret ${count}`, secret)
      // Of a long token a message may show the beginning.
      if (tokenTail !== "") told.set(`the beginning of token ${count}`, token.slice(0, 64))
      const { client_id: _, client_secret: __, ...asked } = decodeMembers(method === "GET" ? "{}" : body)
      reply(isRegistration ? 201 : 200, {
        redirect_uris: ["https://app.example.com/cb"],
        ...asked,
        vendor: { deep: [vendorOfServer, token] },
        client_uri: `https://app.example.com/${token}`,
        client_id: "client-1",
        client_secret: secret,
        client_secret_expires_at: 0,
        registration_access_token: token,
        registration_client_uri: `${origin}/reg/client-1${address(token, secret)}`
      })
    }
    const { origin } = yield* httpServer((request, response) => {
      if (request.url?.includes("well-known") === true) {
        response.setHeader("content-type", "application/json")
        response.end(JSON.stringify({ issuer: origin, registration_endpoint: `${origin}/register` }))
      } else void bodyOf(request).then((body) => answer(origin, request, response, body))
    })
    return { issuer: origin, state, told }
  })

/** Also as somebody reads it who undoes the encoding of URLs. */
const finds = (where: string, { stderr, stdout }: Ended, told: ReadonlyMap<string, string>) =>
  hunt.findsNone(
    [stdout, stderr].flatMap((text, index) => [
      { where: `${where}, ${index === 0 ? "output" : "errors"}`, text },
      { where: `${where}, decoded`, text: text.replace(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent) }
    ]),
    told
  )

const registerAt = (issuer: string, ...more: ReadonlyArray<string>) => [
  "register",
  issuer,
  "--redirect-uri",
  "https://app.example.com/cb",
  "--set",
  `vendor=${vendorOfCaller}`,
  "--set",
  `other_vendor=${vendorOfCaller}`,
  ...more
]

describe("without --reveal no secret is printed", () => {
  for (const [where, address] of Object.entries(addresses)) {
    it.effect(`by the commands, of an address that holds them in its ${where}`, () =>
      Effect.gen(function*() {
        const { issuer, told } = yield* server(address)
        const { directory, run } = yield* withStore()
        const file = Path.join(directory, "token")
        Fs.writeFileSync(file, initialAccessToken)
        const done = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
          const ended = yield* run(args)
          assert.strictEqual(ended.code, 0, ended.stderr)
          finds(args.join(" "), ended, told)
          return ended.stdout
        })
        const registered = yield* done(...registerAt(issuer, "--token-file", file))
        assert.include(registered, `managed at `)
        assert.include(registered, `${issuer}/reg/client-1`)
        yield* done(...registerAt(issuer, "--token-file", file, "--json", "-p", "other"))
        for (const form of [[], ["--json"]]) {
          yield* done("show", issuer, ...form)
          yield* done("show", issuer, "--remote", ...form)
          yield* done("list", ...form)
          yield* done("update", issuer, "--name", `Name ${form.length}`, ...form)
          yield* done("rotate", issuer, ...form)
          // It was there to be found.
          const revealed = yield* run(["show", issuer, "--reveal", ...form])
          assert.include(revealed.stdout, [...told.values()].at(-1) ?? "no token was told")
          assert.include(revealed.stdout, vendorOfServer)
        }
        yield* done("remove", issuer, "--yes")
        assert.match(yield* done("remove", issuer, "--yes", "--json", "-p", "other"), /"removed": ?\[\s*"client-/)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 120_000)
  }

  it.effect("by failures, not even of a token that is too long for a message", () =>
    Effect.gen(function*() {
      const { issuer, state, told } = yield* server(
        (token, secret) => `/${token}/${secret}?key=${capability}`,
        "x1y2z3".repeat(80)
      )
      const { run } = yield* withStore()
      assert.strictEqual((yield* run(registerAt(issuer))).code, 0)
      const troubles: ReadonlyArray<Trouble> = ["refused", "unauthorized", "cut", "elsewhere", "nonsense"]
      const failed = Effect.fnUntraced(function*(trouble: Trouble, ...args: ReadonlyArray<string>) {
        const ended = yield* run([...args, "--timeout", "5"])
        const where = `${args.join(" ")}, ${trouble}`
        assert.notStrictEqual(ended.code, 0, where)
        // What was asked for is printed; a failure tells no secret in any case.
        finds(where, ended, told)
      })
      for (const trouble of troubles) {
        state.trouble = trouble
        yield* failed(trouble, "show", issuer, "--remote")
        yield* failed(trouble, "rotate", issuer, "--json")
        yield* failed(trouble, "show", issuer, "--remote", "--reveal")
      }
      state.trouble = "half"
      yield* failed(state.trouble, "rotate", issuer)
      yield* failed(state.trouble, "rotate", issuer, "--json")
      state.trouble = "refused"
      yield* failed(state.trouble, "remove", issuer, "--yes")
      yield* failed(state.trouble, "remove", issuer, "--yes", "--json")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 120_000)

  it.effect("by a doctor, in any form of the report", () =>
    Effect.gen(function*() {
      for (const [where, address] of Object.entries(addresses)) {
        // Here the token that registered is known to the end.
        const { issuer, state, told } = yield* server((token, secret) =>
          `/${initialAccessToken}${address(token, secret)}`
        )
        const { directory, run } = yield* withStore()
        const file = Path.join(directory, "token")
        Fs.writeFileSync(file, initialAccessToken)
        const examined = Effect.fnUntraced(function*(...form: ReadonlyArray<string>) {
          const ended = yield* run(["doctor", issuer, "--yes", "--token-file", file, ...form])
          assert.include(ended.stdout, "client was registered", ended.stderr)
          if (form.length > 0) assert.include(ended.stdout, "/reg/client-1")
          finds(`doctor ${form.join(" ")}, ${where}, ${state.trouble}`, ended, told)
        })
        yield* examined()
        yield* examined("--markdown")
        yield* examined("--json")
        // What is too short to be searched for may come back in a description.
        told.delete("a short one")
        Object.assign(state, { trouble: "refused", keepsClients: true })
        yield* examined()
        yield* examined("--markdown")
        yield* examined("--json", "--reveal")
      }
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 120_000)
})
