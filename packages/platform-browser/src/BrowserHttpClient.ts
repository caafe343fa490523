/**
 * The `HttpClient` of browsers: `fetch`, which says what happened when it fails.
 *
 * A browser tells a page nothing more than "Failed to fetch" of a server that is away, an answer without CORS headers, a policy
 * of the page and a machine without a network. This client finds out what can be found out, and the error says it and what to
 * do. Everything else that an exchange needs, `@effect-dcr/core` does on any client: redirects are refused, cookies are not
 * sent, and no header goes out that would force a preflight by itself. Works in windows, workers and service workers.
 *
 * **Gotchas**
 *
 * JSON in a POST, an `Authorization` and a `DPoP` header always need a preflight: the server has to allow them.
 *
 * A page reads the headers `DPoP-Nonce`, `WWW-Authenticate` and `Retry-After` of another origin only where
 * `Access-Control-Expose-Headers` names them.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { explain, isBareFailure, watch } from "./internal/fetchFailure.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /**
   * Whether a server of another origin that did not answer is asked once more whether it is there at all: a `HEAD` of its root,
   * without credentials and with an answer that nobody can read. It tells a server without CORS headers from one that is away.
   * Default: `true`.
   */
  readonly probe?: boolean | undefined
}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Makes the client. It uses the `fetch` of the `effect/http/FetchHttpClient` reference, and nothing of it is cached.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (client) =>
    client.pipe(
      HttpClient.mapRequest(withoutForbidden),
      HttpClient.transform((send, request) =>
        Effect.suspend(() => {
          const watched = watch()
          return send.pipe(
            Effect.catch((error) => {
              const cause = HttpClientError.isHttpClientError(error) && error.reason._tag === "TransportError"
                ? error.reason.cause
                : undefined
              const url = Option.getOrUndefined(HttpClientRequest.toUrl(request))
              return url !== undefined && isBareFailure(cause)
                ? Effect.flatMap(
                  explain(
                    watched,
                    { method: request.method, url, headers: request.headers, cause },
                    options.probe ?? true
                  ),
                  (explained) =>
                    Effect.fail(
                      new HttpClientError.HttpClientError({
                        reason: new HttpClientError.TransportError({ request, cause: explained })
                      })
                    )
                )
                : Effect.fail(error)
            }),
            Effect.ensuring(Effect.sync(watched.end)),
            Effect.updateContext(neverCached)
          )
        })
      )
    )).pipe(Effect.provide(FetchHttpClient.layer))

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * The client with its defaults.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.effect(HttpClient.HttpClient, make())

/**
 * The client with other options than the defaults.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerOptions = (options: Options): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(HttpClient.HttpClient, make(options))

/**
 * The client whose options come from `Config`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<HttpClient.HttpClient, Config.ConfigError> =>
  Layer.effect(HttpClient.HttpClient, Effect.flatMap(Config.unwrap(options), make))

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

/** Browsers choose it themselves, and decompress. They drop such a header without a word. */
const withoutForbidden = HttpClientRequest.removeHeader("accept-encoding")

/** Registrations are secrets that change. `no-store` adds headers behind the preflight, and so costs none. */
const neverCached = (context: Context.Context<never>): Context.Context<never> =>
  Context.add(context, FetchHttpClient.RequestInit, {
    cache: "no-store",
    ...Context.getOrUndefined(context, FetchHttpClient.RequestInit)
  })
