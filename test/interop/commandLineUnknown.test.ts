/** The command line where a server answers with failures: what is said of them, and what is kept. */
import { RegistrationEncryption, RegistrationRecord, RegistrationStore } from "@effect-dcr/core"
import { NodeRegistrationStore } from "@effect-dcr/platform-node"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import * as Path from "node:path"
import { type Ended, withStore } from "../support/commandLine.ts"
import { httpServer } from "../support/nodeServers.ts"

const redirect = ["--redirect-uri", "https://app.example.com/cb"]

interface Refusal {
  readonly status: number
  readonly headers?: { readonly [name: string]: string }
  readonly body: string
}

const json = { "content-type": "application/json" }

/** A server whose registration endpoint says one thing only. */
const refusing = ({ body, headers, status }: Refusal) =>
  Effect.gen(function*() {
    let posts = 0
    const { origin } = yield* httpServer((request, response) => {
      if ((request.url ?? "").includes("well-known")) {
        response.writeHead(200, json)
        response.end(JSON.stringify({ issuer: origin, registration_endpoint: `${origin}/register` }))
        return
      }
      request.resume().on("end", () => {
        posts += 1
        response.writeHead(status, headers ?? json).end(body)
      })
    })
    return { issuer: origin, posts: () => posts }
  })

const badGateway: Refusal = { status: 502, headers: { "content-type": "text/html" }, body: "<html>bad gateway</html>" }

const Failure = Schema.Struct({
  message: Schema.String,
  next: Schema.String,
  mayHaveSucceeded: Schema.Boolean,
  exitCode: Schema.Int
})

const failureOf = ({ code, stderr, stdout }: Ended) => {
  assert.strictEqual(stdout, "")
  const failure = Schema.decodeSync(Schema.fromJsonString(Failure))(stderr)
  assert.strictEqual(failure.exitCode, code)
  return failure
}

const assertDone = ({ code, stderr, stdout }: Ended): string => {
  assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" }, stdout)
  return stdout
}

describe("effect-dcr, refused", () => {
  it.effect(
    "says of a 502 what it says of the command after it: that a client may exist",
    () =>
      Effect.gen(function*() {
        const { issuer, posts } = yield* refusing(badGateway)
        const { run } = yield* withStore()
        const register = () => Effect.map(run(["register", issuer, ...redirect, "--json"]), failureOf)
        for (const message of [/^The server answered with status 502/, /^What became of the last registration/]) {
          const failure = yield* register()
          assert.match(failure.message, message)
          assert.deepStrictEqual([failure.exitCode, failure.mayHaveSucceeded], [8, true])
          assert.match(failure.next, /^A client may exist all the same/)
        }
        const list = assertDone(yield* run(["list"]))
        assert.match(list, /1 possibly orphaned/)
        assert.include(list, "\npossibly orphaned: it is not known whether a client was created")
        // What the guide says: forgetting it ends the wait.
        assertDone(yield* run(["remove", issuer, "--forget", "--yes"]))
        assert.match((yield* register()).message, /^The server answered with status 502/)
        assert.strictEqual(posts(), 2)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    60_000
  )

  it.effect(
    "says what to do where a proof is wanted, and whose fault it is where none is accepted",
    () =>
      Effect.gen(function*() {
        const body = JSON.stringify({ error: "use_dpop_nonce" })
        const { issuer, posts } = yield* refusing({ status: 400, headers: { ...json, "dpop-nonce": "n" }, body })
        const { run } = yield* withStore()
        const register = ["register", issuer, ...redirect, "--json"]
        assert.match(failureOf(yield* run(register)).next, /^Run the command again with --dpop/)
        assert.strictEqual(posts(), 1)
        const again = failureOf(yield* run([...register, "--dpop"]))
        assert.match(again.message, /again of a proof that had the one that it gave/)
        assert.match(again.next, /a fault of the server/)
        assert.strictEqual(posts(), 3)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    60_000
  )

  it.effect(
    "says that nothing was registered where the server refused, and deletes nothing",
    () =>
      Effect.gen(function*() {
        const { issuer, posts } = yield* refusing({
          status: 400,
          body: JSON.stringify({ error: "invalid_client_metadata" })
        })
        const { run } = yield* withStore()
        const register = () => Effect.map(run(["register", issuer, ...redirect, "--json"]), failureOf)
        assert.strictEqual((yield* register()).mayHaveSucceeded, false)
        assert.match(assertDone(yield* run(["list"])), new RegExp(`NOTE\n${issuer} +default +- +never registered\n`))
        const rows = Schema.Array(Schema.Struct({ clientId: Schema.Null, neverRegistered: Schema.Boolean }))
        assert.deepStrictEqual(
          Schema.decodeSync(Schema.fromJsonString(rows))(assertDone(yield* run(["list", "--json"]))),
          [
            { clientId: null, neverRegistered: true }
          ]
        )
        assert.match(
          assertDone(yield* run(["remove", issuer, "--yes"])),
          /^forgotten .*\n\n +Nothing was registered; its note is forgotten\.\n$/
        )
        yield* register()
        const removed = Schema.Struct({ removed: Schema.Array(Schema.String), forgotten: Schema.Boolean })
        assert.deepStrictEqual(
          Schema.decodeSync(Schema.fromJsonString(removed))(
            assertDone(yield* run(["remove", issuer, "--yes", "--json"]))
          ),
          { removed: [], forgotten: true }
        )
        assert.match(assertDone(yield* run(["list"])), /^Nothing is kept/)
        assert.strictEqual(posts(), 2)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    60_000
  )

  it.effect("does not say of a client that may exist that it was deleted", () =>
    Effect.gen(function*() {
      const { issuer } = yield* refusing(badGateway)
      const { run } = yield* withStore()
      failureOf(yield* run(["register", issuer, ...redirect, "--json"]))
      assert.match(
        assertDone(yield* run(["remove", issuer, "--yes"])),
        /^forgotten .*\n\n +It is not known whether a client was created: if there is one, it stays at the server\.\n$/
      )
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.effect("says of an encrypted registration that it has no key", () =>
    Effect.gen(function*() {
      const { directory, run } = yield* withStore()
      const key = { issuer: "https://op.example.com", profile: "default" }
      yield* Effect.gen(function*() {
        const store = yield* RegistrationStore.RegistrationStore
        const lease = Option.getOrThrow(yield* store.acquire(key, Duration.seconds(30)))
        yield* store.save(lease, yield* RegistrationRecord.encode(RegistrationRecord.empty(key)), 0)
        yield* store.release(lease)
      }).pipe(Effect.provide(
        RegistrationEncryption.layer({ key: { kid: "k", key: Redacted.make(Buffer.alloc(32, 1).toString("base64")) } })
          .pipe(Layer.provide(NodeRegistrationStore.layer({ directory: Path.join(directory, "store") })))
      ))
      const encrypted = "encrypted: the command line has no key for it"
      assert.match(assertDone(yield* run(["list"])), new RegExp(`op\\.example\\.com +default +- +${encrypted}\n`))
      assert.include(assertDone(yield* run(["list", "--json"])), `"problem": "${encrypted}"`)
      for (const args of [["show"], ["remove", "--yes"]]) {
        const failure = failureOf(yield* run([...args, key.issuer, "--json"]))
        assert.deepStrictEqual([failure.message, failure.exitCode], [encrypted, 9])
        assert.match(failure.next, /^Use it with the program that encrypted it/)
      }
      assertDone(yield* run(["remove", key.issuer, "--forget", "--yes"]))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)
})
