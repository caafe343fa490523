/**
 * The span and the measurement of a public operation. Attributes have OpenTelemetry's names where it has them.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import type { RegistrationError } from "../RegistrationError.ts"
import { type Measurement, Telemetry } from "../Telemetry.ts"

export const attributes = {
  serverAddress: "server.address",
  issuer: "dcr.issuer",
  clientId: "dcr.client_id",
  attempts: "dcr.attempts",
  nonceChallenges: "dcr.nonce_challenges",
  outcome: "error.type",
  resendCount: "http.request.resend_count"
} as const

/** What happens on the way, counted by the exchange. */
interface Progress {
  readonly span: Tracer.Span
  attempts: number
  nonceChallenges: number
}

/** The progress of the operation that is running; none outside of one. */
const Progress = Context.Reference<Progress | undefined>("@effect-dcr/core/internal/Progress", {
  defaultValue: () => undefined
})

/** An event on the operation's span for each request that is sent. */
export const attemptStarts = (context: Context.Context<never>): void => {
  const progress = Context.get(context, Progress)
  if (progress === undefined) return
  progress.span.event("dcr.attempt", Context.get(context, Clock.Clock).currentTimeNanosUnsafe(), {
    [attributes.resendCount]: progress.attempts
  })
  progress.attempts += 1
}

/** Says more of the operation that is running, on its span. */
export const annotate = (name: string, value: string): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    fiber.getRef(Progress)?.span.attribute(name, value)
    return Effect.void
  })

/** Counts a demand for a DPoP nonce. */
export const nonceChallenged: Effect.Effect<void> = Effect.withFiber((fiber) => {
  const progress = fiber.getRef(Progress)
  if (progress !== undefined) progress.nonceChallenges += 1
  return Effect.void
})

/**
 * Makes an effect a public operation: its span, and its measurement for whoever records.
 *
 * What it succeeds with does not come by the span, which would hold it, credentials and all, for as long as an exporter keeps
 * the span.
 */
export const span =
  (name: string, spanAttributes: { readonly [name: string]: string }) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiber((fiber) => {
      let succeeded: Effect.Effect<A> = Effect.never
      const start = fiber.getRef(Clock.Clock).monotonicTimeNanosUnsafe()
      // Not Effect.withSpan, which captures a stack trace: that costs more than the operation.
      const traced = Effect.useSpan(name, { kind: "client", attributes: spanAttributes }, (span) => {
        const progress: Progress = { span, attempts: 0, nonceChallenges: 0 }
        const measured = Effect.onExit(effect, (exit) => {
          if (Exit.isSuccess(exit)) succeeded = Effect.succeed(exit.value)
          return finish(name, progress, start, exit)
        })
        // Both at once: each change of a context is a frame more on the stack of the fiber.
        return Effect.asVoid(
          Effect.updateContext(
            measured,
            (context: Context.Context<R>): Context.Context<R> =>
              Context.add(Context.add(context, Progress, progress), Tracer.ParentSpan, span)
          )
        )
      })
      return Effect.flatMap(traced, () => {
        const value = succeeded
        succeeded = Effect.never
        return value
      })
    })

const finish = (
  name: string,
  { attempts, nonceChallenges, span }: Progress,
  start: bigint,
  exit: Exit.Exit<unknown, unknown>
): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const outcome = outcomeOf(exit)
    span.attribute(attributes.attempts, attempts)
    if (nonceChallenges > 0) span.attribute(attributes.nonceChallenges, nonceChallenges)
    if (outcome !== "Success") span.attribute(attributes.outcome, outcome)
    const { record } = fiber.getRef(Telemetry)
    if (record === undefined) return Effect.void
    const duration = Duration.nanos(fiber.getRef(Clock.Clock).monotonicTimeNanosUnsafe() - start)
    // Detached, and its failures dropped: whoever records cannot take back, delay or hide what the server granted.
    return Effect.suspend(() => record({ operation: name, outcome, duration, attempts, nonceChallenges })).pipe(
      Effect.exit,
      Effect.forkDetach({ startImmediately: true }),
      Effect.asVoid
    )
  })

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Measurement["outcome"] => {
  if (Exit.isSuccess(exit)) return "Success"
  const failure = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  return isRegistrationError(failure)
    ? failure.reason._tag
    : Cause.hasInterrupts(exit.cause)
    ? "Interrupted"
    : "Defect"
}

const isRegistrationError = (value: unknown): value is RegistrationError =>
  typeof value === "object" && value !== null && "_tag" in value && value._tag === "RegistrationError"
