/** The contract of stores, on real servers. */
import { RegistrationStore } from "@effect-dcr/core"
import { Context, Effect, Layer } from "effect"
import { postgres, redis } from "../support/fleetServers.ts"
import { newPrefix, storeLayer } from "../support/fleetStores.ts"
import { serverFor } from "../support/fleetSuite.ts"
import { registrationStoreContract } from "../support/registrationStoreContract.ts"

for (const [kind, server] of Object.entries({ postgres, redis })) {
  const store = serverFor(server)
  registrationStoreContract(
    kind,
    Effect.gen(function*() {
      const { place } = store()
      const prefix = yield* newPrefix(place)
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
