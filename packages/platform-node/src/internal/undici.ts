/**
 * As much of undici as is needed.
 *
 * @internal
 */
import type * as Undici from "undici"

/** All of it. */
export const loadUndici = async (): Promise<Pick<typeof Undici, "Client" | "FormData">> => {
  const loaded = await import("undici")
  // From a bundle that was split, a module of CommonJS comes as a default alone.
  return Reflect.has(loaded, "FormData") ? loaded : loaded.default
}

/**
 * Its client alone: the whole takes more than twice as long to load and twice the memory, for what is not used here, such as a
 * `fetch` of its own. From an undici that keeps its client elsewhere, it is taken out of the whole.
 */
export const loadClient = async (): Promise<typeof Undici.Client> => {
  const alone: unknown = await clientAlone().catch(() => undefined)
  return holdsClient(alone) ? alone.default : (await loadUndici()).Client
}

// Literally, so that a bundler finds it: it must be of the same undici as the whole.
// @ts-expect-error: undici declares no types for its files
const clientAlone = (): Promise<unknown> => import("undici/lib/dispatcher/client.js")

const holdsClient = (u: unknown): u is { readonly default: typeof Undici.Client } =>
  typeof u === "object" && u !== null && "default" in u && typeof u.default === "function"
