/**
 * Desks for those who work on the record of a key: each after those who came before, under a lease, and again when it is lost.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { RegisteredClient } from "../../RegisteredClient.ts"
import type { RegistrationError } from "../../RegistrationError.ts"
import { encodeKey, type Key, type Lease, withLease } from "../../RegistrationStore.ts"
import { attributes } from "../telemetry.ts"
import { checkKey, invalidOption } from "./asked.ts"
import { resolveIntent } from "./intent.ts"
import * as Session from "./session.ts"
import type { Desk, Managed, Requirements, Step } from "./task.ts"
import { makeQueues } from "./turns.ts"

interface Options extends Pick<Desk, "emit" | "settings" | "store"> {
  /** How long a lease lasts without being renewed. */
  readonly ttl: Duration.Duration
  /** What the work needs, and the policies that hold for it. */
  readonly context: Context.Context<Requirements>
}

export const makeDesks = ({ context, emit, settings, store, ttl }: Options) => {
  const inTurn = makeQueues()
  const leased = <A>(key: Key, use: (session: Session.Session, lease: Lease) => Step<A>): Step<A> =>
    withLease(
      store,
      key,
      { ttl },
      (lease) => Effect.flatMap(Session.open(store, lease), (session) => use(session, lease))
    )
  /** Works on the record of a key. Whoever loses the lease on the way begins again, with what is there then. */
  const exclusively = <A>(name: string, key: Key, use: (desk: Desk) => Step<A>): Effect.Effect<A, RegistrationError> =>
    inTurn(
      encodeKey(key),
      leased(key, (session, lease) =>
        use({
          store,
          session,
          settings,
          emit,
          // Given back first: of a store that only noticed another version, it is not lost.
          again: (use) => Effect.andThen(Effect.ignore(store.release(lease)), leased(key, use))
        }))
    ).pipe(
      Effect.retry({ times: 5, while: (error) => Session.isLost(error) && error.registered === undefined }),
      Effect.withSpan(`Registrar.${name}`, { attributes: { [attributes.issuer]: key.issuer } }, {
        captureStackTrace: false
      }),
      Effect.provideContext(context)
    )
  return {
    exclusively,
    /** Works on the current registration of a key, whatever was asked last. */
    managed: <A>(name: string, key: Key, use: (desk: Managed, current: RegisteredClient) => Step<A>) =>
      Effect.flatMap(checkKey(key), (key) =>
        exclusively(name, key, (desk) =>
          Effect.gen(function*() {
            yield* resolveIntent(desk)
            const { current, fingerprint } = desk.session.record()
            if (current === undefined) return yield* invalidOption("profile", "no registration is kept under it")
            return yield* use({ ...desk, fingerprint, options: undefined }, current)
          }))),
    /** Removes the entry of a key without looking into it. */
    forget: (key: Key): Effect.Effect<void, RegistrationError> =>
      inTurn(encodeKey(key), withLease(store, key, { ttl }, (lease) => store.remove(lease, "any"))).pipe(
        // What the store had to set aside first is not there any more.
        Effect.retry({ times: 5, while: (error) => Session.isLost(error) || Session.isSetAside(error) })
      )
  }
}
