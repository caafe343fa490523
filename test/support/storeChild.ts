/**
 * A process of its own that shares a store of files with others. It is told what to do by its arguments, when by lines on its
 * standard input, and says by lines what came of it.
 *
 * ```
 * node storeChild.ts ensure DIRECTORY ISSUER   "ready"; reads "go"; the client id
 * node storeChild.ts hold DIRECTORY TTL        "ready"; reads "go"; the lease's token, which it then holds until it dies
 * node storeChild.ts loop DIRECTORY TTL        takes the lease and saves under it, on and on; each failure
 * ```
 *
 * It imports module by module, because many of it are started.
 */
import * as Registrar from "@effect-dcr/core/Registrar"
import * as RegistrationStore from "@effect-dcr/core/RegistrationStore"
import * as NodeRegistration from "@effect-dcr/platform-node/NodeRegistration"
import * as NodeRegistrationStore from "@effect-dcr/platform-node/NodeRegistrationStore"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { flushCompileCache } from "node:module"
import { createInterface } from "node:readline"

export const shared: RegistrationStore.Key = { issuer: "https://op.example.com", profile: "shared" }

const go = Effect.andThen(
  // A child that is killed would not leave behind what it compiled.
  Effect.andThen(Effect.sync(() => flushCompileCache()), Console.log("ready")),
  Effect.promise(() => createInterface({ input: process.stdin })[Symbol.asyncIterator]().next())
)

const ensure = (directory: string, issuer: string) =>
  Effect.gen(function*() {
    const registrar = yield* Registrar.Registrar
    yield* go
    const client = yield* registrar.ensure({
      server: issuer,
      profile: "shared",
      metadata: { redirect_uris: ["https://app.example.com/cb"] }
    })
    yield* Console.log(client.information.client_id)
  }).pipe(
    Effect.provide(
      Registrar.layer().pipe(Layer.provide([NodeRegistrationStore.layer({ directory }), NodeRegistration.layer]))
    )
  )

const hold = (directory: string, ttl: string) =>
  Effect.gen(function*() {
    const store = yield* NodeRegistrationStore.make({ directory })
    yield* go
    yield* RegistrationStore.withLease(
      store,
      shared,
      { ttl: Duration.millis(Number(ttl)) },
      ({ token }) => Effect.andThen(Console.log(String(token)), Effect.never)
    )
  })

const loop = (directory: string, ttl: string) =>
  Effect.gen(function*() {
    const store = yield* NodeRegistrationStore.make({ directory })
    yield* go
    const turn = RegistrationStore.withLease(store, shared, { ttl: Duration.millis(Number(ttl)) }, (lease) =>
      Effect.gen(function*() {
        const entry = yield* store.load(shared)
        let version = Option.match(entry, {
          onNone: () =>
            0,
          onSome: ({ version }) =>
            version
        })
        for (let round = 0; round < 10; round++) {
          version = yield* store.save(lease, `child ${lease.token} ${round}`, version)
        }
      }))
    yield* turn.pipe(
      Effect.catch(({ reason }) =>
        Console.log(reason._tag === "StoreFailed" ? reason.problem : reason._tag)
      ),
      // Others have a turn, too.
      Effect.andThen(Effect.sleep(5)),
      Effect.forever
    )
  })

if (import.meta.main) {
  const [task, directory = "", argument = ""] = process.argv.slice(2)
  const program = task === "ensure"
    ? ensure(directory, argument)
    : task === "hold"
    ? hold(directory, argument)
    : loop(directory, argument)
  await Effect.runPromise(program)
  process.exit()
}
