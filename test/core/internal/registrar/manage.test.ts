/** Clients that are deleted at the server: removed on demand, retired in their time. */
import type { Registrar } from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Option, Stream } from "effect"
import { TestClock } from "effect/testing"
import { failsWith } from "../../../support/failure.ts"
import {
  delayed,
  key,
  leave,
  leaveText,
  makeWorld,
  metadata,
  passingTime,
  patch,
  recordOf,
  registrarOn,
  requestsOf,
  storeFailed,
  wanted
} from "../../../support/registrars.ts"

const onServer = (options?: TestAuthorizationServer.Options) => Effect.provide(TestAuthorizationServer.layer(options))

const on = onServer()

const news = (clientId: string) => ({ ...key, clientId, reason: "invalid_client" })

/** A world in which the client was replaced once, because it was said to be invalid although it is not. */
const replacedOnce = (options?: Registrar.Options) =>
  Effect.gen(function*() {
    const world = yield* makeWorld(options)
    const first = yield* world.registrar.ensure(wanted)
    yield* world.registrar.invalidate(news(first.information.client_id))
    const second = yield* world.registrar.ensure(wanted)
    return { ...world, first: first.information.client_id, second: second.information.client_id }
  })

const clientIds = (server: TestAuthorizationServer.TestAuthorizationServer["Service"]) =>
  Effect.map(server.clients, (clients) => clients.map(({ clientId }) => clientId))

describe("Registrar.remove", () => {
  it.effect("deletes the current and the previous registrations, and forgets them", () =>
    Effect.gen(function*() {
      const { events, first, registrar, second, server, store } = yield* replacedOnce()
      assert.deepStrictEqual(yield* registrar.remove(key), [second, first])
      assert.deepStrictEqual(yield* server.clients, [])
      assert.deepStrictEqual(yield* store.load(key), Option.none())
      yield* Effect.yieldNow
      assert.deepStrictEqual(
        events.filter(({ _tag }) => _tag === "Removed"),
        [second, first].map((clientId) => ({ _tag: "Removed" as const, ...key, clientId }))
      )
      assert.deepStrictEqual(yield* registrar.remove(key), [])
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST", "DELETE", "DELETE"])
    }).pipe(Effect.scoped, on))

  it.effect("a previous client that the server forgot does not stand in the way", () =>
    Effect.gen(function*() {
      const { first, registrar, server, store } = yield* replacedOnce()
      yield* server.forget(first)
      yield* registrar.remove(key)
      assert.deepStrictEqual(yield* store.load(key), Option.none())
    }).pipe(Effect.scoped, on))

  it.effect("a 401 alone discards nothing", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      const client = yield* registrar.ensure(wanted)
      yield* server.forget(client.information.client_id)
      for (let asked = 0; asked < 2; asked++) {
        yield* registrar.remove(key).pipe(failsWith("Unauthorized"))
        const record = yield* recordOf(store)
        assert.strictEqual(record.current?.information.client_id, client.information.client_id)
        assert.isUndefined(record.intent)
      }
      const again = yield* registrar.ensure(wanted)
      assert.strictEqual(again.information.client_id, client.information.client_id)
    }).pipe(Effect.scoped, on))

  it.effect("what cannot be deleted is kept, and what can is deleted", () =>
    Effect.gen(function*() {
      const { first, registrar, server, store } = yield* replacedOnce()
      yield* server.misbehave("delete-unsupported", { after: 1, times: 1 })
      yield* registrar.remove(key).pipe(failsWith("Unsupported"))
      assert.deepStrictEqual(yield* clientIds(server), [first])
      const record = yield* recordOf(store)
      assert.isUndefined(record.current)
      assert.isUndefined(record.fingerprint)
      assert.deepStrictEqual(record.previous.map(({ client }) => client.information.client_id), [first])
      yield* registrar.remove(key)
      assert.deepStrictEqual(yield* clientIds(server), [])
    }).pipe(Effect.scoped, on))

  it.effect("where nothing can be managed, nothing changes", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      const client = yield* registrar.ensure(wanted)
      const before = yield* store.load(key)
      yield* registrar.remove(key).pipe(failsWith("Unsupported"))
      assert.deepStrictEqual(yield* store.load(key), before)
      const again = yield* registrar.ensure(wanted)
      assert.strictEqual(again.information.client_id, client.information.client_id)
      assert.deepStrictEqual(yield* requestsOf(server), ["POST"])
    }).pipe(Effect.scoped, onServer({ management: false })))

  it.effect("after an unknown outcome the client is not handed out any more, and a 401 ends the doubt", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      const client = yield* registrar.ensure(wanted)
      yield* server.misbehave("reset-after-processing", { on: "remove", times: 1 })
      // The repetition does not get through either.
      yield* server.misbehave("reset-before-processing", { on: "remove", after: 1, times: 1 })
      yield* registrar.remove(key).pipe(failsWith("OutcomeUnknown"))
      assert.deepStrictEqual(yield* server.clients, [])
      const next = yield* registrar.ensure(wanted)
      assert.notStrictEqual(next.information.client_id, client.information.client_id)
      // The removal goes on in the background.
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual((yield* recordOf(store)).previous, [])
      assert.deepStrictEqual(yield* clientIds(server), [next.information.client_id])
    }).pipe(Effect.scoped, on))

  it.effect("after a crash in between as well", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      const client = yield* registrar.ensure(wanted)
      const clientId = client.information.client_id
      const record = yield* recordOf(store)
      yield* leave(store, { ...record, intent: { kind: "remove", startedAt: 0, clientId } })
      const [broken] = yield* Stream.runCollect(registrar.list)
      assert.deepStrictEqual(broken?.unfinished, Option.some({ kind: "remove", startedAt: 0 }))
      yield* server.forget(clientId)
      const next = yield* registrar.ensure(wanted)
      assert.notStrictEqual(next.information.client_id, clientId)
      const [summary] = yield* Stream.runCollect(registrar.list)
      assert.deepStrictEqual(summary?.previousClientIds, [clientId])
      yield* registrar.remove(key)
      assert.deepStrictEqual(yield* store.load(key), Option.none())
      assert.deepStrictEqual(yield* server.clients, [])
    }).pipe(Effect.scoped, on))

  it.effect("a deletion that cannot be written down is a doubt later, not a client to hand out", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      const client = yield* registrar.ensure(wanted)
      let saves = 0
      const broken = yield* registrarOn(store, {}, {
        save: (...args) => ++saves === 2 ? Effect.fail(storeFailed("Full")) : store.save(...args)
      })
      yield* broken.remove(key).pipe(failsWith("StoreFailed"))
      assert.deepStrictEqual(yield* server.clients, [])
      yield* registrar.remove(key)
      assert.deepStrictEqual(yield* store.load(key), Option.none())
      const next = yield* registrar.ensure(wanted)
      assert.notStrictEqual(next.information.client_id, client.information.client_id)
    }).pipe(Effect.scoped, on))

  it.effect("the end of the scope waits for a deletion that is on its way, and writes it down", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      const removing = yield* registrarOn(store).pipe(
        delayed("DELETE", "5 seconds"),
        Effect.flatMap((slow) => Effect.forkChild(slow.remove(key), { startImmediately: true }))
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* server.clients, [])
      yield* passingTime(Fiber.interrupt(removing))
      const record = yield* recordOf(store)
      assert.isUndefined(record.current)
      assert.isUndefined(record.intent)
      assert.deepStrictEqual(record.previous, [])
    }).pipe(Effect.scoped, on))

  it.effect("tries the token before the last one as well", () =>
    Effect.gen(function*() {
      const { registrar, server, store } = yield* makeWorld()
      yield* registrar.ensure(wanted)
      yield* patch(store, (kept) => {
        kept.formerToken = kept.current.information["registration_access_token"] ?? ""
        kept.current.information["registration_access_token"] = "never-took-effect"
      })
      yield* registrar.remove(key)
      assert.deepStrictEqual(yield* server.clients, [])
      assert.deepStrictEqual(yield* store.load(key), Option.none())
    }).pipe(Effect.scoped, on))
})

describe("retirement", () => {
  const renamed = (client_name: string): Registrar.Wanted => ({ ...wanted, metadata: { ...metadata, client_name } })

  it.effect("by default a replacement deletes nothing, ever", () =>
    Effect.gen(function*() {
      const { first, registrar, second, server } = yield* replacedOnce()
      yield* TestClock.adjust("10000 days")
      yield* registrar.ensure(wanted)
      assert.strictEqual(yield* registrar.retire, 0)
      assert.deepStrictEqual(yield* clientIds(server), [first, second])
    }).pipe(Effect.scoped, on))

  it.effect("deletes a previous registration when its time has come, and says so", () =>
    Effect.gen(function*() {
      const { events, first, registrar, second, server, store } = yield* replacedOnce({ retire: { after: "7 days" } })
      yield* TestClock.adjust("6 days")
      assert.strictEqual(yield* registrar.retire, 0)
      assert.deepStrictEqual(yield* clientIds(server), [first, second])
      yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* registrar.retire, 1)
      assert.deepStrictEqual(yield* clientIds(server), [second])
      assert.deepStrictEqual((yield* recordOf(store)).previous, [])
      assert.strictEqual((yield* registrar.ensure(wanted)).information.client_id, second)
      yield* Effect.yieldNow
      assert.deepStrictEqual(events.at(-1), { _tag: "Retired", ...key, clientId: first })
      assert.strictEqual(yield* registrar.retire, 0)
    }).pipe(Effect.scoped, on))

  it.effect("by the next who asks for the key, in the background and once", () =>
    Effect.gen(function*() {
      const { registrar, second, server } = yield* replacedOnce({ retire: { after: "7 days" } })
      yield* TestClock.adjust("7 days")
      yield* Effect.forEach(Array.from({ length: 20 }), () => registrar.ensure(wanted), { concurrency: "unbounded" })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* clientIds(server), [second])
      assert.deepStrictEqual(yield* requestsOf(server), ["POST", "POST", "DELETE"])
    }).pipe(Effect.scoped, on))

  it.effect("one that fails is tried again in an hour, and holds up no other", () =>
    Effect.gen(function*() {
      const { events, first, registrar, second, server } = yield* replacedOnce({ retire: { after: "7 days" } })
      yield* registrar.ensure({ ...renamed("Other"), profile: "tenant-2" })
      yield* TestClock.adjust("1 minute")
      yield* registrar.invalidate(news(second))
      const third = yield* registrar.ensure(wanted)
      yield* TestClock.adjust("7 days")
      yield* server.misbehave("delete-unsupported", { times: 1 })
      assert.strictEqual(yield* registrar.retire, 1)
      assert.notInclude(yield* clientIds(server), second)
      yield* Effect.yieldNow
      assert.include(events.find(({ _tag }) => _tag === "RetirementFailed"), { clientId: first })
      const sent = yield* requestsOf(server)
      yield* registrar.ensure(wanted)
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual(yield* registrar.retire, 0)
      assert.deepStrictEqual(yield* requestsOf(server), sent)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* registrar.retire, 1)
      assert.notInclude(yield* clientIds(server), first)
      assert.include(yield* clientIds(server), third.information.client_id)
    }).pipe(Effect.scoped, on))

  it.effect("a key that cannot be read does not keep the others from it", () =>
    Effect.gen(function*() {
      const { registrar, second, server, store } = yield* replacedOnce({ retire: { after: "7 days" } })
      yield* leaveText(store, "garbage", { ...key, profile: "a" })
      yield* leaveText(store, "garbage", { ...key, profile: "z" })
      yield* TestClock.adjust(Duration.days(7))
      const { reason } = yield* registrar.retire.pipe(failsWith("StoreFailed"))
      assert.strictEqual(reason.problem, "Corrupted")
      assert.deepStrictEqual(yield* clientIds(server), [second])
    }).pipe(Effect.scoped, on))

  it.effect("takes no lease where there is nothing to do", () =>
    Effect.gen(function*() {
      const { store } = yield* replacedOnce({ retire: { after: "7 days" } })
      const leased: Array<string> = []
      const watched = yield* registrarOn(store, { retire: { after: "7 days" } }, {
        acquire: (of, ttl) => Effect.andThen(Effect.sync(() => leased.push(of.profile)), store.acquire(of, ttl))
      })
      yield* watched.ensure({ ...wanted, profile: "other" })
      leased.length = 0
      assert.strictEqual(yield* watched.retire, 0)
      assert.deepStrictEqual(leased, [])
      yield* TestClock.adjust("7 days")
      assert.strictEqual(yield* watched.retire, 1)
      assert.deepStrictEqual(leased, [key.profile])
    }).pipe(Effect.scoped, on))

  it.effect("a client that the server forgot is gone", () =>
    Effect.gen(function*() {
      const { first, registrar, server, store } = yield* replacedOnce({ retire: { after: "7 days" } })
      yield* server.forget(first)
      yield* TestClock.adjust("7 days")
      assert.strictEqual(yield* registrar.retire, 1)
      assert.deepStrictEqual((yield* recordOf(store)).previous, [])
    }).pipe(Effect.scoped, on))
})
