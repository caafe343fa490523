/**
 * Whether an answer demands a DPoP nonce: from an authorization server by a 400 with `use_dpop_nonce` (RFC 9449 §8), from a
 * resource by a 401 with a `DPoP` challenge of that error (§9). A registration endpoint can be either.
 *
 * @internal
 */
import { type Answer, isJsonObject, parseJson } from "./answer.ts"
import { challengeOf, parseChallenges } from "./challenges.ts"

const code = "use_dpop_nonce"

export const demandsNonce = (answer: Answer): boolean => {
  if (answer.status !== 400 && answer.status !== 401) return false
  const challenge = challengeOf(parseChallenges(answer.headers["www-authenticate"]), "dpop")
  if (challenge?.parameters["error"]?.toLowerCase() === code) return true
  const body = parseJson(answer.text)
  return isJsonObject(body) && body["error"] === code
}
