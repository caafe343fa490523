/** The SDK on any transport: the program is the same, the layer differs. */
import type { AuthorizationServer } from "@effect-dcr/core/AuthorizationServer"
import * as ClientRegistration from "@effect-dcr/core/ClientRegistration"
import type { DpopSigner } from "@effect-dcr/core/DpopSigner"
import type { HttpClient } from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import { asked, metadata, vendorMember } from "../support/documents.ts"
import { repeatEffect } from "./repeatEffect.ts"
import { mustBe, type Side, type Target } from "./side.ts"

/** The defaults: every member decoded, unknown ones kept, secrets redacted, limits, rules and the span in force. */
export const program = async <E>(
  layer: Layer.Layer<HttpClient | DpopSigner, E>,
  target: Target
): Promise<Side> => {
  const runtime = ManagedRuntime.make(layer)
  const server: AuthorizationServer = metadata(target.origin, target.size)
  const register = ClientRegistration.register(server, asked)

  const { deviations, extensions, information } = await runtime.runPromise(register)
  mustBe(information.client_id !== "" && Redacted.isRedacted(information.client_secret), "a client with its secret")
  mustBe(Object.hasOwn(extensions, vendorMember), "unknown members are kept")
  mustBe(deviations.length === 0, "an answer without deviations")

  return {
    run: (total, inFlight) => runtime.runPromise(repeatEffect(register, total, inFlight)),
    close: () => runtime.dispose()
  }
}
