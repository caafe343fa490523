/**
 * How long an exchange may take and how much a server may send.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"

/**
 * The limits that every exchange observes, whatever `HttpClient` is underneath.
 *
 * @since 0.1.0
 * @category references
 */
export interface ExchangeLimits {
  /** The time for one operation with all its attempts and the body of the answer. Default: 30 seconds. */
  readonly deadline: Duration.Input
  /** The size of an answer's body, in bytes, counted while it streams in. Default: 1 MiB. */
  readonly maxResponseBytes: number
  /**
   * The size of the metadata document of an authorization server or a protected resource, in bytes, in place of
   * `maxResponseBytes`. It is smaller because an `AuthorizationServerCache` keeps hundreds of them. Default: 128 KiB.
   */
  readonly maxMetadataBytes: number
  /** The depth of the JSON in an answer. A member that is nested deeper is left out. Default: 64. */
  readonly maxJsonDepth: number
}

/**
 * The limits in force. A call's own `deadline` option goes before the one here. For a `Registrar`, provide them to its layer.
 *
 * @since 0.1.0
 * @category references
 */
export const ExchangeLimits: Context.Reference<ExchangeLimits> = Context.Reference<ExchangeLimits>(
  "@effect-dcr/core/ExchangeLimits",
  {
    defaultValue: () => ({
      deadline: Duration.seconds(30),
      maxResponseBytes: 1_048_576,
      maxMetadataBytes: 131_072,
      maxJsonDepth: 64
    })
  }
)
