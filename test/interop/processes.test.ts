/** Processes that share a store of files: one registration for all, and nobody held up or overwritten by one that fell. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { askAtOnce, killHolders, stopHolders } from "../support/processChecks.ts"

describe("processes that share a store of files", () => {
  it.live("8 that ask for the same client at once cause one registration", () => askAtOnce(8))

  it.live("one that is killed while it holds the lease delays the others by no more than the lease", () =>
    killHolders(2, 1, 1000))

  it.live("one that was stopped past its lease cannot overwrite when it goes on", () =>
    Effect.gen(function*() {
      const { noticed } = yield* stopHolders(12, 2, 100)
      assert.isAbove(noticed, 0, "it was stopped while it held the lease")
    }))
})
