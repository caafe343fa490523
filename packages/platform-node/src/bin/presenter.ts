/**
 * How wrong usage is told: in a sentence each, and with the command that explains. Help is printed for who asks for it.
 *
 * @internal
 */
import type { NonShowHelpErrors } from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { helpText } from "./help.ts"
import { errorStyle, labelled, plain, style } from "./style.ts"

export const presenter = Layer.unwrap(
  Effect.map(Effect.all([style, errorStyle]), ([look, errorLook]) =>
    CliOutput.layerPresenter({
      present: (event) =>
        event._tag === "InvalidInvocation"
          ? Console.error([
            ...event.errors.map((error) => labelled(errorLook.bad("failed"), plain(sentenceOf(error)), errorLook)),
            labelled(errorLook.bold("next"), nextOf(event.errors, event.commandPath), errorLook)
          ].join("\n"))
          : event._tag === "Help"
          ? Console.log(helpText(event.helpDoc, look))
          : CliOutput.defaultPresenter.present(event)
    }))
)

/** Who wants to give a token as an argument is told how it is given. */
const nextOf = (errors: ReadonlyArray<NonShowHelpErrors>, path: ReadonlyArray<string>): string =>
  takingTokens.includes(path.at(-1) ?? "") &&
    errors.some((error) => error._tag === "UnrecognizedOption" && /^--?(\w+-)*token\b/.test(error.option))
    ? "Give the token with --token-file FILE or EFFECT_DCR_INITIAL_ACCESS_TOKEN: everybody on the machine can read arguments."
    : `${path.join(" ")} --help`

const takingTokens: ReadonlyArray<string> = ["register", "doctor"]

const sentenceOf = ({ message }: NonShowHelpErrors): string =>
  message.replace("Expected: Schema validation failed: ", "")
    .replace("Expected a string representing a finite number", "Expected a number")
    .replace(/\s+Did you mean this\?\s+(\S+)/, "; did you mean $1?")
