/** Everything that the page's programs need, built once: the browser layers of the SDK, and the recorder between. */
import type { DpopSigner } from "@effect-dcr/core/DpopSigner"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as RegistrationStore from "@effect-dcr/core/RegistrationStore"
import * as RetryPolicy from "@effect-dcr/core/RetryPolicy"
import * as Telemetry from "@effect-dcr/core/Telemetry"
import * as BrowserRegistration from "@effect-dcr/platform-browser/BrowserRegistration"
import * as BrowserRegistrationStore from "@effect-dcr/platform-browser/BrowserRegistrationStore"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HttpClient } from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Result from "effect/Result"
import { CurrentOperation } from "./recording/CurrentOperation.ts"
import * as RecordingHttpClient from "./recording/RecordingHttpClient.ts"
import * as Timeline from "./recording/timeline.ts"

export type Services = HttpClient | DpopSigner | RegistrationStore.RegistrationStore

const measurements = Telemetry.layer({
  record: (measurement) =>
    CurrentOperation.useSync((operation) => {
      if (operation === undefined) return
      Timeline.change(operation.id, (found) => ({ ...found, measurements: [...found.measurements, measurement] }))
    })
})

/** A person sits in front of it and can press the button again. */
const impatient = RetryPolicy.layer({ maxRetryAfter: "3 seconds" })

/** In IndexedDB, with the secrets encrypted; for as long as the page lives where a browser keeps nothing. */
const store = Layer.catchTag(
  BrowserRegistrationStore.layerEncrypted(),
  "RegistrationError",
  () => RegistrationStore.layerMemory
)

const make = <E>(layer: Layer.Layer<HttpClient | DpopSigner, E>) =>
  ManagedRuntime.make(
    Layer.mergeAll(RecordingHttpClient.layer, store, measurements, impatient).pipe(Layer.provideMerge(layer))
  )

const plain = make(BrowserRegistration.layer)

/** Built when it is first used: it makes a key. */
const withProofs = make(BrowserRegistration.layerDpop())

/** Runs a program of the SDK as one entry of the timeline. It never rejects, but for a defect. */
export const runOperation = <A>(
  title: string,
  program: Effect.Effect<A, RegistrationError, Services>,
  options: { readonly dpop: boolean }
): Promise<Result.Result<A, RegistrationError>> => {
  const id = Timeline.nextId()
  const recorded = Effect.gen(function*() {
    const start = yield* Clock.monotonicTimeNanos
    const startedAt = yield* Clock.currentTimeMillis
    Timeline.add({ id, title, startedAt, exchanges: [], measurements: [], outcome: "running" })
    return yield* Effect.result(program).pipe(Effect.provideService(CurrentOperation, { id, start }))
  })
  const runtime = options.dpop ? withProofs : plain
  return runtime.runPromiseExit(recorded).then((exit) => {
    const result = Exit.isSuccess(exit) ? exit.value : Result.fail(registrationErrorIn(exit.cause))
    Timeline.change(id, (found) => ({ ...found, outcome: Result.isSuccess(result) ? "succeeded" : result.failure }))
    return result
  })
}

/** Runs a program that is nothing to look at, such as reading the store. */
export const run = <A>(program: Effect.Effect<A, RegistrationError, Services>): Promise<A> => plain.runPromise(program)

/** A layer that could not be built, such as one with a key where there is no WebCrypto, fails like the program itself. */
const registrationErrorIn = (cause: Cause.Cause<RegistrationError>): RegistrationError => {
  const error = Cause.findErrorOption(cause)
  if (error._tag === "Some") return error.value
  throw Cause.squash(cause)
}
