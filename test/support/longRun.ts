/**
 * What a long test found out, for `docs/long-run.md`.
 *
 * A long test (`*.long.ts`) calls `record` once it has judged its own figures; `npm run test:long` writes the page from
 * what was recorded.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** One entry of the page. */
export interface LongRun {
  /** Stable, of letters, digits, `.` and `-`: it names the entry from run to run, and orders the page. */
  readonly id: string
  /** What was shown, in one line. */
  readonly title: string
  /** The figures, in the order in which they are to be read: what was counted or measured, and the value with its unit. */
  readonly figures: Readonly<Record<string, string | number>>
}

/** Records an entry. Outside of `npm run test:long` nothing is written. */
export const record = (entry: LongRun): void => {
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(entry.id)) throw new Error(`not an id: ${entry.id}`)
  const folder = process.env["EFFECT_DCR_LONG_RUN"]
  if (folder === undefined || folder === "") return
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${entry.id}.json`), `${JSON.stringify(entry, null, 2)}\n`)
}
