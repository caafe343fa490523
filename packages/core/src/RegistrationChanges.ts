/**
 * News that an entry of a store has changed, for those who keep a copy of it.
 *
 * A module of its own, which the package's root does not name: only stores for fleets have such news.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Stream from "effect/Stream"
import type { RegistrationError } from "./RegistrationError.ts"
import type { Key } from "./RegistrationStore.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * The key whose entry was saved or removed, or `"all"` when any of them may have been: when the news begin, and after a gap
 * that was noticed.
 *
 * @since 0.1.0
 * @category models
 */
export type Change = Key | "all"

// -----------------------------------------------------------------------------
// references
// -----------------------------------------------------------------------------

/**
 * The changes of the store that is provided together with it, from now on; none by default. It fails when the news break off,
 * and can be run again then.
 *
 * **Gotchas**
 *
 * News travel by publish and subscribe: what is said while a connection is away is lost, and it takes a moment to notice. Whoever
 * keeps a copy needs a bound of its age as well.
 *
 * @since 0.1.0
 * @category references
 */
export const RegistrationChanges = Context.Reference<Stream.Stream<Change, RegistrationError>>(
  "@effect-dcr/core/RegistrationChanges",
  { defaultValue: () => Stream.never }
)
