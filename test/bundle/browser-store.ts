/** The application of baseline.ts, which also keeps its registration in the browser. */
import * as Registrar from "@effect-dcr/core/Registrar"
import * as BrowserRegistration from "@effect-dcr/platform-browser/BrowserRegistration"
import * as BrowserRegistrationStore from "@effect-dcr/platform-browser/BrowserRegistrationStore"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import { ensureClient } from "./application/ensureClient.ts"
import { greet } from "./application/greet.ts"

const registrar = Registrar.layer().pipe(
  Layer.provide([BrowserRegistrationStore.layer(), BrowserRegistration.layer])
)

Effect.runFork(
  ensureClient.pipe(
    Effect.provide(registrar),
    Effect.andThen(greet.pipe(Effect.provide(FetchHttpClient.layer)))
  )
)
