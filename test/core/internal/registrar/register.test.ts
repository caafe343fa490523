/** New registrations: what is written before and after, and what happens when it cannot be, or comes too late. */
import { type Registrar, RegistrationError, RegistrationRecord, RetryPolicy } from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Duration, Effect, Fiber, Option, Schema, Stream } from "effect"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { failsWith } from "../../../support/failure.ts"
import {
  delayed,
  issuer,
  key,
  leave,
  makeWorld,
  passingTime,
  recordOf,
  registrarOn,
  requestsOf,
  secretOf,
  storeFailed,
  wanted
} from "../../../support/registrars.ts"

const on = Effect.provide(TestAuthorizationServer.layer())

const clientIds = (server: TestAuthorizationServer.TestAuthorizationServer["Service"]) =>
  Effect.map(server.clients, (clients) => clients.map(({ clientId }) => clientId))

describe("what is written", () => {
  it.effect("the intent before the request, the registration before it is handed out", () =>
    Effect.gen(function*() {
      const { server, store } = yield* makeWorld()
      const seen: Array<string> = []
      const registrar = yield* registrarOn(store, {}, {
        save: (lease, value, expected) =>
          Effect.gen(function*() {
            const version = yield* store.save(lease, value, expected)
            const record = yield* recordOf(store)
            const clients = yield* server.clients
            seen.push(
              `${record.intent?.kind ?? "no intent"}, ${clients.length} clients, ${
                record.current === undefined ? "nothing kept" : "kept"
              }`
            )
            return version
          })
      })
      yield* registrar.ensure(wanted)
      assert.deepStrictEqual(seen, ["register, 0 clients, nothing kept", "no intent, 1 clients, kept"])
    }).pipe(Effect.scoped, on))

  it.effect("where the intent cannot be written, nothing is sent", () =>
    Effect.gen(function*() {
      const { server, store } = yield* makeWorld()
      for (const problem of ["Full", "ReadOnly", "Unavailable"] as const) {
        const registrar = yield* registrarOn(store, {}, { save: () => Effect.fail(storeFailed(problem)) })
        const { reason } = yield* passingTime(registrar.ensure(wanted).pipe(failsWith("StoreFailed")))
        assert.strictEqual(reason.problem, problem)
      }
      assert.deepStrictEqual(yield* requestsOf(server), [])
    }).pipe(Effect.scoped, on))

  it.effect("where the registration cannot be written, the failure carries it, and its encoded form does not", () =>
    Effect.gen(function*() {
      const { server, store } = yield* makeWorld()
      let saves = 0
      const registrar = yield* registrarOn(store, {}, {
        save: (...args) => ++saves === 1 ? store.save(...args) : Effect.fail(storeFailed("Full"))
      })
      const { error } = yield* registrar.ensure(wanted).pipe(failsWith("StoreFailed"))
      const [known] = yield* server.clients
      assert.strictEqual(error.clientId, known?.clientId)
      assert.strictEqual(error.issuer, issuer)
      const live = error.registered
      if (live === undefined) return assert.fail("the registration is lost")
      const secret = secretOf(live) ?? ""
      assert.isAbove(secret.length, 10)
      const encoded = yield* Schema.encodeUnknownEffect(RegistrationError.RegistrationErrorSchema)(error)
      for (const shown of [JSON.stringify(encoded), JSON.stringify(error), error.message]) {
        assert.notInclude(shown, secret)
      }
      assert.include(JSON.stringify(encoded), error.clientId ?? "")
      // Whoever comes next knows that there may be one.
      const next = yield* registrarOn(store)
      yield* next.ensure(wanted)
      assert.deepStrictEqual((yield* recordOf(store)).possibleOrphans, [{ startedAt: 0, why: "crashed" }])
    }).pipe(Effect.scoped, on))

  it.effect("a store that does not answer for a moment is asked again", () =>
    Effect.gen(function*() {
      const { server, store } = yield* makeWorld()
      let saves = 0
      const registrar = yield* registrarOn(store, {}, {
        save: (...args) =>
          Effect.suspend(() =>
            [2, 3, 4].includes(++saves) ? Effect.fail(storeFailed("Unavailable")) : store.save(...args)
          )
      })
      const client = yield* passingTime(registrar.ensure(wanted), "50 millis")
      assert.strictEqual(saves, 5)
      assert.strictEqual((yield* recordOf(store)).current?.information.client_id, client.information.client_id)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
    }).pipe(Effect.scoped, on))

  it.effect("a store that is away for a while is waited for with what the server granted", () =>
    Effect.gen(function*() {
      const { server, store } = yield* makeWorld()
      let saves = 0
      const registrar = yield* registrarOn(store, {}, {
        save: (...args) =>
          Effect.flatMap(
            Clock.currentTimeMillis,
            (now) => ++saves > 1 && now < 20_000 ? Effect.fail(storeFailed("Unavailable")) : store.save(...args)
          )
      })
      const client = yield* passingTime(registrar.ensure(wanted), "50 millis")
      assert.strictEqual((yield* recordOf(store)).current?.information.client_id, client.information.client_id)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
    }).pipe(Effect.scoped, on))

  it.effect("a store that saved and did not say so is believed when it says that it was somebody else", () =>
    Effect.gen(function*() {
      const { server, store } = yield* makeWorld()
      let saves = 0
      const registrar = yield* registrarOn(store, {}, {
        save: (...args) =>
          ++saves === 2
            ? Effect.andThen(store.save(...args), Effect.fail(storeFailed("Unavailable")))
            : store.save(...args)
      })
      const client = yield* passingTime(registrar.ensure(wanted), "50 millis")
      assert.strictEqual((yield* recordOf(store)).current?.information.client_id, client.information.client_id)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
      assert.deepStrictEqual(yield* clientIds(server), [client.information.client_id])
    }).pipe(Effect.scoped, on))

  it.effect("an intent that was saved without an answer is no possible orphan", () =>
    Effect.gen(function*() {
      const { store } = yield* makeWorld()
      let saves = 0
      const registrar = yield* registrarOn(store, {}, {
        save: (...args) =>
          ++saves === 1
            ? Effect.andThen(store.save(...args), Effect.fail(storeFailed("Unavailable")))
            : store.save(...args)
      })
      yield* passingTime(registrar.ensure(wanted), "50 millis")
      assert.deepStrictEqual((yield* recordOf(store)).possibleOrphans, [])
    }).pipe(Effect.scoped, on))

  it.effect("a server that gives the same client again replaces nothing, and nothing is deleted later", () =>
    Effect.gen(function*() {
      const { events, registrar, server, store } = yield* makeWorld({ retire: { after: "1 day" } })
      yield* server.misbehave({ id: "changed-members", members: { client_id: "the same" } }, { on: "register" })
      yield* registrar.ensure(wanted)
      yield* registrar.invalidate({ ...key, clientId: "the same", reason: "invalid_client" })
      const again = yield* registrar.ensure(wanted)
      assert.strictEqual(again.information.client_id, "the same")
      const record = yield* recordOf(store)
      assert.strictEqual(secretOf(record.current ?? again), secretOf(again))
      assert.deepStrictEqual(record.previous, [])
      yield* TestClock.adjust("2 days")
      assert.strictEqual(yield* registrar.retire, 0)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST"])
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Registered", "Invalidated", "Registered"])
    }).pipe(Effect.scoped, on))

  it.effect("what the caller asked with rules off is kept all the same", () =>
    Effect.gen(function*() {
      const { registrar, store } = yield* makeWorld()
      const odd = {
        ...wanted,
        metadata: { ...wanted.metadata, vendor: { a: [1, null, { b: true }] } },
        options: { rulesOff: ["unregistered-member"] }
      }
      const client = yield* registrar.ensure(odd)
      const again = yield* Effect.flatMap(registrarOn(store), (registrar) => registrar.ensure(odd))
      assert.deepStrictEqual(again.requested, client.requested)
    }).pipe(Effect.scoped, on))
})

describe("a crash", () => {
  it.effect("after the intent is counted as a possible orphan, and does not stop the next", () =>
    Effect.gen(function*() {
      const { events, registrar, server, store } = yield* makeWorld()
      yield* TestClock.setTime(1_800_000_000_000)
      const intent = { kind: "register", startedAt: 1_700_000_000_000 } as const
      yield* leave(store, { ...RegistrationRecord.empty(key), intent })
      const client = yield* registrar.ensure(wanted)
      const orphan = { startedAt: 1_700_000_000_000, why: "crashed" } as const
      assert.deepStrictEqual((yield* recordOf(store)).possibleOrphans, [orphan])
      const [summary] = yield* Stream.runCollect(registrar.list)
      assert.deepStrictEqual(summary?.possibleOrphans, [orphan])
      assert.deepStrictEqual(yield* clientIds(server), [client.information.client_id])
      yield* Effect.yieldNow
      assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["PossibleOrphan", "Registered"])
    }).pipe(Effect.scoped, on))

  it.effect("of another kind leaves no orphan", () =>
    Effect.gen(function*() {
      const { registrar, store } = yield* makeWorld()
      for (const kind of ["update", "rotate", "remove"] as const) {
        yield* leave(store, { ...RegistrationRecord.empty(key), intent: { kind, startedAt: 0, clientId: "a" } })
        yield* registrar.ensure(wanted)
        const record = yield* recordOf(store)
        assert.deepStrictEqual(record.possibleOrphans, [])
        assert.isUndefined(record.intent)
      }
    }).pipe(Effect.scoped, on))
})

describe("an unknown outcome", () => {
  it.effect("fails until a pause ends that doubles each time, without a request, and is listed", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld({ backoff: "1 minute" })
      yield* server.misbehave("reset-after-processing", { on: "register", times: 3 })
      const pauses = [1, 2, 4]
      for (const [index, minutes] of pauses.entries()) {
        const sent = (yield* requestsOf(server)).length
        const first = yield* registrar.ensure(wanted).pipe(failsWith("OutcomeUnknown"))
        assert.strictEqual(first.reason.why, "ConnectionLost")
        for (const wait of [Duration.zero, Duration.minutes(minutes / 2), Duration.minutes(minutes / 2 - 0.1)]) {
          yield* TestClock.adjust(wait)
          const { error, reason } = yield* registrar.ensure(wanted).pipe(failsWith("OutcomeUnknown"))
          assert.strictEqual(reason.why, "Backoff")
          assert.isAtMost(Duration.toMinutes(error.retryAfter ?? Duration.infinity), minutes)
        }
        assert.strictEqual((yield* requestsOf(server)).length, sent + 1)
        assert.strictEqual((yield* recordOf(store)).possibleOrphans.length, index + 1)
        yield* TestClock.adjust("6 seconds")
      }
      const client = yield* registrar.ensure(wanted)
      const record = yield* recordOf(store)
      assert.isUndefined(record.backoff)
      assert.deepStrictEqual(record.possibleOrphans.map(({ why }) => why), pauses.map(() => "outcome-unknown"))
      assert.strictEqual((yield* server.clients).length, 4)
      assert.strictEqual(record.current?.information.client_id, client.information.client_id)
      // A new series begins with the first pause.
      yield* registrar.forget(key)
      yield* server.misbehave("reset-after-processing", { on: "register", times: 1 })
      yield* registrar.ensure(wanted).pipe(failsWith("OutcomeUnknown"))
      yield* TestClock.adjust("1 minute")
      yield* registrar.ensure(wanted)
    }).pipe(Effect.scoped, on))

  it.effect("is no reason to wait for more than a day", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld({ backoff: "20 hours" })
      yield* server.misbehave("reset-after-processing", { on: "register" })
      for (const hours of [20, 24, 24]) {
        yield* registrar.ensure(wanted).pipe(failsWith("OutcomeUnknown"))
        const { error } = yield* registrar.ensure(wanted).pipe(failsWith("OutcomeUnknown"))
        assert.strictEqual(Duration.toHours(error.retryAfter ?? Duration.zero), hours)
        yield* TestClock.adjust(Duration.hours(hours))
      }
    }).pipe(Effect.scoped, on))

  it.effect("an error of the server, and an answer that cannot be used, may have made a client", () =>
    Effect.gen(function*() {
      for (const misbehaviour of ["server-error", "unavailable", "no-client-id", "not-json"] as const) {
        const { registrar, server, store } = yield* makeWorld()
        yield* server.misbehave(misbehaviour, { on: "register", times: 1 })
        yield* Effect.flip(registrar.ensure(wanted))
        const { reason } = yield* registrar.ensure(wanted).pipe(failsWith("OutcomeUnknown"))
        assert.strictEqual(reason.why, "Backoff", misbehaviour)
        assert.strictEqual((yield* recordOf(store)).possibleOrphans.length, 1, misbehaviour)
        yield* server.behave
      }
    }).pipe(Effect.scoped, on))

  it.effect("a refusal, and a connection that was not made, leave nothing behind", () =>
    Effect.gen(function*() {
      for (const misbehaviour of ["invalid-client-metadata", "forbidden", "connection-refused", "not-found"] as const) {
        const { registrar, server, store } = yield* makeWorld()
        yield* server.misbehave(misbehaviour, { on: "register" })
        yield* passingTime(Effect.flip(registrar.ensure(wanted)))
        assert.deepStrictEqual(yield* recordOf(store), RegistrationRecord.empty(key), misbehaviour)
        yield* server.behave
        yield* registrar.ensure(wanted)
      }
    }).pipe(Effect.scoped, on))

  it.effect("a clock that jumps back a little does not end the pause, one that jumps far does not make it endless", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld({ backoff: "1 minute" })
      yield* TestClock.setTime(1_800_000_000_000)
      yield* server.misbehave("reset-after-processing", { on: "register", times: 1 })
      yield* registrar.ensure(wanted).pipe(failsWith("OutcomeUnknown"))
      yield* TestClock.setTime(1_799_999_998_000)
      const { reason } = yield* registrar.ensure(wanted).pipe(failsWith("OutcomeUnknown"))
      assert.strictEqual(reason.why, "Backoff")
      yield* TestClock.setTime(1_700_000_000_000)
      yield* registrar.ensure(wanted)
    }).pipe(Effect.scoped, on))
})

describe("Retry-After", () => {
  it.effect("a short one is waited for without the lease, and then there is one registration", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      yield* server.misbehave({ id: "rate-limited", retryAfter: 5 }, { on: "register", times: 1 })
      const asking = yield* Effect.forkChild(registrar.ensure(wanted), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* store.notBefore(issuer), 5000)
      const lease = Option.getOrUndefined(yield* store.acquire(key, Duration.minutes(1)))
      if (lease === undefined) return assert.fail("the lease is held through the pause")
      assert.isUndefined((yield* recordOf(store)).intent)
      yield* store.release(lease)
      // Whoever else wants one from this server waits as well.
      const other = yield* Effect.forkChild(registrar.ensure({ ...wanted, profile: "tenant-2" }))
      yield* TestClock.adjust("3900 millis")
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
      yield* TestClock.adjust("100 millis")
      yield* Fiber.join(asking)
      yield* Fiber.join(other)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST", "POST"])
      assert.strictEqual((yield* server.clients).length, 2)
    }).pipe(Effect.scoped, on))

  it.effect("a long one fails with what is left of it, for every profile, until it ends", () =>
    Effect.gen(function*() {
      const { registrar, server } = yield* makeWorld()
      const kept = yield* registrar.ensure({ ...wanted, profile: "kept" })
      yield* server.misbehave({ id: "rate-limited", retryAfter: 3600 }, { on: "register", times: 1 })
      const first = yield* registrar.ensure(wanted).pipe(failsWith("RateLimited"))
      assert.strictEqual(Duration.toSeconds(first.error.retryAfter ?? Duration.zero), 3600)
      yield* TestClock.adjust("59 minutes")
      for (const profile of ["tenant-1", "tenant-2"]) {
        const { error } = yield* registrar.ensure({ ...wanted, profile }).pipe(failsWith("RateLimited"))
        assert.strictEqual(Duration.toSeconds(error.retryAfter ?? Duration.zero), 60)
      }
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST"])
      const again = yield* registrar.ensure({ ...wanted, profile: "kept" })
      assert.strictEqual(again.information.client_id, kept.information.client_id)
      yield* registrar.ensure({ ...wanted, server: "https://another.example.com" })
      yield* TestClock.adjust("1 minute")
      yield* registrar.ensure(wanted)
    }).pipe(Effect.scoped, on))

  it.effect("is waited for no longer than the policy and the deadline say", () =>
    Effect.gen(function*() {
      const { server, store } = yield* makeWorld()
      yield* server.misbehave({ id: "rate-limited", retryAfter: 8 }, { on: "register" })
      const once = yield* Effect.provide(registrarOn(store), RetryPolicy.layerNone)
      yield* once.ensure(wanted).pipe(failsWith("RateLimited"))
      yield* TestClock.adjust("10 seconds")
      const registrar = yield* registrarOn(store)
      yield* registrar.ensure({ ...wanted, options: { deadline: "7 seconds" } }).pipe(failsWith("RateLimited"))
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST"])
      yield* TestClock.adjust("10 seconds")
      // 8, 16 and 24 seconds are within the 30 of a request, and then it is enough.
      yield* passingTime(registrar.ensure(wanted).pipe(failsWith("RateLimited")))
      assert.strictEqual((yield* requestsOf(server)).length, 2 + 4)
    }).pipe(Effect.scoped, on))

  it.effect("of a discovery counts as well", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      yield* server.misbehave({ id: "rate-limited", retryAfter: 600 }, { on: "discover", times: 1 })
      yield* registrar.ensure(wanted).pipe(failsWith("DiscoveryFailed"))
      assert.strictEqual(yield* store.notBefore(issuer), 600_000)
      yield* registrar.ensure(wanted).pipe(failsWith("RateLimited"))
      assert.strictEqual((yield* server.requests).length, 1)
    }).pipe(Effect.scoped, on))
})

describe("a lease that was lost during the request", () => {
  /** A registrar that stands still, so that it cannot renew its lease, and another one that is quick. */
  const paused = (options?: Registrar.Options) =>
    Effect.gen(function*() {
      const world = yield* makeWorld({ leaseTtl: "10 seconds", ...options })
      const slow = yield* registrarOn(world.store, { leaseTtl: "10 seconds", ...options }, {
        renew: () => Effect.never
      }).pipe(delayed("POST", "20 seconds"))
      return { ...world, slow }
    })

  it.effect("who lost to another one removes its own client and returns the other's", () =>
    Effect.gen(function*() {
      const { registrar, server, slow, store } = yield* paused()
      const late = yield* Effect.forkChild(slow.ensure(wanted), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      const winner = yield* passingTime(registrar.ensure(wanted))
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST"])
      // While nobody knew better it was one.
      assert.strictEqual((yield* recordOf(store)).possibleOrphans.length, 1)
      const loser = yield* passingTime(Fiber.join(late))
      assert.strictEqual(loser.information.client_id, winner.information.client_id)
      assert.strictEqual(secretOf(loser), secretOf(winner))
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST", "DELETE"])
      assert.deepStrictEqual(yield* clientIds(server), [winner.information.client_id])
      const record = yield* recordOf(store)
      assert.deepStrictEqual(record.possibleOrphans, [])
      assert.deepStrictEqual(record.previous, [])
    }).pipe(Effect.scoped, on))

  it.effect("where its own client cannot be removed, it is kept as a previous one", () =>
    Effect.gen(function*() {
      const { registrar, server, slow, store } = yield* paused()
      const late = yield* Effect.forkChild(slow.ensure(wanted), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      const winner = yield* passingTime(registrar.ensure(wanted))
      const loser = yield* passingTime(Fiber.join(late))
      assert.strictEqual(loser.information.client_id, winner.information.client_id)
      const { previous } = yield* recordOf(store)
      assert.deepStrictEqual(previous.map(({ reason }) => reason), ["superseded"])
      assert.sameMembers(yield* Effect.map(clientIds(server), (ids) => [...ids]), [
        winner.information.client_id,
        previous[0]?.client.information.client_id ?? ""
      ])
    }).pipe(Effect.scoped, Effect.provide(TestAuthorizationServer.layer({ management: false }))))

  it.effect("and its removal is tried again in a while", () =>
    Effect.gen(function*() {
      const { registrar, server, slow, store } = yield* paused()
      yield* server.misbehave("server-error", { on: "remove", times: 1 })
      const late = yield* Effect.forkChild(slow.ensure(wanted), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      const winner = yield* passingTime(registrar.ensure(wanted))
      yield* passingTime(Fiber.join(late))
      assert.strictEqual((yield* server.clients).length, 2)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* registrar.retire, 1)
      assert.deepStrictEqual(yield* clientIds(server), [winner.information.client_id])
      assert.deepStrictEqual((yield* recordOf(store)).previous, [])
    }).pipe(Effect.scoped, on))

  it.effect("its own client is written down before it is removed", () =>
    Effect.gen(function*() {
      const { registrar, slow, store } = yield* paused()
      const seen: Array<ReadonlyArray<string>> = []
      const watched = yield* registrarOn(store, { leaseTtl: "10 seconds" }, { renew: () => Effect.never }).pipe(
        delayed("POST", "20 seconds"),
        Effect.updateService(HttpClient.HttpClient, (client) =>
          HttpClient.transform(client, (effect, request) =>
            request.method === "DELETE"
              ? Effect.andThen(
                Effect.map(Effect.orDie(recordOf(store)), ({ intent, previous }) => {
                  seen.push([
                    ...previous.map(({ reason }) =>
                      reason
                    ),
                    intent?.kind ?? "no intent"
                  ])
                }),
                effect
              )
              : effect))
      )
      assert.isDefined(slow)
      const late = yield* Effect.forkChild(watched.ensure(wanted), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* passingTime(registrar.ensure(wanted))
      yield* passingTime(Fiber.join(late))
      assert.deepStrictEqual(seen, [["superseded", "remove"]])
      assert.deepStrictEqual((yield* recordOf(store)).previous, [])
    }).pipe(Effect.scoped, on))

  it.effect("a client that was written, and that another one replaced since, is not removed", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld({ leaseTtl: "10 seconds" })
      let saves = 0
      const slow = yield* registrarOn(store, { leaseTtl: "10 seconds" }, {
        renew: () => Effect.never,
        save: (...args) =>
          ++saves === 2
            // Written, and said so when somebody else had the lease since.
            ? store.save(...args).pipe(
              Effect.andThen(Effect.sleep("60 seconds")),
              Effect.andThen(Effect.fail(storeFailed("LeaseLost")))
            )
            : store.save(...args)
      })
      const late = yield* Effect.forkChild(slow.ensure(wanted), { startImmediately: true })
      yield* TestClock.adjust("15 seconds")
      const written = yield* registrar.ensure(wanted)
      const clientId = written.information.client_id
      assert.isTrue(yield* registrar.invalidate({ ...key, clientId, reason: "invalid_client" }))
      const winner = yield* passingTime(registrar.ensure(wanted))
      const loser = yield* passingTime(Fiber.join(late))
      assert.strictEqual(loser.information.client_id, winner.information.client_id)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST"])
      assert.deepStrictEqual(
        (yield* recordOf(store)).previous.map(({ client }) => client.information.client_id),
        [clientId]
      )
    }).pipe(Effect.scoped, on))

  it.effect("another holder that died meanwhile is counted, and only the one that came back is not", () =>
    Effect.gen(function*() {
      const { slow, store } = yield* paused()
      const late = yield* Effect.forkChild(slow.ensure(wanted), { startImmediately: true })
      yield* TestClock.adjust("11 seconds")
      const lease = yield* Effect.flatMap(store.acquire(key, Duration.seconds(5)), Effect.fromOption)
      const { version } = yield* Effect.flatMap(store.load(key), Effect.fromOption)
      // It took the first for dead, twice at the same moment, began to register, and died as well.
      const orphan = { startedAt: 0, why: "crashed" } as const
      const text = yield* RegistrationRecord.encode({
        ...RegistrationRecord.empty(key),
        possibleOrphans: [orphan, orphan],
        intent: { kind: "register", startedAt: 11_000, lease: lease.token }
      })
      yield* store.save(lease, text, version)
      const client = yield* passingTime(Fiber.join(late))
      const record = yield* recordOf(store)
      assert.strictEqual(record.current?.information.client_id, client.information.client_id)
      assert.deepStrictEqual(record.possibleOrphans, [orphan, { startedAt: 11_000, why: "crashed" }])
      assert.isUndefined(record.intent)
    }).pipe(Effect.scoped, on))

  it.effect("a client that cannot be kept under another lease either is in the failure", () =>
    Effect.gen(function*() {
      for (const failing of ["Full", "Conflict"] as const) {
        const { server, store } = yield* makeWorld()
        let saves = 0
        const registrar = yield* registrarOn(store, {}, {
          save: (...args) =>
            ++saves === 1
              ? store.save(...args)
              : Effect.fail(storeFailed(saves === 2 ? "LeaseLost" : failing))
        })
        const { error } = yield* passingTime(registrar.ensure(wanted).pipe(failsWith("StoreFailed")))
        const ids = yield* clientIds(server)
        assert.strictEqual(error.registered?.information.client_id, ids.at(-1))
      }
    }).pipe(Effect.scoped, on))

  it.effect("where the other one did not register, the client is kept after all", () =>
    Effect.gen(function*() {
      const { server, slow, store } = yield* paused()
      const late = yield* Effect.forkChild(slow.ensure(wanted), { startImmediately: true })
      yield* TestClock.adjust("11 seconds")
      // Another process takes the lease, and dies with it.
      assert.isTrue(Option.isSome(yield* store.acquire(key, Duration.seconds(10))))
      const client = yield* passingTime(Fiber.join(late))
      assert.deepStrictEqual(yield* clientIds(server), [client.information.client_id])
      const record = yield* recordOf(store)
      assert.strictEqual(record.current?.information.client_id, client.information.client_id)
      assert.deepStrictEqual(record.possibleOrphans, [])
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
    }).pipe(Effect.scoped, on))

  it.effect("where the winner asked for something else, the client is changed to what is asked now", () =>
    Effect.gen(function*() {
      const { registrar, server, slow } = yield* paused()
      const late = yield* Effect.forkChild(slow.ensure(wanted), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      const other = { ...wanted, metadata: { ...wanted.metadata, client_name: "Other" } }
      const winner = yield* passingTime(registrar.ensure(other))
      const loser = yield* passingTime(Fiber.join(late))
      assert.strictEqual(loser.information.client_id, winner.information.client_id)
      assert.strictEqual(loser.information.client_name, "My app")
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST", "DELETE", "GET", "PUT"])
    }).pipe(Effect.scoped, on))

  it.effect("a weak store that only sees another version does not block itself", () =>
    Effect.gen(function*() {
      const { server, store } = yield* makeWorld()
      let saves = 0
      const registrar = yield* registrarOn(store, {}, {
        save: (...args) => ++saves === 2 ? Effect.fail(storeFailed("Conflict")) : store.save(...args)
      })
      const client = yield* passingTime(registrar.ensure(wanted))
      assert.deepStrictEqual(yield* clientIds(server), [client.information.client_id])
      assert.strictEqual((yield* recordOf(store)).current?.information.client_id, client.information.client_id)
    }).pipe(Effect.scoped, on))

  it.effect("the end of the scope does not lose the client that waits for another lease", () =>
    Effect.gen(function*() {
      const { server, store } = yield* makeWorld({ leaseTtl: "10 seconds" })
      const closing = yield* Deferred.make<void>()
      const asking = yield* Effect.forkChild(
        Effect.scoped(Effect.gen(function*() {
          const slow = yield* registrarOn(store, { leaseTtl: "10 seconds" }, { renew: () => Effect.never }).pipe(
            delayed("POST", "20 seconds")
          )
          yield* Effect.forkChild(slow.ensure(wanted), { startImmediately: true })
          yield* Deferred.await(closing)
        })),
        { startImmediately: true }
      )
      yield* TestClock.adjust("11 seconds")
      assert.isTrue(Option.isSome(yield* store.acquire(key, Duration.seconds(30))))
      yield* TestClock.adjust("15 seconds")
      yield* Deferred.succeed(closing, undefined)
      yield* passingTime(Fiber.join(asking))
      const record = yield* recordOf(store)
      assert.deepStrictEqual(yield* clientIds(server), [record.current?.information.client_id])
    }).pipe(Effect.scoped, on))
})

describe("leases", () => {
  it.effect("a lease is renewed through a slow request", () =>
    Effect.gen(function*() {
      const { registrar, store } = yield* makeWorld({ leaseTtl: "3 seconds" })
      const asking = yield* Effect.forkChild(registrar.ensure(wanted), { startImmediately: true })
      for (let second = 0; second < 19; second++) {
        yield* TestClock.adjust("1 second")
        assert.isTrue(Option.isNone(yield* store.acquire(key, Duration.seconds(1))))
      }
      yield* passingTime(Fiber.join(asking))
      assert.isTrue(Option.isSome(yield* store.acquire(key, Duration.seconds(1))))
    }).pipe(delayed("POST", "20 seconds"), Effect.scoped, on))

  it.effect("a holder that died delays the others by no more than its lease", () =>
    Effect.gen(function*() {
      const { registrar, store } = yield* makeWorld()
      yield* store.acquire(key, Duration.seconds(30))
      const asking = yield* Effect.forkChild(registrar.ensure(wanted), { startImmediately: true })
      yield* TestClock.adjust("29 seconds")
      assert.isUndefined(asking.pollUnsafe())
      yield* TestClock.adjust("1500 millis")
      yield* Fiber.join(asking)
    }).pipe(Effect.scoped, on))

  it.effect("fibers of one process come in turn, without waiting for the clock", () =>
    Effect.gen(function*() {
      const { registrar, store } = yield* makeWorld()
      const order: Array<string> = []
      const watched = yield* registrarOn(store, {}, {
        acquire: (of, ttl) => Effect.tap(store.acquire(of, ttl), (lease) => Effect.sync(() => order.push(lease._tag)))
      })
      yield* registrar.ensure(wanted)
      // Under a test clock nobody sleeps to the end.
      yield* Effect.forEach(
        Array.from({ length: 30 }),
        () => watched.forget(key),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(order, Array.from({ length: 30 }, () => "Some"))
    }).pipe(Effect.scoped, on))
})
