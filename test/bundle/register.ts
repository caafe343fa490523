/** The application of baseline.ts, which also discovers a server and registers a client there. */
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { greet } from "./application/greet.ts"
import { registerClient } from "./application/registerClient.ts"

Effect.runFork(
  registerClient.pipe(
    Effect.provide(DpopSigner.layerNone),
    Effect.andThen(greet),
    Effect.provide(FetchHttpClient.layer)
  )
)
