/** A process that registers, updates and renews is killed 300 times at random points. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { crash } from "../support/crashCheck.ts"
import { record } from "../support/longRun.ts"

describe("a process that is killed 300 times while it registers, updates and renews", () => {
  it.live("loses nothing that it was given, and leaves no client behind that is not listed", () =>
    Effect.gen(function*() {
      const seed = 7591
      const lanes = 4
      const figures = yield* crash(300, seed, lanes)
      // It was hit where it hurts.
      assert.isAbove(figures.killedRegistering, 10)
      assert.isAbove(figures.killedUpdating, 0)
      record({
        id: "registration-store-crashes",
        title:
          "A process that registers, updates and rotates on a store of files, killed with SIGKILL at random points",
        figures: {
          "seed": seed,
          "kills": figures.kills,
          "directories with a process and a server each, at once": lanes,
          "registrations given out": figures.returned,
          "of those lost": 0,
          "secrets torn": 0,
          "clients at the server": figures.registered,
          "updates and rotations at the server": figures.updates,
          "kills between a registration announced and durable": figures.killedRegistering,
          "kills between an update or rotation announced and durable": figures.killedUpdating,
          "orphans at the server": figures.orphans,
          "possible orphans listed": figures.listed,
          "clients replaced because a rotation was lost, and kept": figures.replaced
        }
      })
    }))
})
