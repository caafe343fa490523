/** The SDK as it comes: `NodeRegistration.layer`, or `layerDpop`. */
import * as NodeRegistration from "@effect-dcr/platform-node/NodeRegistration"
import { program } from "./program.ts"
import type { MakeSide } from "./side.ts"

export const make: MakeSide = (target) =>
  target.dpop ? program(NodeRegistration.layerDpop(), target) : program(NodeRegistration.layer, target)
