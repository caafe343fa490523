/**
 * How the command line writes for people: colour on a terminal only, columns, and nothing in the text that a server could
 * use to write elsewhere on the screen.
 *
 * @internal
 */
import { displayWidth } from "effect/cli/CliOutput"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"

export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly warn: (text: string) => string
}

/** The style of the terminal at hand; none where the output is a file or a pipe, or `NO_COLOR` is set. */
export const style: Effect.Effect<Style> = Effect.map(TerminalCapabilities, ({ canColor }) => {
  const ansi = (code: number, end: number) => (text: string) => canColor ? `\u001b[${code}m${text}\u001b[${end}m` : text
  return { bold: ansi(1, 22), dim: ansi(2, 22), good: ansi(32, 39), bad: ansi(31, 39), warn: ansi(33, 39) }
})

/** One line without control characters: what a server says must not move the cursor. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")

/** Rows of cells, the first columns as wide as their widest cell. */
export const columns = (rows: ReadonlyArray<ReadonlyArray<string>>, indent = "  "): string => {
  const widths: Array<number> = []
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, displayWidth(cell))
    })
  }
  return rows.map((row) =>
    (indent + row.map((cell, index) => cell + " ".repeat((widths[index] ?? 0) - displayWidth(cell))).join("   "))
      .trimEnd()
  ).join("\n")
}
