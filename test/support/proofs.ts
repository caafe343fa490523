/** What tests of proofs share: all algorithms, and a proof read by jose, which shares no code with what made it. */
import type * as DpopKey from "@effect-dcr/core/DpopKey"
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import { assert } from "@effect/vitest"
import { Effect, Option } from "effect"
import { EmbeddedJWK, jwtVerify } from "jose"

export const algorithms: ReadonlyArray<DpopKey.Algorithm> = [
  "ES256",
  "ES384",
  "ES512",
  "Ed25519",
  "EdDSA",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512"
]

/** Makes a proof with the signer of the context. */
export const prove = (
  request: { readonly method?: string; readonly url: string } & Pick<DpopSigner.ProofRequest, "accessToken">
) =>
  Effect.flatMap(DpopSigner.DpopSigner, (signer) =>
    Effect.map(
      signer.sign({ method: "POST", ...request, url: new URL(request.url) }),
      (proof) => {
        if (Option.isNone(proof)) throw new Error("no proof was made")
        return proof.value
      }
    ))

/** Verifies a proof with the key in its own header. */
export const read = (jwt: string) =>
  Effect.promise(async () => {
    // The time is for the tests to judge: their clocks stand still.
    const { payload, protectedHeader } = await jwtVerify(jwt, EmbeddedJWK, {
      typ: "dpop+jwt",
      currentDate: new Date(0)
    })
    const { jwk } = protectedHeader
    assert.isDefined(jwk)
    return { payload, protectedHeader, jwk: jwk ?? {} }
  })

export const claims = (request: Parameters<typeof prove>[0]) =>
  Effect.gen(function*() {
    const { jwt } = yield* prove(request)
    return (yield* read(jwt)).payload
  })
