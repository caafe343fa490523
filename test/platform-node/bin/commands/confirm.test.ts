import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Queue, Runtime, Terminal } from "effect"
import { TerminalCapabilities } from "effect/cli"
import { TestConsole } from "effect/testing"
import { confirm } from "../../../../packages/platform-node/src/bin/commands/confirm.ts"
import { Exit } from "../../../../packages/platform-node/src/bin/failure.ts"

const terminal = { canColor: false, canAnimate: false, canPrompt: true }

/** A person who presses this key. */
const person = (key: string) =>
  Layer.effect(
    Terminal.Terminal,
    Effect.gen(function*() {
      const real = yield* Terminal.Terminal
      const keys = yield* Queue.unbounded<Terminal.UserInput>()
      yield* Queue.offer(keys, {
        input: Option.some(key),
        key: { name: key, ctrl: false, meta: false, shift: false }
      })
      return Terminal.make({ ...real, readInput: Effect.succeed(keys), display: () => Effect.void })
    })
  ).pipe(
    Layer.merge(Layer.succeed(TerminalCapabilities.TerminalCapabilities, terminal)),
    Layer.provideMerge(NodeServices.layer)
  )

describe("confirm", () => {
  it.effect("goes on with a yes", () => Effect.provide(confirm("Delete it?", false), person("y")))

  it.effect("ends with a no as with Ctrl-C, so that nothing that depends on it follows in a shell", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.flip(confirm("Delete it?", false))
      assert(exit instanceof Exit)
      assert.strictEqual(exit[Runtime.errorExitCode], 130)
      assert.deepStrictEqual(yield* TestConsole.errorLines, ["Nothing was done."])
    }).pipe(Effect.provide(person("n"))))
})
