/** What becomes of a registration when its metadata changes, and when its secret expires. */
import { ClientMetadata, type Registrar } from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Option, Redacted, Scope } from "effect"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { failsWith } from "../../../support/failure.ts"
import {
  delayed,
  isSame,
  issuer,
  key,
  leave,
  makeWorld,
  metadata,
  passingTime,
  patch,
  profile,
  recordOf,
  registrarOn,
  requestsOf,
  secretOf,
  storeFailed,
  wanted
} from "../../../support/registrars.ts"
import { unchecked } from "../../../support/unchecked.ts"

type Options = TestAuthorizationServer.Options

const onServer = (options?: Options) => Effect.provide(TestAuthorizationServer.layer(options))

const on = onServer()

const renamed: Registrar.Wanted = { ...wanted, metadata: { ...metadata, client_name: "Renamed" } }

const sentBy = (server: TestAuthorizationServer.TestAuthorizationServer["Service"], method: string) =>
  Effect.map(server.requests, (requests) => requests.filter((request) => request.method === method))

const bodyOf = (request: TestAuthorizationServer.RecordedRequest | undefined): Record<string, unknown> =>
  unchecked(JSON.parse(request?.body ?? "{}"))

describe("metadata that changed", () => {
  it.effect("updates the same client: what the server keeps stays, what is not asked any more goes", () =>
    Effect.gen(function*() {
      const { events, registrar, server, store } = yield* makeWorld()
      yield* server.misbehave("unknown-members-kept")
      const asking = (members: ClientMetadata.ClientMetadata) =>
        registrar.ensure({
          ...wanted,
          metadata: ClientMetadata.withExtensions({ ...metadata, ...members }, { vendor_member: { deep: [1] } })
        })
      const before = yield* asking({ tos_uri: "https://app.example.com/tos" })
      const after = yield* asking({ contacts: ["a@example.com"] })
      assert.strictEqual(after.information.client_id, before.information.client_id)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "GET", "PUT"])
      const [put] = yield* sentBy(server, "PUT")
      const sent = bodyOf(put)
      assert.deepStrictEqual(sent["vendor_member"], { deep: [1] })
      assert.deepStrictEqual(sent["contacts"], ["a@example.com"])
      assert.notProperty(sent, "tos_uri")
      const [known] = yield* server.clients
      assert.notProperty(known?.metadata, "tos_uri")
      assert.deepStrictEqual(known?.metadata["contacts"], ["a@example.com"])
      assert.notProperty(after.requested, "tos_uri")
      const record = yield* recordOf(store)
      assert.deepStrictEqual(record.previous, [])
      assert.isUndefined(record.intent)
      yield* Effect.yieldNow
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Registered", "Updated"])
      yield* asking({ contacts: ["a@example.com"] })
      assert.strictEqual((yield* requestsOf(server)).length, 3)
    }).pipe(Effect.scoped, on))

  it.effect("what came with the read is kept before the update is sent", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      yield* server.misbehave("reset-before-processing", { on: "update", times: 1 })
      yield* registrar.ensure(renamed).pipe(failsWith("OutcomeUnknown"))
      const record = yield* recordOf(store)
      const [known] = yield* server.clients
      assert.isTrue(isSame(record.current?.information.registration_access_token, known?.registrationAccessToken))
      assert.deepStrictEqual(
        secretOf(record.current ?? { information: {} }),
        Redacted.value(known?.secret ?? Redacted.make(""))
      )
      assert.isUndefined(record.intent)
      // It is not what is asked yet.
      const client = yield* registrar.ensure(renamed)
      assert.strictEqual(client.information.client_name, "Renamed")
      assert.strictEqual((yield* server.clients).length, 1)
    }).pipe(Effect.scoped, onServer({ rotateToken: "read-and-update", rotateSecret: "read-and-update" })))

  it.effect("registers anew where nothing can be managed, keeps the old client, and says both names", () =>
    Effect.gen(function*() {
      const { events, registrar, server, store } = yield* makeWorld()
      const before = yield* registrar.ensure(wanted)
      const after = yield* registrar.ensure(renamed)
      assert.notStrictEqual(after.information.client_id, before.information.client_id)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST"])
      const record = yield* recordOf(store)
      assert.deepStrictEqual(
        record.previous.map(({ client, reason, retireAt }) => [secretOf(client), reason, retireAt]),
        [
          [secretOf(before), "metadata-changed", undefined]
        ]
      )
      yield* Effect.yieldNow
      assert.deepStrictEqual(events[1], {
        _tag: "Replaced",
        issuer,
        profile,
        clientId: after.information.client_id,
        previousClientId: before.information.client_id,
        reason: "metadata-changed"
      })
    }).pipe(Effect.scoped, onServer({ management: false })))

  for (
    const [misbehaviour, operation] of [
      ["unauthorized-bare-bearer", "read"],
      ["forbidden", "update"],
      ["not-found", "read"],
      ["method-not-allowed", "update"],
      ["invalid-client-metadata", "update"],
      ["error-code", "update"],
      ["redirect", "read"],
      ["other-client-id", "read"],
      ["not-json", "read"]
    ] as const
  ) {
    it.effect(`registers anew where the server does not let it be changed: ${misbehaviour} on ${operation}`, () =>
      Effect.gen(function*() {
        const { registrar, server, store } = yield* makeWorld()
        const before = yield* registrar.ensure(wanted)
        yield* server.misbehave(misbehaviour, { on: operation })
        const after = yield* registrar.ensure(renamed)
        assert.notStrictEqual(after.information.client_id, before.information.client_id)
        assert.strictEqual(after.information.client_name, "Renamed")
        const { intent, possibleOrphans, previous } = yield* recordOf(store)
        assert.deepStrictEqual(previous.map(({ client }) => client.information.client_id), [
          before.information.client_id
        ])
        assert.isUndefined(intent)
        assert.deepStrictEqual(possibleOrphans, [])
        assert.strictEqual((yield* server.clients).length, 2)
        assert.deepStrictEqual(yield* sentBy(server, "DELETE"), [])
      }).pipe(Effect.scoped, on))
  }

  for (
    const [misbehaviour, operation, tag] of [
      ["server-error", "read", "OAuthError"],
      ["server-error", "update", "OAuthError"],
      ["reset-after-processing", "update", "OutcomeUnknown"],
      ["connection-refused", "read", "Transport"],
      ["not-json", "update", "UnusableAnswer"]
    ] as const
  ) {
    it.effect(`fails, and registers nothing, where nobody knows: ${misbehaviour} on ${operation}`, () =>
      Effect.gen(function*() {
        const { registrar, server, store } = yield* makeWorld()
        const before = yield* registrar.ensure(wanted)
        yield* server.misbehave(misbehaviour, { on: operation })
        yield* passingTime(registrar.ensure(renamed).pipe(failsWith(tag)))
        assert.strictEqual((yield* server.clients).length, 1)
        yield* server.behave
        const sent = yield* requestsOf(server)
        const again = yield* registrar.ensure(wanted)
        assert.strictEqual(again.information.client_id, before.information.client_id)
        // What the update made of it is not known, so that what was asked before has to be asked again.
        const isKnown = operation === "read"
        assert.deepStrictEqual((yield* requestsOf(server)).slice(sent.length), isKnown ? [] : ["GET", "PUT"])
        assert.strictEqual((yield* server.clients)[0]?.metadata["client_name"], "My app")
        const after = yield* registrar.ensure(renamed)
        assert.strictEqual(after.information.client_id, before.information.client_id)
        assert.isUndefined((yield* recordOf(store)).intent)
      }).pipe(Effect.scoped, on))
  }

  it.effect("after a crash during an update, what is asked is asked again", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      const client = yield* registrar.ensure(wanted)
      const intent = { startedAt: 0, clientId: client.information.client_id }
      yield* leave(store, { ...(yield* recordOf(store)), intent: { ...intent, kind: "rotate" } })
      yield* registrar.ensure(wanted)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
      yield* leave(store, { ...(yield* recordOf(store)), intent: { ...intent, kind: "update" } })
      yield* registrar.ensure(wanted)
      yield* registrar.ensure(wanted)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "GET", "PUT"])
    }).pipe(Effect.scoped, on))

  it.effect("a management URI that may not be contacted is none, and its token goes nowhere", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      yield* server.misbehave({
        id: "changed-members",
        members: { registration_client_uri: "http://op.example.com/register/plain" }
      }, { on: "register" })
      yield* registrar.ensure(wanted)
      yield* registrar.ensure(renamed)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST"])
    }).pipe(Effect.scoped, on))

  it.effect("a Retry-After of the management endpoint counts as well", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      yield* server.misbehave({ id: "rate-limited", retryAfter: 600 }, { on: "read", times: 1 })
      yield* registrar.ensure(renamed).pipe(failsWith("RateLimited"))
      yield* registrar.ensure(renamed).pipe(failsWith("RateLimited"))
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "GET"])
      yield* TestClock.adjust("10 minutes")
      yield* registrar.ensure(renamed)
    }).pipe(Effect.scoped, on))

  it.effect("invalid metadata is refused before anything is sent", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      yield* registrar.ensure({ ...wanted, metadata: { redirect_uris: [] } }).pipe(failsWith("InvalidMetadata"))
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
    }).pipe(Effect.scoped, on))

  it.effect("a rotated token and the one before it are both tried", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      const client = yield* registrar.ensure(wanted)
      // As after a crash: the token that came never took effect at the server, the one before is the good one.
      const formerToken = (yield* recordOf(store)).current?.information.registration_access_token
      yield* patch(store, (kept) => {
        kept.formerToken = kept.current.information["registration_access_token"] ?? ""
        kept.current.information["registration_access_token"] = "never-took-effect"
      })
      const updated = yield* registrar.ensure(renamed)
      assert.strictEqual(updated.information.client_id, client.information.client_id)
      assert.deepStrictEqual(
        (yield* server.requests).slice(2).map(({ method, operation, status }) =>
          operation === "discover" ? "discovery" : `${method} ${status}`
        ),
        ["discovery", "GET 401", "GET 200", "PUT 200"]
      )
      const after = yield* recordOf(store)
      assert.isTrue(isSame(after.current?.information.registration_access_token, formerToken))
    }).pipe(Effect.scoped, on))

  it.effect("the token before is kept with each rotation, and never tried at another client", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      const first = yield* registrar.ensure(wanted)
      yield* registrar.ensure(renamed)
      const record = yield* recordOf(store)
      const tokens = [record.formerToken, record.current?.information.registration_access_token]
      assert.notInclude(tokens.map((token) => token === undefined ? "" : Redacted.value(token)), "")
      assert.isFalse(isSame(tokens[0], tokens[1]))
      yield* registrar.invalidate({ ...key, clientId: first.information.client_id, reason: "invalid_client" })
      const second = yield* registrar.ensure(renamed)
      assert.isUndefined((yield* recordOf(store)).formerToken)
      yield* server.misbehave("unauthorized-bare-bearer", { on: "read" })
      const before = (yield* server.requests).length
      yield* registrar.ensure(wanted)
      const reads = (yield* server.requests).slice(before).filter(({ method }) => method === "GET")
      assert.deepStrictEqual(
        reads.filter(({ url }) => url.includes(second.information.client_id)).map(({ status }) => status),
        [401]
      )
    }).pipe(Effect.scoped, onServer({ rotateToken: "read-and-update" })))

  it.effect("what a lost update may have set is removed by the next one", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      const contacts = { ...wanted, metadata: { ...metadata, contacts: ["a@example.com"] } }
      yield* registrar.ensure(wanted)
      for (const isCrash of [false, true]) {
        yield* server.misbehave("reset-after-processing", { on: "update", times: 1 })
        let saves = 0
        const lost = yield* registrarOn(store, {}, {
          // What a process that died would have written after the answer.
          save: (...args) => isCrash && ++saves > 2 ? Effect.fail(storeFailed("Full")) : store.save(...args)
        })
        yield* lost.ensure(contacts).pipe(failsWith("OutcomeUnknown"))
        assert.strictEqual((yield* recordOf(store)).intent?.kind, isCrash ? "update" : undefined)
        assert.deepStrictEqual((yield* server.clients)[0]?.metadata["contacts"], ["a@example.com"])
        yield* registrar.ensure(wanted)
        assert.notProperty((yield* server.clients)[0]?.metadata, "contacts")
        const record = yield* recordOf(store)
        assert.isUndefined(record.uncertainMembers)
      }
      assert.lengthOf(yield* server.clients, 1)
    }).pipe(Effect.scoped, on))

  it.effect("a request that came too soon or took too long is no refusal", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      for (const status of [408, 425]) {
        yield* server.misbehave({ id: "another-body", status }, { on: "read", times: 1 })
        yield* registrar.ensure(renamed).pipe(failsWith("UnexpectedStatus"))
      }
      assert.lengthOf(yield* server.clients, 1)
    }).pipe(Effect.scoped, on))

  it.effect("the end of the scope waits for a change that is on its way, and keeps it", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      const scope = yield* Scope.make()
      const slow = yield* Scope.provide(registrarOn(store), scope).pipe(delayed("PUT", "5 seconds"))
      yield* Effect.forkChild(slow.ensure(renamed), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* passingTime(Scope.close(scope, Exit.void))
      const { current, intent } = yield* recordOf(store)
      const [known] = yield* server.clients
      assert.isTrue(isSame(current?.information.registration_access_token, known?.registrationAccessToken))
      assert.strictEqual(current?.information.client_name, "Renamed")
      assert.isUndefined(intent)
    }).pipe(Effect.scoped, onServer({ rotateToken: "read-and-update" })))

  it.effect("a credential of the caller's own takes the place of the token", () =>
    Effect.gen(function*() {
      const { server, store } = yield* makeWorld()
      const credentials: Array<string | undefined> = []
      let fetched = 0
      const registrar = yield* registrarOn(store, {
        management: (client) => ({
          credential: Effect.sync(() => {
            fetched += 1
            return client.information.registration_access_token ?? Redacted.make("")
          })
        })
      }).pipe(
        Effect.updateService(HttpClient.HttpClient, (http) =>
          HttpClient.tapRequest(http, (request) =>
            Effect.sync(() =>
              credentials.push(`${request.method} ${request.headers["authorization"]?.split(" ")[0]}`)
            )))
      )
      yield* registrar.ensure(wanted)
      yield* registrar.ensure(renamed)
      assert.deepStrictEqual(
        credentials.filter((line) =>
          !line?.includes("undefined")
        ),
        ["GET Bearer", "PUT Bearer"]
      )
      assert.strictEqual(fetched, 2)
      assert.strictEqual((yield* server.clients).length, 1)
    }).pipe(Effect.scoped, on))

  it.effect("what was changed under a lease that was lost is kept under another", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld({ leaseTtl: "10 seconds" })
      yield* registrar.ensure(wanted)
      const slow = yield* registrarOn(store, { leaseTtl: "10 seconds" }, { renew: () => Effect.never }).pipe(
        delayed("PUT", "20 seconds")
      )
      const late = yield* Effect.forkChild(slow.ensure(renamed), { startImmediately: true })
      yield* TestClock.adjust("11 seconds")
      assert.isTrue(Option.isSome(yield* store.acquire(key, Duration.seconds(5))))
      const client = yield* passingTime(Fiber.join(late))
      const [known] = yield* server.clients
      assert.strictEqual(client.information.client_name, "Renamed")
      assert.isTrue(isSame(client.information.registration_access_token, known?.registrationAccessToken))
      assert.isTrue(isSame(client.information.client_secret, known?.secret))
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "GET", "PUT"])
      const again = yield* Effect.flatMap(registrarOn(store), (registrar) => registrar.ensure(renamed))
      assert.strictEqual(secretOf(again), secretOf(client))
    }).pipe(Effect.scoped, onServer({ rotateToken: "read-and-update", rotateSecret: "read-and-update" })))

  it.effect("credentials that cannot be written are in the failure", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      for (const failing of [2, 3]) {
        let saves = 0
        const broken = yield* registrarOn(store, {}, {
          save: (...args) => ++saves >= failing ? Effect.fail(storeFailed("Full")) : store.save(...args)
        })
        const { error } = yield* broken.ensure({ ...wanted, metadata: { ...metadata, client_name: `Name ${failing}` } })
          .pipe(failsWith("StoreFailed"))
        const [known] = yield* server.clients
        assert.isTrue(isSame(error.registered?.information.client_secret, known?.secret))
        assert.isTrue(isSame(error.registered?.information.registration_access_token, known?.registrationAccessToken))
        // The caller can keep it.
        const record = yield* recordOf(store)
        if (error.registered !== undefined) yield* leave(store, { ...record, current: error.registered })
      }
    }).pipe(Effect.scoped, onServer({ rotateToken: "read-and-update", rotateSecret: "read-and-update" })))
})

describe("a secret that expires", () => {
  const monthly: Options = { secretLifetime: "30 days", rotateSecret: "update" }

  it.effect("is used until the window, and then rotated, once, for the same client", () =>
    Effect.gen(function*() {
      const { events, registrar, server } = yield* makeWorld()
      const before = yield* registrar.ensure(wanted)
      yield* TestClock.adjust("28 days")
      yield* TestClock.adjust("23 hours")
      assert.strictEqual(secretOf(yield* registrar.ensure(wanted)), secretOf(before))
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
      yield* TestClock.adjust("1 hour")
      const fifty = yield* Effect.forEach(Array.from({ length: 50 }), () => registrar.ensure(wanted), {
        concurrency: "unbounded"
      })
      assert.strictEqual(new Set(fifty.map(secretOf)).size, 1)
      assert.notStrictEqual(secretOf(fifty[0] ?? before), secretOf(before))
      assert.strictEqual(fifty[0]?.information.client_id, before.information.client_id)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "GET", "PUT"])
      assert.strictEqual((yield* server.clients).length, 1)
      yield* Effect.yieldNow
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Registered", "Rotated"])
    }).pipe(Effect.scoped, onServer(monthly)))

  it.effect("a fifth of a short life is the window, however old the registration is", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      for (let round = 1; round <= 40; round++) {
        yield* TestClock.adjust("479 seconds")
        yield* registrar.ensure(wanted)
        yield* TestClock.adjust("1 second")
        yield* registrar.ensure(wanted)
        yield* registrar.ensure(wanted)
        assert.strictEqual((yield* sentBy(server, "PUT")).length, round)
      }
      assert.strictEqual((yield* sentBy(server, "POST")).length, 1)
    }).pipe(Effect.scoped, onServer({ secretLifetime: "10 minutes", rotateSecret: "update" })))

  it.effect("at a server that does not move the expiry there is a new registration, and the old one stays", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      const before = yield* registrar.ensure(wanted)
      yield* TestClock.adjust("29 days")
      const after = yield* registrar.ensure(wanted)
      assert.notStrictEqual(after.information.client_id, before.information.client_id)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "GET", "PUT", "POST"])
      const { previous } = yield* recordOf(store)
      assert.deepStrictEqual(previous.map(({ client, reason }) => [secretOf(client), reason]), [
        [secretOf(before), "secret-expiring"]
      ])
      yield* registrar.ensure(wanted)
      assert.strictEqual((yield* requestsOf(server)).length, 4)
      assert.strictEqual((yield* server.clients).length, 2)
    }).pipe(Effect.scoped, onServer({ secretLifetime: "30 days" })))

  it.effect("where nothing can be managed there is a new registration", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      yield* TestClock.adjust("29 days")
      yield* registrar.ensure(wanted)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST"])
    }).pipe(Effect.scoped, onServer({ secretLifetime: "30 days", management: false })))

  it.effect("a server that returns none of the metadata keeps it through a rotation", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      yield* server.misbehave("no-echo")
      yield* registrar.ensure(wanted)
      yield* TestClock.adjust("29 days")
      yield* registrar.ensure(wanted)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "GET", "PUT"])
      const [known] = yield* server.clients
      assert.deepInclude(known?.metadata, { ...metadata })
    }).pipe(Effect.scoped, onServer(monthly)))

  it.effect("that cannot be renewed is used while it works, with growing pauses, and fails when it does not", () =>
    Effect.gen(function*() {
      const { events, registrar, server } = yield* makeWorld({ backoff: "1 hour" })
      const before = yield* registrar.ensure(wanted)
      yield* TestClock.adjust("29 days")
      yield* server.misbehave("reset-before-processing", { on: ["read", "register"] })
      const failures = () => events.filter(({ _tag }) => _tag === "RenewalFailed").length
      const sent = Effect.map(requestsOf(server), ({ length }) => length)
      const attempts: Array<number> = []
      for (let minute = 0; minute < 24 * 60; minute += 10) {
        const count = yield* sent
        const client = yield* registrar.ensure(wanted)
        assert.strictEqual(secretOf(client), secretOf(before))
        if ((yield* sent) > count) attempts.push(minute)
        yield* TestClock.adjust("10 minutes")
      }
      // One hour, two, four, eight at the most, and less than what is left.
      assert.deepStrictEqual(attempts, [0, 60, 180, 420, 900, 1170, 1310, 1380])
      yield* Effect.yieldNow
      assert.strictEqual(failures(), attempts.length)
      yield* registrar.ensure(wanted).pipe(failsWith("OutcomeUnknown"))
      yield* server.behave
      const after = yield* registrar.ensure(wanted)
      assert.notStrictEqual(secretOf(after), secretOf(before))
      assert.strictEqual(after.information.client_id, before.information.client_id)
    }).pipe(Effect.scoped, onServer(monthly)))

  it.effect("is not used beyond its end, however long the pause", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld({ backoff: "10 days" })
      const before = yield* registrar.ensure(wanted)
      yield* TestClock.adjust("29 days")
      yield* server.misbehave("connection-refused", { on: "read", times: 4 })
      assert.strictEqual(secretOf(yield* passingTime(registrar.ensure(wanted))), secretOf(before))
      yield* TestClock.adjust("1 day")
      assert.notStrictEqual(secretOf(yield* registrar.ensure(wanted)), secretOf(before))
    }).pipe(Effect.scoped, onServer(monthly)))

  it.effect("the pause grows while the expiry does not move, and begins anew when it does", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld({ backoff: "1 minute" })
      yield* registrar.ensure(wanted)
      yield* TestClock.adjust("29 days")
      // The rotation succeeds and moves nothing; the registration after it is refused.
      yield* server.misbehave("forbidden", { on: "register" })
      const failures = Effect.map(recordOf(store), ({ renewalPause }) => renewalPause?.failures)
      for (const expected of [1, 2, 3]) {
        yield* registrar.ensure(wanted)
        assert.strictEqual(yield* failures, expected)
        yield* TestClock.adjust("10 minutes")
      }
      yield* server.misbehave({ id: "short-lived-secret", lifetime: "30 days" }, { on: "update", times: 1 })
      yield* server.misbehave("rotates-secret", { on: "update", times: 1 })
      yield* registrar.ensure(wanted)
      assert.isUndefined(yield* failures)
    }).pipe(Effect.scoped, onServer({ secretLifetime: "30 days" })))

  it.effect("is used while the server wants no requests, and none is sent", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      const before = yield* registrar.ensure(wanted)
      yield* TestClock.adjust("29 days")
      yield* server.misbehave({ id: "rate-limited", retryAfter: 3600 }, { on: "register", times: 1 })
      yield* registrar.ensure({ ...wanted, profile: "tenant-2" }).pipe(failsWith("RateLimited"))
      assert.strictEqual(secretOf(yield* registrar.ensure(wanted)), secretOf(before))
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST"])
    }).pipe(Effect.scoped, onServer(monthly)))

  it.effect("a registration of unknown outcome does not take away the one that works", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      const before = yield* registrar.ensure(wanted)
      yield* TestClock.adjust("29 days")
      yield* server.misbehave("reset-after-processing", { on: "register", times: 1 })
      for (let asked = 0; asked < 3; asked++) {
        assert.strictEqual(secretOf(yield* registrar.ensure(wanted)), secretOf(before))
      }
      assert.strictEqual((yield* recordOf(store)).possibleOrphans.length, 1)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST"])
      yield* TestClock.adjust("1 minute")
      assert.notStrictEqual(secretOf(yield* registrar.ensure(wanted)), secretOf(before))
    }).pipe(Effect.scoped, onServer({ secretLifetime: "30 days", management: false })))

  it.effect("a store that cannot be written to does not take away what works, and no request is sent", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      const before = yield* registrar.ensure(wanted)
      yield* TestClock.adjust("29 days")
      const readOnly = yield* registrarOn(store, {}, { save: () => Effect.fail(storeFailed("ReadOnly")) })
      assert.strictEqual(secretOf(yield* readOnly.ensure(wanted)), secretOf(before))
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
      yield* TestClock.adjust("2 days")
      yield* readOnly.ensure(wanted).pipe(failsWith("StoreFailed"))
    }).pipe(Effect.scoped, onServer(monthly)))

  it.effect("a rotated secret that cannot be written is in the failure: the one that is kept is void", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      yield* TestClock.adjust("29 days")
      let saves = 0
      const broken = yield* registrarOn(store, {}, {
        save: (...args) => ++saves === 3 ? Effect.fail(storeFailed("Full")) : store.save(...args)
      })
      const { error } = yield* broken.ensure(wanted).pipe(failsWith("StoreFailed"))
      const [known] = yield* server.clients
      assert.isTrue(isSame(error.registered?.information.client_secret, known?.secret))
    }).pipe(Effect.scoped, onServer(monthly)))

  it.effect("that was rotated under a lease that was lost is the one that is handed out", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      yield* TestClock.adjust("29 days")
      const slow = yield* registrarOn(store, { leaseTtl: "10 seconds" }, { renew: () => Effect.never }).pipe(
        delayed("PUT", "20 seconds")
      )
      const late = yield* Effect.forkChild(slow.ensure(wanted), { startImmediately: true })
      yield* TestClock.adjust("11 seconds")
      assert.isTrue(Option.isSome(yield* store.acquire(key, Duration.seconds(5))))
      const client = yield* passingTime(Fiber.join(late))
      const [known] = yield* server.clients
      assert.isTrue(isSame(client.information.client_secret, known?.secret))
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "GET", "PUT"])
    }).pipe(Effect.scoped, onServer(monthly)))

  it.effect("that two rotated at once is the one that the server has", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld({ leaseTtl: "10 seconds" })
      yield* registrar.ensure(wanted)
      yield* TestClock.adjust("29 days")
      const slow = yield* registrarOn(store, { leaseTtl: "10 seconds" }, { renew: () => Effect.never }).pipe(
        delayed("PUT", "20 seconds")
      )
      const late = yield* Effect.forkChild(slow.ensure(wanted), { startImmediately: true })
      yield* TestClock.adjust("11 seconds")
      const quick = yield* passingTime(registrar.ensure(wanted))
      const client = yield* passingTime(Fiber.join(late))
      const [known] = yield* server.clients
      assert.isTrue(isSame(client.information.client_secret, known?.secret))
      const { current } = yield* recordOf(store)
      assert.isTrue(isSame(current?.information.client_secret, known?.secret))
      assert.strictEqual(client.information.client_id, quick.information.client_id)
    }).pipe(Effect.scoped, onServer(monthly)))

  it.effect("that was just rotated is not what does not work", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      const before = yield* registrar.ensure(wanted)
      const news = { ...key, clientId: before.information.client_id, reason: "invalid_client" }
      yield* TestClock.adjust("29 days")
      const after = yield* registrar.ensure(wanted)
      assert.notStrictEqual(secretOf(after), secretOf(before))
      // Of those who had the old one.
      assert.isFalse(yield* registrar.invalidate(news))
      assert.strictEqual(secretOf(yield* registrar.ensure(wanted)), secretOf(after))
      yield* TestClock.adjust("1 minute")
      assert.isTrue(yield* registrar.invalidate(news))
      assert.lengthOf(yield* server.clients, 1)
    }).pipe(Effect.scoped, onServer(monthly)))

  it.effect("that a clock that ran ahead saw first is renewed in its time", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      const record = yield* recordOf(store)
      yield* leave(store, { ...record, secretSince: Duration.toMillis(Duration.days(365)) })
      yield* TestClock.adjust("28 days")
      yield* registrar.ensure(wanted)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
      yield* TestClock.adjust("1 day")
      yield* registrar.ensure(wanted)
      yield* registrar.ensure(wanted)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "GET", "PUT"])
    }).pipe(Effect.scoped, onServer(monthly)))

  it.effect("that had expired when it came is not believed: one registration", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      yield* TestClock.setTime(1_800_000_000_000)
      yield* server.misbehave("secret-expiry-past")
      const client = yield* registrar.ensure(wanted)
      assert.include(client.deviations.map(({ id }) => id), "expired-secret")
      yield* registrar.ensure(wanted)
      yield* TestClock.adjust("365 days")
      yield* registrar.ensure(wanted)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
    }).pipe(Effect.scoped, on))

  it.effect("is not renewed for a clock that jumped back", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      yield* TestClock.setTime(1_800_000_000_000)
      const before = yield* registrar.ensure(wanted)
      yield* TestClock.setTime(1_000_000_000_000)
      assert.strictEqual(secretOf(yield* registrar.ensure(wanted)), secretOf(before))
      yield* TestClock.setTime(1_800_000_000_000 + Duration.toMillis(Duration.days(29)))
      assert.notStrictEqual(secretOf(yield* registrar.ensure(wanted)), secretOf(before))
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "GET", "PUT"])
    }).pipe(Effect.scoped, onServer(monthly)))

  it.effect("is renewed when the metadata changed and the update did not move it", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      yield* TestClock.adjust("29 days")
      const after = yield* registrar.ensure(renamed)
      assert.strictEqual(after.information.client_name, "Renamed")
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "GET", "PUT", "GET", "PUT", "POST"])
      assert.isAbove(after.information.client_secret_expires_at ?? 0, 30 * 86_400)
    }).pipe(Effect.scoped, onServer({ secretLifetime: "30 days" })))
})
