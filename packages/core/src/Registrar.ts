/**
 * "Give me my client at this server": registers once, keeps, renews, replaces.
 *
 * A registrar stands on a `RegistrationStore`. As far as that reaches, there is one registration per issuer and profile,
 * however many fibers, processes or machines ask. What a server granted is durable before anybody gets it, and what is about
 * to be sent is written down before it is sent, so that a crash leaves a trace.
 *
 * **Gotchas**
 *
 * A replacement never deletes by itself: deleting a client logs its users out. The old one stays at the server and is listed as
 * a previous registration, until {@link Registrar.retire} finds its time come.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AuthorizationServer from "./AuthorizationServer.ts"
import * as ClientConfiguration from "./ClientConfiguration.ts"
import type { ClientMetadata } from "./ClientMetadata.ts"
import type { RegisterOptions } from "./ClientRegistration.ts"
import type { DpopSigner } from "./DpopSigner.ts"
import { fingerprint } from "./internal/fingerprint.ts"
import * as Session from "./internal/registrar/session.ts"
import { fittingClient, type RegistrarEvent, type Settings, settle } from "./internal/registrar/settle.ts"
import type { RegisteredClient } from "./RegisteredClient.ts"
import type { RegistrationError } from "./RegistrationError.ts"
import * as RegistrationRecord from "./RegistrationRecord.ts"
import { encodeKey, type Key, type Lease, RegistrationStore, withLease } from "./RegistrationStore.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

export type {
  /**
   * What happened to a registration. A replacement names both clients.
   *
   * @since 0.1.0
   * @category models
   */
  RegistrarEvent
} from "./internal/registrar/settle.ts"

/**
 * Which registration is wanted.
 *
 * @since 0.1.0
 * @category models
 */
export interface Wanted {
  /** The server, or its issuer, which is then discovered when a request has to be sent and only then. */
  readonly server: AuthorizationServer.AuthorizationServer | string
  /** A stable string of the caller's choice, such as a tenant. Two profiles have two clients. */
  readonly profile: string
  /** What is asked. When it differs from what was asked before, the registration is updated, or else replaced. */
  readonly metadata: ClientMetadata
  /** How requests are made, when one has to be sent. Default: none. */
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
  /** How many clients may exist at the server that nobody knows the credentials of. */
  readonly possibleOrphans: number
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
   * What becomes of a registration that is replaced: it is kept at the server, or {@link Registrar.retire} deletes it after a
   * while. Default: `"keep"`.
   */
  readonly retire?: "keep" | { readonly after: Duration.Input } | undefined
  /** How often at the most a registration is replaced because it is said to be invalid. Default: once in 1 minute. */
  readonly replaceInterval?: Duration.Input | undefined
  /** The pause after a registration of unknown outcome; doubles with each in a row, up to a day. Default: 1 minute. */
  readonly backoff?: Duration.Input | undefined
  /**
   * How long a lease lasts without being renewed, and so how long a holder that dies delays the others. Default: 30 seconds.
   */
  readonly leaseTtl?: Duration.Input | undefined
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
   * Work under way is shared by all who ask for the same, and goes on when the one who asked is interrupted: an answer that is
   * on its way is not thrown away.
   */
  readonly ensure: (wanted: Wanted) => Effect.Effect<RegisteredClient, RegistrationError>
  /**
   * Declares the current registration unusable, for the day when the token endpoint says `invalid_client`; the next `ensure`
   * replaces it. `false` when nothing was done: that client is not the current one any more, or was replaced just now.
   */
  readonly invalidate: (news: Invalidation) => Effect.Effect<boolean, RegistrationError>
  /** What is kept. */
  readonly list: Stream.Stream<Summary, RegistrationError>
  /** Deletes the registration of a key at the server (RFC 7592 §2.3), and forgets it. Its users are logged out. */
  readonly remove: (key: Key) => Effect.Effect<void, RegistrationError>
  /** Forgets what is kept under a key, and leaves the server alone. */
  readonly forget: (key: Key) => Effect.Effect<void, RegistrationError>
  /** Deletes at their servers the previous registrations whose time has come, and returns how many. */
  readonly retire: Effect.Effect<number, RegistrationError>
  /** What happens from now on. A listener that is slow misses the oldest events. */
  readonly events: Stream.Stream<RegistrarEvent>
}>()("@effect-dcr/core/Registrar") {}

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * Makes a registrar on the store, the client and the signer at hand. What is under way ends with the scope.
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
  const context = yield* Effect.context<HttpClient.HttpClient | DpopSigner>()
  const scope = yield* Scope.Scope
  const events = yield* PubSub.sliding<RegistrarEvent>(1024)
  const emit = (event: RegistrarEvent) => Effect.asVoid(PubSub.publish(events, event))
  const ttl = Duration.fromInputUnsafe(options.leaseTtl ?? "30 seconds")
  const replaceInterval = Duration.toMillis(Duration.fromInputUnsafe(options.replaceInterval ?? "1 minute"))
  const settings: Settings = {
    renewBefore: Duration.fromInputUnsafe(options.renewBefore ?? "1 day"),
    retire: options.retire ?? "keep",
    backoff: Duration.fromInputUnsafe(options.backoff ?? "1 minute")
  }
  const exclusively = <A>(
    key: Key,
    use: (
      session: Session.Session,
      lease: Lease
    ) => Effect.Effect<A, RegistrationError, HttpClient.HttpClient | DpopSigner>
  ): Effect.Effect<A, RegistrationError> =>
    withLease(
      store,
      key,
      { ttl },
      (lease) => Effect.flatMap(Session.open(store, lease), (session) => use(session, lease))
    ).pipe(
      Effect.provideContext(context)
    )

  // By key and fingerprint: whoever asks for the same while it is under way waits for the same fiber.
  const underWay = new Map<string, Fiber.Fiber<RegisteredClient, RegistrationError>>()
  const settleOnce = (key: Key, wanted: Wanted, asked: string) =>
    Effect.suspend(() => {
      const name = `${encodeKey(key)} ${asked}`
      const running = underWay.get(name)
      if (running !== undefined) return Fiber.join(running)
      const work = exclusively(key, (session) =>
        settle({
          store,
          session,
          server: typeof wanted.server === "string"
            ? AuthorizationServer.discover(wanted.server, wanted.options)
            : Effect.succeed(wanted.server),
          metadata: wanted.metadata,
          fingerprint: asked,
          options: wanted.options,
          settings,
          emit
        })).pipe(Effect.ensuring(Effect.sync(() => underWay.delete(name))))
      return Effect.flatMap(Effect.forkIn(work, scope), (fiber) => {
        underWay.set(name, fiber)
        return Fiber.join(fiber)
      })
    })

  const load = (key: Key) =>
    Effect.flatMap(
      store.load(key),
      Option.match({
        onNone: () => Effect.succeed(RegistrationRecord.empty(key)),
        onSome: ({ value }) => RegistrationRecord.decode(value, key)
      })
    )

  return Registrar.of({
    ensure: Effect.fnUntraced(function*(wanted) {
      const key = {
        issuer: typeof wanted.server === "string" ? wanted.server : wanted.server.issuer,
        profile: wanted.profile
      }
      const asked = fingerprint(wanted.metadata)
      const now = yield* Clock.currentTimeMillis
      const record = yield* load(key)
      return fittingClient(record, asked, now, settings) ?? (yield* settleOnce(key, wanted, asked))
    }),
    invalidate: ({ clientId, reason, ...key }) =>
      exclusively(key, (session) =>
        Effect.gen(function*() {
          const record = session.record()
          const now = yield* Clock.currentTimeMillis
          const replacedAt = record.previous.at(-1)?.replacedAt ?? -Infinity
          const isCurrent = record.current?.information.client_id === clientId && record.invalidatedAt === undefined
          if (!isCurrent || now - replacedAt < replaceInterval) return false
          yield* session.save({ ...record, invalidatedAt: now, invalidatedBecause: reason })
          return true
        })),
    list: Stream.mapEffect(store.keys, (key) =>
      Effect.map(load(key), (record): Summary => ({
        ...key,
        clientId: Option.fromUndefinedOr(record.current?.information.client_id),
        previousClientIds: record.previous.map(({ client }) => client.information.client_id),
        possibleOrphans: record.possibleOrphans.length
      }))),
    remove: (key) =>
      exclusively(key, (session) => {
        const { current, previous } = session.record()
        return Effect.forEach(
          [...previous.map(({ client }) => client), ...(current === undefined ? [] : [current])],
          (client) => ClientConfiguration.remove(client),
          { discard: true }
        ).pipe(Effect.andThen(session.remove))
      }),
    forget: (key) => exclusively(key, (session) => session.remove),
    retire: store.keys.pipe(
      Stream.mapEffect((key) => exclusively(key, (session) => retireDue(session, emit))),
      Stream.runFold(() => 0, (total, retired) => total + retired)
    ),
    events: Stream.fromPubSub(events)
  })
})

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * A registrar on the store, the client and the signer that are provided to it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<Registrar, never, RegistrationStore | HttpClient.HttpClient | DpopSigner> =>
  Layer.effect(Registrar, make(options))

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

/** Deletes one after the other, and writes down each deletion before the next. */
const retireDue = Effect.fnUntraced(function*(
  session: Session.Session,
  emit: (event: RegistrarEvent) => Effect.Effect<void>
) {
  const now = yield* Clock.currentTimeMillis
  const due = session.record().previous.filter(({ retireAt }) => retireAt !== undefined && retireAt <= now)
  for (const { client } of due) {
    yield* ClientConfiguration.remove(client)
    const record = session.record()
    yield* session.save({ ...record, previous: record.previous.filter((kept) => kept.client !== client) })
    yield* emit({
      _tag: "Retired",
      issuer: record.issuer,
      profile: record.profile,
      clientId: client.information.client_id
    })
  }
  return due.length
})
