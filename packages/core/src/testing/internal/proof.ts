/**
 * DPoP proofs, as RFC 9449 §4.3 tells a server to check them.
 *
 * @internal
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { EmbeddedJWK } from "jose/jwk/embedded"
import { calculateJwkThumbprint } from "jose/jwk/thumbprint"
import { jwtVerify } from "jose/jwt/verify"
import { isJsonObject, type JsonObject } from "../../internal/answer.ts"

/** What a proof has to fit. */
export interface ProofContext {
  readonly method: string
  readonly url: URL
  /** The SHA-256 of the access token that came along, base64url; none when there was no token. */
  readonly tokenHash: string | undefined
  /** Seconds since the epoch. */
  readonly now: number
  /** Seconds. */
  readonly window: number
  readonly algorithms: ReadonlyArray<string>
}

/** A proof that is good, but for its nonce and the question whether it was seen before. */
export interface Proof {
  readonly jti: string
  readonly nonce: string | undefined
  /** The JWK SHA-256 thumbprint of its key (RFC 7638). */
  readonly thumbprint: string
}

/** The first thing that is wrong with a proof, as an `error_description`. */
export const verify = Effect.fnUntraced(function*(
  jwt: string,
  context: ProofContext
): Effect.fn.Return<Proof, string> {
  const verified = yield* Effect.tryPromise({
    try: () =>
      jwtVerify<JsonObject>(jwt, EmbeddedJWK, {
        algorithms: [...context.algorithms],
        typ: "dpop+jwt",
        currentDate: DateTime.toDateUtc(DateTime.makeUnsafe(context.now * 1000))
      }),
    // jose's messages name the header or claim, never a value
    catch: (cause) => `the proof is not valid: ${cause instanceof Error ? cause.message : "it cannot be verified"}`
  })
  const { payload, protectedHeader: header } = verified
  // jose takes the media type with its prefix too; RFC 9449 §4.2 knows one spelling
  if (header.typ !== "dpop+jwt") return yield* Effect.fail("the typ of the proof is not dpop+jwt")
  const jwk = header["jwk"]
  if (!isJsonObject(jwk)) return yield* Effect.fail("the proof has no jwk")
  if (["d", "p", "q", "dp", "dq", "qi", "oth", "k"].some((member) => Object.hasOwn(jwk, member))) {
    return yield* Effect.fail("the jwk of the proof holds a private key")
  }
  const { ath, htm, htu, iat, jti, nonce } = payload
  // 96 random bits (RFC 9449 §4.2) take 16 characters of base64url
  if (typeof jti !== "string" || jti.length < 16) return yield* Effect.fail("the jti is missing or too short")
  if (htm !== context.method) return yield* Effect.fail("the htm is not the method of the request")
  if (typeof htu !== "string" || !isSameUrl(htu, context.url)) {
    return yield* Effect.fail("the htu is not the URL of the request without query and fragment")
  }
  if (typeof iat !== "number" || Math.abs(context.now - iat) > context.window) {
    return yield* Effect.fail("the iat is missing, too old or in the future")
  }
  if (context.tokenHash !== undefined && ath !== context.tokenHash) {
    return yield* Effect.fail("the ath is not the hash of the access token")
  }
  if (nonce !== undefined && typeof nonce !== "string") return yield* Effect.fail("the nonce is not a string")
  const thumbprint = yield* Effect.tryPromise({
    try: () => calculateJwkThumbprint(jwk),
    catch: () => "the jwk of the proof has no thumbprint"
  })
  return { jti, nonce, thumbprint }
})

const isSameUrl = (htu: string, url: URL): boolean =>
  !/[?#]/.test(htu) && URL.canParse(htu) && new URL(htu).href === url.origin + url.pathname
