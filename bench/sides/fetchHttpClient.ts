import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { httpClient } from "./httpClient.ts"
import type { MakeSide } from "./side.ts"

export const make: MakeSide = (target) => httpClient(FetchHttpClient.layer, target)
