/** One registration, over one connection, that is not repeated. */
import { ClientRegistration, DpopSigner, RetryPolicy } from "@effect-dcr/core"
import { NodeHttpClient } from "@effect-dcr/platform-node"
import { Layer } from "effect"

export const register = (origin: string, options?: ClientRegistration.RegisterOptions) =>
  ClientRegistration.register(
    { issuer: origin, registration_endpoint: `${origin}/register` },
    { redirect_uris: ["https://app.example.com/cb"] },
    { deadline: "5 seconds", ...options }
  )

export const once = Layer.merge(DpopSigner.layerNone, RetryPolicy.layerNone)

export const oneConnection = NodeHttpClient.layerOptions({ connectionsPerOrigin: 1 })
