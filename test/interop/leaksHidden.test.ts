/** The leak hunt where no server repeats anything: what a program or its surroundings put where it may be shown. */
import * as core from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Redacted } from "effect"
import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "effect/http"
import { makeHunt, makeWatch, show, showEncoded, type Shown } from "../support/leakHunt.ts"
import {
  current,
  currentClient,
  initialAccessToken,
  issuer,
  liveOver,
  liveWithEcho,
  metadata
} from "../support/leakLife.ts"
import { type Answer, recordedHttpClient } from "../support/recordedHttpClient.ts"

const hunt = makeHunt()

const server = { issuer, registration_endpoint: `${issuer}/register` }

const sent: ReadonlyArray<readonly [string, string]> = [
  ["the initial access token", initialAccessToken],
  ...Object.entries(current)
]

describe("a transport that fails with what it was given", () => {
  class Odd extends Error {
    readonly #request: HttpClientRequest.HttpClientRequest
    constructor(request: HttpClientRequest.HttpClientRequest) {
      super("odd")
      this.#request = request
    }
    get config(): unknown {
      return { ...this.#request.headers }
    }
  }
  const bodyOf = ({ body }: HttpClientRequest.HttpClientRequest): string =>
    body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""

  const causes: { readonly [what: string]: (request: HttpClientRequest.HttpClientRequest) => unknown } = {
    "in its message": ({ headers }) => new Error(`no: authorization: ${headers["authorization"]}`),
    "in its message, encoded": ({ headers }) => new Error(encodeURIComponent(headers["authorization"] ?? "")),
    "in a property": ({ headers }) => Object.assign(new Error("no"), { config: { headers: { ...headers } } }),
    "in a hidden property": ({ headers }) =>
      Object.defineProperty(new Error("no"), "config", { value: { ...headers }, enumerable: false }),
    "under a symbol": ({ headers }) => Object.assign(new Error("no"), { [Symbol("request")]: { ...headers } }),
    "in a cause of its cause": ({ headers }) =>
      new Error("no", { cause: new Error("no", { cause: headers["authorization"] }) }),
    "in a map": ({ headers }) => new Map(Object.entries(headers)),
    "in web headers": ({ headers }) => Object.assign(new Error("no"), { headers: new Headers({ ...headers }) }),
    "in its code": ({ headers }) => Object.assign(new Error("no"), { code: headers["authorization"] }),
    "as a text": (request) => `${request.headers["authorization"]} ${bodyOf(request)}`,
    "in the body that it kept": (request) => Object.assign(new Error("no"), { body: bodyOf(request) }),
    "behind a private name": (request) => new Odd(request)
  }

  it.live.each(Object.keys(causes))("%s", (what) =>
    Effect.gen(function*() {
      let failures = 0
      const http = HttpClient.make((request) =>
        Effect.suspend(() => {
          failures++
          const cause = causes[what]?.(request)
          return Effect.fail(
            new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })
          )
        })
      )
      const shown = yield* liveOver(http)
      // The span of that name is the HTTP client's own, and tells what the client told it; none that Effect has quotes a header.
      hunt.findsNone(shown.filter(({ where }) => !/^the failure in the span (POST|PUT|DELETE)$/.test(where)), sent)
      assert.isAtLeast(failures, 3)
    }))
})

describe("a management URI that holds a secret", () => {
  const { registration_access_token: token } = current
  const uris = [
    `${issuer}/register?client_id=c1&token=${encodeURIComponent(token)}`,
    `${issuer}/register/c1?${new URLSearchParams({ token }).toString()}`
  ]
  const answered = { client_id: "c1", registration_access_token: token, client_secret: current.client_secret }
  const replies: ReadonlyArray<Answer> = [
    ...uris.map((uri): Answer => ({ status: 200, body: { ...answered, registration_client_uri: uri } })),
    ...[302, 400, 401, 404, 429, 500].map((status): Answer => ({ status, body: {} })),
    { status: 200, body: "no JSON" },
    { status: 200, body: { client_id: "another" } }
  ]

  it.live.each(uris)("%#", (uri) =>
    Effect.gen(function*() {
      for (const reply of replies) {
        const client = currentClient(uri)
        const http = recordedHttpClient(reply)
        const watch = makeWatch()
        const shown: Array<Shown> = [...show("the client", client)]
        for (
          const operation of [
            core.ClientConfiguration.read(client),
            core.ClientConfiguration.replace(client, { sendSecret: true }),
            core.ClientConfiguration.rotate(client),
            core.ClientConfiguration.remove(client)
          ]
        ) {
          const exit = yield* operation.pipe(
            Effect.tap((value) => Effect.logInfo("done", value)),
            Effect.tapCause((cause) => Effect.logError("failed", cause)),
            Effect.provide(watch.layer),
            Effect.provideService(HttpClient.HttpClient, http.client),
            Effect.provide(core.DpopSigner.layerNone),
            Effect.provideService(core.RetryPolicy.RetryPolicy, core.RetryPolicy.none),
            Effect.exit
          )
          shown.push(...show("the exit", exit), ...showEncoded("the exit", exit, false))
          if (Exit.isFailure(exit)) shown.push(...exit.cause.reasons.flatMap((reason) => show("the reason", reason)))
        }
        // It was there to be found.
        assert.isTrue(http.requests.every(({ url }) => url.includes("token=")))
        hunt.findsNone([...shown, ...watch.shown()], sent)
      }
    }))
})

describe("a server that demands as a nonce what it was sent", () => {
  it.live.each([400, 401])("%s", (status) =>
    Effect.gen(function*() {
      const { shown, told } = yield* liveWithEcho(status, "a nonce", "plain", false, core.DpopSigner.layer())
      assert.isAtLeast(told.size, 3)
      hunt.findsNone(shown, [...told].map((secret, at) => [`secret ${at}`, secret]))
    }))
})

describe("a server whose nonce is a secret", () => {
  const issued = "cs-canary-that-is-a-nonce"

  it.live.each(["what it was sent", "what it issues"])("%s", (what) =>
    Effect.gen(function*() {
      for (const status of [400, 401]) {
        let requests = 0
        const http = HttpClient.make((request) =>
          Effect.sync(() => {
            requests++
            const token = request.headers["authorization"]?.replace(/^\S+ /, "") ?? ""
            const response = new Response(JSON.stringify({ error: "use_dpop_nonce", client_secret: issued }), {
              status,
              headers: { "dpop-nonce": what === "what it issues" ? issued : token }
            })
            return HttpClientResponse.fromWeb(request, response)
          })
        )
        hunt.findsNone(yield* liveOver(http, { signer: core.DpopSigner.layer() }), [...sent, ["it", issued]])
        // The demand was met at least once, and came again.
        assert.isAtLeast(requests, 4)
      }
    }))
})

describe("a body from which nobody can take its secrets", () => {
  const issued = { client_secret: "cut-cs-canary-41", registration_access_token: "cut-rat-canary-42" }
  const text = JSON.stringify({ client_id: "c1", ...issued })
  const bodies: { readonly [what: string]: string } = {
    "cut off": text.slice(0, -4),
    "behind words": `Created: ${text}`,
    "quoted": JSON.stringify(text),
    "quoted, and cut off": JSON.stringify(text).slice(0, -6),
    "in a page": `<p>${text.replaceAll("\"", "&quot;")}</p>`,
    "escaped without a page": text.replaceAll("\"", "&quot;"),
    "as a form": new URLSearchParams(issued).toString(),
    "in single quotes": text.replaceAll("\"", "'")
  }

  it.live.each(Object.keys(bodies))("%s", (what) =>
    Effect.gen(function*() {
      for (const status of [201, 302, 400, 401, 404, 429, 500]) {
        for (const body of [bodies[what], { error: "server_error", error_description: bodies[what] }]) {
          const shown = yield* liveOver(recordedHttpClient({ status, body }).client)
          hunt.findsNone(shown, [...sent, ...Object.entries(issued)])
        }
      }
    }))
})

describe("what nobody but the program knows to be a secret", () => {
  it.live("a cookie and other credentials in the headers of an answer", () =>
    Effect.gen(function*() {
      const canaries = {
        "set-cookie": "cookie-canary",
        authorization: "authorization-canary",
        "x-api-key": "key-canary"
      }
      for (const status of [201, 400, 500]) {
        const shown = yield* liveOver(
          recordedHttpClient({ status, headers: canaries, body: { client_id: "c1" } }).client
        )
        hunt.findsNone(shown, Object.entries(canaries))
      }
    }))

  it.live("the value of a member that no specification registers", () =>
    Effect.gen(function*() {
      const canary = "vendor-canary-17"
      const asked = core.ClientMetadata.withExtensions(metadata, { vendor_key: canary, vendor: { key: [canary] } })
      for (const status of [201, 400, 500]) {
        for (const deviations of ["keep", "fail"] as const) {
          const watch = makeWatch()
          const http = recordedHttpClient({ status, body: { client_id: "c1", vendor_key: canary, other: canary } })
          const exit = yield* core.ClientRegistration.register(server, asked, { deviations }).pipe(
            Effect.tap((value) => Effect.logInfo("done", value)),
            Effect.tapCause((cause) => Effect.logError("failed", cause)),
            Effect.provide(watch.layer),
            Effect.provideService(HttpClient.HttpClient, http.client),
            Effect.provide(core.DpopSigner.layerNone),
            Effect.exit
          )
          const value: unknown = Exit.isSuccess(exit) ? exit.value : exit.cause.reasons
          assert.include(http.requests[0]?.body, canary)
          hunt.findsNone([...watch.shown(), ...show("the exit", exit), ...show("what came of it", value)], [
            ["what was asked", canary]
          ])
        }
      }
    }))

  it.live("a token that is fetched and then refused", () =>
    Effect.gen(function*() {
      const canary = "fetched-canary\u0007"
      const watch = makeWatch()
      const error = yield* core.ClientRegistration.register(server, metadata, {
        initialAccessToken: Effect.succeed(Redacted.make(canary))
      }).pipe(
        Effect.tapCause((cause) => Effect.logError("failed", cause)),
        Effect.provide(watch.layer),
        Effect.provideService(HttpClient.HttpClient, recordedHttpClient().client),
        Effect.provide(core.DpopSigner.layerNone),
        Effect.flip
      )
      hunt.findsNone([...watch.shown(), ...show("the error", error), ...showEncoded("the error", error, true)], [
        ["the token", "fetched-canary"]
      ])
    }))
})
