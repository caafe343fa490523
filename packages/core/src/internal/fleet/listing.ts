/**
 * The keys of all entries, from their names.
 *
 * @internal
 */
import * as Stream from "effect/Stream"
import type { RegistrationError } from "../../RegistrationError.ts"
import { decodeKey, type Key } from "../../RegistrationStore.ts"
import { storeFailed } from "../storeFailure.ts"

/** A name that is none is no reason to leave out the others: the failure comes after them. */
export const keysOf = (
  names: Stream.Stream<string, RegistrationError>
): Stream.Stream<Key, RegistrationError> =>
  Stream.suspend(() => {
    let unreadable = 0
    return names.pipe(
      Stream.flatMap((name) => {
        const keys = decodeKey(name)
        if (keys.length === 0) unreadable++
        return Stream.fromIterable(keys)
      }),
      (keys) =>
        Stream.concat(
          keys,
          Stream.suspend(() =>
            unreadable === 0
              ? Stream.empty
              : Stream.fail(storeFailed("list", "Corrupted", `${unreadable} entries have names that are none`))
          )
        )
    )
  })
