import { RegistrationStore } from "@effect-dcr/core"
import { Effect, Layer } from "effect"
import { KeyValueStore } from "effect/persistence"
import { registrationStoreContract } from "../support/registrationStoreContract.ts"

registrationStoreContract(
  "memory",
  Effect.map(RegistrationStore.makeMemory, (store) => ({ open: Effect.succeed(store) })),
  { reach: "process" }
)

registrationStoreContract(
  "KeyValueStore",
  RegistrationStore.makeKeyValueStore.pipe(
    Effect.map((store) => ({ open: Effect.succeed(store) })),
    Effect.provide(Layer.fresh(KeyValueStore.layerMemory))
  ),
  { reach: "process" }
)
