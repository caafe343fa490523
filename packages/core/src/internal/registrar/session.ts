/**
 * The record of one key, open for changes under its lease.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { RegistrationError } from "../../RegistrationError.ts"
import * as RegistrationRecord from "../../RegistrationRecord.ts"
import type { Lease, RegistrationStore } from "../../RegistrationStore.ts"

export interface Session {
  /** The record as it was last loaded or saved. */
  readonly record: () => RegistrationRecord.RegistrationRecord
  /** Writes a changed record, durably. */
  readonly save: (record: RegistrationRecord.RegistrationRecord) => Effect.Effect<void, RegistrationError>
  /** Removes the entry. */
  readonly remove: Effect.Effect<void, RegistrationError>
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
  return {
    record: () => record,
    save: (changed) =>
      RegistrationRecord.encode(changed).pipe(
        Effect.flatMap((text) => patiently(store.save(lease, text, version))),
        Effect.map((saved) => {
          record = changed
          version = saved
        })
      ),
    remove: Effect.suspend(() => version === 0 ? Effect.void : patiently(store.remove(lease, version)))
  }
})

/** Somebody else has the lease or wrote the entry: what is known here is not what is there. */
export const isLost = ({ reason }: RegistrationError): boolean =>
  reason._tag === "StoreFailed" && (reason.problem === "Conflict" || reason.problem === "LeaseLost")

/** What a server granted is at stake: a store that does not answer is asked again. */
const patiently = <A>(effect: Effect.Effect<A, RegistrationError>): Effect.Effect<A, RegistrationError> =>
  Effect.retry(effect, {
    schedule: Schedule.exponential("50 millis").pipe(Schedule.upTo({ times: 3 })),
    while: ({ reason }) => reason._tag === "StoreFailed" && reason.problem === "Unavailable"
  })
