/**
 * How the command line writes for people: colour on a terminal only, columns, and nothing in the text that a server could
 * use to write elsewhere on the screen.
 *
 * @internal
 */
import { displayWidth } from "effect/cli/CliOutput"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
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
    width: canAnimate ? Math.max(yield* terminal.columns, narrowest) : Infinity
  }
})

/** The style of standard error, which may be a file while the output is a terminal. */
export const errorStyle: Effect.Effect<Style, never, Terminal.Terminal | Stdio.Stdio> = Effect.gen(function*() {
  const stdio = yield* Stdio.Stdio
  const isApart = (yield* stdio.stdoutIsTerminal) && !(yield* stdio.stderrIsTerminal)
  const none = (text: string) => text
  return isApart
    ? { bold: none, dim: none, good: none, bad: none, warn: none, width: Infinity }
    : yield* style
})

/** Fewer cells than these, or none, are those of something that is not really a terminal. */
const narrowest = 40

/** One line without control characters: what a server says must not move the cursor. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")

/** A text whose spaces are no place to break a line. */
export const unbroken = (text: string): string => text.replaceAll(" ", "\u00a0")

const broken = (text: string): string => text.replaceAll("\u00a0", " ")

/**
 * Rows of cells, each column as wide as its widest cell. What does not fit goes on under the last one; where there is hardly
 * any room, or a word would not fit, the last one goes below the others.
 */
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
  const beforeOf = (row: ReadonlyArray<string>): string =>
    indent +
    row.slice(0, -1).map((cell, index) => cell + " ".repeat((widths[index] ?? 0) - displayWidth(cell) + gap)).join("")
  const roomOf = (row: ReadonlyArray<string>): number => look.width - displayWidth(beforeOf(row))
  // All rows alike, so that they can still be read as a table.
  const isNarrow = rows.some((row) => roomOf(row) < Math.min(minimumRoom, displayWidth(row.at(-1) ?? "")))
  return rows.flatMap((row) => {
    const before = beforeOf(row)
    const last = row.at(-1) ?? ""
    if (row.length > 1 && last !== "" && (isNarrow || roomOf(row) < longestWord(last))) {
      const below = indent.length + 4
      return [
        before.trimEnd(),
        ...wrapped(last, look.width - below).map((line) => `${" ".repeat(below)}${line}`.trimEnd())
      ]
    }
    const margin = " ".repeat(displayWidth(before))
    return wrapped(last, roomOf(row)).map((line, index) => `${index === 0 ? before : margin}${line}`.trimEnd())
  }).map(broken).join("\n")
}

/** Whether rows can stand beside each other as {@link columns} without a line that goes on. */
export const isWide = (
  rows: ReadonlyArray<ReadonlyArray<string>>,
  look: Pick<Style, "width">,
  indent = "  "
): boolean => columns(rows, { width: Infinity }, indent).split("\n").every((line) => displayWidth(line) <= look.width)

const gap = 3

/** Fewer cells are no column to read. */
const minimumRoom = 24

const longestWord = (text: string): number => Math.max(...text.split(" ").map(displayWidth))

/** A text under a label, which may have colour: `failed  the metadata breaks rules`. */
export const labelled = (label: string, text: string, look: Pick<Style, "width">): string => {
  const margin = 8
  const before = label + " ".repeat(Math.max(margin - displayWidth(label), 1))
  return wrapped(text, look.width - margin).map((line, index) => `${index === 0 ? before : " ".repeat(margin)}${line}`)
    .map(broken).join("\n")
}

/** A text that goes on under its beginning. */
export const paragraph = (text: string, look: Pick<Style, "width">, indent = "  "): string =>
  wrapped(text, look.width - indent.length).map((line) => broken(`${indent}${line}`.trimEnd())).join("\n")

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
