/**
 * Judging metadata by a list of rules.
 *
 * @internal
 */
import type { AuthorizationServer } from "../AuthorizationServer.ts"
import type { ClientMetadata } from "../ClientMetadata.ts"
import type { Violation } from "../Violation.ts"
import { hasItsType, isEmpty } from "./memberTypes.ts"
import type { MetadataRule } from "./metadataRules.ts"
import { selectMembers } from "./selectMembers.ts"
import { unsupportedByServer } from "./supportedByServer.ts"

/** The members that have a value, of the type that they should have. To find out costs more than most rules do. */
export const typedMembers = (metadata: ClientMetadata): ClientMetadata =>
  selectMembers(metadata, (name, value) => value !== undefined && !isEmpty(value) && hasItsType(name, value))

/** Every violation, in the order of the rules; `typed` is what {@link typedMembers} says of the metadata. */
export const violationsOf = (
  metadata: ClientMetadata,
  typed: ClientMetadata,
  rules: ReadonlyArray<MetadataRule>,
  server: AuthorizationServer | undefined
): ReadonlyArray<Violation> => {
  const hasStatement = metadata.software_statement !== undefined
  const violations: Array<Violation> = []
  for (const rule of rules) {
    const judged = rule.isRaw === true ? metadata : typed
    // Most metadata has few of the members that there are rules about.
    if (rule.about !== undefined && !hasOneOf(rule.about, judged)) continue
    for (const found of rule.check(judged, typed)) {
      violations.push({
        rule: rule.id,
        member: found.member ?? rule.member,
        severity: rule.isPresence === true && hasStatement ? "warning" : rule.severity,
        section: rule.section,
        message: found.message
      })
    }
  }
  if (server !== undefined) violations.push(...unsupportedByServer(typed, server))
  return violations
}

const hasOneOf = (members: NonNullable<MetadataRule["about"]>, metadata: ClientMetadata): boolean => {
  for (const member of members) if (metadata[member] !== undefined) return true
  return false
}
