/**
 * A model of what may go wrong around a registrar: processes that crash, stand still and share a store that fails, a server that
 * misbehaves and connections that break, clocks that jump, and callers who ask, invalidate, remove and forget at once. A
 * scenario is plain data; running it judges what must hold whatever happens, and counts what did.
 */
import {
  type RegisteredClient,
  Registrar,
  type RegistrationError,
  type RegistrationRecord,
  RegistrationStore
} from "@effect-dcr/core"
import type * as Misbehaviour from "@effect-dcr/core/testing/Misbehaviour"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert } from "@effect/vitest"
import { Cause, Effect, Exit, Option, Redacted, Scope, Stream } from "effect"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { passingTime, recordOf, storeFailed } from "./registrars.ts"
import { seeded } from "./seeded.ts"

type Store = RegistrationStore.RegistrationStore["Service"]

// -----------------------------------------------------------------------------
// scenarios
// -----------------------------------------------------------------------------

const keys: ReadonlyArray<RegistrationStore.Key> = ["https://one.example.com", "https://two.example.com"].flatMap(
  (issuer) => ["alpha", "beta"].map((profile) => ({ issuer, profile }))
)

const processes = 3

/** Misbehaviours of one answer, after each of which somebody may have to find out what the server has. */
const misbehaviours = [
  "connection-refused",
  "reset-before-processing",
  "reset-after-processing",
  "never-answers-before-processing",
  "never-answers-after-processing",
  "server-error",
  "unavailable",
  "rate-limited",
  "not-found",
  "forbidden",
  "unauthorized-bare-bearer",
  "invalid-client-metadata",
  "redirect",
  "not-json",
  "no-client-id",
  "other-client-id",
  "status-200",
  "no-echo",
  "secret-expiry-past",
  "no-registration-access-token",
  "no-registration-client-uri",
  "rotates-token",
  "rotates-secret",
  "lost-rotation",
  "delete-unsupported"
] as const satisfies ReadonlyArray<Misbehaviour.MisbehaviourId>

const operations = ["register", "read", "update", "remove"] as const

type Operation = (typeof operations)[number]

type MisbehaviourId = (typeof misbehaviours)[number]

type Action =
  | { readonly do: "ensure"; readonly process: number; readonly key: number; readonly variant: number }
  | {
    readonly do: "invalidate" | "forget" | "remove" | "rotate" | "read"
    readonly process: number
    readonly key: number
  }
  | { readonly do: "retire" | "list" | "crash" | "pause" | "resume" | "stall"; readonly process: number }
  | {
    readonly do: "misbehave"
    readonly id: MisbehaviourId
    readonly on: Operation | undefined
    readonly after: number
  }
  | { readonly do: "serverForgets" | "secretExpires"; readonly key: number }
  | { readonly do: "jump"; readonly seconds: number }
  | { readonly do: "pass"; readonly millis: number }

export interface Scenario {
  readonly seed: number
  readonly server: TestAuthorizationServer.Options
  readonly retire: boolean
  /** How often an operation of the store fails, out of a thousand. */
  readonly storeFaults: number
  readonly actions: ReadonlyArray<Action>
}

const process = fc.nat(processes - 1)
// Most of what can go wrong takes two who want the same.
const key = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(keys.length - 1) })
const variant = fc.nat(2)
const actionOn = <Do extends string>(...names: ReadonlyArray<Do>) =>
  fc.record({ do: fc.constantFrom(...names), process, key })
const pass = fc.record({
  do: fc.constant("pass" as const),
  millis: fc.oneof(fc.nat(200), fc.integer({ min: 2000, max: 12_000 }), fc.nat(3_600_000))
})

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant("ensure" as const), process, key, variant }) },
  { weight: 8, arbitrary: pass },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("misbehave" as const),
      id: fc.constantFrom(...misbehaviours),
      on: fc.constantFrom(undefined, ...operations),
      after: fc.constantFrom(0, 0, 1)
    })
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom("crash" as const, "pause" as const, "resume" as const, "stall" as const, "stall" as const),
      process
    })
  },
  { weight: 3, arbitrary: actionOn("invalidate") },
  { weight: 2, arbitrary: actionOn("remove", "forget", "rotate", "read") },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("retire" as const, "list" as const), process }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("serverForgets" as const, "secretExpires" as const), key })
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("jump" as const), seconds: fc.integer({ min: -7200, max: 7200 }) })
  }
)

const rotation = fc.constantFrom(undefined, "update" as const, "read-and-update" as const)

/** Scenarios of up to so many actions. */
export const scenario = (actions: number): fc.Arbitrary<Scenario> =>
  fc.record({
    seed: fc.nat(),
    server: fc.record({
      rotateToken: rotation,
      rotateSecret: rotation,
      secretLifetime: fc.constantFrom(0, "10 minutes" as const, "2 hours" as const),
      management: fc.constantFrom(true, true, true, false)
    }),
    retire: fc.boolean(),
    storeFaults: fc.constantFrom(0, 0, 20, 100),
    actions: fc.array(action, { minLength: 1, maxLength: actions, size: "max" })
  })

// -----------------------------------------------------------------------------
// running one
// -----------------------------------------------------------------------------

/** What a scenario brought about. */
export interface Figures {
  readonly actions: number
  readonly crashes: number
  readonly returned: number
  readonly failed: number
  readonly requests: number
  readonly registered: number
  readonly orphans: number
  readonly listed: number
  /** Registrations that another one took the place of. */
  readonly previous: number
  readonly storeFaults: number
  readonly jumps: number
}

/** A process: what it has begun goes on for ever once it is dead, and nothing of it gets through. */
interface Process {
  readonly registrar: Registrar.Registrar["Service"]
  readonly scope: Scope.Closeable
  readonly life: Life
}

interface Life {
  /** Clients that it asked the server about, and that it has not written anything about since, by key. */
  readonly unwritten: Map<string, string>
  isDead: boolean
  isPaused: boolean
}

/** Something that a process was told to do. */
interface Task {
  readonly process: Process
  readonly key: number | undefined
  readonly isDemand: boolean
  readonly what: string
  isOver: boolean
}

const metadataOf = (of: number, variant: number) => ({
  redirect_uris: ["https://app.example.com/cb"],
  // By this the server's clients tell whose they are.
  client_name: `${keys[of]?.profile} ${variant}`,
  ...(variant === 1 ? { contacts: ["a@example.com"] } : undefined),
  ...(variant === 2 ? { tos_uri: "https://app.example.com/tos" } : undefined)
})

const compared = ["redirect_uris", "client_name", "contacts", "tos_uri"] as const

const keyAt = (of: number): RegistrationStore.Key => keys[of] ?? assert.fail(`no key ${of}`)

const idOf = ({ information }: RegisteredClient.RegisteredClient) => information.client_id

const secretsOf = ({ information }: RegisteredClient.RegisteredClient) =>
  [information.client_secret, information.registration_access_token]
    .flatMap((secret) => secret === undefined ? [] : [Redacted.value(secret)])

export const run = (scenario: Scenario): Effect.Effect<Figures> =>
  Effect.provide(
    Effect.scoped(Effect.gen(function*() {
      const random = seeded(scenario.seed)
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      const http = yield* HttpClient.HttpClient
      const memory = yield* RegistrationStore.makeMemory
      const leaseTtl = "3 seconds"
      let step = 0
      let faultsOn = true
      const count = { crashes: 0, returned: 0, failed: 0, storeFaults: 0, jumps: 0, misbehaved: 0, pauses: 0 }
      const tasks: Array<Task> = []

      const records = new Map<string, RegistrationRecord.RegistrationRecord>()
      /** What is kept of a key. */
      const recordAt = (key: RegistrationStore.Key) =>
        Effect.gen(function*() {
          const { value } = Option.getOrElse(yield* memory.load(key), () => ({ value: "" }))
          const name = `${RegistrationStore.encodeKey(key)} ${value}`
          const known = records.get(name)
          if (known !== undefined) return known
          const record = yield* recordOf(memory, key)
          records.set(name, record)
          return record
        }).pipe(Effect.orDie)

      // What the server ever gave, and to whom.
      const issued = new Map<string, { readonly issuer: string; readonly clientId: string }>()
      const clientsSeen = new Set<string>()
      /** Clients of which a record need not know any more: they were there when somebody wanted the key forgotten. */
      const forgiven = new Set<string>()
      /** Those that somebody said do not work: a 401 at their deletion says that they are gone. */
      const invalidated = new Set<string>()
      const deleted = new Set<string>()
      /** Clients that the server may have changed without anybody keeping what it said. */
      const lost = new Set<string>()
      const remember = Effect.map(server.clients, (clients) => {
        for (const { clientId, issuer, registrationAccessToken, secret } of clients) {
          clientsSeen.add(clientId)
          for (const each of [registrationAccessToken, secret]) {
            if (each !== undefined) issued.set(Redacted.value(each), { issuer, clientId })
          }
        }
      })

      // -----------------------------------------------------------------------
      // processes
      // -----------------------------------------------------------------------

      const alive = (life: Life): Effect.Effect<void> =>
        Effect.suspend(() =>
          life.isDead
            ? Effect.never
            : life.isPaused
            ? Effect.andThen(Effect.sleep("1 second"), alive(life))
            : Effect.void
        )
      const someTime = Effect.suspend(() => {
        const drawn = random()
        return drawn < 0.7 ? Effect.void : Effect.sleep(drawn < 0.85 ? 20 : drawn < 0.95 ? 900 : 5000)
      })
      const through = <A, E, R>(life: Life, effect: Effect.Effect<A, E, R>) =>
        Effect.andThen(
          alive(life),
          Effect.onExit(Effect.andThen(someTime, effect), () => Effect.andThen(someTime, alive(life)))
        )
      const storeOf = (life: Life): Store => {
        const shaky = <A>(
          effect: Effect.Effect<A, RegistrationError.RegistrationError>,
          problems: ReadonlyArray<"Unavailable" | "Full">
        ): Effect.Effect<A, RegistrationError.RegistrationError> =>
          through(
            life,
            Effect.suspend(() => {
              if (!faultsOn || random() * 1000 >= scenario.storeFaults) return effect
              count.storeFaults += 1
              const problem = problems[Math.floor(random() * problems.length)] ?? "Unavailable"
              // What fails may have had its effect.
              return random() < 0.5 || problem === "Full"
                ? Effect.fail(storeFailed(problem))
                : Effect.andThen(effect, Effect.fail(storeFailed(problem)))
            })
          )
        return {
          reach: memory.reach,
          load: (key) => shaky(memory.load(key), ["Unavailable"]),
          save: (lease, value, expected) =>
            shaky(
              Effect.tap(
                memory.save(lease, value, expected),
                () => Effect.sync(() => life.unwritten.delete(RegistrationStore.encodeKey(lease.key)))
              ),
              ["Unavailable", "Full"]
            ),
          remove: (...args) => shaky(memory.remove(...args), ["Unavailable"]),
          keys: memory.keys,
          acquire: (...args) => shaky(memory.acquire(...args), ["Unavailable"]),
          renew: (...args) => shaky(memory.renew(...args), ["Unavailable"]),
          release: (...args) => shaky(memory.release(...args), ["Unavailable"]),
          notBefore: (issuer) => shaky(memory.notBefore(issuer), ["Unavailable"]),
          postpone: (...args) => shaky(memory.postpone(...args), ["Unavailable"])
        }
      }
      const httpOf = (life: Life) =>
        HttpClient.transform(http, (effect, request) =>
          through(
            life,
            Effect.gen(function*() {
              yield* judgeRequest(request.method, request.url, request.headers["authorization"])
              const clientId = decodeURIComponent(request.url.split("/").at(-1) ?? "")
              for (const key of keys) {
                const { current } = yield* recordAt(key)
                if (current !== undefined && idOf(current) === clientId) {
                  life.unwritten.set(RegistrationStore.encodeKey(key), clientId)
                }
              }
              return yield* Effect.onExit(effect, (exit) =>
                Effect.andThen(
                  remember,
                  Effect.sync(() => {
                    if (Exit.isFailure(exit)) lost.add(clientId)
                  })
                ))
            })
          ))
      const start = Effect.gen(function*() {
        const scope = yield* Scope.make()
        const life: Life = { isDead: false, isPaused: false, unwritten: new Map() }
        const registrar = yield* Registrar.make({
          leaseTtl,
          renewBefore: "1 hour",
          backoff: "1 minute",
          ...(scenario.retire ? { retire: { after: "10 minutes" } } : undefined)
        }).pipe(
          Effect.provideService(RegistrationStore.RegistrationStore, storeOf(life)),
          Effect.provideService(HttpClient.HttpClient, httpOf(life)),
          Scope.provide(scope)
        )
        return { registrar, scope, life }
      })
      const running: Array<Process> = []
      for (let index = 0; index < processes; index++) running.push(yield* start)

      // -----------------------------------------------------------------------
      // what must hold
      // -----------------------------------------------------------------------

      const violations: Array<string> = []
      const broken = (what: string) => violations.push(`step ${step}: ${what}`)

      const judgeRequest = (method: string, url: string, authorization: string | undefined) =>
        Effect.gen(function*() {
          const token = authorization?.split(" ")[1]
          if (token !== undefined) {
            const owner = issued.get(token)
            if (owner === undefined) broken(`a token that no server gave was sent to ${url}`)
            else if (!url.startsWith(`${owner.issuer}/`) || !url.endsWith(`/${encodeURIComponent(owner.clientId)}`)) {
              broken(`a token of ${owner.clientId} of ${owner.issuer} was sent to ${url}`)
            }
          }
          if (method !== "DELETE") return
          const clientId = decodeURIComponent(url.split("/").at(-1) ?? "")
          deleted.add(clientId)
          for (const [of, key] of keys.entries()) {
            const { current } = yield* recordAt(key)
            if (current !== undefined && idOf(current) === clientId && !isDemanded(of)) {
              broken(`the current client ${clientId} is deleted and nobody wanted that`)
            }
          }
        })

      /** What each key had to keep: clients that somebody was given. */
      const given = keys.map(() => new Set<string>())
      /** When somebody last wanted a key forgotten or removed. */
      const demandedAt = keys.map(() => -1)
      const isDemanded = (of: number) =>
        tasks.some((task) => task.key === of && task.isDemand && !task.isOver && !task.process.life.isDead)
      const forgive = Effect.fnUntraced(function*(of: number) {
        const key = keyAt(of)
        given[of]?.clear()
        demandedAt[of] = ++step
        for (const { clientId, issuer, metadata } of yield* server.clients) {
          if (issuer === key.issuer && String(metadata["client_name"]).startsWith(`${key.profile} `)) {
            forgiven.add(clientId)
          }
        }
      })
      const judgeReturned = (of: number, client: RegisteredClient.RegisteredClient, startedAt: number) => {
        const key = keyAt(of)
        count.returned += 1
        if (client.issuer !== key.issuer) broken(`${key.issuer} was given a client of ${client.issuer}`)
        for (const secret of secretsOf(client)) {
          const owner = issued.get(secret)
          if (owner?.issuer !== key.issuer || owner.clientId !== idOf(client)) {
            broken(`a secret was returned that ${key.issuer} never gave to ${idOf(client)}`)
          }
        }
        if (startedAt > (demandedAt[of] ?? 0) && !isDemanded(of)) given[of]?.add(idOf(client))
      }
      const judgeRecords = Effect.gen(function*() {
        for (const [of, key] of keys.entries()) {
          const { current, previous } = yield* recordAt(key)
          const kept = [...(current === undefined ? [] : [current]), ...previous.map(({ client }) => client)].map(idOf)
          if (new Set(kept).size < kept.length) broken(`a client is kept twice: ${kept.join(" ")}`)
          for (const id of given[of] ?? []) {
            if (!kept.includes(id) && !(scenario.retire && deleted.has(id))) {
              broken(`${id} of ${key.issuer} ${key.profile} was returned, and is not kept any more`)
            }
          }
        }
      })

      // -----------------------------------------------------------------------
      // actions
      // -----------------------------------------------------------------------

      const at = (index: number): Process => running[index] ?? assert.fail(`no process ${index}`)

      const begin = <A>(
        what: string,
        process: Process,
        key: number | undefined,
        effect: Effect.Effect<A, RegistrationError.RegistrationError>,
        onSuccess: (value: A, startedAt: number) => void = () => {},
        isDemand = false
      ) =>
        Effect.gen(function*() {
          const startedAt = ++step
          if (isDemand && key !== undefined) yield* forgive(key)
          const task: Task = { what, process, key, isDemand, isOver: false }
          tasks.push(task)
          yield* Effect.forkDetach(
            Effect.onExit(effect, (exit) =>
              Effect.gen(function*() {
                if (process.life.isDead) return
                task.isOver = true
                if (Exit.isSuccess(exit)) onSuccess(exit.value, startedAt)
                else {
                  count.failed += 1
                  if (Cause.hasDies(exit.cause)) broken(`a defect: ${Cause.pretty(exit.cause)}`)
                }
                if (isDemand && key !== undefined) yield* forgive(key)
              })),
            { startImmediately: true }
          )
        })

      const jump = (seconds: number) =>
        Effect.flatMap(
          Effect.clockWith((clock) => clock.currentTimeMillis),
          (now) => TestClock.setTime(now + seconds * 1000)
        )

      const perform = Effect.fnUntraced(function*(action: Action) {
        switch (action.do) {
          case "ensure": {
            const { key: of, variant } = action
            const process = at(action.process)
            return yield* begin(
              action.do,
              process,
              of,
              process.registrar.ensure({
                server: keyAt(of).issuer,
                profile: keyAt(of).profile,
                metadata: metadataOf(of, variant)
              }),
              (client, startedAt) => judgeReturned(of, client, startedAt)
            )
          }
          case "invalidate": {
            const { registrar } = at(action.process)
            const key = keyAt(action.key)
            const { current } = yield* recordAt(key)
            const clientId = current === undefined ? "nobody" : idOf(current)
            invalidated.add(clientId)
            return yield* begin(
              action.do,
              at(action.process),
              action.key,
              registrar.invalidate({ ...key, clientId, reason: "invalid_client" })
            )
          }
          case "forget":
          case "remove": {
            const { registrar } = at(action.process)
            return yield* begin(
              action.do,
              at(action.process),
              action.key,
              registrar[action.do](keyAt(action.key)),
              undefined,
              true
            )
          }
          case "rotate":
          case "read": {
            const { registrar } = at(action.process)
            return yield* begin<unknown>(
              action.do,
              at(action.process),
              action.key,
              registrar[action.do](keyAt(action.key))
            )
          }
          case "retire":
            return yield* begin(action.do, at(action.process), undefined, at(action.process).registrar.retire)
          case "list":
            return yield* begin(
              action.do,
              at(action.process),
              undefined,
              Stream.runCollect(at(action.process).registrar.list)
            )
          case "crash": {
            at(action.process).life.isDead = true
            for (const clientId of at(action.process).life.unwritten.values()) lost.add(clientId)
            count.crashes += 1
            for (const task of tasks) {
              if (task.process.life.isDead && task.isDemand && !task.isOver && task.key !== undefined) {
                task.isOver = true
                yield* forgive(task.key)
              }
            }
            running[action.process] = yield* start
            return
          }
          case "pause":
            count.pauses += 1
            at(action.process).life.isPaused = true
            return
          case "stall": {
            const { life } = at(action.process)
            life.isPaused = true
            count.pauses += 1
            yield* Effect.forkDetach(
              Effect.andThen(
                Effect.sleep("6 seconds"),
                Effect.sync(() => {
                  life.isPaused = false
                })
              ),
              { startImmediately: true }
            )
            return
          }
          case "resume":
            at(action.process).life.isPaused = false
            return
          case "misbehave":
            count.misbehaved += 1
            // What a server answers to a registration in the name of another client, nobody can find out.
            if (action.id === "other-client-id" && action.on === "register") return
            return yield* server.misbehave(action.id, {
              times: 1,
              after: action.after,
              ...(action.on === undefined ? undefined : { on: action.on })
            })
          case "serverForgets":
          case "secretExpires": {
            const { current } = yield* recordAt(keyAt(action.key))
            if (current === undefined) return
            lost.add(idOf(current))
            return yield* action.do === "serverForgets"
              ? server.forget(idOf(current))
              : server.expireSecret(idOf(current))
          }
          case "jump":
            count.jumps += 1
            return yield* jump(action.seconds)
          case "pass":
            return yield* TestClock.adjust(action.millis)
        }
      })

      yield* TestClock.setTime(1_800_000_000_000)
      for (const action of scenario.actions) {
        yield* perform(action)
        yield* TestClock.adjust(Math.floor(random() * 300))
        yield* judgeRecords
      }

      // -----------------------------------------------------------------------
      // and then all is well again
      // -----------------------------------------------------------------------

      faultsOn = false
      yield* server.behave
      for (const process of running) process.life.isPaused = false
      const isBusy = () => tasks.some((task) => !task.isOver && !task.process.life.isDead)
      // After a jump back who sleeps by this clock sleeps that much longer.
      for (let round = 0; round < 1000 && isBusy(); round++) {
        yield* TestClock.adjust(round < 200 ? "1 second" : "1 minute")
      }
      for (const { isOver, key, process, what } of tasks) {
        if (!isOver && !process.life.isDead) broken(`${what} of key ${key} waits for ever`)
      }
      yield* judgeRecords
      assert.deepStrictEqual(violations, [])

      /** Asks until there is a client that works at the server, as applications do. */
      const recover = Effect.fnUntraced(function*(of: number, process: Process) {
        const key = keyAt(of)
        const metadata = metadataOf(of, of % 3)
        const ask = process.registrar.ensure({ server: key.issuer, profile: key.profile, metadata })
        let client: RegisteredClient.RegisteredClient | undefined
        for (let attempt = 0; attempt < 20; attempt++) {
          step += 1
          const outcome = yield* passingTime(Effect.result(ask))
          if (outcome._tag === "Failure") {
            yield* TestClock.adjust("1 day")
            continue
          }
          client = outcome.success
          judgeReturned(of, client, step)
          const found = (yield* server.clients).find(({ clientId }) => clientId === idOf(outcome.success))
          const secret = client.information.client_secret
          const isUsable = found !== undefined &&
            (secret === undefined ? "" : Redacted.value(secret)) ===
              (found.secret === undefined ? "" : Redacted.value(found.secret))
          if (isUsable) {
            for (const name of compared) {
              assert.deepStrictEqual(
                found.metadata[name],
                new Map(Object.entries(metadata)).get(name),
                `${name} at the server is what is asked`
              )
            }
            return
          }
          // The server forgot it, or a rotation was lost: the token endpoint says so.
          const clientId = idOf(client)
          const wasAnsweredOddly = (yield* server.requests).some(({ misbehaviours, url }) =>
            misbehaviours.length > 0 && url.endsWith(`/${encodeURIComponent(clientId)}`)
          )
          if (scenario.storeFaults === 0 && !lost.has(clientId) && !wasAnsweredOddly) {
            broken(`${clientId} does not work although every answer about it arrived`)
          }
          invalidated.add(clientId)
          yield* passingTime(
            Effect.ignore(process.registrar.invalidate({ ...key, clientId: idOf(client), reason: "invalid_client" }))
          )
          yield* TestClock.adjust("2 minutes")
        }
        broken(`there is no usable client for ${key.issuer} ${key.profile}`)
      })

      for (const of of keys.keys()) {
        yield* recover(of, yield* start)
      }
      // What is deleted in the background is given the time that it takes.
      yield* TestClock.adjust("1 minute")
      yield* judgeRecords
      let orphans = 0
      let listed = 0
      let previous = 0
      for (const key of keys) {
        const record = yield* recordAt(key)
        const kept = new Set([
          ...(record.current === undefined ? [] : [idOf(record.current)]),
          ...record.previous.map(({ client }) => idOf(client))
        ])
        // Who was told of a deletion that it was done, or that there was none, need not know better. A 401 says so of a client
        // that does not work, and of one whose token went with an answer that could not be believed.
        const managed = (yield* server.requests).map(({ method, misbehaviours, status, url }) => ({
          clientId: decodeURIComponent(url.split("/").at(-1) ?? ""),
          isOdd: misbehaviours.length > 0,
          isRemoval: method === "DELETE",
          status
        }))
        const odd = new Set(managed.filter(({ isOdd }) => isOdd).map(({ clientId }) => clientId))
        const saidToBeGone = managed.flatMap(({ clientId, isOdd, isRemoval, status }) =>
          isRemoval && (isOdd || (status === 401 && (invalidated.has(clientId) || odd.has(clientId)))) ? [clientId] : []
        )
        const unknown = (yield* server.clients).filter(({ clientId, issuer, metadata }) =>
          !saidToBeGone.includes(clientId) &&
          issuer === key.issuer && String(metadata["client_name"]).startsWith(`${key.profile} `) &&
          !kept.has(clientId) && !forgiven.has(clientId)
        )
        if (unknown.length > record.possibleOrphans.length) {
          broken(
            `${unknown.length} clients of ${key.issuer} ${key.profile} are known to nobody, ` +
              `and ${record.possibleOrphans.length} are listed`
          )
        }
        if (record.intent !== undefined) broken(`an intent is left: ${record.intent.kind}`)
        orphans += unknown.length
        listed += record.possibleOrphans.length
        previous += record.previous.length
      }
      if (listed > count.crashes + count.pauses + count.storeFaults + count.misbehaved) {
        broken(`${listed} orphans are listed`)
      }

      for (const process of running) {
        if (!process.life.isDead) yield* passingTime(Scope.close(process.scope, Exit.void))
      }
      assert.deepStrictEqual(violations, [])
      return {
        actions: scenario.actions.length,
        crashes: count.crashes,
        returned: count.returned,
        failed: count.failed,
        requests: (yield* server.requests).length,
        registered: clientsSeen.size,
        orphans,
        listed,
        previous,
        storeFaults: count.storeFaults,
        jumps: count.jumps
      }
    })),
    TestAuthorizationServer.layer(scenario.server)
  )

/** The same scenarios on every run, unless somebody asks for others. */
export const seed = Number(globalThis.process.env["MODEL_SEED"] ?? 7592)

/**
 * Runs many scenarios, and adds up what they brought about. Throws with the first one that breaks a promise; with
 * `MODEL_SHRINK=1` with the smallest, which takes a while to find.
 */
export const checkRegistrar = async (
  { actions, scenarios, seed }: { readonly scenarios: number; readonly actions: number; readonly seed: number }
): Promise<Figures> => {
  const sum: { -readonly [Name in keyof Figures]: number } = { ...nothingYet }
  await fc.assert(
    fc.asyncProperty(scenario(actions), async (each) => {
      const figures = await Effect.runPromise(Effect.provide(run(each), TestClock.layer()))
      for (const name of namesOf(figures)) sum[name] += figures[name]
    }),
    { seed, numRuns: scenarios, endOnFailure: globalThis.process.env["MODEL_SHRINK"] === undefined }
  )
  return sum
}

const nothingYet: Figures = {
  actions: 0,
  crashes: 0,
  returned: 0,
  failed: 0,
  requests: 0,
  registered: 0,
  orphans: 0,
  listed: 0,
  previous: 0,
  storeFaults: 0,
  jumps: 0
}

const namesOf = (figures: Figures) => Object.keys(figures).filter((name): name is keyof Figures => name in nothingYet)
