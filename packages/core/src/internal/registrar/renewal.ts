/**
 * When a registration has to be renewed.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import type { RegisteredClient } from "../../RegisteredClient.ts"

/** Whether the secret expires within the window before `now`; a secret that lives shortly gets a window of a fifth of its life. */
export const needsRenewal = (client: RegisteredClient, now: number, window: Duration.Duration): boolean => {
  const expiry = expiryOf(client)
  if (expiry === undefined) return false
  const issued = client.information.client_id_issued_at
  const life = issued === undefined ? Infinity : expiry - issued * 1000
  return now >= expiry - Math.min(Duration.toMillis(window), Math.max(0, life / 5))
}

/** Whether the secret cannot be used any more. */
export const isExpired = (client: RegisteredClient, now: number): boolean => {
  const expiry = expiryOf(client)
  return expiry !== undefined && now >= expiry
}

/** Milliseconds since the epoch; `undefined` for a secret that never expires, and for no secret. */
const expiryOf = ({ information }: RegisteredClient): number | undefined => {
  const seconds = information.client_secret_expires_at
  return information.client_secret === undefined || seconds === undefined || seconds === 0 ? undefined : seconds * 1000
}
