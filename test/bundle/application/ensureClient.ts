/** Registers a client once, and keeps it. */
import * as Registrar from "@effect-dcr/core/Registrar"
import * as Effect from "effect/Effect"

export const ensureClient = Effect.gen(function*() {
  const registrar = yield* Registrar.Registrar
  const client = yield* registrar.ensure({
    server: "https://op.example.com",
    profile: "default",
    metadata: { redirect_uris: ["https://app.example.com/callback"], client_name: "My app" }
  })
  yield* Effect.log(client.information.client_id)
})
