/** What the error says when a browser says nothing but "Failed to fetch": the servers are real, and so is Chromium. */
import type * as Misbehaviour from "@effect-dcr/core/testing/Misbehaviour"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { application, elsewhere, fields, profile, run, tab } from "../browser/page.ts"
import { oidcProviderWithCors, testServer } from "../browser/servers.ts"
import { httpServer, tcpServer } from "../support/nodeServers.ts"
import { oidcProvider } from "../support/oidcProvider.ts"

const opened = (options?: Parameters<typeof testServer>[0]) =>
  Effect.gen(function*() {
    const { issuer, server } = yield* testServer(options)
    const { origin } = yield* application("programs")
    const context = yield* profile()
    return { context, issuer, origin, server, page: yield* tab(context, origin) }
  })

const failure = (found: unknown) => {
  const { failed, isSafeToRepeat, message } = fields(found)
  return { ...fields(failed), message: String(message), isSafeToRepeat }
}

const operator = (origin: string) =>
  `Its operator has to answer OPTIONS with a status of 200 or 204, "Access-Control-Allow-Origin: ${origin}", ` +
  `"Access-Control-Allow-Methods: POST" and "Access-Control-Allow-Headers: content-type", and to send ` +
  `"Access-Control-Allow-Origin: ${origin}" with every answer there, errors included`

const either =
  "can be reached, but the browser does not let this page have the answer (CORS). Either the preflight was " +
  "refused, and then nothing was processed, or the answer came without CORS headers, as errors often do."

describe("BrowserHttpClient", () => {
  it.live.each(
    [
      ["cors-preflight-refused", 0],
      ["cors-answer-hidden", 1]
    ] satisfies ReadonlyArray<readonly [Misbehaviour.Misbehaviour, number]>
  )(
    "a registration behind CORS that is wrong: %s",
    ([misbehaviour, clients]) =>
      Effect.gen(function*() {
        const { issuer, origin, page, server } = yield* opened()
        yield* server.misbehave(misbehaviour, { on: "register" })
        for (const where of ["window", "worker", "serviceWorker"] as const) {
          const { _tag, isSafeToRepeat, message } = fields(failure(yield* run(page, "register", { issuer }, where)))
          assert.strictEqual(_tag, "OutcomeUnknown")
          assert.strictEqual(
            message,
            `Whether the server processed the request is not known: ${issuer} ${either} ${operator(origin)}; ` +
              `sending it again may create a second client (POST ${issuer}/register)`
          )
          assert.isFalse(isSafeToRepeat)
        }
        assert.lengthOf(yield* server.clients, clients * 3)
      })
  )

  it.live("names the headers of a request that the preflight has to allow", () =>
    Effect.gen(function*() {
      const { issuer, page, server } = yield* opened()
      yield* server.misbehave("cors-preflight-refused", { on: "register" })
      const { message } = failure(yield* run(page, "register", { issuer, dpop: true, token: "a-token-of-the-test" }))
      assert.include(message, `"Access-Control-Allow-Headers: authorization, content-type, dpop"`)
      assert.notInclude(message, "a-token-of-the-test")
    }))

  it.live("an error without CORS headers, where a success has them", () =>
    Effect.gen(function*() {
      const { issuer, page, server } = yield* opened()
      yield* server.misbehave("cors-errors-hidden", { on: "register" })
      assert.isString(fields(yield* run(page, "register", { issuer }))["client"])
      yield* server.misbehave("error-html", { on: "register" })
      const { _tag, message } = fields(failure(yield* run(page, "register", { issuer })))
      assert.strictEqual(_tag, "OutcomeUnknown")
      assert.include(String(message), either)
    }))

  it.live("a discovery without CORS headers needs no preflight, and the message asks for none", () =>
    Effect.gen(function*() {
      const { origin: issuer } = yield* httpServer((_, response) => response.end("{}"))
      const { origin } = yield* application("programs")
      const page = yield* tab(yield* profile(), origin)
      const { _tag, message } = fields(failure(yield* run(page, "register", { issuer })))
      assert.strictEqual(_tag, "Transport")
      assert.include(
        String(message),
        `No answer: ${issuer} can be reached, but the browser does not let this page have the answer (CORS). Its operator ` +
          `has to send "Access-Control-Allow-Origin: ${origin}" with every answer there, errors included`
      )
    }))

  it.live("oidc-provider as it is, which has no CORS on its registration endpoint", () =>
    Effect.gen(function*() {
      const { issuer } = yield* oidcProvider({ clientBasedCORS: () => true })
      const { origin } = yield* application("programs")
      const page = yield* tab(yield* profile(), origin)
      const { _tag, message } = fields(failure(yield* run(page, "register", { issuer })))
      assert.strictEqual(_tag, "OutcomeUnknown")
      assert.include(String(message), operator(origin))
    }))

  it.live("a DPoP-Nonce that is not exposed", () =>
    Effect.gen(function*() {
      for (const nonceStatus of [400, 401] as const) {
        const { issuer, page, server } = yield* opened({
          cors: true,
          dpop: { nonce: "stable", challenge: nonceStatus }
        })
        assert.isString(fields(yield* run(page, "register", { issuer, dpop: true }))["client"])
        yield* server.misbehave("cors-headers-hidden", { on: "register" })
        const { _tag, message } = fields(failure(yield* run(page, "register", { issuer, dpop: true })))
        assert.strictEqual(_tag, "NonceExhausted", String(message))
        assert.include(String(message), "Access-Control-Expose-Headers: DPoP-Nonce")
      }
    }))

  it.live("a nonce that is demanded by a challenge alone, which is not exposed either", () =>
    Effect.gen(function*() {
      const { origin: issuer } = yield* httpServer((request, response) => {
        const { origin } = new URL(`http://${request.headers.host}`)
        response.setHeader("access-control-allow-origin", "*").setHeader(
          "access-control-allow-headers",
          "content-type, dpop"
        )
        if (request.method === "GET") {
          response.end(JSON.stringify({ issuer: origin, registration_endpoint: `${origin}/register` }))
        } else if (request.method === "OPTIONS") response.writeHead(204).end()
        else response.writeHead(401, { "www-authenticate": `DPoP error="use_dpop_nonce"`, "dpop-nonce": "n" }).end()
      })
      const { origin } = yield* application("programs")
      const page = yield* tab(yield* profile(), origin)
      const { _tag, message } = fields(failure(yield* run(page, "register", { issuer, dpop: true })))
      assert.strictEqual(_tag, "Unauthorized")
      assert.include(
        String(message),
        "for pages it has to send Access-Control-Expose-Headers: WWW-Authenticate, DPoP-Nonce"
      )
    }))

  it.live("a server that is away, one that hangs up, and a page that asks no further", () =>
    Effect.gen(function*() {
      const { issuer, page, server } = yield* opened()
      const { origin: hangsUp } = yield* tcpServer((socket) => socket.destroy())
      yield* server.misbehave({ id: "connection-refused" }, { on: "register" })
      for (
        const [input, expected] of [
          [{ issuer: hangsUp }, `No answer: ${hangsUp} cannot be reached: the server is away`],
          [{ issuer: "http://127.0.0.1:9" }, "No answer: http://127.0.0.1:9 cannot be reached: the server is away"],
          [
            { issuer: hangsUp, probe: false },
            `No answer: the network request failed; ${hangsUp} may be away, or the browser`
          ]
        ] as const
      ) {
        const { _tag, message } = fields(failure(yield* run(page, "register", input)))
        assert.strictEqual(_tag, "Transport")
        assert.include(String(message), expected)
      }
      // It is there, and hung up on the registration.
      const { _tag, isSafeToRepeat } = fields(failure(yield* run(page, "register", { issuer })))
      assert.strictEqual(_tag, "OutcomeUnknown")
      assert.isFalse(isSafeToRepeat)
    }))

  it.live("the probe carries nothing of the request, and is not made for an answer", () =>
    Effect.gen(function*() {
      const seen: Array<readonly [method: string | undefined, url: string | undefined, headers: object]> = []
      const { origin: issuer } = yield* httpServer((request, response) => {
        seen.push([request.method, request.url, request.headers])
        response.end("{}")
      })
      const { origin } = yield* application("programs")
      const page = yield* tab(yield* profile(), origin)
      yield* run(page, "register", { issuer, token: "a-token-of-the-test" })
      const probes = seen.filter(([method]) => method === "HEAD")
      assert.isNotEmpty(probes)
      for (const [, url, headers] of probes) {
        assert.strictEqual(url, "/")
        assert.doesNotHaveAnyKeys(headers, ["authorization", "dpop", "cookie", "referer", "content-type"])
      }
      const { issuer: fine, page: other, server } = yield* opened()
      yield* run(other, "register", { issuer: fine })
      assert.deepStrictEqual((yield* server.requests).map(({ method }) => method), ["GET", "POST"])
    }))

  it.live("a redirect is not followed, wherever it points", () =>
    Effect.gen(function*() {
      const { issuer, page, server } = yield* opened()
      let followed = 0
      const { origin: elsewhere } = yield* httpServer((_, response) => {
        followed++
        response.writeHead(201, { "access-control-allow-origin": "*" }).end(`{"client_id":"stolen"}`)
      })
      for (const location of [`${elsewhere}/register`, "/elsewhere"]) {
        for (const status of [301, 302, 303, 307, 308] as const) {
          yield* server.behave
          yield* server.misbehave({ id: "redirect", location, status }, { on: "register" })
          const { _tag, message } = fields(failure(yield* run(page, "register", { issuer })))
          assert.strictEqual(_tag, "RedirectRefused")
          assert.strictEqual(
            message,
            `The server answered with a redirect, and redirects are not followed (POST ${issuer}/register)`
          )
        }
      }
      assert.strictEqual(followed, 0)
    }))

  it.live("offline: nothing was sent, and it may be sent again", () =>
    Effect.gen(function*() {
      const { context, issuer, page } = yield* opened()
      const offline = (value: boolean) => Effect.promise(() => context.setOffline(value))
      yield* offline(true)
      const { _tag, isSafeToRepeat, message } = fields(
        failure(yield* run(page, "register", { issuer: "https://op.example.com" }))
      )
      assert.strictEqual(_tag, "Transport")
      assert.include(String(message), "Nothing was sent: the browser is offline: try again when it is online")
      assert.isTrue(isSafeToRepeat)
      // Loopback may be there all the same, so that it is not said of it.
      const { message: loopback } = fields(failure(yield* run(page, "register", { issuer })))
      assert.include(String(loopback), `${issuer} cannot be reached`)
      yield* offline(false)
    }))

  it.live("offline while the request is under way: nobody knows what became of it", () =>
    Effect.gen(function*() {
      const { context, page } = yield* opened()
      const issuer = "https://op.example.com"
      yield* Effect.promise(() =>
        context.route(`${issuer}/**`, async (route) => {
          if (route.request().method() === "GET") {
            const json = { issuer, registration_endpoint: `${issuer}/register` }
            await route.fulfill({ json, headers: { "access-control-allow-origin": "*" } })
          } else {
            await context.setOffline(true)
            await route.abort("internetdisconnected")
          }
        })
      )
      const { _tag, message } = fields(failure(yield* run(page, "register", { issuer })))
      assert.strictEqual(_tag, "OutcomeUnknown")
      assert.include(String(message), "is not known: the browser went offline while the request was under way")
    }))

  it.live("a page from https and a server of plain http", () =>
    Effect.gen(function*() {
      const { context, origin } = yield* opened()
      const page = yield* elsewhere(context, origin, "https://app.example")
      const input = { issuer: "http://op.example.com", insecure: true }
      const { _tag, message } = fields(failure(yield* run(page, "register", input)))
      assert.strictEqual(_tag, "Transport")
      assert.include(
        String(message),
        "Nothing was sent: a page from https may not contact http://op.example.com: the server needs https"
      )
    }))

  it.live("a server of the page's own origin that is away has nothing to do with CORS", () =>
    Effect.gen(function*() {
      const { origin } = yield* application("programs", {
        answer: (request) => {
          const isOther = request.url?.startsWith("/.well-known") === true
          if (isOther) request.socket.destroy()
          return isOther
        }
      })
      const page = yield* tab(yield* profile(), origin)
      const { message } = fields(failure(yield* run(page, "register", { issuer: origin })))
      assert.include(String(message), `No answer: ${origin} cannot be reached: the server is away`)
    }))

  it.live("a page whose Content-Security-Policy forbids it", () =>
    Effect.gen(function*() {
      const { issuer } = yield* testServer()
      const { origin } = yield* application("programs", {
        headers: { "content-security-policy": "connect-src 'self'" }
      })
      const page = yield* tab(yield* profile(), origin)
      for (const where of ["window", "worker"] as const) {
        const { _tag, message } = fields(failure(yield* run(page, "register", { issuer }, where)))
        assert.strictEqual(_tag, "Transport")
        assert.include(
          String(message),
          `Nothing was sent: the Content-Security-Policy of this page does not allow it to contact ${issuer}: name it in ` +
            "connect-src",
          where
        )
      }
    }))

  it.live("registers with proofs at oidc-provider", () =>
    Effect.gen(function*() {
      const { created, issuer } = yield* oidcProviderWithCors({ features: { dPoP: { enabled: true } } })
      const { origin } = yield* application("programs")
      const page = yield* tab(yield* profile(), origin)
      assert.deepStrictEqual(fields(yield* run(page, "register", { issuer, dpop: true }))["client"], created[0])
    }))
})
