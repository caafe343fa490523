/**
 * Grant types and response types, which have to go together.
 *
 * @internal
 */
import { grants, responses } from "../metadataFacts.ts"
import { finding, type MetadataRule } from "./rule.ts"

/** What is asked of grant types and response types. */
export const grantRules = [
  {
    id: "grant-types-for-response-types",
    member: "grant_types",
    severity: "error",
    section: "RFC 7591 §2.1",
    isPresence: true,
    about: ["grant_types", "response_types"],
    check: (metadata) => {
      const granted = grants(metadata)
      const needs = (grant: string, word: string) =>
        finding(
          !granted.includes(grant) && responses(metadata).some((words) => words.includes(word)),
          `a response type with ${word} needs the grant type ${grant}`
        )
      return [...needs("authorization_code", "code"), ...needs("implicit", "token"), ...needs("implicit", "id_token")]
    }
  },
  {
    id: "response-types-for-grant-types",
    member: "response_types",
    severity: "error",
    section: "RFC 7591 §2.1",
    isPresence: true,
    about: ["grant_types", "response_types"],
    check: (metadata) => {
      const used = responses(metadata).flat()
      const granted = grants(metadata)
      return [
        ...finding(
          granted.includes("authorization_code") && !used.includes("code"),
          "the grant type authorization_code needs a response type with code"
        ),
        ...finding(
          granted.includes("implicit") && !used.includes("token") && !used.includes("id_token"),
          "the grant type implicit needs a response type with token or id_token"
        )
      ]
    }
  }
] as const satisfies ReadonlyArray<MetadataRule>
