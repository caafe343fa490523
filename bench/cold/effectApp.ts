/** An Effect application that registers nothing. */
import * as Effect from "effect/Effect"
import { done } from "./done.ts"
import { greet } from "./greeting.ts"

await Effect.runPromise(greet)
done()
