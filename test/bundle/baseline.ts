/** The application as it was before it registers clients. */
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { greet } from "./application/greet.ts"

Effect.runFork(greet.pipe(Effect.provide(FetchHttpClient.layer)))
