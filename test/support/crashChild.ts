/**
 * A process of its own that registers, updates and renews on and on, until it is killed.
 *
 * ```
 * node crashChild.ts DIRECTORY ISSUER ROUND    "ready"; then a line of JSON for each registration that it was given
 * ```
 *
 * Each turn has a new profile, which is registered, and the lasting one, whose metadata changes and whose secret expires.
 * It imports module by module, because many of it are started.
 */
import * as Registrar from "@effect-dcr/core/Registrar"
import * as NodeRegistration from "@effect-dcr/platform-node/NodeRegistration"
import * as NodeRegistrationStore from "@effect-dcr/platform-node/NodeRegistrationStore"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { flushCompileCache } from "node:module"

const [directory = "", issuer = "", round = ""] = process.argv.slice(2)

/** The name begins with the profile, so that the server's clients tell whose they are. */
const ensure = (registrar: Registrar.Registrar["Service"], profile: string, name: string) =>
  registrar.ensure({
    server: issuer,
    profile,
    metadata: { redirect_uris: ["https://app.example.com/cb"], client_name: `${profile} ${name}` }
  }).pipe(
    Effect.flatMap(({ information }) => Console.log(JSON.stringify({ profile, clientId: information.client_id }))),
    Effect.catch(({ reason }) => Console.log(JSON.stringify({ profile, failed: reason._tag })))
  )

const program = Effect.gen(function*() {
  const registrar = yield* Registrar.Registrar
  // A child that is killed would not leave behind what it compiled.
  flushCompileCache()
  yield* Console.log("ready")
  for (let turn = 0;; turn++) {
    yield* ensure(registrar, `${round}-${turn}`, "new")
    // The same twice, so that a secret that has expired is renewed and not only replaced with the metadata.
    const name = `${round} ${turn >> 1}`
    yield* ensure(registrar, "lasting", name)
    yield* ensure(registrar, "lasting", name)
  }
})

await Effect.runPromise(
  program.pipe(
    Effect.provide(
      Registrar.layer({ leaseTtl: "400 millis" }).pipe(
        Layer.provide([NodeRegistrationStore.layer({ directory }), NodeRegistration.layer])
      )
    )
  )
)
