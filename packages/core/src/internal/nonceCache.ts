/**
 * The last DPoP nonce of each server, for a bounded number of servers (RFC 9449 §8.2).
 *
 * @internal
 */

/** The longest nonce that is kept. The RFC sets no limit; a header this long is refused by common servers anyway. */
const maxLength = 2048

/** `1*NQCHAR` (RFC 9449 §8.1, RFC 6749 appendix A). */
const syntax = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** Whether the value of a `DPoP-Nonce` header can be sent back. */
export const isNonce = (value: string): boolean => value.length <= maxLength && syntax.test(value)

export interface NonceCache {
  readonly get: (origin: string) => string | undefined
  readonly set: (origin: string, nonce: string) => void
}

/**
 * Holds the nonces of `capacity` origins; the one learned longest ago makes room for a new one. What is not a nonce by its
 * syntax is ignored. Both operations are synchronous, so fibers cannot come between their steps.
 */
export const make = (capacity: number): NonceCache => {
  const nonces = new Map<string, string>()
  return {
    get: (origin) => nonces.get(origin),
    set: (origin, nonce) => {
      if (!isNonce(nonce)) return
      // A Map iterates in the order of insertion: what is learned again moves to the end.
      nonces.delete(origin)
      nonces.set(origin, nonce)
      if (nonces.size <= capacity) return
      for (const oldest of nonces.keys()) {
        nonces.delete(oldest)
        return
      }
    }
  }
}
