/** Registers in a service worker that is stopped meanwhile, and tells what is known of it afterwards. */
import { Registrar } from "@effect-dcr/core"
import { BrowserRegistration, BrowserRegistrationStore } from "@effect-dcr/platform-browser"
import { Effect, Layer, Option, Stream } from "effect"
import { type Program, serve } from "../../browser/programInPage.ts"

const layer = Registrar.layer().pipe(Layer.provide([BrowserRegistrationStore.layer(), BrowserRegistration.layer]))

const ensure: Program = ({ issuer }) =>
  Registrar.Registrar.use((registrar) =>
    registrar.ensure({
      server: { issuer: String(issuer), registration_endpoint: `${String(issuer)}/register` },
      profile: "default",
      metadata: { redirect_uris: ["https://app.example.com/cb"], token_endpoint_auth_method: "none" }
    })
  ).pipe(Effect.map(({ information }) => information.client_id), Effect.provide(layer))

const list: Program = () =>
  Registrar.Registrar.use(({ list }) => Stream.runCollect(list)).pipe(
    Effect.map((found) =>
      Array.from(found, ({ clientId, possibleOrphans }) => ({
        client: Option.getOrUndefined(clientId),
        orphans: possibleOrphans.map(({ why }) => why)
      }))
    ),
    Effect.provide(layer)
  )

serve({ ensure, list })
