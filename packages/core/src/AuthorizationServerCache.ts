/**
 * A bounded cache of authorization servers, as a service.
 *
 * @since 0.1.0
 */
import * as Cache from "effect/Cache"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as AuthorizationServer from "./AuthorizationServer.ts"
import { EndpointPolicy } from "./EndpointPolicy.ts"
import { judgeIdentifier } from "./internal/identifier.ts"
import type { RegistrationError } from "./RegistrationError.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * How much is kept, and for how long.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** How many servers are kept; the one that was not asked for longest leaves first. Default: 256. */
  readonly capacity?: number | undefined
  /** How long a server is kept. Default: one hour. */
  readonly timeToLive?: Duration.Input | undefined
  /**
   * How long a failure is kept, so that a server that is down is not asked by every caller anew. Default: 0, which shares a
   * failure among those who asked at the same time and no others.
   */
  readonly failureTimeToLive?: Duration.Input | undefined
  /** The time for all requests of a discovery together. Default: that of `ExchangeLimits`. */
  readonly deadline?: Duration.Input | undefined
}

/**
 * What a call may ask for. Two calls share a server only if they agree in all of these. The deadline is the cache's own,
 * because callers share the request.
 *
 * @since 0.1.0
 * @category options
 */
export interface GetOptions extends Omit<AuthorizationServer.DiscoverOptions, "deadline"> {}

// -----------------------------------------------------------------------------
// service
// -----------------------------------------------------------------------------

/**
 * Keeps what `AuthorizationServer.discover` finds.
 *
 * **Details**
 *
 * The issuer is judged by the `EndpointPolicy` of each caller, also when its metadata is already here, and callers share
 * only what was found under the same policy. Requests are sent by the `HttpClient` that the cache was built with.
 *
 * **Gotchas**
 *
 * Policies are the same if they are the same object: one that is made anew for each call finds nothing here.
 *
 * @since 0.1.0
 * @category services
 */
export class AuthorizationServerCache extends Context.Service<AuthorizationServerCache, {
  /** The server with this issuer, from the cache or by a discovery. Concurrent calls share one discovery. */
  readonly get: (
    issuer: string | URL,
    options?: GetOptions
  ) => Effect.Effect<AuthorizationServer.AuthorizationServer, RegistrationError>
  /** Discovers anew and keeps the result. When that fails, what was kept stays. */
  readonly refresh: (
    issuer: string | URL,
    options?: GetOptions
  ) => Effect.Effect<AuthorizationServer.AuthorizationServer, RegistrationError>
  /** Forgets the server with this issuer, whatever options it was asked for with. */
  readonly invalidate: (issuer: string | URL) => Effect.Effect<void>
}>()("@effect-dcr/core/AuthorizationServerCache") {}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/** What tells one entry from another: plain data, compared by value. */
interface Key {
  readonly issuer: string
  /** A `URL` is laxer about the slash of an empty path than a string. */
  readonly isUrl: boolean
  readonly algorithm: "oauth2" | "oidc" | undefined
  readonly tolerateTrailingSlash: boolean
  readonly dangerouslyAllowInsecureRequests: boolean
  /** Which policy judged, addresses included: what a looser one let in is not for a caller with a stricter one. */
  readonly policy: number
}

const keyOf = (issuer: string | URL, options: GetOptions | undefined, policy: number): Key => ({
  issuer: String(issuer),
  isUrl: typeof issuer !== "string",
  algorithm: options?.algorithm,
  tolerateTrailingSlash: options?.tolerateTrailingSlash === true,
  dangerouslyAllowInsecureRequests: options?.dangerouslyAllowInsecureRequests === true,
  policy
})

/** Numbers policies by the order in which they are first seen, and keeps none of them alive. */
const makePolicyNumbers = (): (policy: EndpointPolicy) => number => {
  const numbers = new WeakMap<EndpointPolicy, number>()
  let last = 0
  return (policy) => {
    const number = numbers.get(policy) ?? ++last
    numbers.set(policy, number)
    return number
  }
}

/**
 * Builds a cache.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (
  options?: Options
) => Effect.Effect<AuthorizationServerCache["Service"], never, HttpClient.HttpClient> = Effect.fnUntraced(
  function*(options = {}) {
    const client = yield* HttpClient.HttpClient
    const { deadline, failureTimeToLive = Duration.zero, timeToLive = Duration.hours(1) } = options

    // The client of the cache, not the one that the first of several callers happens to have.
    const discover = ({ isUrl, issuer, policy: _, ...key }: Key) =>
      AuthorizationServer.discover(isUrl ? new URL(issuer) : issuer, { ...key, deadline }).pipe(
        Effect.provideService(HttpClient.HttpClient, client)
      )
    const cache = yield* Cache.makeWith(discover, {
      capacity: options.capacity ?? 256,
      timeToLive: (exit) => Exit.isSuccess(exit) ? timeToLive : failureTimeToLive
    })

    const numberOf = makePolicyNumbers()
    const keyed =
      <A>(use: (key: Key) => Effect.Effect<A, RegistrationError>) => (issuer: string | URL, options?: GetOptions) =>
        Effect.flatMap(
          EndpointPolicy,
          (policy) =>
            judgeIdentifier("issuer", issuer, options?.dangerouslyAllowInsecureRequests).pipe(
              Effect.andThen(Effect.suspend(() => use(keyOf(issuer, options, numberOf(policy))))),
              // Said aloud, since a caller with the default has none in the context, and would get that of the cache.
              Effect.provideService(EndpointPolicy, policy)
            )
        )

    return {
      get: keyed((key) => Cache.get(cache, key)),
      refresh: keyed((key) => Effect.tap(discover(key), (server) => Cache.set(cache, key, server))),
      invalidate: (issuer) =>
        Effect.flatMap(Cache.keys(cache), (keys) =>
          Effect.forEach(
            Array.from(keys).filter((key) => key.issuer === String(issuer)),
            (key) => Cache.invalidate(cache, key),
            { discard: true }
          ))
    }
  }
)

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * Provides a cache.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<AuthorizationServerCache, never, HttpClient.HttpClient> =>
  Layer.effect(AuthorizationServerCache, make(options))

/**
 * Provides a cache whose options come from `Config`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<AuthorizationServerCache, Config.ConfigError, HttpClient.HttpClient> =>
  Layer.effect(AuthorizationServerCache, Effect.flatMap(Config.unwrap(options), make))
