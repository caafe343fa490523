/** The application of baseline.ts, which also registers a client with proofs, by a key that stays in the browser. */
import * as BrowserRegistration from "@effect-dcr/platform-browser/BrowserRegistration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { greet } from "./application/greet.ts"
import { registerClient } from "./application/registerClient.ts"

Effect.runFork(
  registerClient.pipe(
    Effect.provide(BrowserRegistration.layerDpop()),
    Effect.andThen(greet.pipe(Effect.provide(FetchHttpClient.layer)))
  )
)
