/** A program that does nothing but register a client. */
import * as Effect from "effect/Effect"
import { done } from "./done.ts"
import { register } from "./register.ts"

await Effect.runPromise(register)
done()
