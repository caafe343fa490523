/**
 * What the commands run on: the layers that the settings ask for.
 *
 * @internal
 */
import { ExchangeLimits } from "@effect-dcr/core/ExchangeLimits"
import * as Registrar from "@effect-dcr/core/Registrar"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as NodeRegistration from "../NodeRegistration.ts"
import * as NodeRegistrationStore from "../NodeRegistrationStore.ts"
import { AllowInsecure, Dpop, DpopKeyFile, Store, Timeout } from "./settings.ts"

/** The transport and the signer. */
export const exchange = Layer.unwrap(Effect.gen(function*() {
  const keyFile = Option.getOrUndefined(yield* DpopKeyFile)
  const dpop = (yield* Dpop) || keyFile !== undefined ? { keyFile } : undefined
  const limits = yield* ExchangeLimits
  const deadline = Duration.seconds(yield* Timeout)
  return Layer.merge(
    NodeRegistration.layerOptions({ dpop }),
    Layer.succeed(ExchangeLimits, { ...limits, deadline })
  )
}))

/** The registrations that are kept. */
export const registrar = Layer.unwrap(Effect.gen(function*() {
  const directory = Option.getOrUndefined(yield* Store)
  const dangerouslyAllowInsecureRequests = yield* AllowInsecure
  return Registrar.layer({ management: () => ({ dangerouslyAllowInsecureRequests }) }).pipe(
    Layer.provide(NodeRegistrationStore.layer({ directory })),
    Layer.provideMerge(exchange)
  )
}))

/** The switch that every call takes. */
export const callOptions = Effect.map(AllowInsecure, (dangerouslyAllowInsecureRequests) => ({
  dangerouslyAllowInsecureRequests
}))
