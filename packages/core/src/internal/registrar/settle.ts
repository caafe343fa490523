/**
 * Makes the record of one key fit what is asked, under its lease: registers, updates, renews or replaces.
 *
 * The order of steps is what keeps a registration from being lost: write down what is about to be sent, send it, make the
 * answer durable, and only then hand it out. From the first of these to the last, nothing is interrupted.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { RegisteredClient } from "../../RegisteredClient.ts"
import type { RegistrationError } from "../../RegistrationError.ts"
import type { RegistrationRecord } from "../../RegistrationRecord.ts"
import { resolveIntent } from "./intent.ts"
import { isRefusal, rotate, update } from "./manage.ts"
import { register } from "./register.ts"
import { isExpired, isRenewalPaused, needsRenewal, renewalPause } from "./renewal.ts"
import { isLost } from "./session.ts"
import { keyOf, type Requirements, type Settings, type Step, type Task } from "./task.ts"

/** The registration that fits, registered, updated or renewed where that is needed. */
export const settle = Effect.fnUntraced(function*(
  task: Task
): Effect.fn.Return<RegisteredClient, RegistrationError, Requirements> {
  yield* resolveIntent(task)
  const fits = Effect.map(
    Clock.currentTimeMillis,
    (now) => fittingClient(task.session.record(), task.fingerprint, now, task.settings)
  )
  const fitting = yield* fits
  if (fitting !== undefined) return fitting
  const { current, fingerprint, invalidatedAt, invalidatedBecause } = task.session.record()
  if (current === undefined) return yield* register(task, undefined)
  if (invalidatedAt !== undefined) return yield* register(task, invalidatedBecause ?? "invalidated")
  if (fingerprint === task.fingerprint) return yield* renew(task, current)
  const changed = yield* change(task, current)
  return (yield* fits) ?? (yield* renew(task, changed))
})

/** The current registration, if it is what is asked and needs nothing. */
export const fittingClient = (
  record: RegistrationRecord,
  fingerprint: string,
  now: number,
  { renewBefore }: Settings
): RegisteredClient | undefined =>
  record.fingerprint === fingerprint && record.invalidatedAt === undefined && !isUnsettled(record) &&
    (!needsRenewal(record, now, renewBefore) || isRenewalPaused(record, now))
    ? record.current
    : undefined

/** Whether somebody is about to change or to remove the registration, or died while doing so. */
const isUnsettled = ({ intent }: RegistrationRecord): boolean => intent?.kind === "update" || intent?.kind === "remove"

/** The metadata changed: by an update where the server lets it, else by a new registration. */
const change = (task: Task, current: RegisteredClient): Step<RegisteredClient> =>
  update(task, current).pipe(
    Effect.catch((error) => isRefusal(error) ? register(task, "metadata-changed") : Effect.fail(error))
  )

/** The secret expires: by a rotation where the server moves the expiry then, else by a new registration. */
const renew = (task: Task, current: RegisteredClient): Step<RegisteredClient> =>
  rotate(task, current).pipe(
    Effect.catch((error) => isRefusal(error) ? Effect.succeed(undefined) : Effect.fail(error)),
    Effect.flatMap(Effect.fnUntraced(function*(rotated) {
      const now = yield* Clock.currentTimeMillis
      return rotated === undefined || needsRenewal(task.session.record(), now, task.settings.renewBefore)
        ? yield* register(task, "secret-expiring")
        : rotated
    })),
    Effect.catch((error) => stillUsable(task, error))
  )

/** A secret that still works is worth more than the failure to renew it early. */
const stillUsable = Effect.fnUntraced(function*(
  task: Task,
  error: RegistrationError
): Effect.fn.Return<RegisteredClient, RegistrationError> {
  const now = yield* Clock.currentTimeMillis
  const record = task.session.record()
  // A live registration in the error is newer than the one that is kept.
  if (record.current === undefined || isExpired(record, now) || error.registered !== undefined || isLost(error)) {
    return yield* error
  }
  const failures = (record.renewalPause?.failures ?? 0) + 1
  const until = renewalPause(record, now, failures, task.settings.backoff)
  // Where that cannot be written, nothing could be written before a request either.
  yield* Effect.ignore(task.session.save({ ...record, renewalPause: { since: now, until, failures } }))
  yield* task.emit({
    _tag: "RenewalFailed",
    ...keyOf(record),
    clientId: record.current.information.client_id,
    error
  })
  return record.current
})
