/**
 * As much of undici as is needed.
 *
 * @internal
 */
import { createRequire } from "node:module"
import type * as Undici from "undici"

/** All of it. */
export const loadUndici = (): Promise<typeof Undici> => import("undici")

/**
 * Its client alone: the whole takes three times as long to load and twice the memory, for what is not used here, such as a
 * `fetch` of its own. Where the client does not lie in a file of that name (in a bundle, in an undici to come), it is taken from
 * the whole.
 */
export const loadClient = async (): Promise<typeof Undici.Client> => {
  const client = clientAlone()
  return isClient(client) ? client : (await loadUndici()).Client
}

const clientAlone = (): unknown => {
  try {
    const loaded: unknown = createRequire(import.meta.url)("undici/lib/dispatcher/client.js")
    return loaded
  } catch {
    // The whole will say what is wrong, if it is more than the name of a file.
    return undefined
  }
}

const isClient = (u: unknown): u is typeof Undici.Client =>
  typeof u === "function" && u.name === "Client" && typeof u.prototype === "object" && "dispatch" in u.prototype
