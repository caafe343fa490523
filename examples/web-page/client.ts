/** How the page gets its client: at the server the first time, from IndexedDB ever after. */
import { Registrar } from "@effect-dcr/core"
import { BrowserRegistration, BrowserRegistrationStore } from "@effect-dcr/platform-browser"
import { Effect, Layer, ManagedRuntime, Option, Stream } from "effect"

/** Built when it is first used, and kept as long as the page lives. */
const runtime = ManagedRuntime.make(
  Registrar.layer().pipe(Layer.provide([BrowserRegistrationStore.layer(), BrowserRegistration.layer]))
)

const keyOf = (issuer: string) => ({ issuer, profile: "default" })

/** Makes sure that there is a client at this server: the one that is kept, or one that is registered now. Tells if it is new. */
export const connect = (issuer: string) =>
  run((registrar) =>
    Effect.gen(function*() {
      const before = yield* registrar.get(keyOf(issuer))
      const { information } = yield* registrar.ensure({
        server: issuer,
        profile: "default",
        metadata: {
          client_name: document.title,
          redirect_uris: [new URL("/callback", location.href).href],
          // who can read the page can read a secret in it
          token_endpoint_auth_method: "none"
        }
      })
      return Option.isNone(before) || before.value.information.client_id !== information.client_id
    })
  )

/** Deletes the client at the server, and then here. */
export const remove = (issuer: string) => run((registrar) => registrar.remove(keyOf(issuer)))

/** What this browser keeps. Nothing is sent. */
export const kept = () => run((registrar) => Stream.runCollect(registrar.list))

/** Rejects with the `RegistrationError`, whose message is for people. */
const run = <A, E>(program: (registrar: Registrar.Registrar["Service"]) => Effect.Effect<A, E>): Promise<A> =>
  runtime.runPromise(Registrar.Registrar.use(program))
