/**
 * What the commands run on: the layers that the settings ask for.
 *
 * @internal
 */
import { ExchangeLimits } from "@effect-dcr/core/ExchangeLimits"
import * as Registrar from "@effect-dcr/core/Registrar"
import { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Directory from "../internal/storeDirectory.ts"
import * as NodeRegistration from "../NodeRegistration.ts"
import * as NodeRegistrationStore from "../NodeRegistrationStore.ts"
import { watched } from "./secrets.ts"
import { AllowInsecure, Dpop, DpopKeyFile, Store, Timeout } from "./settings.ts"

type Exchange = Layer.Success<ReturnType<typeof NodeRegistration.layerOptions>>

/** The transport and the signer. */
export const exchange = Layer.unwrap(Effect.gen(function*() {
  const keyFile = Option.getOrUndefined(yield* DpopKeyFile)
  const dpop = (yield* Dpop) || keyFile !== undefined ? { keyFile } : undefined
  const limits = yield* ExchangeLimits
  const deadline = Duration.seconds(yield* Timeout)
  return Layer.merge(
    Layer.catchTag(
      NodeRegistration.layerOptions({ dpop }),
      "RegistrationError",
      (error) => Layer.effectContext<Exchange, RegistrationError, never>(Effect.fail(namingFile(error, keyFile)))
    ),
    Layer.succeed(ExchangeLimits, { ...limits, deadline })
  )
}))

/** What is wrong with a key is told together with the file that it is in. */
const namingFile = (error: RegistrationError, keyFile: string | undefined): RegistrationError => {
  const { reason } = error
  return keyFile === undefined || reason._tag !== "InvalidOptions" || reason.message.includes(keyFile)
    ? error
    : new RegistrationError({ reason: { ...reason, option: "keyFile", message: `${keyFile}: ${reason.message}` } })
}

/** Where registrations are kept. */
const storePlace = Effect.map(
  Store,
  Option.match({
    onNone: (): NodeRegistrationStore.Options => ({ application: "effect-dcr" }),
    onSome: (directory) => ({ directory })
  })
)

/** The registrations that are kept, and the store that they are in. */
export const registrar = Layer.unwrap(Effect.gen(function*() {
  const place = yield* storePlace
  const dangerouslyAllowInsecureRequests = yield* AllowInsecure
  return Registrar.layer({ management: () => ({ dangerouslyAllowInsecureRequests }) }).pipe(
    Layer.provideMerge(watched.pipe(Layer.provide(NodeRegistrationStore.layer(place)))),
    Layer.provideMerge(exchange)
  )
}))

/** The directory that they are in. */
export const storeDirectory = Effect.flatMap(storePlace, Directory.storeDirectory)

/** The switch that every call takes. */
export const callOptions = Effect.map(AllowInsecure, (dangerouslyAllowInsecureRequests) => ({
  dangerouslyAllowInsecureRequests
}))
