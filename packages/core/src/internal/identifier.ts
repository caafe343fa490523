/**
 * Issuer and resource identifiers: URLs that are compared as strings.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { EndpointPolicy } from "../EndpointPolicy.ts"
import type { Refusal } from "../EndpointPolicy.ts"
import { RegistrationError } from "../RegistrationError.ts"
import { cleanServerText } from "./serverText.ts"
import { displayUrl } from "./url.ts"

/** The error for a URL that is not contacted. */
export const refuse = (role: string, url: string | URL, rule: Refusal["rule"], message: string) =>
  new RegistrationError({ reason: { _tag: "EndpointRefused", role, url: displayUrl(url), rule, message } })

/**
 * Judges the identifier of an issuer or a resource, and gives it as a URL. The URL parser forgives white space,
 * control characters and backslashes; with them a string is none that a server can answer with again.
 */
export const judgeIdentifier = Effect.fnUntraced(function*(
  role: "issuer" | "protected_resource",
  identifier: string | URL,
  allowInsecure: boolean | undefined
) {
  const text = String(identifier)
  if (!URL.canParse(text) || /[\s\\\p{Cc}\p{Cf}]/u.test(text)) {
    return yield* refuse(role, text, "InvalidUrl", absoluteUrl(role))
  }
  const url = new URL(text)
  if (url.username !== "" || url.password !== "") {
    return yield* refuse(role, url, "UserInformation", "it has a user name or password")
  }
  if (text.includes("#")) return yield* refuse(role, url, "InvalidUrl", "it has a fragment")
  if (role === "issuer" && text.includes("?")) {
    return yield* refuse(role, url, "InvalidUrl", "an issuer has no query (RFC 8414 §2)")
  }
  const policy = yield* EndpointPolicy
  const refusal = policy.judgeUrl(url, { role, allowInsecure: allowInsecure === true })
  return refusal === undefined ? url : yield* refuse(role, url, refusal.rule, refusal.message)
})

/** What is wanted. Not what was given: that may be anything, a secret as well. */
const absoluteUrl = (role: "issuer" | "protected_resource"): string =>
  `it is not an absolute https URL, such as https://${role === "issuer" ? "op" : "api"}.example.com`

/** Whether `answered` is the identifier that was asked. Of a `URL`, both spellings of an empty path are. */
export const isAsked = (asked: string | URL, answered: string): boolean =>
  typeof asked === "string"
    ? answered === asked
    : answered === asked.href || (asked.pathname === "/" && answered === asked.origin + asked.search)

export const differByOneSlash = (a: string, b: string): boolean => a === `${b}/` || `${a}/` === b

/** An identifier that a server sent, in its own spelling if that is clean, so that the difference can be seen. */
export const quoteIdentifier = (identifier: unknown): string => {
  if (typeof identifier !== "string") return ""
  const shown = displayUrl(identifier)
  const clean = cleanServerText(identifier === shown || `${identifier}/` === shown ? identifier : shown, [])
  return clean === undefined ? "" : `: ${clean}`
}
