/** The application of effectApp.ts, which also registers a client. */
import * as Effect from "effect/Effect"
import { done } from "./done.ts"
import { greet } from "./greeting.ts"
import { register } from "./register.ts"

await Effect.runPromise(Effect.andThen(greet, register))
done()
