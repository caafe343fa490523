/**
 * The rules of the specifications that a client can check before it asks, as a table: one file for each family of them.
 *
 * @internal
 */
import type { ClientMetadata } from "../ClientMetadata.ts"
import type { Violation } from "../Violation.ts"
import { grantRules } from "./metadataRules/grants.ts"
import { keyRules, oneSenderConstraint } from "./metadataRules/keys.ts"
import { informationUris, nameRules, valueRules } from "./metadataRules/members.ts"
import { openidRules, sessionRules } from "./metadataRules/openid.ts"
import { redirectRules } from "./metadataRules/redirects.ts"
import type { MetadataRule } from "./metadataRules/rule.ts"

export type { Finding, MetadataRule } from "./metadataRules/rule.ts"

/** Every rule, in the order in which violations are listed. */
export const rules = [
  ...valueRules,
  ...redirectRules,
  ...grantRules,
  ...keyRules,
  ...openidRules,
  informationUris,
  ...sessionRules,
  oneSenderConstraint,
  ...nameRules
] as const satisfies ReadonlyArray<MetadataRule>

/**
 * The rules without those about members that the metadata has not. It has few of the members that there are rules about, and to
 * look for each of them would take longer than to ask the rules that are left.
 */
export const rulesAbout = (metadata: ClientMetadata): ReadonlyArray<MetadataRule> => {
  const { always, byMember } = places ??= placesOf(rules)
  const isAsked = always.slice()
  for (const name of Object.keys(metadata)) byMember.get(name)?.forEach((place) => isAsked[place] = 1)
  return rules.filter((_, place) => isAsked[place] === 1)
}

/** Where in the list the rules stand, those that are always asked and those about a member. */
interface Places {
  /** For each rule, 1 when it is asked whatever the metadata has. */
  readonly always: Uint8Array
  readonly byMember: ReadonlyMap<string, ReadonlyArray<number>>
}

let places: Places | undefined

const placesOf = (rules: ReadonlyArray<MetadataRule>): Places => {
  const byMember = new Map<string, Array<number>>()
  rules.forEach(({ about = [] }, place) => {
    for (const member of about) byMember.set(member, [...byMember.get(member) ?? [], place])
  })
  return { always: Uint8Array.from(rules, ({ about }) => about === undefined ? 1 : 0), byMember }
}

/** What a JavaScript caller may pass instead of metadata. */
export const notAnObject: Violation = {
  rule: "member-type",
  member: "*",
  severity: "error",
  section: "RFC 7591 §3.1",
  message: "the metadata is not an object"
}
