/**
 * What becomes of the requests that a transport sends.
 *
 * @internal
 */
import { type AnswerHead, isUnprocessed } from "./unprocessed.ts"

/** What a transport tells of requests that go to one place. */
export class Sends {
  /** How many it holds back at this moment. */
  private held = 0
  private written = 0
  /** Of how many the server has said that it did not process them. */
  private unprocessed = 0

  hold(): this {
    this.held++
    return this
  }

  /** It has one no longer, or begins to write it. Once for each {@link hold}. */
  release(written: boolean): void {
    this.held--
    if (written) this.written++
  }

  /** One that was written has got an answer. */
  answered(answer: AnswerHead): void {
    if (isUnprocessed(answer)) this.unprocessed++
  }

  /** Whether none is held, and none was ever written. */
  get isNothing(): boolean {
    return this.held === 0 && this.written === 0
  }

  /** How many were written and may have been processed, or may still be. */
  get unsettled(): number {
    return this.held + this.written - this.unprocessed
  }
}
