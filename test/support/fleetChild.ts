/**
 * A process of a fleet. Its first line on standard input says what it does, as JSON, so that nothing of it is in an argument;
 * the second one lets it begin.
 *
 * ```
 * node fleetChild.ts walk     "ready"; a line of JSON for each registration that it was given; at last the failures on the way
 * node fleetChild.ts watch    "ready"; "using"; asks for one registration on and on; "rotate": rotates its secret; "end": which it used when
 * node fleetChild.ts bulk     "ready"; provisions all of them by `ensureAll`; a line of JSON for each outcome
 * ```
 *
 * It imports module by module, because many of it are started.
 */
import * as AuthorizationServer from "@effect-dcr/core/AuthorizationServer"
import * as CachedRegistrationStore from "@effect-dcr/core/CachedRegistrationStore"
import * as Registrar from "@effect-dcr/core/Registrar"
import { RegistrationChanges } from "@effect-dcr/core/RegistrationChanges"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as NodeRegistration from "@effect-dcr/platform-node/NodeRegistration"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { flushCompileCache } from "node:module"
import { createInterface } from "node:readline"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import type { Place } from "./fleetServers.ts"
import { storeLayer } from "./fleetStores.ts"
import { seeded } from "./seeded.ts"
import { unchecked } from "./unchecked.ts"

export interface FleetTask {
  readonly place: Place
  readonly prefix: string
  readonly issuers: ReadonlyArray<string>
  readonly tenants: number
  readonly seed: number
  /** How many registrations it asks for at once. */
  readonly concurrency: number
  /** In milliseconds. */
  readonly leaseTtl: number
  /** Whether the store is stopped meanwhile. Default: `false`. */
  readonly isTakenAway?: boolean
  /** The bound of age of a cache in front of the store, in milliseconds. Default: no cache. */
  readonly maxAge?: number
  /** Whether the cache hears of changes. Default: `true`. */
  readonly listens?: boolean
}

/** What one who walked says at the end. */
export interface Walked {
  readonly done: true
  readonly failures: Readonly<Record<string, number>>
}

/** What one who provisions says at the end. Times are in milliseconds since it began. */
export interface Provisioned {
  readonly done: true
  readonly summary: Registrar.EnsureAllSummary
  /** When the last one of each issuer was done. */
  readonly ends: Readonly<Record<string, number>>
  /** The heap in megabytes, after a collection, at the end of each tenth of the outcomes. */
  readonly heap: ReadonlyArray<number>
}

/** What one who watched says at the end. Secrets are named by their digests, times are milliseconds since the epoch. */
export interface Watched {
  readonly used: Readonly<Record<string, { readonly first: number; readonly last: number; readonly uses: number }>>
  /** What it rotated itself, and when that was done. */
  readonly rotations: ReadonlyArray<{ readonly old: string; readonly next: string; readonly at: number }>
}

export const profileOf = (tenant: number) => `tenant-${tenant}`

/** The name says whose client it is, so that the server's clients tell. */
export const wantedOf = (server: Registrar.Wanted["server"], tenant: number): Registrar.Wanted => {
  const issuer = typeof server === "string" ? server : server.issuer
  return {
    server,
    profile: profileOf(tenant),
    metadata: { redirect_uris: ["https://app.example.com/cb"], client_name: `${issuer} ${profileOf(tenant)}` }
  }
}

export const describe = ({ reason }: RegistrationError) =>
  reason._tag === "StoreFailed" ? `${reason._tag} ${reason.problem}` : reason._tag

export const registrarLayer = (task: FleetTask) => {
  const store = storeLayer({
    place: task.place,
    prefix: task.prefix,
    // That a machine is busy is no reason to take the store for away.
    timeout: task.isTakenAway === true ? "3 seconds" : "1 minute",
    listens: task.listens ?? true
  })
  return Registrar.layer({ leaseTtl: task.leaseTtl }).pipe(
    Layer.provide([
      task.maxAge === undefined
        ? store
        : CachedRegistrationStore.layer({ maxAge: task.maxAge }).pipe(
          // A store of Redis always tells; whoever does not hear it has none of it.
          Layer.provide(task.listens === false ? Layer.succeed(RegistrationChanges, Stream.never) : Layer.empty),
          Layer.provide(store),
          Layer.orDie
        ),
      NodeRegistration.layer
    ])
  )
}

const walk = (task: FleetTask) =>
  Effect.gen(function*() {
    const registrar = yield* Registrar.Registrar
    const random = seeded(task.seed)
    const servers = yield* Effect.forEach(task.issuers, (issuer) => AuthorizationServer.discover(issuer))
    const keys = servers.flatMap((server) => Array.from({ length: task.tenants }, (_, tenant) => ({ server, tenant })))
    // Everybody in an order of its own.
    for (let index = keys.length - 1; index > 0; index--) {
      const other = Math.floor(random() * (index + 1))
      const [one, two] = [keys[index], keys[other]]
      if (one !== undefined && two !== undefined) {
        keys[index] = two
        keys[other] = one
      }
    }
    const failures: Record<string, number> = {}
    const ask = (wanted: Registrar.Wanted): Effect.Effect<string> =>
      registrar.ensure(wanted).pipe(
        Effect.map(({ information }) => information.client_id),
        Effect.catch((error) => {
          failures[describe(error)] = (failures[describe(error)] ?? 0) + 1
          return Effect.andThen(Effect.sleep(50 + random() * 150), Effect.suspend(() => ask(wanted)))
        })
      )
    yield* Effect.forEach(keys, ({ server, tenant }) =>
      Effect.flatMap(ask(wantedOf(server, tenant)), (clientId) =>
        Console.log(JSON.stringify([server.issuer, tenant, clientId]))), {
      concurrency: task.concurrency,
      discard: true
    })
    yield* Console.log(JSON.stringify({ done: true, failures } satisfies Walked))
  })

const watch = (task: FleetTask, lines: AsyncIterator<string>) =>
  Effect.gen(function*() {
    const registrar = yield* Registrar.Registrar
    const used: Record<string, { first: number; last: number; uses: number }> = {}
    const rotations: Array<Watched["rotations"][number]> = []
    const issuer = task.issuers[0] ?? ""
    const use = Effect.map(registrar.ensure(wantedOf(issuer, 0)), ({ information }) => {
      const now = Date.now()
      const secret = information.client_secret === undefined ? "" : Redacted.value(information.client_secret)
      const digest = createHash("sha256").update(secret).digest("base64url")
      const known = used[digest] ?? { first: now, last: now, uses: 0 }
      used[digest] = { ...known, last: now, uses: known.uses + 1 }
      return digest
    })
    yield* use
    yield* Console.log("using")
    const obey = Effect.gen(function*() {
      while ((yield* Effect.promise(() => lines.next())).value === "rotate") {
        const old = yield* use
        yield* registrar.rotate({ issuer, profile: profileOf(0) })
        const at = Date.now()
        rotations.push({ old, next: yield* use, at })
      }
    })
    yield* Effect.raceFirst(obey, Effect.forever(Effect.andThen(use, Effect.sleep(5))))
    yield* Console.log(JSON.stringify({ used, rotations } satisfies Watched))
  })

const provision = (task: FleetTask) =>
  Effect.gen(function*() {
    const registrar = yield* Registrar.Registrar
    setFlagsFromString("--expose-gc")
    const collect = unchecked<() => void>(runInNewContext("gc"))
    const all = Stream.range(0, task.issuers.length * task.tenants - 1).pipe(
      Stream.map((index) => {
        const issuer = task.issuers[index % task.issuers.length] ?? ""
        return wantedOf(
          { issuer, registration_endpoint: `${issuer}/register` },
          Math.floor(index / task.issuers.length)
        )
      })
    )
    const started = performance.now()
    const ends: Record<string, number> = {}
    const heap: Array<number> = []
    const tenth = Math.ceil(task.issuers.length * task.tenants / 10)
    let count = 0
    const summary = yield* registrar.ensureAll(all, { concurrency: task.concurrency, giveUpAfter: 5 }).pipe(
      Stream.tap((outcome) =>
        Effect.sync(() => {
          ends[outcome.issuer] = performance.now() - started
          if (outcome._tag === "Ensured") {
            console.log(JSON.stringify([outcome.issuer, outcome.profile, outcome.client.information.client_id]))
          }
          if (++count % tenth === 0) {
            collect()
            heap.push(process.memoryUsage().heapUsed / 1_000_000)
          }
        })
      ),
      Registrar.summarize
    )
    yield* Console.log(JSON.stringify({ done: true, summary, ends, heap } satisfies Provisioned))
  })

if (import.meta.main) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const task = unchecked<FleetTask>(JSON.parse(String((await lines.next()).value)))
  const begin = Effect.promise(() => {
    // A child that is killed would not leave behind what it compiled.
    flushCompileCache()
    console.log("ready")
    return lines.next()
  })
  const programs = { walk: () => walk(task), watch: () => watch(task, lines), bulk: () => provision(task) }
  const program = programs[unchecked<keyof typeof programs>(process.argv[2])]
  await Effect.runPromise(
    Effect.andThen(begin, Effect.suspend(program)).pipe(
      // What is said to the one who started it goes to the standard output, and nothing else.
      Effect.provide([registrarLayer(task), NodeRegistration.layer]),
      Effect.provide(Logger.layer([Logger.withConsoleError(Logger.formatSimple)]))
    )
  )
  // What was said is on its way still.
  process.stdout.write("", () => process.exit())
}
