/** The application of effectApp.ts, which imports the SDK and does not use it. */
import * as ClientRegistration from "@effect-dcr/core/ClientRegistration"
import * as NodeRegistration from "@effect-dcr/platform-node/NodeRegistration"
import * as Effect from "effect/Effect"
import { done } from "./done.ts"
import { greet } from "./greeting.ts"

await Effect.runPromise(greet)
if (typeof ClientRegistration.register !== "function" || NodeRegistration.layer === undefined) process.exit(1)
done()
