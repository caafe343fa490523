/** What a suite needs of `@effect/vitest`, in a page: tests are collected by name, and run one by one when they are told to. */
import { assert } from "chai"
import { Effect, Layer, type Scope } from "effect"
import * as TestClock from "effect/testing/TestClock"
import * as TestConsole from "effect/testing/TestConsole"

export { assert }

interface Test {
  readonly name: string
  readonly run: () => Promise<void>
}

const tests: Array<Test> = []
let inside: ReadonlyArray<string> = []

export const describe = (name: string, body: () => void): void => {
  const before = inside
  inside = [...before, name]
  body()
  inside = before
}

const add = (name: string, run: () => Promise<void>) => void tests.push({ name: [...inside, name].join(" > "), run })

const TestEnvironment = Layer.mergeAll(TestConsole.layer, TestClock.layer())

export const it = Object.assign(
  (name: string, body: () => void | Promise<void>) => add(name, async () => body()),
  {
    effect: (name: string, body: () => Effect.Effect<unknown, unknown, Scope.Scope>) =>
      add(name, () => Effect.runPromise(Effect.asVoid(Effect.provide(Effect.scoped(body()), TestEnvironment)))),
    live: (name: string, body: () => Effect.Effect<unknown, unknown, Scope.Scope>) =>
      add(name, () => Effect.runPromise(Effect.asVoid(Effect.scoped(body()))))
  }
)

/** The tests of this page, for the outside. */
export interface Suite {
  readonly names: () => ReadonlyArray<string>
  /** What went wrong, if anything did. */
  readonly run: (index: number) => Promise<string | undefined>
}

declare global {
  interface Window {
    suite: Suite
  }
}

window.suite = {
  names: () => tests.map(({ name }) => name),
  run: async (index) => {
    try {
      const test = tests[index]
      if (test === undefined) return "there is no such test"
      await test.run()
      return undefined
    } catch (error) {
      return error instanceof Error ? error.stack ?? error.message : String(error)
    }
  }
}
