/** The contract of stores, in a page: IndexedDB in the clear, and encrypted. */
import { RegistrationStore } from "@effect-dcr/core"
import { BrowserRegistrationStore } from "@effect-dcr/platform-browser"
import { Context, Effect, Layer } from "effect"
import { registrationStoreContract } from "../../support/registrationStoreContract.ts"

/** A database that is new, and gone afterwards. */
const database = Effect.acquireRelease(
  Effect.sync(() => `contract-${crypto.randomUUID()}`),
  (name) => Effect.sync(() => indexedDB.deleteDatabase(name))
)

registrationStoreContract(
  "IndexedDB",
  Effect.map(database, (database) => ({ open: BrowserRegistrationStore.make({ database }) })),
  { reach: "machine", live: true }
)

registrationStoreContract(
  "IndexedDB, encrypted",
  Effect.map(database, (database) => ({
    open: Effect.map(
      Layer.build(BrowserRegistrationStore.layerEncrypted({ database })),
      (context) => Context.get(context, RegistrationStore.RegistrationStore)
    )
  })),
  { reach: "machine", live: true }
)
