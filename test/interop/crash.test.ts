/** A process that registers, updates and renews is killed at any point; see `crash.long.ts` for as often as it takes. */
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect } from "effect"
import { crash } from "../support/crashCheck.ts"

describe("a process that is killed while it registers, updates and renews", () => {
  it.live(
    "loses nothing that it was given, and leaves no client behind that is not listed",
    () =>
      Effect.gen(function*() {
        const figures = yield* crash(16, 1, 2)
        yield* Console.log(JSON.stringify(figures))
        assert.isAbove(figures.returned, 0)
        assert.isAbove(figures.killedRegistering + figures.killedUpdating, 0, "it was hit where it hurts")
      }),
    180_000
  )
})
