/** A DPoP proof taken apart (RFC 9449 §4.2), for reading. Nothing here verifies it. */
import * as Base64Url from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import type { Masked } from "./mask.ts"
import { mask } from "./mask.ts"

export interface DecodedProof {
  readonly header: Masked
  readonly claims: Masked
}

export const decodeProof = (jwt: string): DecodedProof | undefined => {
  const [header, claims] = jwt.split(".").map(part)
  return header === undefined || claims === undefined ? undefined : { header, claims }
}

const part = (text: string): Masked | undefined => {
  const json = Result.getOrUndefined(Base64Url.decodeString(text))
  try {
    return json === undefined ? undefined : mask(JSON.parse(json))
  } catch {
    return undefined
  }
}

/** What each claim is for, in a few words. */
export const claimNotes: { readonly [claim: string]: string } = {
  typ: "a DPoP proof and no other JWT",
  alg: "how it is signed",
  jwk: "the public key that it proves possession of",
  jti: "unique, so that a proof is used once",
  htm: "the method of this request",
  htu: "the URL of this request, without query",
  iat: "when it was made",
  ath: "hash of the access token beside it",
  nonce: "the server's nonce, from its last answer"
}
