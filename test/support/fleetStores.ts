/** The stores for fleets, on a server whose place is told as JSON. */
import * as RedisRegistrationStore from "@effect-dcr/core/RedisRegistrationStore"
import type * as RegistrationStore from "@effect-dcr/core/RegistrationStore"
import * as SqlRegistrationStore from "@effect-dcr/core/SqlRegistrationStore"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as PgClient from "@effect/sql-pg/PgClient"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
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

/** A prefix of its own for each test: they share a server. */
export const newPrefix = () => `t${randomBytes(6).toString("hex")}_`

export const pgOptions = (place: Extract<Place, { kind: "postgres" }>) => ({
  connectTimeout: "2 seconds" as const,
  ...("url" in place
    ? { url: Redacted.make(place.url) }
    : { path: place.path, database: place.database, username: place.username })
})

export const pgLayer = (place: Extract<Place, { kind: "postgres" }>, maxConnections = 8) =>
  PgClient.layer({ ...pgOptions(place), maxConnections })

export const redisLayer = (place: Extract<Place, { kind: "redis" }>) =>
  NodeRedis.layer("url" in place ? { url: place.url } : { socket: { path: place.path, tls: false } })

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
