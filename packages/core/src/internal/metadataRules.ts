/**
 * The rules of the specifications that a client can check before it asks, as a table: one file for each family of them.
 *
 * @internal
 */
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

/** What a JavaScript caller may pass instead of metadata. */
export const notAnObject: Violation = {
  rule: "member-type",
  member: "*",
  severity: "error",
  section: "RFC 7591 §3.1",
  message: "the metadata is not an object"
}
