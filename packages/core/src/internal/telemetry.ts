/**
 * The names of spans' attributes and of metrics, in one place: OpenTelemetry's where it has them.
 *
 * @internal
 */
import * as Effect from "effect/Effect"

export const attributes = {
  serverAddress: "server.address",
  issuer: "dcr.issuer"
} as const

/** The span of a public operation. Stack traces are not captured: they cost more than the operation. */
export const span =
  (name: string, attributes: { readonly [name: string]: string }) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.withSpan(effect, name, { kind: "client", attributes, captureStackTrace: false })
