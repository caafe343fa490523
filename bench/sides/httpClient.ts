/** A floor: one of Effect's own clients without the SDK, and without its span, which nobody would see. */
import * as Effect from "effect/Effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { asked } from "../support/documents.ts"
import { repeatEffect } from "./repeatEffect.ts"
import { mustBe, type Side, type Target } from "./side.ts"

export const httpClient = async (layer: Layer.Layer<HttpClient.HttpClient>, target: Target): Promise<Side> => {
  const runtime = ManagedRuntime.make(layer)
  const url = `${target.origin}/register/${target.size}`
  const once = Effect.suspend(() =>
    HttpClient.post(url, { acceptJson: true, body: HttpBody.jsonUnsafe(asked) }).pipe(
      Effect.flatMap((response) => {
        mustBe(response.status === 201, "status 201")
        return response.json
      }),
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
    )
  )
  mustBe(typeof await runtime.runPromise(once) === "object", "an object")
  return {
    run: (total, inFlight) => runtime.runPromise(repeatEffect(once, total, inFlight)),
    close: () => runtime.dispose()
  }
}
