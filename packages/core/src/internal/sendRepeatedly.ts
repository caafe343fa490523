/**
 * A request, and its repetitions by the `RetryPolicy`, within one deadline.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { DpopSigner } from "../DpopSigner.ts"
import type { RegistrationError } from "../RegistrationError.ts"
import * as RetryPolicy from "../RetryPolicy.ts"
import type { Answer } from "./answer.ts"
import { Budget } from "./budget.ts"
import { type ExchangeOptions, exchangeWithProofs } from "./exchange.ts"
import { type Asked, refusal } from "./refusal.ts"
import { plainly } from "./sending.ts"
import { isRateLimit } from "./unprocessed.ts"

/** Sends, and sends again what was not processed. The answer may be a refusal, but none that says to come back later. */
export const sendRepeatedly = (
  request: HttpClientRequest.HttpClientRequest,
  options: ExchangeOptions & Asked
): Effect.Effect<Answer, RegistrationError, HttpClient.HttpClient | DpopSigner> => {
  const plain = plainly(request)
  return Effect.contextWith((context: Context.Context<never>) => {
    const budget = new Budget(context, options.deadline)
    const attempt = Effect.flatMap(
      exchangeWithProofs(plain, options, budget),
      (answer) => isRateLimit(answer) ? Effect.flatMap(refusal(answer, options), Effect.fail) : Effect.succeed(answer)
    )
    // A caller's own proof is for one request: sent again, it would be a replay (RFC 9449 §11.1).
    return plain.headers["dpop"] === undefined ? RetryPolicy.retry(attempt, budget.remaining) : attempt
  })
}
