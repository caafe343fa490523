/** One registration at the server of the bench, whose metadata is known. */
import * as ClientRegistration from "@effect-dcr/core/ClientRegistration"
import * as NodeRegistration from "@effect-dcr/platform-node/NodeRegistration"
import * as Effect from "effect/Effect"
import { asked, metadata } from "../support/documents.ts"
import { origin } from "./done.ts"

export const register = ClientRegistration.register(metadata(origin), asked).pipe(
  Effect.provide(NodeRegistration.layer)
)
