/**
 * Reads from a store, and asks a registrar that finds what it is asked for. Its argument is the side; what the store is told
 * comes as a message, because it may hold a password. It answers with its figures, in microseconds for each.
 */
import { Registrar, RegistrationStore } from "@effect-dcr/core"
import * as CachedRegistrationStore from "@effect-dcr/core/CachedRegistrationStore"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { NodeRegistrationStore } from "@effect-dcr/platform-node"
import { Effect, Layer, Option } from "effect"
import type { Place } from "../test/support/fleetServers.ts"
import { newPrefix, storeLayer } from "../test/support/fleetStores.ts"

export interface StoreJob {
  /** Where the server is, or the folder for files. */
  readonly place: Place | { readonly kind: "files"; readonly directory: string } | { readonly kind: "memory" }
  readonly isCached: boolean
  readonly total: number
}

const tenants = 200

const layerOf = ({ isCached, place }: StoreJob) => {
  const store = place.kind === "memory"
    ? RegistrationStore.layerMemory
    : place.kind === "files"
    ? Layer.orDie(NodeRegistrationStore.layer({ directory: place.directory }))
    : Layer.unwrap(Effect.map(newPrefix(place), (prefix) => storeLayer({ place, prefix })))
  return isCached
    ? CachedRegistrationStore.layer({ maxAge: "1 hour" }).pipe(Layer.provide(store), Layer.orDie)
    : store
}

const wantedOf = (tenant: number): Registrar.Wanted => ({
  server: "https://op.example.com",
  profile: `tenant-${tenant}`,
  metadata: { redirect_uris: ["https://app.example.com/cb"], client_name: "A tenant" }
})

const measured = <E, R>(one: (tenant: number) => Effect.Effect<unknown, E, R>, total: number, inFlight: number) =>
  Effect.gen(function*() {
    const all = Array.from({ length: total }, (_, index) => index % tenants)
    const run = (numbers: ReadonlyArray<number>) =>
      Effect.forEach(numbers, one, { concurrency: inFlight, discard: true })
    yield* run(all.slice(0, Math.max(tenants, total / 4)))
    const cpu = process.cpuUsage()
    const wall = performance.now()
    yield* run(all)
    const used = process.cpuUsage(cpu)
    return { wall: (performance.now() - wall) * 1000 / total, cpu: (used.user + used.system) / total }
  })

const measure = ({ total }: StoreJob) =>
  Effect.gen(function*() {
    const store = yield* RegistrationStore.RegistrationStore
    const registrar = yield* Registrar.Registrar
    for (let tenant = 0; tenant < tenants; tenant++) yield* registrar.ensure(wantedOf(tenant))
    const figures: Record<string, number> = {}
    for (const inFlight of [1, 16]) {
      const load = yield* measured(
        (tenant) => {
          const key = { issuer: "https://op.example.com", profile: `tenant-${tenant}` }
          return Effect.flatMap(store.load(key), Effect.fromOption)
        },
        total,
        inFlight
      )
      const ensure = yield* measured((tenant) => registrar.ensure(wantedOf(tenant)), total, inFlight)
      figures[`${inFlight} load wall`] = load.wall
      figures[`${inFlight} load cpu`] = load.cpu
      figures[`${inFlight} ensure wall`] = ensure.wall
      figures[`${inFlight} ensure cpu`] = ensure.cpu
    }
    const entry = yield* store.load({ issuer: "https://op.example.com", profile: "tenant-0" })
    figures["bytes"] = Option.match(entry, { onNone: () => 0, onSome: ({ value }) => value.length })
    return figures
  })

process.once("message", (job: StoreJob) => {
  const store = layerOf(job)
  const registrar = Registrar.layer().pipe(
    Layer.provide(TestAuthorizationServer.layer()),
    Layer.provideMerge(store)
  )
  void Effect.runPromise(measure(job).pipe(Effect.provide(registrar))).then((figures) =>
    process.send?.(figures, () => process.exit(0))
  )
})
