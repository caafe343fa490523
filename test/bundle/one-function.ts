/** The application of baseline.ts, which also uses one small function of the SDK: nothing else must come with it. */
import * as ClientMetadata from "@effect-dcr/core/ClientMetadata"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { greet } from "./application/greet.ts"

const metadata = ClientMetadata.withExtensions({ client_name: "My app" }, { tenant: "one" })

Effect.runFork(Effect.andThen(greet, Effect.log(metadata.client_name)).pipe(Effect.provide(FetchHttpClient.layer)))
