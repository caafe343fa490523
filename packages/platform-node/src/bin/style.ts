/**
 * How the command line writes for people: colour on a terminal only, columns, and nothing in the text that a server could
 * use to write elsewhere on the screen.
 *
 * @internal
 */
import { displayWidth } from "effect/cli/CliOutput"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Terminal from "effect/Terminal"

export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly warn: (text: string) => string
  /** How many cells a line of the terminal has; without end where there is none. */
  readonly width: number
}

/** The style of the terminal at hand; none where the output is a file or a pipe, or `NO_COLOR` is set. */
export const style: Effect.Effect<Style, never, Terminal.Terminal> = Effect.gen(function*() {
  const { canAnimate, canColor } = yield* TerminalCapabilities
  const terminal = yield* Terminal.Terminal
  const ansi = (code: number, end: number) => (text: string) => canColor ? `\u001b[${code}m${text}\u001b[${end}m` : text
  return {
    bold: ansi(1, 22),
    dim: ansi(2, 22),
    good: ansi(32, 39),
    bad: ansi(31, 39),
    warn: ansi(33, 39),
    width: canAnimate ? yield* terminal.columns : Infinity
  }
})

/** One line without control characters: what a server says must not move the cursor. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")

/** Rows of cells, each column as wide as its widest cell. What does not fit goes on under the last one. */
export const columns = (
  rows: ReadonlyArray<ReadonlyArray<string>>,
  look: Pick<Style, "width">,
  indent = "  "
): string => {
  const widths: Array<number> = []
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, displayWidth(cell))
    })
  }
  return rows.flatMap((row) => {
    const before = indent +
      row.slice(0, -1).map((cell, index) => cell + " ".repeat((widths[index] ?? 0) - displayWidth(cell) + 3)).join("")
    const margin = displayWidth(before)
    return wrapped(row.at(-1) ?? "", Math.max(look.width - margin, 24)).map((line, index) =>
      `${index === 0 ? before : " ".repeat(margin)}${line}`.trimEnd()
    )
  }).join("\n")
}

/** Lines of at most `width` cells, broken between words. */
const wrapped = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`
    if (line !== "" && displayWidth(longer) > width) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}
