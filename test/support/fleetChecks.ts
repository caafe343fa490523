/** What the processes of a fleet do to each other, and to the servers. Each check judges by itself, and returns its figures. */
import { RegistrationRecord, RegistrationStore } from "@effect-dcr/core"
import { assert } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Stream } from "effect"
import { type Child, startChild } from "./childPrograms.ts"
import { type FleetTask, profileOf, type Provisioned, type Walked, type Watched } from "./fleetChild.ts"
import { startIssuers } from "./fleetIssuers.ts"
import type { StoreServer } from "./fleetServers.ts"
import { newPrefix, storeLayer } from "./fleetStores.ts"
import { seeded } from "./seeded.ts"
import { unchecked } from "./unchecked.ts"

export interface WalkOptions {
  readonly processes: number
  readonly tenants: number
  readonly issuers: number
  readonly seed: number
  /** How many registrations a process asks for at once. */
  readonly concurrency: number
  /** How often a process is killed and another one started in its place. Default: 0. */
  readonly kills?: number
  /** How often the store is stopped and started again. Default: 0. */
  readonly outages?: number
  /** How often a process is stood still for longer than its lease lasts, so that others take what it works on. Default: 0. */
  readonly pauses?: number
  /** The longest time between two of them, in milliseconds. Default: 500. */
  readonly every?: number
}

export interface WalkFigures {
  readonly keys: number
  readonly registrations: number
  readonly orphans: number
  readonly listed: number
  readonly kills: number
  readonly outages: number
  readonly pauses: number
  /** Clients that the one who registered them removed, because somebody else had registered meanwhile. */
  readonly removals: number
  readonly failures: Readonly<Record<string, number>>
  readonly seconds: number
}

/** Processes that all ask for all registrations, everybody in an order of its own. */
export const walk = (store: StoreServer, options: WalkOptions) =>
  Effect.gen(function*() {
    const { concurrency, every = 500, kills = 0, outages = 0, pauses = 0, processes, seed, tenants } = options
    const random = seeded(seed)
    const server = yield* startIssuers({ pause: 2 })
    const issuers = server.issuers(options.issuers)
    const prefix = yield* newPrefix(store.place)
    const keys = tenants * issuers.length
    const task: FleetTask = {
      place: store.place,
      prefix,
      issuers,
      tenants,
      seed,
      concurrency,
      leaseTtl: kills + outages + pauses > 0 ? 1500 : 20_000,
      isTakenAway: outages > 0
    }

    // ------------------------------------------------------------------ run
    const given = new Map<string, Set<string>>()
    const failures: Record<string, number> = {}
    /** Whether it came to its end. */
    const take = (lines: ReadonlyArray<string>): boolean => {
      let isDone = false
      for (const line of lines) {
        // A process that is killed may leave half a line.
        const said = Option.getOrUndefined(Option.liftThrowable((text: string): unknown => JSON.parse(text))(line))
        if (Array.isArray(said)) {
          const [issuer, tenant, clientId] = unchecked<readonly [string, number, string]>(said)
          const name = nameOf(issuer, profileOf(tenant))
          given.set(name, (given.get(name) ?? new Set()).add(clientId))
        } else if (typeof said === "object" && said !== null && "done" in said) {
          isDone = true
          for (const [what, times] of Object.entries(unchecked<Walked>(said).failures)) {
            failures[what] = (failures[what] ?? 0) + times
          }
        }
      }
      return isDone
    }
    const running = new Map<number, Child>()
    const slot = (index: number): Effect.Effect<void> =>
      Effect.gen(function*() {
        const child = yield* startChild("fleetChild.ts", ["walk"])
        yield* child.write(JSON.stringify({ ...task, seed: seed * 1000 + index } satisfies FleetTask))
        assert.strictEqual(yield* child.line, "ready")
        running.set(index, child)
        // The first ones begin together.
        if (running.size === processes) yield* Deferred.succeed(complete, undefined)
        yield* Deferred.await(complete)
        yield* child.write("go")
        yield* child.ended
        running.delete(index)
        return { isDone: take(child.unread()), wasKilled: killed.delete(child.pid), complaints: child.complaints() }
      }).pipe(
        Effect.scoped,
        Effect.flatMap(({ complaints, isDone, wasKilled }) => {
          if (isDone) return Effect.void
          assert.isTrue(wasKilled, `a process ended by itself: ${complaints}`)
          return slot(index)
        })
      )
    const complete = yield* Deferred.make<void>()
    const killed = new Set<number>()
    let killedSoFar = 0
    let stoppedSoFar = 0
    let pausedSoFar = 0
    const standing = new Set<number>()
    const all = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: processes }, (_, index) => index), slot, {
        concurrency: "unbounded",
        discard: true
      })
    )
    yield* Effect.raceFirst(Deferred.await(complete), Fiber.join(all))
    const started = performance.now()
    const isRunning = () => all.pollUnsafe() === undefined
    while (isRunning() && (killedSoFar < kills || stoppedSoFar < outages || pausedSoFar < pauses)) {
      yield* Effect.sleep(random() * every)
      const live = [...running.values()].filter(({ pid }) => !standing.has(pid))
      const child = live[Math.floor(random() * live.length)]
      if (killedSoFar < kills && child !== undefined) {
        killed.add(child.pid)
        killedSoFar++
        yield* child.signal("SIGKILL")
      }
      if (pausedSoFar < pauses && child !== undefined) {
        pausedSoFar++
        standing.add(child.pid)
        yield* child.signal("SIGSTOP")
        yield* Effect.sleep(task.leaseTtl * (1.2 + random())).pipe(
          Effect.andThen(child.signal("SIGCONT")),
          Effect.andThen(Effect.sync(() => standing.delete(child.pid))),
          Effect.forkChild
        )
      }
      if (stoppedSoFar < outages && live.length > 0) {
        stoppedSoFar++
        yield* store.stop
        yield* Effect.sleep(random() * 1000)
        yield* store.start
      }
    }
    yield* Fiber.join(all)
    const seconds = (performance.now() - started) / 1000

    // ------------------------------------------------------------------ look
    const records = yield* allRecords(store, prefix)
    assert.strictEqual(records.size, keys)
    for (const [name, record] of records) {
      const clientId = record.current?.information.client_id
      assert.isDefined(clientId, `${name} has no registration`)
      assert.isUndefined(record.intent, `${name} is not settled`)
      assert.deepStrictEqual([...(given.get(name) ?? [])], [clientId], `everybody was given the same of ${name}`)
    }
    const clients = yield* server.clients
    const kept = new Set([...records.values()].map(({ current }) => current?.information.client_id))
    const orphans = clients.filter(([, clientId]) => !kept.has(clientId))
    assert.strictEqual(clients.length, keys + orphans.length, "nothing that was kept is missing at the server")
    const orphansOf = new Map<string, number>()
    for (const [name] of orphans) orphansOf.set(name, (orphansOf.get(name) ?? 0) + 1)
    for (const [name, count] of orphansOf) {
      assert.isAtLeast(records.get(name)?.possibleOrphans.length ?? 0, count, `each orphan of ${name} is listed`)
    }
    if (outages === 0) assert.isAtMost(orphans.length, killedSoFar * concurrency)
    // Who stands still in the middle of a statement has waited for its answer for too long when it goes on.
    if (outages + pauses === 0) assert.deepStrictEqual(failures, {})
    // What a store that is away, or seems to be, lets fail is said to be so.
    for (const what of Object.keys(failures)) {
      assert.match(what, /^StoreFailed (Unavailable|ReadOnly|Conflict|LeaseLost)$/)
    }
    const { posts, removals } = yield* server.count
    // Who lost the lease while the store was away took its own client back.
    assert.isAtLeast(posts, clients.length)
    assert.isAtMost(posts, clients.length + removals)
    const listed = [...records.values()].reduce((sum, { possibleOrphans }) => sum + possibleOrphans.length, 0)
    return {
      keys,
      registrations: clients.length,
      orphans: orphans.length,
      listed,
      kills: killedSoFar,
      outages: stoppedSoFar,
      pauses: pausedSoFar,
      removals,
      failures,
      seconds
    } satisfies WalkFigures
  }).pipe(Effect.scoped)

const nameOf = (issuer: string, profile: string) => `${issuer} ${profile}`

/** The record of each key, by the name that its client has. */
const allRecords = (store: StoreServer, prefix: string) =>
  Effect.gen(function*() {
    const kept = yield* RegistrationStore.RegistrationStore
    const records = new Map<string, RegistrationRecord.RegistrationRecord>()
    yield* Stream.runForEach(kept.keys, (key) =>
      Effect.gen(function*() {
        const { value } = yield* Effect.flatMap(kept.load(key), Effect.fromOption)
        records.set(nameOf(key.issuer, key.profile), yield* RegistrationRecord.decode(value, key))
      }))
    return records
  }).pipe(Effect.provide(storeLayer({ place: store.place, prefix })), Effect.orDie)

export interface RotationOptions {
  readonly processes: number
  /** The bound that is stated, in milliseconds. */
  readonly maxAge: number
  /** Whether the processes hear of changes. */
  readonly listens: boolean
  /** How often one of them rotates the secret. */
  readonly rotations: number
  /** The shortest time from one to the next, in milliseconds; the longest is half as long again. */
  readonly every: number
  readonly seed: number
}

/**
 * One process rotates the secret of a client again and again, and all use it all the time: how long somebody used an old one after
 * the rotation was done, in milliseconds. No secret expires, so that nothing but the news and the age of copies ends its use.
 */
export const rotate = (store: StoreServer, options: RotationOptions) =>
  Effect.gen(function*() {
    const { every, listens, maxAge, processes, rotations, seed } = options
    const random = seeded(seed)
    const server = yield* startIssuers({ rotateSecret: "update" })
    const task: FleetTask = {
      place: store.place,
      prefix: yield* newPrefix(store.place),
      issuers: server.issuers(1),
      tenants: 1,
      seed,
      concurrency: 1,
      leaseTtl: 10_000,
      maxAge,
      listens
    }
    const children = yield* Effect.forEach(Array.from({ length: processes }), () =>
      Effect.gen(function*() {
        const child = yield* startChild("fleetChild.ts", ["watch"])
        yield* child.write(JSON.stringify(task))
        assert.strictEqual(yield* child.line, "ready")
        return child
      }))
    for (const child of children) yield* child.write("go")
    for (const { line } of children) assert.strictEqual(yield* line, "using")
    // At no time that the ages of the copies would keep in step with.
    const pause = Effect.suspend(() => Effect.sleep(every * (1 + random() / 2)))
    for (let round = 0; round < rotations; round++) {
      yield* pause
      yield* Effect.forEach(children.slice(0, 1), (first) => first.write("rotate"))
    }
    yield* pause
    for (const child of children) yield* child.write("end")
    const [rotator, ...others] = yield* Effect.forEach(
      children,
      ({ line }) => Effect.map(line, (text) => unchecked<Watched>(JSON.parse(text)))
    )
    assert.isDefined(rotator)
    assert.strictEqual(rotator.rotations.length, rotations)
    const late = rotator.rotations.flatMap(({ at, next, old }) => {
      assert.notStrictEqual(next, old)
      assert.isAtMost(rotator.used[old]?.last ?? 0, at, "who rotated it does not use the old one")
      return others.map(({ used }) => {
        assert.isAbove(used[old]?.uses ?? 0, 0, "everybody had used the old one")
        assert.isAbove(used[next]?.uses ?? 0, 0, "everybody used the new one")
        return Math.max(0, (used[old]?.last ?? 0) - at)
      })
    })
    const uses = [rotator, ...others].flatMap(({ used }) => Object.values(used)).reduce(
      (sum, each) => sum + each.uses,
      0
    )
    return { rotations, longest: Math.max(...late), uses }
  }).pipe(Effect.scoped)

export interface BulkOptions {
  readonly tenants: number
  /** How many issuers are well. One more limits its rate, one more is down. */
  readonly issuers: number
  readonly concurrency: number
  /** What the one takes in a window, in milliseconds. */
  readonly rateLimit: { readonly limit: number; readonly window: number }
  readonly seed: number
}

/** Provisions all tenants at all issuers, and again after it was killed half-way. */
export const provision = (store: StoreServer, options: BulkOptions) =>
  Effect.gen(function*() {
    const { concurrency, rateLimit, seed, tenants } = options
    const well = yield* startIssuers()
    const limited = yield* startIssuers({ rateLimit })
    const gone = yield* Effect.scoped(Effect.map(startIssuers(), ({ issuers }) => issuers(1)))
    const wellIssuers = well.issuers(options.issuers)
    const [limitedIssuer = ""] = limited.issuers(1)
    const start = (task: Pick<FleetTask, "prefix" | "issuers" | "tenants">) =>
      Effect.gen(function*() {
        const child = yield* startChild("fleetChild.ts", ["bulk"])
        const common = { place: store.place, seed, concurrency, leaseTtl: 1500 }
        yield* child.write(JSON.stringify({ ...common, ...task } satisfies FleetTask))
        assert.strictEqual(yield* child.line, "ready")
        yield* child.write("go")
        return child
      })
    const given = new Map<string, Set<string>>()
    const take = (lines: ReadonlyArray<string>) => {
      let last: Provisioned | undefined
      for (const line of lines) {
        const said = Option.getOrUndefined(Option.liftThrowable((text: string): unknown => JSON.parse(text))(line))
        if (Array.isArray(said)) {
          const [issuer, profile, clientId] = unchecked<readonly [string, string, string]>(said)
          const name = nameOf(issuer, profile)
          given.set(name, (given.get(name) ?? new Set()).add(clientId))
        } else if (said !== undefined) last = unchecked<Provisioned>(said)
      }
      return last
    }
    /** When the last one of those who are well was done, in seconds. */
    const wellDone = ({ ends }: Provisioned) =>
      Math.max(...wellIssuers.map((issuer) => ends[issuer] ?? Infinity)) / 1000

    // ------------------------------------------------------------------ alone
    const alone = yield* Effect.scoped(Effect.gen(function*() {
      const others = yield* startIssuers()
      const issuers = others.issuers(options.issuers)
      const child = yield* start({ prefix: yield* newPrefix(store.place), issuers, tenants: Math.ceil(tenants / 2) })
      yield* child.ended
      const last = take(child.unread())
      assert.isDefined(last, child.complaints())
      given.clear()
      return last.summary.ensured / (Math.max(...Object.values(last.ends)) / 1000)
    }))

    // ------------------------------------------------------------------ beside those that are not well
    const prefix = yield* newPrefix(store.place)
    const issuers = [...wellIssuers, limitedIssuer, ...gone]
    const task = { prefix, issuers, tenants }
    const half = (tenants * issuers.length) / 2
    yield* Effect.scoped(Effect.gen(function*() {
      const child = yield* start(task)
      while (child.unread().length < half) yield* Effect.sleep(5)
      yield* child.signal("SIGKILL")
      yield* child.ended
      take(child.unread())
    }))
    const beforeKill = given.size
    const registeredBefore = (yield* well.clients).length
    const second = yield* start(task)
    yield* second.ended
    const last = take(second.unread())
    assert.isDefined(last, second.complaints())
    const { ends, heap, summary } = last

    const wellClients = yield* well.clients
    const clients = [...wellClients, ...yield* limited.clients]
    const records = yield* allRecords(store, prefix)
    const kept = new Set([...records.values()].map(({ current }) => current?.information.client_id))
    const orphans = clients.filter(([, clientId]) => !kept.has(clientId))
    const listed = [...records.values()].reduce((sum, { possibleOrphans }) => sum + possibleOrphans.length, 0)
    const expected = tenants * (options.issuers + 1)
    assert.strictEqual(summary.ensured, expected)
    assert.strictEqual(summary.failed + summary.postponed, tenants, "the one that is down")
    assert.isAtMost(summary.failed, 5)
    assert.strictEqual(clients.length - orphans.length, expected)
    assert.isAtMost(orphans.length, Math.min(listed, concurrency))
    for (const [name, ids] of given) assert.strictEqual(ids.size, 1, `${name} was registered twice`)
    const { posts } = yield* limited.count
    return {
      beforeKill,
      registered: expected,
      orphans: orphans.length,
      postponed: summary.postponed,
      failed: summary.failed,
      /** Registrations per second at those that are well: by themselves, and beside the two that are not. */
      alone,
      beside: (wellClients.length - registeredBefore) / wellDone(last),
      othersDone: wellDone(last),
      limitedDone: (ends[limitedIssuer] ?? 0) / 1000,
      limitedPosts: posts,
      heap
    }
  }).pipe(Effect.scoped)
