/** The SDK on Effect's own undici layer. */
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Layer from "effect/Layer"
import { program } from "./program.ts"
import type { MakeSide } from "./side.ts"

export const make: MakeSide = (target) =>
  target.dpop
    ? program(Layer.merge(NodeHttpClient.layerUndici, DpopSigner.layer()), target)
    : program(Layer.merge(NodeHttpClient.layerUndici, DpopSigner.layerNone), target)
