/**
 * What became of a registration that was asked for: it tells whether anything was sent.
 *
 * @internal
 */
import type { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import { revealed } from "../render.ts"

export type Outcome = "registered" | "kept" | "updated" | "replaced"

/** By what was there before, if there was anything. */
export const outcomeOf = (before: RegisteredClient | undefined, client: RegisteredClient): Outcome => {
  if (before === undefined) return "registered"
  if (before.information.client_id !== client.information.client_id) return "replaced"
  return stateOf(before) === stateOf(client) ? "kept" : "updated"
}

const stateOf = (client: RegisteredClient): string => JSON.stringify([client.requested, revealed(client)])

/** The outcome for a person. */
export const wordsOf: { readonly [O in Outcome]: string } = {
  registered: "registered",
  kept: "kept as it is; nothing was sent",
  updated: "updated",
  replaced: "replaced by a new client; the one before stays at the server"
}
