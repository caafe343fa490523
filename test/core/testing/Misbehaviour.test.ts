import { DpopSigner, RetryPolicy } from "@effect-dcr/core"
import * as Misbehaviour from "@effect-dcr/core/testing/Misbehaviour"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Result } from "effect"
import { SecureRandom } from "effect/crypto"
import { HttpClient, HttpClientRequest } from "effect/http"
import { TestClock } from "effect/testing"
import {
  type Case,
  cases,
  type Facts,
  issuer,
  metadata,
  scenarios,
  statement,
  statementSecret
} from "../../support/misbehaviours.ts"

// -----------------------------------------------------------------------------
// tests
// -----------------------------------------------------------------------------

const options: TestAuthorizationServer.Options = {
  initialAccessTokens: [{ value: Redacted.make("initial-token") }],
  softwareStatements: [{ issuer: "https://vendor.example", keys: Redacted.make(statementSecret) }]
}

const takesRealTime = ({ metadata, signs }: Case): boolean =>
  signs === true || metadata?.software_statement !== undefined

const check = (entry: Misbehaviour.Entry, expected: Case) => {
  const scenario = expected.scenario ?? (entry.on.includes("discover") ? "discover" : "register")
  const layer = Layer.mergeAll(
    TestAuthorizationServer.layerHttpClient({ ...options, ...expected.options }),
    expected.signs === true ? DpopSigner.layer() : DpopSigner.layerNone,
    RetryPolicy.layerNone
  )
  return Effect.gen(function*() {
    const server = yield* TestAuthorizationServer.TestAuthorizationServer
    yield* server.misbehave(expected.misbehaviour ?? entry.id)
    const fiber = yield* Effect.forkChild(
      Effect.result(scenarios[scenario](expected.metadata ?? metadata))
    )
    // Keys and signatures take time that the test clock knows nothing of, and nothing there waits for it.
    if (!takesRealTime(expected)) yield* TestClock.adjust("31 seconds")
    const outcome = yield* Fiber.join(fiber)
    const involved = (yield* server.requests).flatMap((request) => request.misbehaviours)
    assert.strictEqual(involved.includes(entry.id), expected.takesPart !== false, "whether the misbehaviour took part")
    if (expected.reason !== undefined) {
      if (Result.isSuccess(outcome)) return assert.fail(`it succeeded: ${JSON.stringify(outcome.success)}`)
      const { reason } = outcome.failure
      const shown = Object.fromEntries(Object.keys(expected.reason).map((name) => [name, Reflect.get(reason, name)]))
      assert.deepStrictEqual(shown, expected.reason, outcome.failure.message)
      assert.deepStrictEqual(expected.error?.(outcome.failure), expected.is)
      assert.lengthOf(yield* server.clients, expected.clients ?? 0, "clients at the server")
    } else {
      if (Result.isFailure(outcome)) return assert.fail(outcome.failure.message)
      assert.deepStrictEqual(outcome.success.deviations.map(({ id }) => id), expected.deviations)
      assert.deepStrictEqual(expected.client?.(outcome.success), expected.is)
      assert.lengthOf(yield* server.clients, expected.clients ?? 1, "clients at the server")
    }
  }).pipe(Effect.provide(layer))
}

const isList = (expected: Case | ReadonlyArray<Case>): expected is ReadonlyArray<Case> => Array.isArray(expected)

// -----------------------------------------------------------------------------
// on the wire
// -----------------------------------------------------------------------------

/** The same random bytes for each server, so that two answers differ only in what a misbehaviour changed. */
const seeded = () => {
  let next = 0
  return SecureRandom.make((size) => Uint8Array.from({ length: size }, () => next++))
}

interface Wire {
  readonly body?: Facts
  readonly misbehaviour?: Misbehaviour.Misbehaviour
}

/** What an id needs beyond the common request to show. */
const wires: Partial<Record<Misbehaviour.MisbehaviourId, Wire>> = {
  "changed-software-statement": { body: { software_statement: statement } },
  "no-software-statement": { body: { software_statement: statement } },
  "needless-secret": { body: { token_endpoint_auth_method: "none" } },
  "huge-body": { misbehaviour: { id: "huge-body", bytes: 100 } },
  "changed-metadata": { misbehaviour: { id: "changed-metadata", members: { service_documentation: issuer } } }
}

/** Everything that can be seen of a registration, a read, an update, a removal and a discovery. */
const observe = (wire: Wire, misbehaviour: Misbehaviour.Misbehaviour | undefined) =>
  Effect.gen(function*() {
    const server = yield* TestAuthorizationServer.TestAuthorizationServer
    const client = yield* HttpClient.HttpClient
    if (misbehaviour !== undefined) yield* server.misbehave(misbehaviour)
    const exchange = (request: HttpClientRequest.HttpClientRequest) =>
      client.execute(request).pipe(
        Effect.flatMap((response) =>
          Effect.map(
            response.text,
            (text) => ({ status: response.status, url: response.url, headers: response.headers, text })
          )
        ),
        Effect.catch((error) => Effect.succeed({ failure: String(error.reason.cause) })),
        Effect.timeoutOption("1 minute")
      )
    const authorize = HttpClientRequest.setHeader("authorization", "Bearer initial-token")
    const register = HttpClientRequest.post(`${issuer}/register`).pipe(
      HttpClientRequest.bodyJsonUnsafe({
        ...metadata,
        software_colour: "green",
        ...wire.body
      })
    )
    const observed = [
      yield* exchange(HttpClientRequest.get(`${issuer}/.well-known/oauth-authorization-server`)),
      yield* exchange(register),
      yield* exchange(authorize(register))
    ]
    for (const [method, body] of [["GET"], ["PUT", { ...metadata }], ["DELETE"]] as const) {
      const [known] = yield* server.clients
      if (known === undefined) continue
      const request = HttpClientRequest.make(method)(`${issuer}/register/${encodeURIComponent(known.clientId)}`).pipe(
        HttpClientRequest.bearerToken(known.registrationAccessToken)
      )
      observed.push(
        yield* exchange(
          body === undefined
            ? request
            : HttpClientRequest.bodyJsonUnsafe(request, { ...body, client_id: known.clientId })
        )
      )
    }
    return { observed, clients: (yield* server.clients).length }
  })

const observeApart = (wire: Wire, misbehaviour: Misbehaviour.Misbehaviour | undefined) =>
  Effect.gen(function*() {
    yield* TestClock.setTime(0)
    const fiber = yield* Effect.forkChild(observe(wire, misbehaviour))
    while (wire.body?.["software_statement"] === undefined && fiber.pollUnsafe() === undefined) {
      yield* TestClock.adjust("1 minute")
    }
    return yield* Fiber.join(fiber)
  }).pipe(Effect.provide(TestAuthorizationServer.layerHttpClient({ ...options, random: seeded() })))

/** What shows only where a request has a token of the scheme DPoP. */
const hidden: ReadonlyArray<Misbehaviour.MisbehaviourId> = ["dpop-scheme-refused"]

describe("Misbehaviour", () => {
  it("has one entry per id, and each has an expectation", () => {
    const ids = Misbehaviour.catalogue.map((entry) => entry.id)
    assert.deepStrictEqual([...ids].sort(), Object.keys(cases).sort())
    assert.strictEqual(new Set(ids).size, ids.length)
    for (const { about, id, on } of Misbehaviour.catalogue) {
      assert.match(id, /^[a-z0-9]+(-[a-z0-9]+)*$/)
      assert.isAbove(about.length, 10, id)
      assert.isAbove(on.length, 0, id)
    }
  })

  it("compiles with the ids and options that there are", () => {
    const all: ReadonlyArray<Misbehaviour.Misbehaviour> = [
      "redirect",
      { id: "redirect" },
      { id: "redirect", status: 308 },
      // @ts-expect-error no such id
      "redirects",
      // @ts-expect-error no such option
      { id: "redirect", statuses: 308 },
      // @ts-expect-error no such status of a redirect
      { id: "redirect", status: 200 },
      // @ts-expect-error an option of another misbehaviour
      { id: "drip", location: "/" },
      // @ts-expect-error no options at all
      { id: "secret-null", status: 200 }
    ]
    assert.lengthOf(all, 8)
  })

  for (const entry of Misbehaviour.catalogue) {
    const expected = cases[entry.id]
    const list: ReadonlyArray<Case> = isList(expected) ? expected : [expected]
    it.effect(`${entry.id} shows on the wire`, () =>
      Effect.gen(function*() {
        const wire = wires[entry.id] ?? {}
        const well = yield* observeApart(wire, undefined)
        const again = yield* observeApart(wire, undefined)
        assert.deepStrictEqual(again, well, "two servers that behave answer alike")
        const ill = yield* observeApart(wire, wire.misbehaviour ?? entry.id)
        if (hidden.includes(entry.id)) return assert.deepStrictEqual(ill, well)
        assert.notDeepEqual(ill, well)
      }))
    list.forEach((expected, index) =>
      it.effect(`${entry.id}${index === 0 ? "" : ` (${index + 1})`}`, () => check(entry, expected))
    )
  }
})
