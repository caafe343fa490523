/**
 * What this SDK tells about its operations: one span per public operation, with an event per attempt, always; metrics, where
 * {@link layerMetrics} is provided. Nothing is sent to third parties: the trace headers of the application stay at home.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type { Reason } from "./RegistrationError.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * One finished operation.
 *
 * @since 0.1.0
 * @category models
 */
export interface Measurement {
  /** The name of the operation and of its span: `ClientRegistration.register`. */
  readonly operation: string
  /** The tag of the reason that it failed with, or `Success`. */
  readonly outcome: "Success" | "Interrupted" | "Defect" | Reason["_tag"]
  /** How long it took, with all its attempts. */
  readonly duration: Duration.Duration
  /** How many requests were sent. */
  readonly attempts: number
  /** How many of them the server answered with a demand for a DPoP nonce (RFC 9449 §8, §9). */
  readonly nonceChallenges: number
}

/**
 * The switches.
 *
 * @since 0.1.0
 * @category references
 */
export interface Telemetry {
  /**
   * Whether requests carry the trace headers `traceparent` and `b3`. They tell a third party about the inside of the
   * application, and in a browser they force a CORS preflight. Default: `false`.
   */
  readonly propagateTrace: boolean
  /** Receives every finished operation. Default: none. */
  readonly record?: ((measurement: Measurement) => Effect.Effect<void>) | undefined
}

/**
 * The switches in force.
 *
 * @since 0.1.0
 * @category references
 */
export const Telemetry: Context.Reference<Telemetry> = Context.Reference<Telemetry>("@effect-dcr/core/Telemetry", {
  defaultValue: () => ({ propagateTrace: false })
})

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * Sets the switches.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (telemetry: Partial<Telemetry>): Layer.Layer<never> =>
  Layer.effectContext(
    Telemetry.use((current) => Effect.succeed(Context.make(Telemetry, { ...current, ...telemetry })))
  )

/**
 * Records every operation in Effect's metrics, from where any exporter takes them: `dcr.operation.duration` (seconds),
 * `dcr.operation.attempts` and `dcr.operation.nonce_challenges`, each by `dcr.operation` and `error.type`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMetrics: Layer.Layer<never> = Layer.suspend(() => {
  const duration = Metric.histogram("dcr.operation.duration", {
    description: "Duration of client registration operations in seconds, with all attempts",
    // The boundaries that OpenTelemetry advises for the duration of HTTP client requests.
    boundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
  })
  const attempts = Metric.counter("dcr.operation.attempts", {
    description: "Requests sent by client registration operations",
    incremental: true
  })
  const nonceChallenges = Metric.counter("dcr.operation.nonce_challenges", {
    description: "Demands for a DPoP nonce that client registration operations met",
    incremental: true
  })
  return layer({
    record: (measurement) => {
      const attributes = {
        "dcr.operation": measurement.operation,
        ...(measurement.outcome === "Success" ? undefined : { "error.type": measurement.outcome })
      }
      const update = <State>(metric: Metric.Metric<number, State>, value: number) =>
        Metric.update(Metric.withAttributes(metric, attributes), value)
      return Effect.andThen(
        update(duration, Duration.toSeconds(measurement.duration)),
        Effect.andThen(
          update(attempts, measurement.attempts),
          update(nonceChallenges, measurement.nonceChallenges)
        )
      )
    }
  })
})
