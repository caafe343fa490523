/**
 * From an answer to what it granted: success is anything that names a client, all else is a refusal.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { ClientMetadata } from "../ClientMetadata.ts"
import type { Deviation } from "../Deviation.ts"
import { ExchangeLimits } from "../ExchangeLimits.ts"
import { type ReasonOf, RegistrationError } from "../RegistrationError.ts"
import { type Answer, isJsonObject, parseJson } from "./answer.ts"
import { type Reading, readRegistration } from "./readRegistration.ts"
import { isErrorObject, refusal } from "./refusal.ts"
import { displayUrl } from "./url.ts"

export interface Expectation {
  /** 201 for a registration (RFC 7591 §3.2.1), 200 for management (RFC 7592 §2). */
  readonly expectedStatus: number
  readonly feature: string
  readonly requested: ClientMetadata
  /** Secrets of the request, to keep out of every text. */
  readonly secrets: ReadonlyArray<string>
}

export const readGranted = (
  answer: Answer,
  expectation: Expectation
): Effect.Effect<Reading, RegistrationError> => {
  const { status } = answer
  const refused = () => Effect.flatMap(refusal(answer, expectation), Effect.fail)
  if (status < 200 || status >= 300) return refused()
  const unusable = (problem: ReasonOf<"UnusableAnswer">["problem"], what: string) =>
    Effect.fail(unusableAnswer(answer, expectation, problem, what))

  if (answer.text.trim() === "") return unusable("Empty", "without a body")
  const body = parseJson(answer.text)
  if (body === undefined) return unusable("NotJson", "the body is not JSON")
  if (!isJsonObject(body)) return unusable("NotAnObject", "the body is not a JSON object")
  return Effect.withFiber((fiber) => {
    const reading = readRegistration(body, {
      requested: expectation.requested,
      endpoint: answer.request.url,
      text: answer.text,
      secrets: expectation.secrets,
      now: Math.floor(fiber.getRef(Clock.Clock).currentTimeMillisUnsafe() / 1000),
      maxDepth: fiber.getRef(ExchangeLimits).maxJsonDepth
    })
    if (reading === undefined) {
      return isErrorObject(body) ? refused() : unusable("MissingClientId", "without a client_id")
    }
    const deviations = [...answerDeviations(answer, expectation, reading), ...reading.deviations]
    return Effect.succeed({ ...reading, deviations })
  })
}

const unusableAnswer = (
  { request, status }: Answer,
  { expectedStatus }: Expectation,
  problem: ReasonOf<"UnusableAnswer">["problem"],
  what: string
) =>
  new RegistrationError({
    reason: {
      _tag: "UnusableAnswer",
      status,
      problem,
      message: `The server answered with status ${status}, but ${what}: ${
        expectedStatus === 201
          ? "a client may exist there that nobody can use"
          : "what is registered there now is not known"
      }`
    },
    method: request.method,
    url: displayUrl(request.url)
  })

/** Those of the answer as a whole, which come first. */
const answerDeviations = (
  answer: Answer,
  { expectedStatus }: Expectation,
  { information }: Reading
): ReadonlyArray<Deviation> => {
  const section = expectedStatus === 201 ? "RFC 7591 §3.2.1" : "RFC 7592 §2"
  const type = answer.headers["content-type"]?.split(";")[0]?.trim().toLowerCase()
  const deviations: Array<Deviation> = []
  if (answer.status !== expectedStatus) {
    deviations.push({ id: "status", section, message: `The status is ${answer.status} instead of ${expectedStatus}` })
  }
  if (type !== "application/json") {
    deviations.push({ id: "content-type", section, message: "The media type is not application/json" })
  }
  const hasCredentials = information.client_secret !== undefined || information.registration_access_token !== undefined
  if (hasCredentials && answer.headers["cache-control"]?.toLowerCase().includes("no-store") !== true) {
    deviations.push({
      id: "cacheable",
      section,
      message: "The answer holds credentials but lacks Cache-Control: no-store"
    })
  }
  if (answer.isTruncated) {
    deviations.push({
      id: "truncated",
      section: "RFC 9112 §8",
      message: "The answer did not end as it should, but its JSON is whole"
    })
  }
  return deviations
}
