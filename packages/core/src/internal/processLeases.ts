/**
 * Leases among the fibers of one process: by name, each with a token that is greater than the one before.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

export interface ProcessLeases {
  /** Whether no later lease of this name was handed out. */
  readonly isNewest: (name: string, token: number) => boolean
  readonly acquire: (name: string, ttl: Duration.Duration) => Effect.Effect<Option.Option<number>>
  readonly renew: (name: string, token: number, ttl: Duration.Duration) => Effect.Effect<boolean>
  readonly release: (name: string, token: number) => Effect.Effect<void>
}

export const make = (): ProcessLeases => {
  // A held lease has an expiry, by the clock that does not jump; a free one keeps its token.
  const held = new Map<string, { token: number; expires: bigint | undefined }>()
  const after = (now: bigint, ttl: Duration.Duration) => now + Duration.toNanosUnsafe(ttl)
  const current = (name: string, token: number, now: bigint) => {
    const state = held.get(name)
    return state?.token === token && state.expires !== undefined && state.expires > now ? state : undefined
  }
  return {
    isNewest: (name, token) => held.get(name)?.token === token,
    acquire: (name, ttl) =>
      Effect.map(Clock.monotonicTimeNanos, (now) => {
        const state = held.get(name)
        if (state?.expires !== undefined && state.expires > now) return Option.none()
        const token = (state?.token ?? 0) + 1
        held.set(name, { token, expires: after(now, ttl) })
        return Option.some(token)
      }),
    renew: (name, token, ttl) =>
      Effect.map(Clock.monotonicTimeNanos, (now) => {
        const state = current(name, token, now)
        if (state !== undefined) state.expires = after(now, ttl)
        return state !== undefined
      }),
    release: (name, token) =>
      Effect.map(Clock.monotonicTimeNanos, (now) => {
        const state = current(name, token, now)
        if (state !== undefined) state.expires = undefined
      })
  }
}
