/** A section of the bench: what it measures, what it writes, and which goals it answers. */
import type { Figures } from "./processes.ts"

export interface Settings {
  /** Proves that everything runs; its figures say nothing. */
  readonly quick: boolean
  /** Processes for each side. */
  readonly rounds: number
}

export interface Goal {
  readonly figure: string
  readonly goal: number
  readonly stretch: number
  readonly values: ReadonlyArray<number>
  /** The same of what is underneath alone, where that is measured: what the figure cannot be below. */
  readonly floor?: ReadonlyArray<number>
  /** What the figure is measured in; a ratio when absent. */
  readonly unit?: string
}

export interface Findings {
  /** Markdown. */
  readonly text: string
  readonly goals: ReadonlyArray<Goal>
}

export interface Section {
  readonly name: string
  readonly title: string
  /** Whether it measures the sources, and not what is published. */
  readonly fromSources?: true
  readonly run: (settings: Settings, log: (line: string) => void) => Promise<Findings>
}

/** The figures of all rounds, by side. */
export interface Rounds {
  readonly sides: ReadonlyArray<string>
  /** All rounds of one figure of one side. */
  readonly of: (side: string, figure: string) => ReadonlyArray<number>
}

/**
 * Every side once per round, in an order that turns with each round: what the machine does meanwhile meets all sides alike.
 */
export const interleaved = async (
  sides: ReadonlyArray<string>,
  { rounds }: Settings,
  run: (side: string, round: number) => Promise<Figures>,
  log: (line: string) => void
): Promise<Rounds> => {
  const found = new Map<string, Array<Figures>>(sides.map((side) => [side, []]))
  for (let round = 0; round < rounds; round++) {
    const turn = round % sides.length
    for (const side of [...sides.slice(turn), ...sides.slice(0, turn)]) {
      log(`round ${round + 1} of ${rounds}: ${side}`)
      found.get(side)?.push(await run(side, round))
    }
  }
  return {
    sides,
    of: (side, figure) =>
      (found.get(side) ?? []).map((figures) => {
        const value = figures[figure]
        if (value === undefined) throw new Error(`${side} has no figure ${figure}`)
        return value
      })
  }
}
