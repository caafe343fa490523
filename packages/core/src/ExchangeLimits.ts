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

/**
 * An exchange of this SDK, of which a transport is told before there is a request: where it can wait for a connection, it does so
 * first. The proof is then made when it is needed, and at a deadline it is known that nothing was sent.
 *
 * @internal
 */
export class AnnouncedExchange {
  /** The scheme, host and port that the request is for. */
  readonly origin: string
  /** The whole URL. */
  readonly href: string
  /**
   * Whether nobody watches the transport, and the fiber that sends the request reads the answer to its end or lets go of it.
   */
  readonly isUnobserved: boolean
  private turn: { end(): void } | undefined

  constructor(origin: string, href: string, isUnobserved: boolean) {
    this.origin = origin
    this.href = href
    this.isUnobserved = isUnobserved
  }

  /** Whether its request is on its way: what is sent besides, to sign it for instance, is another. */
  get isTaken(): boolean {
    return this.turn !== undefined
  }

  /** Takes it. The turn ends with the exchange at the latest, however that ends. */
  take(turn: { end(): void }): void {
    this.turn = turn
  }

  end(): void {
    this.turn?.end()
  }
}

/**
 * The exchange that the fiber is about to send the request of.
 *
 * @internal
 */
export const announcedExchange: Context.Reference<AnnouncedExchange | undefined> = Context.Reference<
  AnnouncedExchange | undefined
>("@effect-dcr/core/ExchangeLimits/announcedExchange", { defaultValue: () => undefined })
