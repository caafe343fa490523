/** Who is measured, by the name that the tables have for it. */
import type { MakeSide } from "./side.ts"

export const sides = {
  "effect-dcr": () => import("./effectDcr.ts"),
  "effect-dcr on layerUndici": () => import("./effectDcrUndici.ts"),
  "effect-dcr on fetch": () => import("./effectDcrFetch.ts"),
  "oauth4webapi": () => import("./oauth4webapi.ts"),
  "openid-client": () => import("./openidClient.ts"),
  "MCP SDK": () => import("./mcpSdk.ts"),
  "bare layerUndici": () => import("./layerUndici.ts"),
  "bare FetchHttpClient": () => import("./fetchHttpClient.ts"),
  "bare fetch": () => import("./bareFetch.ts"),
  "bare dispatch": () => import("./bareDispatch.ts")
} as const satisfies Readonly<Record<string, () => Promise<{ readonly make: MakeSide }>>>

export type SideName = keyof typeof sides

export const isSideName = (name: string): name is SideName => Object.hasOwn(sides, name)
