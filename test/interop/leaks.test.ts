/**
 * The leak hunt: canaries through every operation, with every misbehaviour of the test server and with servers that repeat
 * what they know wherever they can. All that a program can show is searched, see `test/support/leakHunt.ts`. The complete
 * form is `leaks.long.ts`.
 */
import * as core from "@effect-dcr/core"
import * as DpopKeyImport from "@effect-dcr/core/DpopKeyImport"
import * as Misbehaviour from "@effect-dcr/core/testing/Misbehaviour"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Metric, Redacted } from "effect"
import { HttpClient } from "effect/http"
import { placeNames, spellingNames, spellings, statuses } from "../support/leakEchoes.ts"
import { makeHunt, makeWatch, schemaNames, search, show, showEncoded, type Shown } from "../support/leakHunt.ts"
import { initialAccessToken, issuer, key, liveWith, liveWithEcho, metadata } from "../support/leakLife.ts"
import { recordedHttpClient } from "../support/recordedHttpClient.ts"

const hunt = makeHunt()

const encodings = spellingNames.filter((name) => name !== "plain")

afterAll(() => {
  console.info(`searched: ${JSON.stringify(hunt.tally)}`)
})

describe("every misbehaviour of the test server", () => {
  it.live.each([undefined, ...Misbehaviour.catalogue.map(({ id }) => id)])("%s", (id) =>
    Effect.gen(function*() {
      const { pair, secrets } = yield* key
      const { issued, sent, shown } = yield* liveWith(id, pair, false)
      // They were there to be found.
      assert.isTrue(sent.some((text) => text.includes(initialAccessToken)))
      assert.isAtLeast(issued.size, 2)
      hunt.findsNone(shown, [...secrets, ["the initial access token", initialAccessToken], ...issued])
    }))

  it.live("no proofs", () =>
    Effect.gen(function*() {
      for (const id of ["error-echoing-credentials", "secrets-in-members", "reset-after-processing"] as const) {
        const { issued, shown } = yield* liveWith(id, undefined, false)
        hunt.findsNone(shown, [["the initial access token", initialAccessToken], ...issued])
      }
    }))
})

describe("servers that repeat what they know", () => {
  it.live.each(placeNames)("in %s", (place) =>
    Effect.gen(function*() {
      for (const [index, status] of statuses.entries()) {
        // Each status plain and in another spelling; the long form does all.
        const other = encodings[(placeNames.indexOf(place) + index) % encodings.length] ?? "plain"
        for (const spelling of ["plain", other] as const) {
          const { shown, told } = yield* liveWithEcho(status, place, spelling, false)
          // The initial access token, the client's token and its secret at least.
          assert.isAtLeast(told.size, 3)
          hunt.findsNone(shown, [...told].map((secret, at) => [`${status}, ${spelling}: secret ${at}`, secret]))
        }
      }
    }))
})

describe("before anything is sent", () => {
  const canary = "user-canary:pass/%+=9"
  const server = { issuer, registration_endpoint: `${issuer}/register` }
  const bad = Redacted.make(`${canary}\r\nx: y`)

  const register = (
    asked: core.ClientMetadata.ClientMetadata,
    options?: core.ClientRegistration.RegisterOptions,
    as: core.AuthorizationServer.AuthorizationServer = server
  ) => core.ClientRegistration.register(as, asked, options)

  const refused: { readonly [what: string]: ReturnType<typeof register> } = {
    "a token with a line break": register(metadata, { initialAccessToken: bad }),
    "a token of the scheme DPoP without a signer": register(metadata, {
      initialAccessToken: Redacted.make("dpop-canary"),
      initialAccessTokenType: "DPoP"
    }),
    "a header with a line break": register(metadata, { headers: { "x-secret": Redacted.value(bad) } }),
    "a private key in jwks": register({
      ...metadata,
      jwks: { keys: [{ kty: "EC", crv: "P-256", x: "x", y: "y", d: canary }] }
    }),
    "a member of the wrong type": register(core.ClientMetadata.withExtensions(metadata, { vendor: [null, canary] })),
    "user information in the endpoint": register(metadata, {}, {
      ...server,
      registration_endpoint: `https://u:${encodeURIComponent(canary)}@op.example.com/register?t=${
        encodeURIComponent(canary)
      }`
    }),
    "a plain http endpoint with a secret in its query": register(metadata, {}, {
      ...server,
      registration_endpoint: `http://op.example.com/register?t=${encodeURIComponent(canary)}`
    })
  }

  it.live.each(Object.keys(refused))("%s", (what) =>
    Effect.gen(function*() {
      const watch = makeWatch()
      const error = yield* (refused[what] ?? Effect.die("no such case")).pipe(
        Effect.tapCause((cause) => Effect.logError(cause)),
        Effect.provide(watch.layer),
        Effect.provide(core.DpopSigner.layerNone),
        Effect.flip
      )
      hunt.findsNone([...watch.shown(), ...show("the error", error), ...showEncoded("the error", error, true)], [
        ["what was passed", canary],
        ["the token", "dpop-canary"]
      ])
    }).pipe(Effect.provideService(HttpClient.HttpClient, recordedHttpClient().client)))

  it.live("a broken private key", () =>
    Effect.gen(function*() {
      const { pair } = yield* key
      const jwk = yield* Effect.promise(() => crypto.subtle.exportKey("jwk", pair.privateKey))
      const broken = [
        DpopKeyImport.fromJwk(Redacted.make({ ...jwk, d: "canary-canary-canary-canary-canary-canary-c" })),
        DpopKeyImport.fromJwk(Redacted.make(`{"kty":"EC","d":"canary-canary-canary-canary-canary-canary-c`)),
        DpopKeyImport.fromPkcs8Pem(
          Redacted.make(
            "-----BEGIN PRIVATE KEY-----\ncanary+canary+canary+canary+canary+canary+c=\n-----END PRIVATE KEY-----"
          ),
          { algorithm: "ES256" }
        )
      ]
      for (const attempt of broken) {
        const error = yield* Effect.flip(attempt)
        hunt.findsNone(
          [...show("the error", error), ...showEncoded("the error", error, true)],
          [["a key", "canary-canary"], ["a PEM", "canary+canary"]]
        )
      }
    }))
})

describe("values that a program may show", () => {
  it.live("requests, responses, keys, signers", () =>
    Effect.gen(function*() {
      const { pair, secrets } = yield* key
      const signer = yield* core.DpopSigner.DpopSigner.pipe(Effect.provide(core.DpopSigner.layerKeyPair(pair)))
      const server = { issuer, registration_endpoint: `${issuer}/register` }
      const request = yield* core.ClientRegistration.request(server, metadata, {
        initialAccessToken: Redacted.make(initialAccessToken)
      })
      const watch = makeWatch()
      yield* Effect.log("a request", request, { request }, pair, signer, Redacted.make(initialAccessToken)).pipe(
        Effect.annotateLogs({ request, pair, signer }),
        Effect.provide(watch.layer)
      )
      assert.isTrue(request.headers["authorization"]?.includes(initialAccessToken))
      hunt.findsNone([
        ...watch.shown(),
        ...show("the request", request),
        ...show("the key pair", pair),
        ...show("the signer", signer),
        ...showEncoded("the request", { ...request }, true),
        ...showEncoded("the key pair", pair, true)
      ], [...secrets, ["the initial access token", initialAccessToken]])
    }))
})

// -----------------------------------------------------------------------------
// the hunt bites
// -----------------------------------------------------------------------------

describe("the hunt finds", () => {
  const canary = "control-canary/+%41 \"<ü>'=="

  it("a secret in every spelling", () => {
    const made: { readonly [spelling: string]: string } = {
      ...Object.fromEntries(spellingNames.map((name) => [name, spellings[name](canary)])),
      "in JSON that is in JSON": JSON.stringify(JSON.stringify({ a: canary })),
      "with escaped slashes": JSON.stringify(canary).replaceAll("/", "\\/"),
      "in a page": canary.replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;").replaceAll(
        "'",
        "&#39;"
      ),
      "in base64 behind a scheme": Buffer.from(`Bearer ${canary}`).toString("base64")
    }
    for (const [spelling, text] of Object.entries(made)) {
      const hits = search([{ where: "here", text: `before ${text} after` }], new Map([["it", canary]]))
      assert.isNotEmpty(hits, spelling)
    }
    assert.isEmpty(search([{ where: "here", text: "control-canar y" }], new Map([["it", canary]])))
  })

  const leaky = new core.RegistrationError.RegistrationError({
    reason: { _tag: "Transport", sent: false, message: `no: ${canary}` }
  })

  const leaks: { readonly [where: string]: Effect.Effect<unknown, unknown> } = {
    "a log": Effect.logTrace("x", { nested: [canary] }),
    "a log: its annotations": Effect.logInfo("x").pipe(Effect.annotateLogs("a", canary)),
    "a log: its cause": Effect.logError("x", Cause.fail(leaky)),
    "the span of that name": Effect.void.pipe(Effect.withSpan(`that of ${canary}`)),
    "the span with an attribute": Effect.void.pipe(Effect.withSpan("s", { attributes: { a: canary } })),
    "the span with an event": Effect.currentSpan.pipe(
      Effect.tap((span) => Effect.sync(() => span.event("e", 0n, { a: canary }))),
      Effect.withSpan("s")
    ),
    "the failure in the span": Effect.fail(leaky).pipe(Effect.withSpan("s")),
    "the metrics": Metric.update(Metric.withAttributes(Metric.counter("c"), { a: canary }), 1)
  }

  it.live.each(Object.keys(leaks))("a leak in %s", (where) =>
    Effect.gen(function*() {
      const watch = makeWatch()
      yield* (leaks[where] ?? Effect.die("no such leak")).pipe(Effect.provide(watch.layer), Effect.exit)
      const hits = search(watch.shown(), new Map([["it", canary]]))
      assert.include(hits.map((hit) => hit.where).join(", "), where.replace(/:.*| (of|with) .*/, ""))
    }))

  const values: { readonly [what: string]: unknown } = {
    "an error's message": leaky,
    "an error's cause": new core.RegistrationError.RegistrationError({
      reason: { _tag: "Transport", sent: false, message: "no" },
      cause: new Error(canary)
    }),
    "a plain member": { a: { b: [canary] } },
    "a hidden property": Object.defineProperty({}, "a", { value: canary }),
    "a failure": Exit.fail(canary),
    "a challenge": new core.RegistrationError.RegistrationError({
      reason: { _tag: "Unauthorized", status: 401, challenges: [{ scheme: "Bearer", parameters: { realm: canary } }] }
    })
  }

  it.each(Object.keys(values))("a leak in %s", (what) => {
    assert.isNotEmpty(search(show("it", values[what]), new Map([["it", canary]])))
  })

  it("a leak in what schemas write", () => {
    assert.includeMembers([...schemaNames], [
      "RegistrationError.RegistrationErrorSchema",
      "ClientInformation.ClientInformation"
    ])
    assert.isAtLeast(schemaNames.length, 30)
    const written = (value: unknown, canary: string): ReadonlyArray<Shown> =>
      showEncoded("it", value, true).filter((shown) => search([shown], new Map([["it", canary]])).length > 0)
    assert.isNotEmpty(written(leaky, canary))
    assert.isNotEmpty(written({ client_id: "c1", client_name: canary }, canary))
  })
})
