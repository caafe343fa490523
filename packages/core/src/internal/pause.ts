/**
 * Spans of time to wait for, by a clock that may jump.
 *
 * @internal
 */

export interface Span {
  /** When it was said, in milliseconds since the epoch. */
  readonly since: number
  /** In milliseconds since the epoch. */
  readonly until: number
}

/**
 * Whether there is still something to wait for. A clock that went back a little makes the wait a little longer; one that jumped
 * back by more than the whole of it does not make it endless.
 */
export const isInForce = ({ since, until }: Span, now: number): boolean =>
  now < until && until - now <= 2 * (until - since)
