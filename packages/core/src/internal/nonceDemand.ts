/**
 * Whether an answer demands a DPoP nonce: from an authorization server by a 400 with `use_dpop_nonce` (RFC 9449 §8), from a
 * resource by a 401 with a `DPoP` challenge of that error (§9). A registration endpoint can be either.
 *
 * @internal
 */
import { type Answer, isJsonObject, parseJson } from "./answer.ts"
import { parseChallenges } from "./challenges.ts"

const code = "use_dpop_nonce"

export const demandsNonce = (answer: Answer): boolean => {
  if (answer.status !== 400 && answer.status !== 401) return false
  const body = parseJson(answer.text)
  return (isJsonObject(body) && body["error"] === code) ||
    // A server may send several challenges of one scheme, whose name is case-insensitive (RFC 9110 §11.1).
    parseChallenges(answer.headers["www-authenticate"]).some(({ parameters, scheme }) =>
      scheme.toLowerCase() === "dpop" && parameters["error"]?.toLowerCase() === code
    )
}
