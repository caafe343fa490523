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

/** Asks a person; where nobody can be asked, `--yes` has to say it. */
export const confirm = Effect.fnUntraced(function*(message: string, yes: boolean) {
  if (yes) return true
  const { canPrompt } = yield* TerminalCapabilities
  if (canPrompt) {
    const isWanted = yield* Prompt.run(Prompt.Confirm({ message, initial: false })).pipe(
      // Ctrl-C leaves the cursor in the line of the question.
      Effect.onError(() => Console.error(""))
    )
    if (!isWanted) yield* Console.error("Nothing was done.")
    return isWanted
  }
  return yield* new RegistrationError({
    reason: {
      _tag: "InvalidOptions",
      option: "--yes",
      message: "--yes is needed: standard input or output is not a terminal"
    }
  })
})
