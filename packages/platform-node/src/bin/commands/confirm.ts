/**
 * Asks before something is done that cannot be undone.
 *
 * @internal
 */
import { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as Prompt from "effect/cli/Prompt"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Exit } from "../failure.ts"

/** Asks a person, and goes no further without a yes; where nobody can be asked, `--yes` has to say it. */
export const confirm = Effect.fnUntraced(function*(message: string, yes: boolean) {
  if (yes) return
  const { canPrompt } = yield* TerminalCapabilities
  if (canPrompt) {
    const isWanted = yield* Prompt.run(Prompt.Confirm({ message, initial: false })).pipe(
      // Ctrl-C leaves the cursor in the line of the question.
      Effect.onError(() => Console.error(""))
    )
    if (isWanted) return
    yield* Console.error("Nothing was done.")
    // As with Ctrl-C: what a shell has after it is not meant to follow.
    return yield* Effect.fail(new Exit(130))
  }
  return yield* new RegistrationError({
    reason: {
      _tag: "InvalidOptions",
      option: "--yes",
      message: "--yes is needed: standard input or output is not a terminal"
    }
  })
})
