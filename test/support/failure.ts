/** What a failure says, for tests that expect one. */
import type { RegistrationError } from "@effect-dcr/core"
import { assert } from "@effect/vitest"
import { Effect } from "effect"

type Reason = RegistrationError.Reason

/** The reason of an error, which must be of this kind. */
export const reasonOf = <Tag extends Reason["_tag"]>(
  error: RegistrationError.RegistrationError,
  tag: Tag
): RegistrationError.ReasonOf<Tag> => {
  const is = (reason: Reason): reason is RegistrationError.ReasonOf<Tag> => reason._tag === tag
  const { reason } = error
  if (!is(reason)) return assert.fail(`${tag} was expected, and this came: ${error.message}`)
  return reason
}

/** Expects a failure of this kind. */
export const failsWith = <Tag extends Reason["_tag"]>(tag: Tag) =>
<A, R>(
  effect: Effect.Effect<A, RegistrationError.RegistrationError, R>
): Effect.Effect<
  { readonly error: RegistrationError.RegistrationError; readonly reason: RegistrationError.ReasonOf<Tag> },
  never,
  R
> =>
  effect.pipe(
    Effect.matchEffect({
      onFailure: (error) => Effect.sync(() => ({ error, reason: reasonOf(error, tag) })),
      onSuccess: () => Effect.sync(() => assert.fail(`${tag} was expected, and it succeeded`))
    })
  )
