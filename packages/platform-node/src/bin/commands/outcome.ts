/**
 * What became of a registration that was asked for: it tells whether anything was sent.
 *
 * @internal
 */
import type { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import { revealed } from "../render.ts"
import { paragraph, type Style } from "../style.ts"

export type Outcome = "registered" | "kept" | "updated" | "replaced"

/** By what was there before, if there was anything. */
export const outcomeOf = (before: RegisteredClient | undefined, client: RegisteredClient): Outcome => {
  if (before === undefined) return "registered"
  if (before.information.client_id !== client.information.client_id) return "replaced"
  return stateOf(before) === stateOf(client) ? "kept" : "updated"
}

const stateOf = (client: RegisteredClient): string => JSON.stringify([client.requested, revealed(client)])

/** The outcome for a person. */
export const outcomeWord: { readonly [O in Outcome]: string } = {
  registered: "registered",
  kept: "kept as it is",
  updated: "updated",
  replaced: "replaced by a new client"
}

const remarks: { readonly [O in Outcome]?: string } = {
  kept: "There was nothing to change, and nothing was sent.",
  replaced:
    "The server does not update it so. The client before is still there: `remove` deletes both, where the server lets it."
}

/** What there is to know of it besides. */
export const remarkText = (outcome: Outcome, look: Style): string => {
  const remark = remarks[outcome]
  return remark === undefined ? "" : paragraph(remark, look)
}
