/**
 * Operations of a store that somebody else runs.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { ReasonOf, RegistrationError } from "../../RegistrationError.ts"
import { storeFailed } from "../storeFailure.ts"

export type Operation = ReasonOf<"StoreFailed">["operation"]

/**
 * Fails with `Unavailable` when there is no answer within the time. What does not let itself be interrupted is not waited for:
 * a driver may want to tell a server that it gives up, and that server does not answer.
 */
export const within =
  (timeout: Duration.Duration) =>
  (operation: Operation) =>
  <A, R>(effect: Effect.Effect<A, RegistrationError, R>): Effect.Effect<A, RegistrationError, R> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.forkDetach(Effect.interruptible(effect)), (fiber) =>
        restore(Fiber.join(fiber)).pipe(
          Effect.timeoutOrElse({
            duration: timeout,
            orElse: () =>
              Effect.fail(storeFailed(operation, "Unavailable", `no answer within ${Duration.format(timeout)}`))
          }),
          Effect.ensuring(Effect.sync(() => fiber.interruptUnsafe()))
        ))
    )
