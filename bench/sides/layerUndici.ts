import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { httpClient } from "./httpClient.ts"
import type { MakeSide } from "./side.ts"

export const make: MakeSide = (target) => httpClient(NodeHttpClient.layerUndici, target)
