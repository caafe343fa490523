/** Runs a property many times, and counts what came of it. */
import * as fc from "fast-check"
import { inspect } from "node:util"

export interface Tally {
  readonly cases: number
  /** How often each outcome was seen. */
  readonly outcomes: { readonly [outcome: string]: number }
  /** The longest time that a case took, in milliseconds. */
  readonly slowest: number
}

/** The same inputs on every run, unless somebody asks for others. */
export const seed = Number(process.env["FUZZ_SEED"] ?? 20_260_728)

/** What a case may take: a good deal more than any does, and less than a person would wait. */
export const longestCase = 5000

/**
 * Checks `property`, which gives the name of the outcome, on `cases` inputs. Throws with the smallest input that fails, and
 * with the seed. `onCase` hears of each case before it is checked, those of the search for a smaller one included.
 */
export const fuzz = async <A>(
  inputs: fc.Arbitrary<A>,
  property: (input: A) => Promise<string>,
  options: { readonly cases: number; readonly seed: number; readonly onCase?: ((index: number) => void) | undefined }
): Promise<Tally> => {
  const outcomes = new Map<string, number>()
  let slowest = 0
  let index = 0
  // Once something hangs, the search for a smaller input that does is not to take longer than the test.
  let patience = longestCase
  const { stackTraceLimit } = Error
  // Mapping the stack of every error back to its source takes longer than all else.
  Error.stackTraceLimit = 0
  const details = await fc.check(
    fc.asyncProperty(inputs, async (input) => {
      options.onCase?.(index++)
      const start = performance.now()
      const outcome = await withinTime(property(input), patience, () => {
        patience = longestCase / 50
      })
      slowest = Math.max(slowest, performance.now() - start)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }),
    { seed: options.seed, numRuns: options.cases }
  )
  Error.stackTraceLimit = stackTraceLimit
  if (details.failed) {
    const [input] = details.counterexample ?? []
    // Once more, for a stack; what hangs has none.
    const cause = input === undefined || patience < longestCase
      ? details.errorInstance
      : await property(input).then(() => details.errorInstance, (error: unknown) => error)
    throw new Error(
      `seed ${details.seed}, path ${details.counterexamplePath}, case ${details.numRuns}: ${shown(input)}`,
      { cause }
    )
  }
  return { cases: options.cases, outcomes: Object.fromEntries(outcomes), slowest: Math.ceil(slowest) }
}

/** An input, for the report of a failure. */
export const shown = (input: unknown): string => inspect(input, { depth: 6, maxStringLength: 3000, breakLength: 160 })

const withinTime = async <A>(result: Promise<A>, limit: number, onHang: () => void): Promise<A> => {
  let timer: NodeJS.Timeout | undefined
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      onHang()
      reject(new Error(`a hang: no outcome after ${limit} ms`))
    }, limit)
  })
  try {
    return await Promise.race([result, hang])
  } finally {
    clearTimeout(timer)
  }
}
