/**
 * "Give me my client at this server": registers once, keeps, renews, replaces.
 *
 * A registrar stands on a `RegistrationStore`. As far as that reaches, there is one registration per issuer and profile,
 * however many fibers, processes or machines ask. What a server granted is durable before anybody gets it, and what is about
 * to be sent is written down before it is sent, so that a crash leaves a trace.
 *
 * **Details**
 *
 * An answer that is on its way is waited for and kept: neither the one who asked nor the end of the scope interrupts a request
 * that may have been processed. A store that is away is waited for with it, for half a minute. The end of the scope can so take
 * as long as the deadline of a request and this.
 *
 * **Gotchas**
 *
 * A replacement never deletes by itself: deleting a client logs its users out. The old one stays at the server and is listed as
 * a previous registration, unless the option `retire` says otherwise.
 *
 * One profile is one registration. Two programs that ask for one profile with different metadata, such as two versions of an
 * application that run side by side, change it to and fro.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as AuthorizationServer from "./AuthorizationServer.ts"
import { type Options as ManagementOptions, type Rotation, rotationOf } from "./ClientConfiguration.ts"
import type { ClientMetadata } from "./ClientMetadata.ts"
import type { RegisterOptions } from "./ClientRegistration.ts"
import type { DpopSigner } from "./DpopSigner.ts"
import { fingerprint } from "./internal/fingerprint.ts"
import { judgeIdentifier } from "./internal/identifier.ts"
import { isInForce } from "./internal/pause.ts"
import { checkAsked, checkKey, judgeDeviations } from "./internal/registrar/asked.ts"
import { makeDesks } from "./internal/registrar/desks.ts"
import { ensureAll, type EnsureAllOptions, type Ensured } from "./internal/registrar/ensureAll.ts"
import type { RegistrarEvent } from "./internal/registrar/event.ts"
import { read, rotate } from "./internal/registrar/manage.ts"
import { dueOf, removeAll, retireAll, retireDue } from "./internal/registrar/retire.ts"
import * as Session from "./internal/registrar/session.ts"
import { fittingClient, settle } from "./internal/registrar/settle.ts"
import type { Settings } from "./internal/registrar/task.ts"
import { makeShared } from "./internal/registrar/turns.ts"
import { patiently, withoutLongPauses } from "./internal/registrar/waiting.ts"
import type { RegisteredClient } from "./RegisteredClient.ts"
import type { RegistrationError } from "./RegistrationError.ts"
import type * as RegistrationRecord from "./RegistrationRecord.ts"
import { encodeKey, type Key, RegistrationStore } from "./RegistrationStore.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

export type {
  /**
   * What happened to a registration.
   *
   * @since 0.1.0
   * @category models
   */
  RegistrarEvent
} from "./internal/registrar/event.ts"

export {
  /**
   * Options of `ensureAll`.
   *
   * @since 0.1.0
   * @category options
   */
  type EnsureAllOptions,
  /**
   * How many of many came to what.
   *
   * @since 0.1.0
   * @category models
   */
  type EnsureAllSummary,
  /**
   * What became of one of many.
   *
   * @since 0.1.0
   * @category models
   */
  type Ensured,
  /**
   * Runs an `ensureAll`, and counts what became of them without keeping them.
   *
   * @since 0.1.0
   * @category destructors
   */
  summarize
} from "./internal/registrar/ensureAll.ts"

/**
 * Which registration is wanted.
 *
 * @since 0.1.0
 * @category models
 */
export interface Wanted {
  /**
   * The metadata of the server, or its issuer exactly as its metadata spells it. An issuer is discovered when a request has to
   * be sent, and only then. Either way the issuer is the one of the {@link Key} that the other operations take.
   */
  readonly server: AuthorizationServer.AuthorizationServer | string
  /** A stable string of the caller's choice, such as a tenant. Two profiles have two clients. */
  readonly profile: string
  /** What is asked. When it differs from what was asked before, the registration is updated, or else replaced. */
  readonly metadata: ClientMetadata
  /**
   * How requests are made, when one has to be sent. With `deviations: "fail"`, a registration that deviates fails each time
   * with `DeviationsRefused`; it is kept all the same and no other one is made. Default: none.
   */
  readonly options?: RegisterOptions<RegistrationError> | undefined
}

/**
 * The news that a client does not work any more.
 *
 * @since 0.1.0
 * @category models
 */
export interface Invalidation extends Key {
  /** The client that does not work. Nothing happens unless it is still the current one. */
  readonly clientId: string
  /** Why, such as `invalid_client`. */
  readonly reason: string
}

/**
 * What is kept under a key, without secrets.
 *
 * @since 0.1.0
 * @category models
 */
export interface Summary extends Key {
  readonly clientId: Option.Option<string>
  /** Clients that were replaced and may still exist at the server. */
  readonly previousClientIds: ReadonlyArray<string>
  /** Clients that may exist at the server and that nobody knows the credentials of. */
  readonly possibleOrphans: ReadonlyArray<PossibleOrphan>
  /** What was begun and is not known to have ended: it is under way somewhere, or whoever began it died. */
  readonly unfinished: Option.Option<Unfinished>
  /** Why what is kept cannot be read, if it cannot; nothing else is known then. */
  readonly problem: Option.Option<RegistrationError>
}

/**
 * A client that may exist at the server without anybody knowing its credentials.
 *
 * @since 0.1.0
 * @category models
 */
export interface PossibleOrphan {
  /** When its registration was begun, in milliseconds since the epoch. */
  readonly startedAt: number
  /** Whether the process died, or the outcome of the request was not known. */
  readonly why: "crashed" | "outcome-unknown"
}

/**
 * Work on a registration that was begun and is not known to have ended.
 *
 * @since 0.1.0
 * @category models
 */
export interface Unfinished {
  readonly kind: "register" | "update" | "rotate" | "remove"
  /** When it was begun, in milliseconds since the epoch. */
  readonly startedAt: number
}

/**
 * Options of {@link layer}.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /**
   * How long before its expiry a secret is renewed; at the most a fifth of its life. Default: 1 day.
   */
  readonly renewBefore?: Duration.Input | undefined
  /**
   * What becomes of a registration that is replaced: it is kept at the server, or deleted there after a while, by the next
   * `ensure` of its key or by `retire`. Default: `"keep"`.
   */
  readonly retire?: "keep" | { readonly after: Duration.Input } | undefined
  /** How often at the most a registration is replaced because it is said to be invalid. Default: once in 1 minute. */
  readonly replaceInterval?: Duration.Input | undefined
  /**
   * The pause after a registration of unknown outcome, and after a renewal that failed while the secret still works; doubles
   * with each in a row, up to a day. Default: 1 minute.
   */
  readonly backoff?: Duration.Input | undefined
  /**
   * How long a lease lasts without being renewed, and so how long a holder that dies delays the others. Default: 30 seconds.
   */
  readonly leaseTtl?: Duration.Input | undefined
  /**
   * How a registration is managed (RFC 7592): with another credential than its registration access token, for ecosystems that
   * have their own. Default: with that token.
   */
  readonly management?: ((client: RegisteredClient) => ManagementOptions<RegistrationError>) | undefined
}

// -----------------------------------------------------------------------------
// service
// -----------------------------------------------------------------------------

/**
 * Registers once, keeps, renews and replaces.
 *
 * @since 0.1.0
 * @category services
 */
export class Registrar extends Context.Service<Registrar, {
  /**
   * The usable registration: the one that is kept if what is asked is what was asked then, else one that is registered,
   * updated or renewed now.
   *
   * Work under way is shared by all who ask for the same, and goes on when the one who asked is interrupted. A `Retry-After`
   * is waited for within the `RetryPolicy` and the deadline, without holding anybody up.
   */
  readonly ensure: (wanted: Wanted) => Effect.Effect<RegisteredClient, RegistrationError>
  /**
   * `ensure` for many, to provision or to migrate: tells what became of each, in the order in which they are done. An issuer
   * that is slow, that wants none for now (`Retry-After`, for the whole reach of the store) or that is down holds up no other,
   * and what waits for it is bounded. Run again, after a crash as well, it registers nobody twice. It fails only with the
   * stream that it is given.
   */
  readonly ensureAll: <E, R>(
    wanted: Stream.Stream<Wanted, E, R>,
    options?: EnsureAllOptions
  ) => Stream.Stream<Ensured, E, R>
  /**
   * Declares the current registration unusable, for the day when the token endpoint says `invalid_client`; the next `ensure`
   * replaces it. `false` when nothing was done: that client is not the current one any more, or it took the place of another
   * or got another secret just now, and the next `ensure` returns what works.
   */
  readonly invalidate: (news: Invalidation) => Effect.Effect<boolean, RegistrationError>
  /** The current registration as it is kept, whether or not it still works. Nothing is sent. */
  readonly get: (key: Key) => Effect.Effect<Option.Option<RegisteredClient>, RegistrationError>
  /**
   * Reads the current registration at the server (RFC 7592 §2.1), and keeps what came with it. Fails with `InvalidOptions`
   * when there is none.
   */
  readonly read: (key: Key) => Effect.Effect<RegisteredClient, RegistrationError>
  /**
   * Asks for new credentials of the current registration (RFC 7592 §2.2), keeps them, and says what changed. Fails with
   * `InvalidOptions` when there is none.
   */
  readonly rotate: (key: Key) => Effect.Effect<Rotation, RegistrationError>
  /**
   * What is kept. An entry that cannot be read is listed with its problem; where not even its key can be told, the failure comes
   * after all that can.
   */
  readonly list: Stream.Stream<Summary, RegistrationError>
  /**
   * Deletes the registrations of a key at the server (RFC 7592 §2.3), the previous ones as well, and forgets them. Their users
   * are logged out. Says which clients those were: none when none was kept. What could not be deleted is kept, and the first
   * failure is the one of the whole.
   */
  readonly remove: (key: Key) => Effect.Effect<ReadonlyArray<string>, RegistrationError>
  /** Forgets what is kept under a key, readable or not, and leaves the server alone. */
  readonly forget: (key: Key) => Effect.Effect<void, RegistrationError>
  /**
   * Deletes at their servers the previous registrations whose time has come, and returns how many. One that could not be
   * deleted is tried again in an hour. Fails when the store failed for one of the keys, after the others were seen to.
   */
  readonly retire: Effect.Effect<number, RegistrationError>
  /** What happens from now on, in this process. A listener that is slow misses the oldest events. */
  readonly events: Stream.Stream<RegistrarEvent>
}>()("@effect-dcr/core/Registrar") {}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Makes a registrar on the store, the client and the signer at hand. What is under way ends with the scope. The policies in force
 * here hold for all that it sends, see {@link layer}.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(options: Options = {}): Effect.fn.Return<
  Registrar["Service"],
  never,
  RegistrationStore | HttpClient.HttpClient | DpopSigner | Scope.Scope
> {
  const store = yield* RegistrationStore
  // The policies of where it was made hold for all requests, whoever asks; spans belong to whoever asks.
  const context = Context.omit(Tracer.ParentSpan)(yield* Effect.context<HttpClient.HttpClient | DpopSigner>())
  const scope = yield* Scope.Scope
  const events = yield* Effect.acquireRelease(PubSub.sliding<RegistrarEvent>(1024), PubSub.shutdown)
  const emit = (event: RegistrarEvent) => Effect.asVoid(PubSub.publish(events, event))
  const ttl = Duration.fromInputUnsafe(options.leaseTtl ?? "30 seconds")
  const replaceInterval = Duration.toMillis(Duration.fromInputUnsafe(options.replaceInterval ?? "1 minute"))
  const settings: Settings = {
    renewBefore: Duration.fromInputUnsafe(options.renewBefore ?? "1 day"),
    retire: options.retire ?? "keep",
    backoff: Duration.fromInputUnsafe(options.backoff ?? "1 minute"),
    management: options.management ?? (() => ({}))
  }
  const { exclusively, forget, managed } = makeDesks({ store, emit, settings, ttl, context })
  const together = makeShared<RegisteredClient, RegistrationError>(scope)
  const load = (key: Key) => Session.load(store, key)

  const retireOf = (key: Key) => exclusively("retire", key, retireDue)
  const retiring = new Set<string>()
  const retireInBackground = (key: Key) =>
    Effect.suspend(() => {
      const name = encodeKey(key)
      if (retiring.has(name)) return Effect.void
      retiring.add(name)
      // What fails is tried again by the next who asks.
      return Effect.ignore(retireOf(key)).pipe(
        Effect.ensuring(Effect.sync(() => retiring.delete(name))),
        Effect.forkIn(scope),
        Effect.asVoid
      )
    })

  /** What is wanted, and what there is of it. Nothing is sent. */
  const look = Effect.fnUntraced(function*(wanted: Wanted) {
    const { metadata, options, profile, server } = wanted
    yield* checkAsked(wanted)
    const issuer = typeof server === "string" ? server : server.issuer
    const key = yield* checkKey({ issuer, profile })
    yield* judgeIdentifier("issuer", issuer, options?.dangerouslyAllowInsecureRequests).pipe(
      Effect.provideContext(context)
    )
    const asked = fingerprint(metadata, options?.preset)
    const record = yield* load(key)
    const now = yield* Clock.currentTimeMillis
    if (dueOf(record, now).length > 0) yield* retireInBackground(key)
    return { key, asked, client: fittingClient(record, asked, now, settings) }
  })
  const ensureWith = (isPatient: boolean) =>
    Effect.fnUntraced(function*(
      wanted: Wanted
    ): Effect.fn.Return<RegisteredClient, RegistrationError> {
      const { metadata, options, server } = wanted
      const { asked, client, key } = yield* look(wanted)
      const work = exclusively("ensure", key, (desk) =>
        settle({
          ...desk,
          // Nothing but the very issuer: the credentials are kept under it.
          server: typeof server === "string"
            ? AuthorizationServer.discover(server, {
              dangerouslyAllowInsecureRequests: options?.dangerouslyAllowInsecureRequests,
              deadline: options?.deadline
            })
            : Effect.succeed(server),
          metadata,
          fingerprint: asked,
          options
        }).pipe(withoutLongPauses))
      const settled = client ??
        (yield* together(
          // Who is patient does not join who is not.
          `${encodeKey(key)} ${asked} ${isPatient}`,
          isPatient ? Effect.provideContext(patiently(options?.deadline, work), context) : work
        ))
      return yield* judgeDeviations(settled, options)
    })
  const find = Effect.fnUntraced(function*(wanted: Wanted): Effect.fn.Return<
    RegisteredClient | undefined,
    RegistrationError
  > {
    const { client } = yield* look(wanted)
    return client === undefined ? undefined : yield* judgeDeviations(client, wanted.options)
  })

  return Registrar.of({
    ensure: ensureWith(true),
    // Who waits here holds up nobody else of the many.
    ensureAll: ensureAll({ ensure: ensureWith(false), find }),
    invalidate: Effect.fnUntraced(function*({ clientId, reason, ...rest }) {
      const key = yield* checkKey(rest)
      const concerns = (record: RegistrationRecord.RegistrationRecord, now: number) =>
        record.current?.information.client_id === clientId && record.invalidatedAt === undefined &&
        (record.replacedAt === undefined ||
          !isInForce({ since: record.replacedAt, until: record.replacedAt + replaceInterval }, now))
      // Most of those who find out together come late: they need no lease.
      if (!concerns(yield* load(key), yield* Clock.currentTimeMillis)) return false
      return yield* exclusively("invalidate", key, ({ session }) =>
        Effect.gen(function*() {
          const now = yield* Clock.currentTimeMillis
          const record = session.record()
          if (!concerns(record, now)) return false
          yield* session.save({ ...record, invalidatedAt: now, invalidatedBecause: reason })
          yield* emit({ _tag: "Invalidated", ...key, clientId, reason })
          return true
        }))
    }),
    get: (key) => Effect.map(Effect.flatMap(checkKey(key), load), ({ current }) => Option.fromUndefinedOr(current)),
    read: (key) => managed("read", key, read),
    rotate: (key) =>
      managed(
        "rotate",
        key,
        (desk, current) => Effect.map(rotate(desk, current), (rotated) => rotationOf(current, rotated))
      ),
    list: Stream.mapEffect(store.keys, (key) =>
      Effect.match(load(key), {
        onFailure: (error): Summary => ({
          ...key,
          clientId: Option.none(),
          previousClientIds: [],
          possibleOrphans: [],
          unfinished: Option.none(),
          problem: Option.some(error)
        }),
        onSuccess: ({ current, intent, possibleOrphans, previous }): Summary => ({
          ...key,
          clientId: Option.fromUndefinedOr(current?.information.client_id),
          previousClientIds: previous.map(({ client }) => client.information.client_id),
          possibleOrphans,
          unfinished: Option.map(Option.fromUndefinedOr(intent), ({ kind, startedAt }) => ({ kind, startedAt })),
          problem: Option.none()
        })
      })),
    remove: (key) => Effect.flatMap(checkKey(key), (key) => exclusively("remove", key, removeAll)),
    forget: (key) => Effect.flatMap(checkKey(key), forget),
    retire: retireAll(store, retireOf),
    events: Stream.fromPubSub(events)
  })
})

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * A registrar on the store, the client and the signer that are provided to it.
 *
 * **Gotchas**
 *
 * **A policy is provided to this layer, not to the program that asks.** The `EndpointPolicy`, the `RetryPolicy` and the
 * `ExchangeLimits` that are set where the layer is built hold for all that the registrar sends, whoever asks: a stricter
 * `EndpointPolicy` around a program that asks changes nothing then. What is not set there is taken from the one whose request
 * began the work, and others share its outcome, so do not rely on that either. A policy that is given with `Layer.provide` to the
 * `HttpClient` alone does not reach the registrar.
 *
 * **Example** (A registrar for issuers that customers name)
 *
 * ```ts
 * import { EndpointPolicy, Registrar, RegistrationStore } from "@effect-dcr/core"
 * import { NodeRegistration } from "@effect-dcr/platform-node"
 * import { Layer } from "effect"
 *
 * const layer = Registrar.layer().pipe(
 *   Layer.provide([RegistrationStore.layerMemory, NodeRegistration.layer, EndpointPolicy.layerPublicOnly])
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<Registrar, never, RegistrationStore | HttpClient.HttpClient | DpopSigner> =>
  Layer.effect(Registrar, make(options))
