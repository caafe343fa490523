/**
 * What the server knows of one issuer: its clients, the tokens that it gave out, proofs and nonces. Mutable, and touched by
 * synchronous steps only, so that concurrent requests cannot come between a check and what follows from it.
 *
 * @internal
 */
import type { JsonObject } from "../../internal/answer.ts"

export interface Client {
  readonly clientId: string
  readonly issuedAt: number
  /** The metadata as it was registered, with what the server filled in. */
  metadata: JsonObject
  secret: string | undefined
  /** Seconds since the epoch; 0 for never. */
  secretExpiresAt: number
  /** Whether it was made to expire, whatever its time says. */
  isSecretExpired: boolean
  registrationAccessToken: string
}

export interface Tenant {
  /** The issuer, in the spelling that its metadata has. */
  readonly issuer: string
  readonly base: string
  readonly clients: Map<string, Client>
  /** The registrations of the current window of the rate limit. */
  window: { readonly start: number; count: number } | undefined
  /** The `jti` of the proofs that were taken, with the second at which they may be forgotten. */
  readonly proofs: Map<string, number>
  /** The nonces that a proof may have, the oldest first. */
  readonly nonces: Array<string>
}

export const make = (issuer: string, base: string): Tenant => ({
  issuer,
  base,
  clients: new Map(),
  window: undefined,
  proofs: new Map(),
  nonces: []
})

/** Takes the `jti` of a proof. `false` when it was taken before (RFC 9449 §11.1). */
export const takeProof = (tenant: Tenant, jti: string, now: number, window: number): boolean => {
  const seen = tenant.proofs.get(jti)
  if (seen !== undefined && seen >= now) return false
  // Deleted first, so that the map stays ordered by time and what is too old to be taken again is at its front.
  tenant.proofs.delete(jti)
  tenant.proofs.set(jti, now + 2 * window)
  for (const [old, until] of tenant.proofs) {
    if (until >= now) break
    tenant.proofs.delete(old)
  }
  return true
}

/** How many nonces are good at the same time: requests that overlap each get one. */
const maximumNonces = 1000

export const addNonce = (tenant: Tenant, nonce: string): void => {
  tenant.nonces.push(nonce)
  if (tenant.nonces.length > maximumNonces) tenant.nonces.shift()
}

/** Takes one more registration. The milliseconds until the next window when there are too many in this one. */
export const takeTurn = (
  tenant: Tenant,
  now: number,
  limit: { readonly limit: number; readonly window: number }
): number | undefined => {
  if (tenant.window === undefined || now >= tenant.window.start + limit.window) {
    tenant.window = { start: now, count: 0 }
  }
  if (tenant.window.count >= limit.limit) return tenant.window.start + limit.window - now
  tenant.window.count++
  return undefined
}
