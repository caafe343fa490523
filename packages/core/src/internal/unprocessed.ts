/**
 * Answers that say that a request was not processed.
 *
 * @internal
 */

/** The head of an answer, by any transport. */
export interface AnswerHead {
  readonly status: number
  readonly headers: { readonly [name: string]: string | ReadonlyArray<string> | undefined }
}

/** Whether an answer asks to come back later, and was not processed: any 429, and (an assumption) a 503 that says when. */
export const isRateLimit = ({ headers, status }: AnswerHead): boolean =>
  status === 429 || (status === 503 && headers["retry-after"] !== undefined)

/** Whether nothing was done: a fault of the client, a limit, or another place for the very same request (RFC 9110 §15.4.8, §15.4.9). */
export const isUnprocessed = (answer: AnswerHead): boolean => {
  const { status } = answer
  return (status >= 400 && status < 500) || status === 307 || status === 308 || isRateLimit(answer)
}
