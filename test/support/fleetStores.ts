/** The stores for fleets, on a server whose place is told as JSON. */
import * as RedisRegistrationStore from "@effect-dcr/core/RedisRegistrationStore"
import type * as RegistrationStore from "@effect-dcr/core/RegistrationStore"
import * as SqlRegistrationStore from "@effect-dcr/core/SqlRegistrationStore"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as PgClient from "@effect/sql-pg/PgClient"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import type { Place } from "./fleetServers.ts"

export interface StoreOptions {
  readonly place: Place
  readonly prefix: string
  readonly timeout?: Duration.Input
  /** Whether the store tells what changed: on PostgreSQL only then. */
  readonly listens?: boolean
  readonly maxConnections?: number
}

/** A prefix of its own for each test: they share a server. Somebody else's is left as it was. */
export const newPrefix = (place: Place): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => `t${randomBytes(6).toString("hex")}_`),
    (prefix) => "url" in place ? Effect.ignore(Effect.timeout(clear(place, prefix), "10 seconds")) : Effect.void
  )

const clear = (place: Place, prefix: string): Effect.Effect<void, unknown> =>
  place.kind === "postgres"
    ? Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      const tables = yield* sql<{ name: string }>`SELECT tablename AS name FROM pg_tables
        WHERE starts_with(tablename, ${prefix})`
      for (const { name } of tables) yield* sql`DROP TABLE ${sql(name)}`
    }).pipe(Effect.provide(pgLayer(place, 1), { local: true }))
    : Effect.gen(function*() {
      const redis = yield* Redis.Redis
      let cursor = "0"
      do {
        const [next, keys] = yield* redis.send<readonly [string, ReadonlyArray<string>]>(
          "SCAN",
          cursor,
          "MATCH",
          `${prefix}*`,
          "COUNT",
          "1000"
        )
        if (keys.length > 0) yield* redis.send("UNLINK", ...keys)
        cursor = next
      } while (cursor !== "0")
    }).pipe(Effect.provide(redisLayer(place), { local: true }))

export const pgOptions = (place: Extract<Place, { kind: "postgres" }>) => ({
  connectTimeout: "2 seconds" as const,
  ...("url" in place
    ? { url: Redacted.make(place.url) }
    : { path: place.path, database: place.database, username: place.username })
})

export const pgLayer = (place: Extract<Place, { kind: "postgres" }>, maxConnections = 8) =>
  PgClient.layer({ ...pgOptions(place), maxConnections })

export const redisOptions = (place: Extract<Place, { kind: "redis" }>) =>
  "url" in place ? { url: place.url } : { socket: { path: place.path, tls: false as const } }

export const redisLayer = (place: Extract<Place, { kind: "redis" }>) => NodeRedis.layer(redisOptions(place))

/** The store, with its changes. What its server cannot do at the beginning is a defect. */
export const storeLayer = (options: StoreOptions): Layer.Layer<RegistrationStore.RegistrationStore> => {
  const { listens = false, maxConnections, place, prefix, timeout } = options
  if (place.kind === "redis") {
    return RedisRegistrationStore.layer({ prefix, timeout }).pipe(Layer.provide(redisLayer(place)), Layer.orDie)
  }
  return Layer.unwrap(
    Effect.map(
      PgClient.PgClient,
      (client) => SqlRegistrationStore.layer({ prefix, timeout, ...(listens ? { listen: client.listen } : undefined) })
    )
  ).pipe(
    Layer.provide(pgLayer(place, maxConnections)),
    Layer.orDie
  )
}
