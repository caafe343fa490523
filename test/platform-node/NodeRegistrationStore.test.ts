/** Registrations in files: the contract of stores, and what becomes of files that are damaged, foreign, in the way or too many. */
import { NodeRegistrationStore } from "@effect-dcr/platform-node"
import { Effect } from "effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { registrationStoreContract } from "../support/registrationStoreContract.ts"

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-dcr-store-"))),
  (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true, force: true }))
)

registrationStoreContract(
  "files",
  Effect.map(temporaryDirectory, (directory) => ({ open: NodeRegistrationStore.make({ directory }) })),
  { reach: "machine", live: true }
)
