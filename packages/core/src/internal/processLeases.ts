/**
 * Leases among the fibers of one process: by name, each with a token that is greater than all before.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

export interface ProcessLeases {
  /** Whether this is still the lease of that name: neither given back nor handed to somebody else. It may have expired. */
  readonly isHeld: (name: string, token: number) => boolean
  readonly acquire: (name: string, ttl: Duration.Duration) => Effect.Effect<Option.Option<number>>
  readonly renew: (name: string, token: number, ttl: Duration.Duration) => Effect.Effect<boolean>
  readonly release: (name: string, token: number) => Effect.Effect<void>
}

export const make = (): ProcessLeases => {
  // By the clock that does not jump. What is given back is forgotten, so that the map does not grow with the names.
  const held = new Map<string, { readonly token: number; readonly expires: bigint }>()
  let lastToken = 0
  const hold = (name: string, token: number, now: bigint, ttl: Duration.Duration) =>
    held.set(name, { token, expires: now + Duration.toNanosUnsafe(ttl) })
  const isHeld = (name: string, token: number) => held.get(name)?.token === token
  return {
    isHeld,
    acquire: (name, ttl) =>
      Effect.map(Clock.monotonicTimeNanos, (now) => {
        const state = held.get(name)
        if (state !== undefined && state.expires > now) return Option.none()
        lastToken += 1
        hold(name, lastToken, now, ttl)
        return Option.some(lastToken)
      }),
    renew: (name, token, ttl) =>
      Effect.map(Clock.monotonicTimeNanos, (now) => {
        if (!isHeld(name, token)) return false
        hold(name, token, now, ttl)
        return true
      }),
    release: (name, token) =>
      Effect.sync(() => {
        if (isHeld(name, token)) held.delete(name)
      })
  }
}
