/**
 * What a command prints: one JSON document for scripts, or text for a person, on standard output; news of what is under way
 * and failures on standard error.
 *
 * @internal
 */
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import { Secrets } from "./secrets.ts"
import { Json, Reveal } from "./settings.ts"
import { plain } from "./style.ts"

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

/** Whether the cursor can be moved, so that a line can be written over. */
const isDumb = Config.String("TERM").pipe(
  Effect.map((term) => term === "dumb"),
  Effect.orElseSucceed(() => false)
)

/**
 * Says on a terminal what is waited for, once it has taken more than a second. An answer that `isKept` is waited for also by
 * who wants to leave, which has to be said.
 */
export const waiting = (what: string | (() => string), isKept = false) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const stdio = yield* Stdio.Stdio
    if (!(yield* stdio.stderrIsTerminal)) return yield* effect
    const columns = (yield* (yield* Terminal.Terminal).columns) || 80
    const canMove = !(yield* isDumb)
    const write = (text: string) => Effect.ignore(Stream.run(Stream.make(text), stdio.stderr()))
    const now = () => plain(typeof what === "string" ? what : what())
    const turn = (count: number): Effect.Effect<never> => {
      const frame = frames[count % frames.length] ?? ""
      const time = ` ... ${1 + Math.floor(count / 10)} s`
      // A line that is longer than the screen could not be taken away again.
      return Effect.andThen(
        write(`\r${frame} ${now().slice(0, columns - time.length - 3)}${time}\u001b[K`),
        Effect.andThen(Effect.sleep("100 millis"), Effect.suspend(() => turn(count + 1)))
      )
    }
    let isShown = false
    const spinner = Effect.sleep("1 second").pipe(
      Effect.andThen(Effect.suspend(() => {
        isShown = true
        return canMove ? turn(0) : Effect.andThen(write(`${now()} ...\n`), Effect.never)
      }))
    )
    // The line is taken away again, whatever became of it.
    const clear = Effect.suspend(() => isShown && canMove ? write("\r\u001b[K") : Effect.void)
    return yield* Effect.raceFirst(effect, spinner).pipe(
      Effect.ensuring(clear),
      Effect.onInterrupt(() => isKept ? write(`${stopping}\n`) : Effect.void)
    )
  })

const stopping =
  "stopping once the server has answered, or its time is over: `effect-dcr list` shows what became of it; " +
  "Ctrl-C again stops at once"
