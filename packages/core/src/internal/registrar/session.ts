/**
 * The record of one key, open for changes under its lease.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { RegistrationError } from "../../RegistrationError.ts"
import * as RegistrationRecord from "../../RegistrationRecord.ts"
import type { Key, Lease, RegistrationStore } from "../../RegistrationStore.ts"

/** The record of a key as it is now, which others may change. */
export const load = (
  store: RegistrationStore["Service"],
  key: Key
): Effect.Effect<RegistrationRecord.RegistrationRecord, RegistrationError> =>
  Effect.flatMap(
    store.load(key),
    Option.match({
      onNone: () => Effect.succeed(RegistrationRecord.empty(key)),
      onSome: ({ value }) => RegistrationRecord.decode(value, key)
    })
  )

export interface Session {
  /** The record as it was last loaded or saved. */
  readonly record: () => RegistrationRecord.RegistrationRecord
  /** Writes a record with what a server granted: it would be lost, so that a store that is away is waited for. */
  readonly keep: (record: RegistrationRecord.RegistrationRecord) => Effect.Effect<void, RegistrationError>
  /** Writes a changed record, durably. */
  readonly save: (record: RegistrationRecord.RegistrationRecord) => Effect.Effect<void, RegistrationError>
  /** Removes the entry. */
  readonly remove: Effect.Effect<void, RegistrationError>
  /** The token of the lease: what is written under it is told apart by it. */
  readonly lease: number
}

export const open = Effect.fnUntraced(function*(
  store: RegistrationStore["Service"],
  lease: Lease
): Effect.fn.Return<Session, RegistrationError> {
  const entry = Option.getOrUndefined(yield* store.load(lease.key))
  let version = entry?.version ?? 0
  let record = entry === undefined
    ? RegistrationRecord.empty(lease.key)
    : yield* RegistrationRecord.decode(entry.value, lease.key)

  /**
   * Asks a store that does not answer again. Where it had done it all the same, it says then that it was somebody else, although
   * the lease is still held.
   */
  const patiently = <A>(
    effect: Effect.Effect<A, RegistrationError>,
    schedule: Schedule.Schedule<unknown>,
    isDone: (found: RegistrationStoreEntry) => Option.Option<A>
  ): Effect.Effect<A, RegistrationError> =>
    Effect.suspend(() => {
      let isInDoubt = false
      return effect.pipe(
        Effect.tapError((error) =>
          Effect.sync(() => {
            isInDoubt ||= isUnavailable(error)
          })
        ),
        Effect.retry({ schedule, while: isUnavailable }),
        Effect.catch((error) =>
          isInDoubt && isConflict(error)
            ? store.load(lease.key).pipe(
              Effect.flatMap((found) => Effect.fromOption(isDone(found))),
              Effect.mapError(() => error)
            )
            : Effect.fail(error)
        )
      )
    })
  const save = (schedule: Schedule.Schedule<unknown>) => (changed: RegistrationRecord.RegistrationRecord) =>
    RegistrationRecord.encode(changed).pipe(
      Effect.flatMap((text) =>
        patiently(
          Effect.suspend(() => store.save(lease, text, version)),
          schedule,
          Option.flatMap((found) => found.value === text ? Option.some(found.version) : Option.none())
        )
      ),
      Effect.map((saved) => {
        record = changed
        version = saved
      })
    )
  return {
    record: () => record,
    lease: lease.token,
    keep: save(untilItIsBack),
    save: save(forAMoment),
    remove: Effect.suspend(() =>
      version === 0
        ? Effect.void
        : patiently(store.remove(lease, version), forAMoment, (found) =>
          Option.isNone(found) ? Option.some(undefined) : Option.none())
    )
  }
})

/** For what nothing was sent for yet, or what is of no account: somebody waits for the answer. */
const forAMoment = Schedule.exponential("50 millis").pipe(Schedule.upTo({ times: 3 }))

/** About as long as a database takes to fail over, or to be started again. */
const untilItIsBack = Schedule.exponential("50 millis").pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.seconds(2)))),
  Schedule.upTo({ duration: "30 seconds" })
)

type RegistrationStoreEntry = Effect.Success<ReturnType<RegistrationStore["Service"]["load"]>>

/** Somebody else has the lease or wrote the entry: what is known here is not what is there. */
export const isLost = (error: RegistrationError): boolean =>
  isConflict(error) || (error.reason._tag === "StoreFailed" && error.reason.problem === "LeaseLost")

const isConflict = ({ reason }: RegistrationError): boolean =>
  reason._tag === "StoreFailed" && reason.problem === "Conflict"

const isUnavailable = ({ reason }: RegistrationError): boolean =>
  reason._tag === "StoreFailed" && reason.problem === "Unavailable"

/** Whether the store put an unreadable entry out of the way: the next time there is none. */
export const isSetAside = ({ reason }: RegistrationError): boolean =>
  reason._tag === "StoreFailed" && reason.problem === "Corrupted"

/** For what must not be lost: again under another lease when that is lost, too, and when the store does not answer. */
export const stubbornly = <A, R>(
  effect: Effect.Effect<A, RegistrationError, R>
): Effect.Effect<A, RegistrationError, R> =>
  Effect.retry(effect, {
    schedule: untilItIsBack,
    while: (error) => isLost(error) || isUnavailable(error)
  })
