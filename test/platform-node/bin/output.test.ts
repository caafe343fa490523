import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { TestConsole } from "effect/testing"
import { print } from "../../../packages/platform-node/src/bin/output.ts"
import { make, Secrets } from "../../../packages/platform-node/src/bin/secrets.ts"
import { Json, Reveal } from "../../../packages/platform-node/src/bin/settings.ts"

const secret = "a \"secret\" of\tlength"

const printed = (settings: { readonly json: boolean; readonly reveal: boolean }) =>
  Effect.gen(function*() {
    const { remember } = yield* Secrets
    remember(Redacted.make(secret))
    yield* print({ json: { inner: [`is ${secret}`] }, text: Effect.succeed(`is ${secret}`) })
    return String((yield* TestConsole.logLines).at(-1))
  }).pipe(Effect.provide(
    Layer.mergeAll(
      TestConsole.layer,
      Layer.succeed(Json, settings.json),
      Layer.succeed(Reveal, settings.reveal),
      Layer.effect(Secrets, make)
    )
  ))

describe("what is printed", () => {
  it.effect("holds no secret that is remembered, unless it is asked for", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* printed({ json: false, reveal: false }), "is <redacted>")
      assert.strictEqual(yield* printed({ json: false, reveal: true }), `is ${secret}`)
      assert.deepStrictEqual(JSON.parse(yield* printed({ json: true, reveal: false })), { inner: ["is <redacted>"] })
      assert.deepStrictEqual(JSON.parse(yield* printed({ json: true, reveal: true })), { inner: [`is ${secret}`] })
    }))
})
