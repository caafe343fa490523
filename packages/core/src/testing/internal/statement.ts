/**
 * Software statements (RFC 7591 §2.3, §3.1.1): signed or MACed JWTs whose claims win over the plain members.
 *
 * @internal
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createLocalJWKSet } from "jose/jwks/local"
import { decodeJwt } from "jose/jwt/decode"
import { jwtVerify } from "jose/jwt/verify"
import type { JsonObject } from "../../internal/answer.ts"
import { fault, type Reply } from "./reply.ts"
import type { StatementIssuer } from "./settings.ts"

const invalid = (description: string) => Effect.fail(fault(400, "invalid_software_statement", description))

/** The claims of a statement that is valid and comes from somebody who is trusted. */
export const verify = Effect.fnUntraced(function*(
  statement: string,
  trusted: ReadonlyArray<StatementIssuer>,
  now: number
): Effect.fn.Return<JsonObject, Reply> {
  const { iss } = yield* Effect.try({
    try: () => decodeJwt<JsonObject>(statement),
    catch: () => fault(400, "invalid_software_statement", "the software statement is not a JWT")
  })
  if (typeof iss !== "string" || iss === "") return yield* invalid("the software statement has no iss")
  const issuer = trusted.find((issuer) => issuer.issuer === iss)
  if (issuer === undefined) {
    return yield* Effect.fail(
      fault(400, "unapproved_software_statement", "the issuer of the software statement is not trusted")
    )
  }
  const { keys } = issuer
  const options = {
    issuer: iss,
    ...(issuer.audience === undefined ? undefined : { audience: issuer.audience }),
    currentDate: DateTime.toDateUtc(DateTime.makeUnsafe(now * 1000))
  }
  const { payload } = yield* Effect.tryPromise({
    try: () =>
      Redacted.isRedacted(keys)
        ? jwtVerify<JsonObject>(statement, new TextEncoder().encode(Redacted.value(keys)), options)
        : jwtVerify<JsonObject>(statement, createLocalJWKSet({ keys: [...keys.keys] }), options),
    catch: () => fault(400, "invalid_software_statement", "the software statement cannot be verified or has expired")
  })
  return payload
})
