/** Medians, ranges, and how they are written. */

export const median = (values: ReadonlyArray<number>): number => {
  if (values.length === 0) throw new Error("no figures")
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? 0
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? upper) + upper) / 2 : upper
}

const digits = (value: number): string => {
  const size = Math.abs(value)
  return value.toLocaleString("en-US", {
    minimumFractionDigits: size < 10 ? 2 : size < 100 ? 1 : 0,
    maximumFractionDigits: size < 10 ? 2 : size < 100 ? 1 : 0
  })
}

/** `12.3 (11.9 to 14.0)` */
export const shown = (values: ReadonlyArray<number>, factor = 1): string => {
  const scaled = values.map((value) => value * factor)
  return `${digits(median(scaled))} (${digits(Math.min(...scaled))} to ${digits(Math.max(...scaled))})`
}

export const short = (values: ReadonlyArray<number>, factor = 1): string => digits(median(values) * factor)

/** Each round's figure beside the same round's figure of another side: what slows a whole round down cancels out. */
export const ratios = (ours: ReadonlyArray<number>, theirs: ReadonlyArray<number>): ReadonlyArray<number> =>
  ours.map((value, round) => value / (theirs[round] ?? Number.NaN))

export const percent = (values: ReadonlyArray<number>): string => `${Math.round(median(values) * 100)} %`

/** A table of Markdown: the first row is its head, all columns but the first are numbers. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const [head = [], ...rest] = rows
  return [head, head.map((_, index) => index === 0 ? "---" : "---:"), ...rest]
    .map((row) => `| ${row.join(" | ")} |`).join("\n")
}
