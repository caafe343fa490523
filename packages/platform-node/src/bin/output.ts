/**
 * What a command prints: one JSON document for scripts, or text for a person, on standard output; news of what is under way
 * and failures on standard error.
 *
 * @internal
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { Secrets } from "./secrets.ts"
import { Json, Reveal } from "./settings.ts"

/** Prints the result of a command in the form that was asked for, without secrets unless they were asked for too. */
export const print = <E, R>(
  result: { readonly json: unknown; readonly text: Effect.Effect<string, E, R> }
) =>
  Effect.gen(function*() {
    const { scrub } = yield* Secrets
    const reveal = yield* Reveal
    const show = (text: string) => reveal ? text : scrub(text)
    yield* Console.log((yield* Json) ? jsonOf(result.json, show, 2) : show(yield* result.text))
  })

/** JSON whose texts went through `show` each, so that it stays JSON. */
export const jsonOf = (value: unknown, show: (text: string) => string, indent?: number): string =>
  JSON.stringify(value, (_, inner: unknown) => typeof inner === "string" ? show(inner) : inner, indent)

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]

/**
 * Says on a terminal what is waited for, once it has taken more than a second. An answer that `isKept` is waited for also by
 * who wants to leave, which has to be said.
 */
export const waiting = (what: string, isKept = false) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const stdio = yield* Stdio.Stdio
    if (!(yield* stdio.stderrIsTerminal)) return yield* effect
    const write = (text: string) => Effect.ignore(Stream.run(Stream.make(text), stdio.stderr()))
    const turn = (count: number): Effect.Effect<never> =>
      Effect.andThen(
        write(`\r${frames[count % frames.length] ?? ""} ${what} ... ${1 + Math.floor(count / 10)} s`),
        Effect.andThen(Effect.sleep("100 millis"), Effect.suspend(() => turn(count + 1)))
      )
    let isShown = false
    const spinner = Effect.sleep("1 second").pipe(
      Effect.andThen(Effect.suspend(() => {
        isShown = true
        return turn(0)
      }))
    )
    // The line is taken away again, whatever became of it.
    const clear = Effect.suspend(() => isShown ? write("\r\u001b[K") : Effect.void)
    return yield* Effect.raceFirst(effect, spinner).pipe(
      Effect.ensuring(clear),
      Effect.onInterrupt(() =>
        isKept
          ? write("stopping once the server has answered, or its time is over: what it registers is kept\n")
          : Effect.void
      )
    )
  })
