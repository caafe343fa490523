/**
 * The record of one key, open for changes under its lease.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { RegistrationError } from "../../RegistrationError.ts"
import * as RegistrationRecord from "../../RegistrationRecord.ts"
import type { Lease, RegistrationStore } from "../../RegistrationStore.ts"

export interface Session {
  /** The record as it was last loaded or saved. */
  readonly record: () => RegistrationRecord.RegistrationRecord
  /** Writes a changed record, durably. */
  readonly save: (record: RegistrationRecord.RegistrationRecord) => Effect.Effect<void, RegistrationError>
  /** Loads what is there now, after somebody else wrote. */
  readonly reload: Effect.Effect<RegistrationRecord.RegistrationRecord, RegistrationError>
  /** Removes the entry. */
  readonly remove: Effect.Effect<void, RegistrationError>
}

export const open = Effect.fnUntraced(function*(
  store: RegistrationStore["Service"],
  lease: Lease
): Effect.fn.Return<Session, RegistrationError> {
  let record = RegistrationRecord.empty(lease.key)
  let version = 0
  const reload = Effect.gen(function*() {
    const entry = yield* store.load(lease.key)
    record = Option.isNone(entry)
      ? RegistrationRecord.empty(lease.key)
      : yield* RegistrationRecord.decode(entry.value.value, lease.key)
    version = Option.isNone(entry) ? 0 : entry.value.version
    return record
  })
  yield* reload
  return {
    record: () => record,
    reload,
    save: (changed) =>
      RegistrationRecord.encode(changed).pipe(
        Effect.flatMap((text) => store.save(lease, text, version)),
        Effect.map((saved) => {
          record = changed
          version = saved
        })
      ),
    remove: Effect.suspend(() => version === 0 ? Effect.void : store.remove(lease, version))
  }
})
