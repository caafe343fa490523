/** What one process of a side is to do, and how it says what it found. */

export interface Step {
  /** The figures of the step begin with it. */
  readonly name: string
  readonly total: number
  readonly inFlight: number
}

export interface SideJob {
  readonly kind: "speed" | "peak" | "proofs"
  readonly side: string
  readonly origin: string
  readonly size: number
  readonly dpop: boolean
  /** Whether the heap is measured after each step. */
  readonly heap: boolean
  /** So many registrations come first and do not count. */
  readonly warmUp: number
  readonly steps: ReadonlyArray<Step>
  /** The file that gets a profile of the last step. Default: none is made. */
  readonly profile?: string
}

const parse: (text: string) => SideJob = JSON.parse

/** A job is only ever written by {@link writeJob}. */
export const readJob = (text: string): SideJob => parse(text)

export const writeJob = (job: SideJob): string => JSON.stringify(job)
