/**
 * An `HttpClient` for Node, made for the requests of this SDK, over undici's connections.
 *
 * It is an ordinary `HttpClient`: any method, any body, any status. What it adds is what a registration needs:
 *
 * - redirects are not followed;
 * - a bounded number of connections per origin, each with one request at a time over HTTP/1.1;
 * - idle connections are closed early, because a reset on a stale one leaves open whether a request was processed;
 * - an exchange of this SDK that is given up while it waits in the queue, or for its connection, is known to have sent nothing,
 *   unless something stands around the client that may send more, or again;
 * - a failure says when nothing was sent: the `cause` of the `TransportError` is then a {@link NotSent};
 * - interruption takes a request back before it is written, and closes its connection after;
 * - an answer streams in only as fast as it is read;
 * - client certificates (RFC 8705);
 * - when the `EndpointPolicy` in force judges addresses, every address that a name resolves to, and the one that was really
 *   connected to, is judged before the first byte is sent. Such connections are shared with nothing else.
 *
 * **Gotchas**
 *
 * There is no time limit other than that for connecting: use `Effect.timeout` (this SDK's operations have a deadline of their
 * own). Proxy variables of the environment are not read. Connections are not upgraded.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { LookupFunction } from "node:net"
import { clientOf } from "./internal/client.ts"
import { Connections } from "./internal/connections.ts"
import { loadClient } from "./internal/undici.ts"
import { unwrapConfig } from "./internal/unwrapConfig.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * How servers are authenticated, and with which certificate the client authenticates itself (RFC 8705 §2).
 *
 * @since 0.1.0
 * @category models
 */
export interface TlsOptions {
  /** The client's certificate with its chain, in PEM. Default: none. */
  readonly cert?: string | Uint8Array | undefined
  /** The private key of `cert`, in PEM. Default: none. */
  readonly key?: Redacted.Redacted<string | Uint8Array> | undefined
  /** What `key` is encrypted with. Default: it is not encrypted. */
  readonly passphrase?: Redacted.Redacted<string> | undefined
  /** The certificates to trust instead of Node's own, in PEM. Default: Node's own. */
  readonly ca?: string | Uint8Array | ReadonlyArray<string | Uint8Array> | undefined
  /** The server name to ask for and to expect in the server's certificate. Default: the host of the URL. */
  readonly servername?: string | undefined
}

/**
 * The options of the client.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The most connections to one origin; further requests wait in order. Default: 128. */
  readonly connectionsPerOrigin?: number | undefined
  /** The time for name lookup, TCP and TLS together. Default: 10 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /**
   * How long an unused connection is kept. A server that says how long it keeps one (`Keep-Alive: timeout`) is believed, less
   * one second, when that is sooner. 0 closes each connection after its answer. Default: 2 seconds.
   */
  readonly idleTimeout?: Duration.Input | undefined
  /** The most that the headers of an answer may measure, in bytes. Default: 16384. */
  readonly maxHeaderSize?: number | undefined
  /** TLS, and the client's certificate. Default: Node's defaults, no certificate. */
  readonly tls?: TlsOptions | undefined
  /** How host names are resolved. Default: `dns.lookup` of Node. */
  readonly lookup?: LookupFunction | undefined
}

// -----------------------------------------------------------------------------
// errors
// -----------------------------------------------------------------------------

export {
  /**
   * The cause of a failure of which it is known that not one byte of the request was written, so that the server cannot have
   * processed it. It carries `notSent: true` and the `code` of the failure underneath.
   *
   * @since 0.1.0
   * @category errors
   */
  NotSent
} from "./internal/notSent.ts"

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Makes a client. Its connections are closed with the scope, also those of requests that are still waiting for an answer.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<HttpClient.HttpClient, never, Scope.Scope> =>
  Effect.gen(function*() {
    // Not before: it takes most of the time that importing this module would take.
    const Client = yield* Effect.promise(loadClient)
    const connections = yield* Effect.acquireRelease(
      Effect.sync(() =>
        new Connections(Client, {
          connectionsPerOrigin: Math.max(1, options.connectionsPerOrigin ?? 128),
          timeout: Duration.toMillis(options.connectTimeout ?? "10 seconds"),
          idleTimeout: Duration.toMillis(options.idleTimeout ?? "2 seconds"),
          maxHeaderSize: options.maxHeaderSize ?? 16_384,
          lookup: options.lookup,
          tls: tlsOptions(options.tls)
        })
      ),
      (connections) => Effect.promise(() => connections.close())
    )
    return clientOf(connections)
  })

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * A client with other options than the defaults.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerOptions = (options: Options): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(HttpClient.HttpClient, make(options))

/**
 * A client with the default options.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.effect(HttpClient.HttpClient, make())

/**
 * A client whose options come from `Config`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<HttpClient.HttpClient, Config.ConfigError> =>
  Layer.effect(HttpClient.HttpClient, Effect.flatMap(unwrapConfig(options), make))

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const tlsOptions = (tls: TlsOptions | undefined) => ({
  ...(tls?.cert === undefined ? undefined : { cert: bufferOf(tls.cert) }),
  ...(tls?.key === undefined ? undefined : { key: bufferOf(Redacted.value(tls.key)) }),
  ...(tls?.passphrase === undefined ? undefined : { passphrase: Redacted.value(tls.passphrase) }),
  ...(tls?.ca === undefined
    ? undefined
    : { ca: typeof tls.ca === "string" || tls.ca instanceof Uint8Array ? bufferOf(tls.ca) : tls.ca.map(bufferOf) }),
  servername: tls?.servername
})

const bufferOf = (pem: string | Uint8Array): string | Buffer => typeof pem === "string" ? pem : Buffer.from(pem)
