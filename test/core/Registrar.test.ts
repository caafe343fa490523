import {
  EndpointPolicy,
  MetadataPreset,
  type RegisteredClient,
  Registrar,
  RegistrationRecord,
  RegistrationStore
} from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Option, Redacted, Ref, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { failsWith } from "../support/failure.ts"
import {
  delayed,
  issuer,
  key,
  leave,
  leaveText,
  makeWorld,
  metadata,
  passingTime,
  profile,
  recordOf,
  registrarOn,
  requestsOf,
  secretOf,
  wanted
} from "../support/registrars.ts"
import { unchecked } from "../support/unchecked.ts"

const on = Effect.provide(TestAuthorizationServer.layer())

const tokenOf = ({ information }: RegisteredClient.RegisteredClient) =>
  information.registration_access_token === undefined
    ? undefined
    : Redacted.value(information.registration_access_token)

const listed = (registrar: Registrar.Registrar["Service"]) =>
  Effect.map(Stream.runCollect(registrar.list), (summaries) => Array.from(summaries))

describe("Registrar.ensure", () => {
  it.effect("registers once, and then asks nobody", () =>
    Effect.gen(function*() {
      const { events, registrar, server } = yield* makeWorld()
      const fetched = yield* Ref.make(0)
      const initialAccessToken = Effect.andThen(
        Ref.update(fetched, (count) => count + 1),
        server.issueInitialAccessToken({ singleUse: true })
      )
      const asked = { ...wanted, options: { initialAccessToken } }
      const first = yield* registrar.ensure(asked)
      const before = yield* server.requests
      const second = yield* registrar.ensure(asked)
      const third = yield* registrar.ensure({
        ...asked,
        metadata: { client_name: "My app", redirect_uris: ["https://app.example.com/cb"], scope: undefined }
      })
      assert.strictEqual((yield* server.requests).length, before.length)
      assert.strictEqual(yield* Ref.get(fetched), 1)
      for (const client of [second, third]) {
        assert.strictEqual(client.information.client_id, first.information.client_id)
        assert.strictEqual(secretOf(client), secretOf(first))
      }
      assert.strictEqual((yield* server.clients).length, 1)
      yield* Effect.yieldNow
      assert.deepStrictEqual(events, [
        { _tag: "Registered", issuer, profile, clientId: first.information.client_id }
      ])
    }).pipe(Effect.scoped, on))

  it.effect("finds after a restart what it kept before, with all that the server granted", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      yield* server.misbehave("unknown-members-kept")
      yield* server.misbehave("extra-members")
      const asked = { ...wanted, metadata: { ...metadata, "client_name#ja": "アプリ" } }
      const first = yield* registrar.ensure(asked)
      const again = yield* Effect.flatMap(registrarOn(store), (registrar) => registrar.ensure(asked))
      assert.deepStrictEqual(again.toJSON(), first.toJSON())
      assert.deepStrictEqual(again.extensions, first.extensions)
      assert.deepStrictEqual(again.extensions, { disabled: false, reference_id: "reference-1" })
      assert.strictEqual(secretOf(again), secretOf(first))
      assert.strictEqual((yield* server.clients).length, 1)
    }).pipe(Effect.scoped, on))

  it.effect("a server that is known takes no discovery and is the same as its issuer", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      const first = yield* registrar.ensure({ ...wanted, server: server.metadata(issuer) })
      assert.deepStrictEqual((yield* server.requests).map(({ operation }) => operation), ["register"])
      const second = yield* registrar.ensure(wanted)
      assert.strictEqual(second.information.client_id, first.information.client_id)
      assert.strictEqual((yield* server.requests).length, 1)
    }).pipe(Effect.scoped, on))

  it.effect("200 fibers at once: one registration", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      const clients = yield* Effect.forEach(Array.from({ length: 200 }), () => registrar.ensure(wanted), {
        concurrency: "unbounded"
      })
      assert.strictEqual(new Set(clients.map(secretOf)).size, 1)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
    }).pipe(Effect.scoped, on))

  it.effect("two registrars on one store, as two processes: one registration", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      const other = yield* registrarOn(store)
      const clients = yield* passingTime(
        Effect.forEach(
          Array.from({ length: 40 }),
          (_, index) => (index % 2 === 0 ? registrar : other).ensure(wanted),
          { concurrency: "unbounded" }
        )
      )
      assert.strictEqual(new Set(clients.map(secretOf)).size, 1)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
    }).pipe(delayed("POST", "3 seconds"), Effect.scoped, on))

  it.effect("two tenants with the same metadata have two clients", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      const one = yield* registrar.ensure(wanted)
      const other = yield* registrar.ensure({ ...wanted, profile: "tenant-2" })
      assert.notStrictEqual(one.information.client_id, other.information.client_id)
      assert.strictEqual((yield* server.clients).length, 2)
    }).pipe(Effect.scoped, on))

  it.effect("different metadata for one profile at once: one client, which each gets as it asked", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      const [one, other] = yield* Effect.all([
        registrar.ensure(wanted),
        registrar.ensure({ ...wanted, metadata: { ...metadata, client_name: "Other" } })
      ], { concurrency: "unbounded" })
      assert.strictEqual(one.information.client_id, other.information.client_id)
      assert.deepStrictEqual([one, other].map(({ information }) => information.client_name), ["My app", "Other"])
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "GET", "PUT"])
    }).pipe(Effect.scoped, on))

  it.effect("what a preset fills in is part of what is asked", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      const client = yield* registrar.ensure({ ...wanted, options: { preset: MetadataPreset.openid } })
      assert.strictEqual(client.information.scope, "openid")
      yield* registrar.ensure({ ...wanted, options: { preset: MetadataPreset.openid } })
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "GET", "PUT"])
    }).pipe(Effect.scoped, on))

  it.effect("the work goes on when the one who asked is interrupted, and is shared by the next", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      const first = yield* Effect.forkChild(registrar.ensure(wanted), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(first)
      const client = yield* passingTime(registrar.ensure(wanted))
      assert.deepStrictEqual(
        (yield* server.clients).map(({ clientId }) => clientId),
        [client.information.client_id]
      )
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
    }).pipe(delayed("POST", "5 seconds"), Effect.scoped, on))

  it.effect("the end of the scope waits for an answer that is on its way, and keeps it", () =>
    Effect.gen(function*() {
      const { server, store } = yield* makeWorld()
      const scope = yield* Scope.make()
      const registrar = yield* Scope.provide(registrarOn(store), scope)
      const asking = yield* Effect.forkChild(registrar.ensure(wanted), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* server.clients).length, 1)
      yield* passingTime(Scope.close(scope, Exit.void))
      yield* Fiber.await(asking)
      const record = yield* recordOf(store)
      assert.strictEqual(record.current?.information.client_id, (yield* server.clients)[0]?.clientId)
      assert.isUndefined(record.intent)
      assert.deepStrictEqual(record.possibleOrphans, [])
      // Afterwards nothing is begun any more, and nobody waits for ever.
      const late = yield* Effect.exit(registrar.ensure({ ...wanted, profile: "late" }))
      assert.isTrue(Exit.hasInterrupts(late))
    }).pipe(delayed("POST", "5 seconds"), Effect.scoped, on))

  it.effect("a token that never comes can be interrupted, and nothing was sent or written", () =>
    Effect.gen(function*() {
      const { server, store } = yield* makeWorld()
      const scope = yield* Scope.make()
      const registrar = yield* Scope.provide(registrarOn(store), scope)
      const asked = yield* Deferred.make<void>()
      const initialAccessToken = Effect.andThen(Deferred.succeed(asked, undefined), Effect.never)
      yield* Effect.forkChild(registrar.ensure({ ...wanted, options: { initialAccessToken } }))
      yield* Deferred.await(asked)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* requestsOf(server), [])
      assert.deepStrictEqual(yield* store.load(key), Option.none())
      assert.isTrue(Option.isSome(yield* store.acquire(key, Duration.minutes(1))))
    }).pipe(Effect.scoped, on))

  it.effect("invalid metadata is refused before a token is fetched and anything is written", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      let fetched = 0
      const initialAccessToken = Effect.sync(() => {
        fetched += 1
        return Redacted.make("token")
      })
      yield* registrar.ensure({ ...wanted, metadata: { redirect_uris: [] }, options: { initialAccessToken } }).pipe(
        failsWith("InvalidMetadata")
      )
      assert.strictEqual(fetched, 0)
      assert.deepStrictEqual(yield* requestsOf(server), [])
      assert.deepStrictEqual(yield* store.load(key), Option.none())
    }).pipe(Effect.scoped, on))

  it.effect("whatever a JavaScript caller passes fails, typed", () =>
    Effect.gen(function*() {
      const { registrar, store } = yield* makeWorld()
      const circular: Record<string, unknown> = {}
      circular["self"] = circular
      const ensure = (change: object) => registrar.ensure(unchecked({ ...wanted, ...change }))
      yield* ensure({ metadata: undefined }).pipe(failsWith("InvalidMetadata"))
      yield* ensure({ metadata: ["a"] }).pipe(failsWith("InvalidMetadata"))
      yield* ensure({ metadata: circular }).pipe(failsWith("InvalidOptions"))
      yield* ensure({ metadata: { ...metadata, big: 1n } }).pipe(failsWith("InvalidOptions"))
      yield* ensure({ profile: undefined }).pipe(failsWith("InvalidOptions"))
      // It has no form in UTF-8, and would be another profile in a file.
      yield* ensure({ profile: "\ud800" }).pipe(failsWith("InvalidOptions"))
      for (const bad of [{ ...key, profile: "\ud800" }, { ...key, issuer: "\udfff" }, unchecked<typeof key>({})]) {
        yield* registrar.forget(bad).pipe(failsWith("InvalidOptions"))
        yield* registrar.remove(bad).pipe(failsWith("InvalidOptions"))
        yield* registrar.invalidate({ ...bad, clientId: "a", reason: "" }).pipe(failsWith("InvalidOptions"))
      }
      yield* ensure({ server: undefined }).pipe(failsWith("InvalidOptions"))
      yield* ensure({ server: {} }).pipe(failsWith("InvalidOptions"))
      assert.strictEqual((yield* Stream.runCollect(store.keys)).length, 0)
    }).pipe(Effect.scoped, on))
})

describe("Registrar.ensure: issuers", () => {
  it.effect("an issuer is judged before it becomes a key", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      for (const refused of ["http://op.example.com", "https://op.example.com?x", "https://u:p@op.example.com", "op"]) {
        yield* registrar.ensure({ ...wanted, server: refused }).pipe(failsWith("EndpointRefused"))
        yield* registrar.ensure({ ...wanted, server: { ...server.metadata(issuer), issuer: refused } }).pipe(
          failsWith("EndpointRefused")
        )
      }
      assert.strictEqual((yield* Stream.runCollect(store.keys)).length, 0)
      assert.deepStrictEqual(yield* server.requests, [])
    }).pipe(Effect.scoped, on))

  it.effect("the policy of where it was made holds, whoever asks", () =>
    Effect.gen(function*() {
      const { registrar } = yield* makeWorld()
      yield* registrar.ensure(wanted).pipe(
        Effect.provide(EndpointPolicy.layer(EndpointPolicy.httpsOrLoopback)),
        failsWith("EndpointRefused")
      )
    }).pipe(
      Effect.provide(EndpointPolicy.layer(EndpointPolicy.allowHosts(EndpointPolicy.publicOnly, ["other.example.com"]))),
      Effect.scoped,
      on
    ))

  it.effect("credentials of one spelling are not found under another", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      const client = yield* registrar.ensure(wanted)
      // The server says that it is `https://op.example.com`: with a slash it is another, and not this one.
      yield* registrar.ensure({ ...wanted, server: `${issuer}/` }).pipe(failsWith("DiscoveryFailed"))
      yield* registrar.ensure({
        ...wanted,
        server: `${issuer}/`,
        options: unchecked({ tolerateTrailingSlash: true })
      }).pipe(failsWith("DiscoveryFailed"))
      const other = yield* registrar.ensure({
        ...wanted,
        server: { ...server.metadata(issuer), issuer: "https://OP.example.com" }
      })
      assert.notStrictEqual(other.information.client_id, client.information.client_id)
      assert.strictEqual(other.issuer, "https://OP.example.com")
    }).pipe(Effect.scoped, Effect.provide(TestAuthorizationServer.layer({ issuer }))))

  it.effect("a record with a client of another issuer is none of this key", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      yield* registrar.ensure({ ...wanted, server: "https://evil.example.com" })
      const { current } = yield* recordOf(store, { ...key, issuer: "https://evil.example.com" })
      if (current === undefined) return assert.fail("nothing was kept")
      const mixed = RegistrationRecord.empty(key)
      for (
        const record of [
          { ...mixed, current },
          { ...mixed, previous: [{ client: current, replacedAt: 0, reason: "" }] }
        ]
      ) {
        yield* leave(store, record)
        const { reason } = yield* registrar.ensure(wanted).pipe(failsWith("StoreFailed"))
        assert.strictEqual(reason.problem, "Corrupted")
      }
      assert.strictEqual((yield* server.clients).length, 1)
    }).pipe(Effect.scoped, on))
})

describe("Registrar.ensure: deviations", () => {
  it.effect("a registration that deviates is refused each time, kept, and no other one is made", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      yield* server.misbehave("status-200")
      const strict = { ...wanted, options: { deviations: "fail" } } as const
      const { error, reason } = yield* registrar.ensure(strict).pipe(failsWith("DeviationsRefused"))
      assert.deepStrictEqual(reason.deviations, ["status"])
      yield* registrar.ensure(strict).pipe(failsWith("DeviationsRefused"))
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
      const [summary] = yield* listed(registrar)
      assert.deepStrictEqual(summary?.clientId, Option.some(error.clientId))
      const taken = yield* registrar.ensure(wanted)
      assert.strictEqual(taken.information.client_id, error.clientId)
      assert.strictEqual(secretOf(taken), error.registered === undefined ? "nothing" : secretOf(error.registered))
      // What is listed can be removed as it is.
      yield* registrar.remove(summary ?? key)
      assert.deepStrictEqual(yield* server.clients, [])
      assert.deepStrictEqual(yield* listed(registrar), [])
    }).pipe(Effect.scoped, on))

  it.effect("of two who ask at once, each is answered by what it takes", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      yield* server.misbehave("status-200")
      const [lenient, strict] = yield* Effect.all([
        registrar.ensure(wanted),
        registrar.ensure({ ...wanted, options: { deviations: "fail" } }).pipe(failsWith("DeviationsRefused"))
      ], { concurrency: "unbounded" })
      assert.strictEqual(lenient.information.client_id, strict.error.clientId)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
    }).pipe(Effect.scoped, on))
})

describe("Registrar.invalidate", () => {
  const news = (clientId: string) => ({ ...key, clientId, reason: "invalid_client" })

  it.effect("50 fibers that find out at once, and 50 that come late: one new registration", () =>
    Effect.gen(function*() {
      const { events, registrar, server } = yield* makeWorld()
      const first = yield* registrar.ensure(wanted)
      const clientId = first.information.client_id
      yield* server.forget(clientId)
      const recover = Effect.andThen(registrar.invalidate(news(clientId)), registrar.ensure(wanted))
      const fifty = Effect.forEach(Array.from({ length: 50 }), () => recover, { concurrency: "unbounded" })
      const atOnce = yield* fifty
      const late = yield* fifty
      yield* TestClock.adjust("1 hour")
      const muchLater = yield* fifty
      const clients = [...atOnce, ...late, ...muchLater]
      assert.strictEqual(new Set(clients.map(secretOf)).size, 1)
      assert.notStrictEqual(clients[0]?.information.client_id, clientId)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST"])
      yield* Effect.yieldNow
      assert.deepStrictEqual(events.slice(1), [
        { _tag: "Invalidated", ...key, clientId, reason: "invalid_client" },
        {
          _tag: "Replaced",
          ...key,
          clientId: clients[0]?.information.client_id ?? "",
          previousClientId: clientId,
          reason: "invalid_client"
        }
      ])
    }).pipe(Effect.scoped, on))

  it.effect("has no effect on another client than the current one, and on none", () =>
    Effect.gen(function*() {
      const { registrar, store } = yield* makeWorld()
      assert.isFalse(yield* registrar.invalidate(news("anybody")))
      assert.deepStrictEqual(yield* store.load(key), Option.none())
      const client = yield* registrar.ensure(wanted)
      assert.isFalse(yield* registrar.invalidate(news("anybody")))
      assert.isFalse(yield* registrar.invalidate({ ...news(client.information.client_id), profile: "tenant-2" }))
      assert.isTrue(yield* registrar.invalidate(news(client.information.client_id)))
      assert.isFalse(yield* registrar.invalidate(news(client.information.client_id)))
    }).pipe(Effect.scoped, on))

  it.effect("a server that knows no client costs one registration per window", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld({ replaceInterval: "10 minutes" })
      const recover = Effect.gen(function*() {
        const client = yield* registrar.ensure(wanted)
        return yield* registrar.invalidate(news(client.information.client_id))
      })
      // The first registration took nobody's place.
      assert.isTrue(yield* recover)
      assert.isFalse(yield* recover)
      yield* TestClock.adjust("9 minutes")
      assert.isFalse(yield* recover)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST"])
      yield* TestClock.adjust("1 minute")
      assert.isTrue(yield* recover)
      assert.isFalse(yield* recover)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST", "POST"])
    }).pipe(Effect.scoped, on))

  it.effect("a clock that jumped back does not keep a broken client for ever", () =>
    Effect.gen(function*() {
      const { registrar } = yield* makeWorld()
      yield* TestClock.setTime(1_800_000_000_000)
      const first = yield* registrar.ensure(wanted)
      yield* registrar.invalidate(news(first.information.client_id))
      const second = yield* registrar.ensure(wanted)
      yield* TestClock.setTime(1_700_000_000_000)
      assert.isTrue(yield* registrar.invalidate(news(second.information.client_id)))
    }).pipe(Effect.scoped, on))

  it.effect("what was said to be invalid is replaced although the metadata changed and could be updated", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      const client = yield* registrar.ensure(wanted)
      yield* registrar.invalidate(news(client.information.client_id))
      yield* registrar.ensure({ ...wanted, metadata: { ...metadata, client_name: "Other" } })
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST"])
    }).pipe(Effect.scoped, on))
})

describe("Registrar.get, read, rotate", () => {
  it.effect("gets what is kept, and sends nothing", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      assert.isTrue(Option.isNone(yield* registrar.get(key)))
      const client = yield* registrar.ensure(wanted)
      const before = yield* server.requests
      const kept = yield* registrar.get(key)
      assert.strictEqual(Option.getOrThrow(kept).information.client_id, client.information.client_id)
      assert.strictEqual((yield* server.requests).length, before.length)
    }).pipe(Effect.scoped, on))

  it.effect("keeps the credentials that a read and a rotation bring, and still fits what was asked", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      const first = yield* registrar.ensure(wanted)
      const read = yield* registrar.read(key)
      assert.notStrictEqual(tokenOf(read), tokenOf(first))
      assert.strictEqual(tokenOf(Option.getOrThrow(yield* registrar.get(key))), tokenOf(read))
      const { client, isSecretNew, isTokenNew } = yield* registrar.rotate(key)
      assert.deepStrictEqual([isSecretNew, isTokenNew], [true, true])
      const kept = Option.getOrThrow(yield* registrar.get(key))
      assert.deepStrictEqual([tokenOf(kept), secretOf(kept)], [tokenOf(client), secretOf(client)])
      assert.strictEqual(read.information.client_id, first.information.client_id)
      assert.isUndefined((yield* recordOf(store)).intent)
      const again = yield* registrar.ensure(wanted)
      assert.strictEqual(secretOf(again), secretOf(client))
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "GET", "GET", "PUT"])
    }).pipe(
      Effect.scoped,
      Effect.provide(
        TestAuthorizationServer.layer({ rotateToken: "read-and-update", rotateSecret: "update" })
      )
    ))

  for (const operation of ["read", "rotate"] as const) {
    it.effect(`${operation}: says so when nothing is kept, and sends nothing`, () =>
      Effect.gen(function*() {
        const { registrar, server } = yield* makeWorld()
        const { reason } =
          yield* (operation === "read" ? Effect.asVoid(registrar.read(key)) : Effect.asVoid(registrar.rotate(key)))
            .pipe(failsWith("InvalidOptions"))
        assert.strictEqual(reason.option, "profile")
        assert.deepStrictEqual(yield* requestsOf(server), [])
      }).pipe(Effect.scoped, on))
  }
})

describe("Registrar.list, forget", () => {
  it.effect("lists what is kept, without secrets, whatever is unreadable beside it", () =>
    Effect.gen(function*() {
      const { registrar, store } = yield* makeWorld()
      const client = yield* registrar.ensure(wanted)
      yield* leaveText(store, "garbage with a canary", { ...key, profile: "garbage" })
      yield* leaveText(store, JSON.stringify({ format: 2, canary: true }), { ...key, profile: "newer" })
      const summaries = new Map((yield* listed(registrar)).map((summary) => [summary.profile, summary]))
      assert.deepStrictEqual(summaries.get(profile), {
        ...key,
        clientId: Option.some(client.information.client_id),
        previousClientIds: [],
        possibleOrphans: [],
        unfinished: Option.none(),
        problem: Option.none()
      })
      const problemOf = (name: string) => Option.getOrUndefined(summaries.get(name)?.problem ?? Option.none())?.reason
      assert.include(problemOf("garbage"), { _tag: "StoreFailed", problem: "Corrupted" })
      assert.include(problemOf("newer"), { _tag: "StoreFailed", problem: "NewerFormat" })
      const text = JSON.stringify([...summaries.values()])
      assert.notInclude(text, secretOf(client) ?? "no secret")
      assert.notInclude(text, "canary")
    }).pipe(Effect.scoped, on))

  it.effect("what is unreadable is not overwritten, and can be forgotten", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      for (const [text, problem] of [["{}", "Corrupted"], ["{\"format\":2}", "NewerFormat"]] as const) {
        yield* leaveText(store, text)
        const { reason } = yield* registrar.ensure(wanted).pipe(failsWith("StoreFailed"))
        assert.strictEqual(reason.problem, problem)
        yield* registrar.invalidate({ ...key, clientId: "any", reason: "" }).pipe(failsWith("StoreFailed"))
        yield* registrar.remove(key).pipe(failsWith("StoreFailed"))
        assert.strictEqual(Option.getOrThrow(yield* store.load(key)).value, text)
        yield* registrar.forget(key)
        assert.deepStrictEqual(yield* store.load(key), Option.none())
      }
      assert.deepStrictEqual(yield* server.requests, [])
    }).pipe(Effect.scoped, on))

  it.effect("forgetting leaves the server alone; the next who asks registers anew", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      yield* registrar.forget(key)
      const first = yield* registrar.ensure(wanted)
      yield* registrar.forget(key)
      assert.deepStrictEqual(yield* listed(registrar), [])
      const second = yield* registrar.ensure(wanted)
      assert.notStrictEqual(second.information.client_id, first.information.client_id)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST"])
    }).pipe(Effect.scoped, on))
})

describe("Registrar.events", () => {
  it.effect("end with the scope", () =>
    Effect.gen(function*() {
      const { store } = yield* makeWorld()
      const scope = yield* Scope.make()
      const registrar = yield* Scope.provide(registrarOn(store), scope)
      const listening = yield* Effect.forkChild(Stream.runCollect(registrar.events), { startImmediately: true })
      const client = yield* registrar.ensure(wanted)
      yield* Scope.close(scope, Exit.void)
      const exit = yield* Fiber.await(listening)
      assert.isTrue(Exit.isSuccess(exit) || Exit.hasInterrupts(exit))
      if (Exit.isSuccess(exit)) {
        assert.deepStrictEqual(Array.from(exit.value), [
          { _tag: "Registered", issuer, profile, clientId: client.information.client_id }
        ])
      }
    }).pipe(Effect.scoped, on))
})

describe("Registrar: layers", () => {
  it.effect("is a layer on a store, a client and a signer", () =>
    Effect.gen(function*() {
      const registrar = yield* Registrar.Registrar
      const client = yield* registrar.ensure(wanted)
      assert.strictEqual(client.issuer, issuer)
    }).pipe(
      Effect.provide(
        Registrar.layer({ renewBefore: "1 hour" }).pipe(
          Layer.provide([TestAuthorizationServer.layer(), RegistrationStore.layerMemory])
        )
      )
    ))
})
