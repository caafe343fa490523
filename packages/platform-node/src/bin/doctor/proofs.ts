/**
 * What a server makes of a DPoP proof that accompanies a registration (RFC 9449).
 *
 * @internal
 */
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { bad, good, note, refusalOf } from "./findings.ts"
import type { Recorded } from "./recorder.ts"
import { ordinary } from "./registration.ts"
import type { Chapter, Finding } from "./report.ts"
import type { Visit } from "./visit.ts"

export const examineProofs = Effect.fnUntraced(
  function*(visit: Visit, records: ReadonlyArray<Recorded>) {
    const advertised = visit.server.dpop_signing_alg_values_supported?.join(", ")
    const before = records.length
    const result = yield* Effect.provide(visit.register(ordinary), DpopSigner.layer())
    const nonces = records.slice(before).filter(({ headers }) => headers["dpop-nonce"] !== undefined).length
    return chapterOf([
      advertised === undefined
        ? note("algorithms", "none are advertised", "RFC 9449 §5.1")
        : good("algorithms", advertised, "RFC 9449 §5.1"),
      Result.isSuccess(result)
        ? good("registration with a proof", "accepted")
        : bad("registration with a proof", refusalOf(result.failure)),
      note("nonces", nonces === 0 ? "none came with the answers" : "they come with the answers", "RFC 9449 §8")
    ])
  },
  Effect.catchTag("RegistrationError", (error) => Effect.succeed(chapterOf([note("proofs", refusalOf(error))])))
)

const chapterOf = (findings: ReadonlyArray<Finding>): Chapter => ({ title: "DPoP", findings })
