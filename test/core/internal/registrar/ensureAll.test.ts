import { RegisteredClient, Registrar, RegistrationError, RegistrationStore } from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Option, Stream } from "effect"
import { ensureAll } from "../../../../packages/core/src/internal/registrar/ensureAll.ts"
import { metadata, passingTime, registrarOn, requestsOf, storeFailed } from "../../../support/registrars.ts"
import { seeded } from "../../../support/seeded.ts"

const issuerOf = (index: number) => `https://op-${index}.example.com`

const wantedOf = (issuer: string, tenant: number): Registrar.Wanted => ({
  server: issuer,
  profile: `tenant-${tenant}`,
  metadata
})

const clientOf = ({ profile, server }: Registrar.Wanted) =>
  new RegisteredClient.RegisteredClient({
    issuer: typeof server === "string" ? server : server.issuer,
    requested: metadata,
    filledIn: [],
    warnings: [],
    information: { client_id: profile },
    extensions: {},
    deviations: []
  })

const limited = (seconds: number) =>
  new RegistrationError.RegistrationError({
    reason: { _tag: "RateLimited", status: 429, retryAfter: Duration.seconds(seconds) }
  })

const away = new RegistrationError.RegistrationError({
  reason: { _tag: "Transport", sent: false, message: "connect ECONNREFUSED" }
})

const refused = new RegistrationError.RegistrationError({
  reason: { _tag: "InvalidMetadata", violations: [] }
})

/** A bulk on a registrar of the test's, which finds nothing unless it says so. */
const bulk = (
  ensure: (
    wanted: Registrar.Wanted
  ) => Effect.Effect<RegisteredClient.RegisteredClient, RegistrationError.RegistrationError>,
  find: typeof ensure | (() => Effect.Effect<undefined>) = () => Effect.succeed(undefined)
) => ensureAll({ ensure, find })

/** Runs a bulk on an `ensure` of the test's, and says when what was asked and what came of it. */
const run = (
  all: Iterable<Registrar.Wanted>,
  ensure: (issuer: string, profile: string, now: number) => Effect.Effect<void, RegistrationError.RegistrationError>,
  options?: Registrar.EnsureAllOptions,
  step: Duration.Input = "100 millis"
) =>
  Effect.gen(function*() {
    const asked: Array<{ readonly issuer: string; readonly profile: string; readonly at: number }> = []
    const running = new Map<string, number>()
    let most = 0
    const mostOf = new Map<string, number>()
    const outcomes: Array<Registrar.Ensured & { readonly at: number }> = []
    const stream = bulk((wanted) =>
      Effect.gen(function*() {
        const issuer = typeof wanted.server === "string" ? wanted.server : wanted.server.issuer
        const at = yield* Clock.currentTimeMillis
        asked.push({ issuer, profile: wanted.profile, at })
        running.set(issuer, (running.get(issuer) ?? 0) + 1)
        mostOf.set(issuer, Math.max(mostOf.get(issuer) ?? 0, running.get(issuer) ?? 0))
        most = Math.max(most, [...running.values()].reduce((sum, each) => sum + each, 0))
        yield* Effect.ensuring(
          ensure(issuer, wanted.profile, at),
          Effect.sync(() => running.set(issuer, (running.get(issuer) ?? 0) - 1))
        )
        return clientOf(wanted)
      })
    )(Stream.fromIterable(all), options)
    yield* passingTime(
      Stream.runForEach(stream, (outcome) =>
        Effect.map(Clock.currentTimeMillis, (at) => outcomes.push({ ...outcome, at }))),
      step
    )
    const tags = (issuer: string) =>
      outcomes.filter((each) => each.issuer === issuer).map(({ _tag }) => _tag)
    const end = (issuer: string) => Math.max(...outcomes.filter((each) => each.issuer === issuer).map(({ at }) => at))
    return { asked, outcomes, most, mostOf, tags, end }
  })

const many = (issuers: number, tenants: number) =>
  Array.from(
    { length: tenants },
    (_, tenant) => Array.from({ length: issuers }, (_, issuer) => wantedOf(issuerOf(issuer), tenant))
  ).flat()

describe("Registrar.ensureAll", () => {
  it.effect("asks for as many at once as it may, of one issuer and of all", () =>
    Effect.gen(function*() {
      const { most, mostOf, outcomes } = yield* run(many(5, 20), () => Effect.sleep("1 second"), {
        concurrency: 10,
        concurrencyPerIssuer: 3
      }, "1 second")
      assert.strictEqual(outcomes.length, 100)
      assert.strictEqual(most, 10)
      assert.deepStrictEqual([...mostOf.values()].map((each) => each <= 3), [true, true, true, true, true])
      const { most: alone } = yield* run(
        many(1, 20),
        () => Effect.sleep("1 second"),
        { concurrencyPerIssuer: 3 },
        "1 second"
      )
      assert.strictEqual(alone, 3)
    }))

  it.effect("an issuer that wants none for now is waited for, and the others are not held up", () =>
    Effect.gen(function*() {
      let left = 2
      const { asked, end, tags } = yield* run(many(3, 10), (issuer, _, now) => {
        if (issuer !== issuerOf(0)) return Effect.sleep("100 millis")
        if (now < 30_000 && left-- <= 0) return Effect.fail(limited((30_000 - now) / 1000))
        return Effect.void
      }, { concurrency: 8 })
      assert.deepStrictEqual(tags(issuerOf(0)), Array.from({ length: 10 }, () => "Ensured"))
      assert.isAtMost(end(issuerOf(1)), 1500)
      assert.isAtMost(end(issuerOf(2)), 1500)
      // Those that were on their way when it said so, and nobody else until then.
      const early = asked.filter(({ at, issuer }) => issuer === issuerOf(0) && at < 30_000)
      assert.isAtMost(early.length, 6)
      assert.isAtLeast(end(issuerOf(0)), 30_000)
    }))

  it.effect("an issuer that asks for a longer wait is left for another time", () =>
    Effect.gen(function*() {
      const { asked, end, outcomes, tags } = yield* run(
        many(2, 20),
        (issuer) => issuer === issuerOf(0) ? Effect.fail(limited(3600)) : Effect.sleep("100 millis"),
        { maxWait: "1 minute" }
      )
      assert.deepStrictEqual(tags(issuerOf(0)), Array.from({ length: 20 }, () => "Postponed"))
      assert.deepStrictEqual(tags(issuerOf(1)), Array.from({ length: 20 }, () => "Ensured"))
      assert.isAtMost(asked.filter(({ issuer }) => issuer === issuerOf(0)).length, 4)
      assert.isAtMost(end(issuerOf(0)), 1000)
      const [first] = outcomes.filter(({ _tag }) => _tag === "Postponed")
      assert.isTrue(first?._tag === "Postponed" && first.error.reason._tag === "RateLimited")
    }))

  it.effect("an issuer that is down is tried, tried again, and left for another time", () =>
    Effect.gen(function*() {
      const { asked, end, tags } = yield* run(
        many(2, 200),
        (issuer) => issuer === issuerOf(0) ? Effect.fail(away) : Effect.sleep("100 millis"),
        { giveUpAfter: 5 }
      )
      const of = tags(issuerOf(0))
      assert.strictEqual(of.length, 200)
      assert.isTrue(of.every((tag) => tag === "Postponed" || tag === "Failed"))
      assert.isAtMost(of.filter((tag) => tag === "Failed").length, 1)
      assert.isAtMost(asked.filter(({ issuer }) => issuer === issuerOf(0)).length, 9)
      // 200 in fours, each a tenth of a second, and what the steps of the clock add.
      assert.isAtMost(end(issuerOf(1)), 12_000)
    }))

  it.effect("what a server refuses says nothing of the next one", () =>
    Effect.gen(function*() {
      const { tags } = yield* run(
        many(1, 30),
        (_, profile) => profile === "tenant-29" ? Effect.void : Effect.fail(refused),
        { giveUpAfter: 3 }
      )
      assert.deepStrictEqual(tags(issuerOf(0)), [...Array.from({ length: 29 }, () => "Failed"), "Ensured"])
    }))

  it.effect("a failure that passes is tried again, a registration of unknown outcome is not", () =>
    Effect.gen(function*() {
      const times = new Map<string, number>()
      const unknown = new RegistrationError.RegistrationError({
        reason: { _tag: "OutcomeUnknown", why: "Deadline", message: "no answer" }
      })
      const { tags } = yield* run(many(3, 1), (issuer) => {
        const time = (times.get(issuer) ?? 0) + 1
        times.set(issuer, time)
        if (issuer === issuerOf(0)) return time < 3 ? Effect.fail(storeFailed("Unavailable")) : Effect.void
        if (issuer === issuerOf(1)) return Effect.fail(unknown)
        return Effect.fail(away)
      })
      assert.deepStrictEqual([tags(issuerOf(0)), tags(issuerOf(1)), tags(issuerOf(2))], [
        ["Ensured"],
        ["Failed"],
        ["Failed"]
      ])
      assert.deepStrictEqual([...times.values()], [3, 1, 3])
    }))

  it.effect("what waits is bounded: the rest is handed back, and nobody else is held up", () =>
    Effect.gen(function*() {
      const blocked = Array.from({ length: 500 }, (_, tenant) => wantedOf(issuerOf(0), tenant))
      const free = Array.from({ length: 50 }, (_, tenant) => wantedOf(issuerOf(1), tenant))
      const { end, tags } = yield* run(
        [...blocked, ...free],
        (issuer, _, now) =>
          issuer === issuerOf(0) && now < 20_000 ? Effect.fail(limited((20_000 - now) / 1000)) : Effect.void,
        { capacity: 100, concurrency: 8 }
      )
      assert.deepStrictEqual(tags(issuerOf(1)), Array.from({ length: 50 }, () => "Ensured"))
      assert.isAtMost(end(issuerOf(1)), 2000)
      const of = tags(issuerOf(0))
      assert.strictEqual(of.length, 500)
      assert.isAtLeast(of.filter((tag) => tag === "Ensured").length, 90)
      assert.isAtMost(of.filter((tag) => tag === "Ensured").length, 110)
    }))

  it.effect("reads no further ahead than it needs, and no faster than its reader", () =>
    Effect.gen(function*() {
      let read = 0
      const endless = Stream.fromEffectRepeat(Effect.sync(() => wantedOf(issuerOf(0), read++)))
      const taken = yield* bulk((wanted) => Effect.succeed(clientOf(wanted)))(endless, {
        concurrency: 4
      }).pipe(Stream.take(10), Stream.runCollect)
      assert.strictEqual(Array.from(taken).length, 10)
      assert.isAtMost(read, 60)
    }))

  it.effect("fails with the stream that it is given", () =>
    Effect.gen(function*() {
      const broken = Stream.concat(Stream.make(wantedOf(issuerOf(0), 1)), Stream.fail("no more" as const))
      const failure = yield* bulk((wanted) => Effect.succeed(clientOf(wanted)))(broken).pipe(
        Stream.runDrain,
        Effect.flip
      )
      assert.strictEqual(failure, "no more")
    }))

  it.effect("of nothing is nothing", () =>
    Effect.gen(function*() {
      const summary = yield* Registrar.summarize(
        bulk((wanted) => Effect.succeed(clientOf(wanted)))(Stream.empty)
      )
      assert.deepStrictEqual(summary, { ensured: 0, failed: 0, postponed: 0, reasons: {} })
    }))

  it.effect("registers each once, obeys a Retry-After for all who share the store, and counts", () =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      const store = yield* RegistrationStore.makeMemory
      const [one, other] = [yield* registrarOn(store), yield* registrarOn(store)]
      const all = Stream.fromIterable(Array.from({ length: 30 }, (_, tenant) => wantedOf(issuerOf(0), tenant)))
      const both = yield* passingTime(
        Effect.all([Registrar.summarize(one.ensureAll(all)), Registrar.summarize(other.ensureAll(all))], {
          concurrency: 2
        })
      )
      for (const summary of both) assert.deepStrictEqual(summary, { ensured: 30, failed: 0, postponed: 0, reasons: {} })
      assert.strictEqual((yield* server.clients).length, 30)
      const posts = (yield* requestsOf(server)).filter((method) => method === "POST").length
      // Each time the issuer said that it wanted none, to at most as many as were asking.
      assert.isBelow(posts, 30 + 4 * 8)
      assert.isAbove(posts, 30)
    }).pipe(Effect.provide(TestAuthorizationServer.layer({ rateLimit: { limit: 10, window: "20 seconds" } }))))

  it.effect("begun again after it was broken off, it registers nobody twice", () =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      const store = yield* RegistrationStore.makeMemory
      const registrar = yield* registrarOn(store)
      const all = Stream.fromIterable(many(3, 10))
      yield* registrar.ensureAll(all).pipe(Stream.take(11), Stream.runDrain)
      const fiber = yield* Effect.forkChild(Stream.runDrain(registrar.ensureAll(all)), { startImmediately: true })
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      const summary = yield* passingTime(Registrar.summarize(registrar.ensureAll(all)))
      assert.strictEqual(summary.ensured, 30)
      assert.strictEqual((yield* server.clients).length, 30)
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("who has a registration is told so whatever is the matter with the issuer, and does not wait for it", () =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      const store = yield* RegistrationStore.makeMemory
      const registrar = yield* registrarOn(store)
      const all = Array.from({ length: 60 }, (_, tenant) => wantedOf(issuerOf(0), tenant))
      const [found, missing] = [all.slice(20), all.slice(0, 20)]
      yield* Registrar.summarize(registrar.ensureAll(Stream.fromIterable(found)))
      const sent = (yield* server.requests).length
      // Of those who wait when it is found out, as many are found as of those who come later.
      for (
        const [why, refuse] of [
          ["limited", () => Effect.fail(limited(3600))],
          ["down", () => Effect.fail(away)]
        ] as const
      ) {
        const outcomes = yield* ensureAll({
          ensure: (wanted: Registrar.Wanted) =>
            Effect.flatMap(
              registrar.get({ issuer: issuerOf(0), profile: wanted.profile }),
              Option.match({ onNone: refuse, onSome: Effect.succeed })
            ),
          find: (wanted) =>
            Effect.map(registrar.get({ issuer: issuerOf(0), profile: wanted.profile }), Option.getOrUndefined)
        })(Stream.fromIterable([...missing, ...found]), { giveUpAfter: 2, attempts: 1 }).pipe(
          Stream.runCollect,
          passingTime
        )
        const ensured = Array.from(outcomes).filter(({ _tag }) => _tag === "Ensured")
        assert.strictEqual(ensured.length, found.length, why)
      }
      // The same of the registrar itself, with an issuer that wants none for longer than is waited for.
      yield* store.postpone(issuerOf(0), 3_600_000)
      const summary = yield* passingTime(
        Registrar.summarize(registrar.ensureAll(Stream.fromIterable([...missing, ...found]), { maxWait: "1 minute" }))
      )
      assert.deepStrictEqual(summary, { ensured: 40, failed: 0, postponed: 20, reasons: { RateLimited: 20 } })
      assert.strictEqual((yield* server.requests).length, sent)
    }).pipe(Effect.provide(TestAuthorizationServer.layer())))

  it.effect("what is kept and cannot be read has failed, and a store that is away is not asked for each", () =>
    Effect.gen(function*() {
      let asked = 0
      const outcomesOf = (failure: RegistrationError.RegistrationError) =>
        bulk(() => Effect.fail(limited(3600)), () =>
          Effect.suspend(() => {
            asked++
            return Effect.fail(failure)
          }))(Stream.fromIterable(many(1, 50)), { maxWait: "1 minute" }).pipe(
            Stream.runCollect,
            passingTime,
            Effect.map((outcomes) => Array.from(outcomes).map(({ _tag }) => _tag))
          )
      const unreadable = yield* outcomesOf(storeFailed("Corrupted"))
      assert.isAtLeast(unreadable.filter((tag) => tag === "Failed").length, 40)
      asked = 0
      assert.deepStrictEqual(
        yield* outcomesOf(storeFailed("Unavailable")),
        Array.from({ length: 50 }, () => "Postponed")
      )
      // By the one who admits, and by the one who hands back.
      assert.isAtMost(asked, 2)
    }))

  it.live("as many issuers as tenants cost no more for each of them, and are not remembered", () =>
    Effect.gen(function*() {
      const secondsFor = (count: number) =>
        Effect.gen(function*() {
          const began = performance.now()
          const each = Stream.map(Stream.range(1, count), (index) => wantedOf(issuerOf(index), 0))
          yield* Stream.runDrain(bulk((wanted) => Effect.as(Effect.yieldNow, clientOf(wanted)))(each))
          return performance.now() - began
        })
      yield* secondsFor(500)
      const few = yield* secondsFor(1000)
      // In a square of their number it would be a hundred times as long.
      assert.isBelow(yield* secondsFor(10_000), 40 * few)
    }))

  it.effect("tells of each once, and ends, whatever happens", () =>
    Effect.gen(function*() {
      for (let seed = 1; seed <= 20; seed++) {
        const random = seeded(seed)
        const below = (count: number) => Math.floor(random() * count)
        const [issuers, tenants] = [1 + below(12), 1 + below(15)]
        const options = {
          concurrency: 1 + below(8),
          concurrencyPerIssuer: 1 + below(4),
          capacity: 1 + below(40),
          maxWait: below(20_000),
          attempts: 1 + below(4),
          giveUpAfter: 1 + below(6)
        }
        const weight = random()
        const fates = [() => limited(below(30)), () => away, () => refused, () => storeFailed("Unavailable")]
        const known = new Set<string>()
        const all = many(issuers, tenants).sort(() => random() - 0.5)
        let [running, most] = [0, 0]
        const nameOf = (wanted: Registrar.Wanted) => `${clientOf(wanted).issuer} ${wanted.profile}`
        const outcomes = yield* ensureAll({
          ensure: (wanted: Registrar.Wanted) =>
            Effect.gen(function*() {
              most = Math.max(most, ++running)
              yield* Effect.ensuring(Effect.sleep(below(3000)), Effect.sync(() => running--))
              const fate = random() < weight ? fates[below(fates.length)] : undefined
              if (fate !== undefined) return yield* fate()
              known.add(nameOf(wanted))
              return clientOf(wanted)
            }),
          find: (wanted) =>
            Effect.delay(Effect.sync(() => known.has(nameOf(wanted)) ? clientOf(wanted) : undefined), below(50))
        })(Stream.fromIterable(all), options).pipe(Stream.runCollect, passingTime)
        const told = Array.from(outcomes, ({ issuer, profile }) => `${issuer} ${profile}`)
        assert.deepStrictEqual(told.sort(), all.map(nameOf).sort(), `seed ${seed}`)
        assert.isAtMost(most, options.concurrency)
      }
    }))
})
