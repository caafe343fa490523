import { AuthorizationServer, ClientRegistration, RegistrationError } from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Option, Redacted, Runtime, Schema } from "effect"
import { TestConsole } from "effect/testing"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { reporting } from "../../../packages/platform-node/src/bin/report.ts"
import { Dpop, DpopKeyFile, Json, Store } from "../../../packages/platform-node/src/bin/settings.ts"

/** In a directory of its own, which is the one that files are written to. */
const elsewhere = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const directory = yield* files.makeTempDirectoryScoped({ prefix: "effect-dcr-" })
  const before = process.cwd()
  yield* Effect.acquireRelease(
    Effect.sync(() => process.chdir(directory)),
    () => Effect.sync(() => process.chdir(before))
  )
})

const storeFailed = new RegistrationError.RegistrationError({
  reason: { _tag: "StoreFailed", operation: "save", problem: "Full", message: "there is no room left" }
})

const register = Effect.gen(function*() {
  const server = yield* AuthorizationServer.discover("https://op.example.com")
  return yield* ClientRegistration.register(server, { redirect_uris: ["https://app.example.com/cb"] })
}).pipe(Effect.provide(TestAuthorizationServer.layer()))

const Kept = Schema.fromJsonString(Schema.Struct({ client_id: Schema.String, client_secret: Schema.String }))

const settings = Layer.mergeAll(
  Layer.succeed(Json, false),
  Layer.succeed(Dpop, false),
  Layer.succeed(DpopKeyFile, Option.none()),
  Layer.succeed(Store, Option.some("kept"))
)

const run = Effect.provide(Layer.mergeAll(NodeServices.layer, TestConsole.layer, settings))

describe("reporting", () => {
  it.effect("saves a client that could not be kept where only its owner can read it, and prints no secret", () =>
    Effect.gen(function*() {
      yield* elsewhere
      const client = yield* register
      const failed = Effect.fail(storeFailed.withRegistered(client)).pipe(reporting, Effect.flip)
      const exit = yield* failed
      assert.strictEqual(Runtime.getErrorExitCode(exit), 9)
      const [name = ""] = Fs.readdirSync(".")
      const kept = Schema.decodeSync(Kept)(Fs.readFileSync(name, "utf8"))
      const secret = client.information.client_secret ?? assert.fail("there is no secret")
      assert.deepStrictEqual(kept, { client_id: client.information.client_id, client_secret: Redacted.value(secret) })
      assert.strictEqual(Fs.statSync(name).mode & 0o777, 0o600)
      const printed = (yield* TestConsole.errorLines).join("\n")
      assert.include(printed, `credentials are in ${name}`)
      assert.notInclude(printed, Redacted.value(secret))
      // A second time nothing is overwritten.
      yield* failed
      assert.include((yield* TestConsole.errorLines).join("\n"), "could not be saved")
      assert.deepStrictEqual(Fs.readdirSync("."), [name])
    }).pipe(Effect.scoped, run))

  it.effect("writes nothing when no client is at stake", () =>
    Effect.gen(function*() {
      yield* elsewhere
      const exit = yield* Effect.fail(storeFailed).pipe(reporting, Effect.flip)
      assert.strictEqual(Runtime.getErrorExitCode(exit), 9)
      assert.deepStrictEqual(Fs.readdirSync("."), [])
      assert.include((yield* TestConsole.errorLines).join("\n"), `the directory of the store (${Path.resolve("kept")})`)
    }).pipe(Effect.scoped, run))
})
