/**
 * What becomes of the requests that a transport sends.
 *
 * @internal
 */
import { type AnswerHead, isUnprocessed } from "./unprocessed.ts"

/** How many times a request was sent, and what is known of each. */
export class Sends {
  /** How many the transport holds back, or has written and not seen the answer of. */
  private open = 0
  /** How many of those it holds back at this moment. */
  private held = 0
  /** Whether any was ever held. */
  private seen = false
  /** Whether any was ever written. */
  private written = false
  /** How many were answered, and may have been processed. */
  private processed = 0

  /** A transport has it, and has written none of it. */
  hold(): this {
    this.seen = true
    this.open++
    this.held++
    return this
  }

  /** It has it no longer, or begins to write it. Once for each {@link hold}. */
  release(written: boolean): void {
    this.held--
    if (written) this.written = true
    else this.open--
  }

  /** One that was written has got an answer. */
  answered(answer: AnswerHead): void {
    this.open--
    if (!isUnprocessed(answer)) this.processed++
  }

  /** Whether a transport had it, and let go of all that it had unwritten. */
  get isTakenBack(): boolean {
    return this.seen && this.held === 0 && !this.written
  }

  /** Whether any may have been processed, or may still be. */
  get isUnsettled(): boolean {
    return this.open + this.processed > 0
  }

  /** The same of all but the one that got this answer. */
  isUnsettledBeside(answer: AnswerHead): boolean {
    return this.open > 0 || this.processed > (isUnprocessed(answer) ? 0 : 1)
  }
}
