/** What is measured: somebody who registers clients. */

/** The server that is asked, and how. */
export interface Target {
  /** `http://127.0.0.1:1234` */
  readonly origin: string
  /** The size of the answer in bytes. */
  readonly size: number
  /** Whether each request carries a DPoP proof (ES256). */
  readonly dpop: boolean
}

export interface Side {
  /** Registers `total` clients, so many of them at a time. Fails when one fails. */
  readonly run: (total: number, inFlight: number) => Promise<void>
  readonly close?: () => Promise<void>
}

/** A module of this folder exports this under the name `make`. */
export type MakeSide = (target: Target) => Promise<Side>

/** So many calls, so many of them at a time. */
export const repeat = (once: () => Promise<unknown>): Side["run"] => async (total, inFlight) => {
  let left = total
  const work = async (): Promise<void> => {
    while (left-- > 0) await once()
  }
  await Promise.all(Array.from({ length: Math.min(inFlight, total) }, work))
}

/** A side that gives no client has measured something else. */
export const mustBe = (condition: boolean, what: string): void => {
  if (!condition) throw new Error(`not what was to be measured: ${what}`)
}
