/** The contract of stores, on real servers. */
import { RegistrationStore } from "@effect-dcr/core"
import { afterAll, beforeAll } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { postgres, redis, type StoreServer } from "../support/fleetServers.ts"
import { newPrefix, storeLayer } from "../support/fleetStores.ts"
import { registrationStoreContract } from "../support/registrationStoreContract.ts"

const scope = Scope.makeUnsafe()
const servers = new Map<string, StoreServer>()

beforeAll(() =>
  Effect.runPromise(
    Effect.gen(function*() {
      servers.set("postgres", yield* postgres)
      servers.set("redis", yield* redis)
    }).pipe(Scope.provide(scope))
  )
)

afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

for (const kind of ["postgres", "redis"]) {
  registrationStoreContract(
    kind,
    Effect.sync(() => {
      const place = servers.get(kind)?.place
      if (place === undefined) throw new Error(`no ${kind}`)
      const prefix = newPrefix()
      return {
        open: Effect.map(
          Layer.build(Layer.fresh(storeLayer({ place, prefix, listens: true, maxConnections: 3 }))),
          (context) => Context.get(context, RegistrationStore.RegistrationStore)
        )
      }
    }),
    { reach: "fleet", live: true }
  )
}
