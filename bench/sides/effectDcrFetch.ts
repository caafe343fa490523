/** The SDK on Effect's own fetch layer. */
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import { program } from "./program.ts"
import type { MakeSide } from "./side.ts"

export const make: MakeSide = (target) =>
  target.dpop
    ? program(Layer.merge(FetchHttpClient.layer, DpopSigner.layer()), target)
    : program(Layer.merge(FetchHttpClient.layer, DpopSigner.layerNone), target)
