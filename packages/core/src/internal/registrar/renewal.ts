/**
 * When a registration has to be renewed.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import type { RegistrationRecord } from "../../RegistrationRecord.ts"
import { isInForce } from "../pause.ts"

/**
 * Whether the secret of the current registration expires within the window before `now`. One that lives shortly gets a window
 * of a fifth of its life; its life begins when it was first seen, since a registration outlives its secrets.
 */
export const needsRenewal = (record: RegistrationRecord, now: number, window: Duration.Duration): boolean => {
  const expiry = expiryOf(record, now)
  if (expiry === undefined) return false
  const life = isPast(record.secretSince, now) ? expiry - record.secretSince : Infinity
  return now >= expiry - Math.min(Duration.toMillis(window), life / 5)
}

/** Whether the secret of the current registration cannot be used any more. */
export const isExpired = (record: RegistrationRecord, now: number): boolean => {
  const expiry = expiryOf(record, now)
  return expiry !== undefined && now >= expiry
}

/** Whether a renewal failed a moment ago, while the secret still works. */
export const isRenewalPaused = (record: RegistrationRecord, now: number): boolean =>
  record.renewalPause !== undefined && isInForce(record.renewalPause, now) && !isExpired(record, now)

/** The end of the pause after the so-manieth failure in a row: it doubles, but leaves time for another attempt. */
export const renewalPause = (
  record: RegistrationRecord,
  now: number,
  failures: number,
  shortest: Duration.Duration
): number => {
  const first = Duration.toMillis(shortest)
  const left = (expiryOf(record, now) ?? Infinity) - now
  return now + Math.max(first, Math.min(doubled(first, failures), left / 2))
}

/** Milliseconds: the first pause, doubled with each failure in a row, up to a day. */
export const doubled = (first: number, failures: number): number => Math.min(first * 2 ** (failures - 1), 86_400_000)

/**
 * Milliseconds since the epoch; `undefined` for a secret that never expires, for no secret, and for one that had expired when
 * it was first seen: of two clocks that disagree so much nobody knows which one is wrong. Once the clock has jumped back to
 * before that, it was the one.
 */
const expiryOf = ({ current, secretSince }: RegistrationRecord, now: number): number | undefined => {
  const { client_secret, client_secret_expires_at: seconds } = current?.information ?? {}
  if (client_secret === undefined || seconds === undefined || seconds === 0) return undefined
  return isPast(secretSince, now) && seconds * 1000 <= secretSince ? undefined : seconds * 1000
}

const isPast = (time: number | undefined, now: number): time is number => time !== undefined && time <= now
