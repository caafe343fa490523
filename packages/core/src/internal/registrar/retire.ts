/**
 * The registrations of a record, deleted at their server: those that were replaced, when their time has come, or all.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { RegistrationError } from "../../RegistrationError.ts"
import type { RegistrationRecord } from "../../RegistrationRecord.ts"
import type { Key, RegistrationStore } from "../../RegistrationStore.ts"
import { resolveIntent } from "./intent.ts"
import { deleteClient } from "./manage.ts"
import { load } from "./session.ts"
import { type Desk, keyOf, type Requirements } from "./task.ts"

/** The previous registrations whose time has come. */
export const dueOf = ({ previous }: RegistrationRecord, now: number) =>
  previous.filter(({ retireAt }) => retireAt !== undefined && retireAt <= now)

/** Deletes one after the other, and writes down each deletion before the next. */
export const retireDue = Effect.fnUntraced(
  function*(desk: Desk): Effect.fn.Return<number, RegistrationError, Requirements> {
    yield* resolveIntent(desk)
    const { emit, session } = desk
    const due = dueOf(session.record(), yield* Clock.currentTimeMillis)
    let retired = 0
    for (const { client, isDoubtful } of due) {
      const clientId = client.information.client_id
      const result = yield* Effect.result(deleteClient(desk, client, isDoubtful === true))
      if (result._tag === "Success") {
        retired += 1
        yield* emit({ _tag: "Retired", ...keyOf(session.record()), clientId })
        continue
      }
      const error = result.failure
      if (error.reason._tag === "StoreFailed") return yield* error
      const retireAt = (yield* Clock.currentTimeMillis) + 3_600_000
      const { intent, ...record } = session.record()
      yield* session.save({
        ...record,
        previous: record.previous.map((kept) =>
          kept.client === client
            ? { ...kept, retireAt, ...(intent === undefined ? undefined : { isDoubtful: true }) }
            : kept
        )
      })
      yield* emit({ _tag: "RetirementFailed", ...keyOf(record), clientId, error })
    }
    return retired
  }
)

/** Sees to every key that has something to do, and says how many registrations were deleted. */
export const retireAll = (
  store: RegistrationStore["Service"],
  retireOf: (key: Key) => Effect.Effect<number, RegistrationError>
): Effect.Effect<number, RegistrationError> =>
  Effect.gen(function*() {
    let retired = 0
    let failure: RegistrationError | undefined
    const note = (error: RegistrationError) => {
      failure ??= error
    }
    const isDue = Effect.fnUntraced(function*(key: Key) {
      const record = yield* load(store, key)
      return dueOf(record, yield* Clock.currentTimeMillis).length > 0
    })
    yield* Stream.runForEach(store.keys, (key) =>
      Effect.match(
        // Most keys have nothing to do, and need no lease for that.
        Effect.flatMap(isDue(key), (isDue) => isDue ? retireOf(key) : Effect.succeed(0)),
        {
          onFailure: note,
          onSuccess: (count) => {
            retired += count
          }
        }
      )).pipe(Effect.match({ onFailure: note, onSuccess: () => {} }))
    return failure === undefined ? retired : yield* failure
  })

/** Deletes all registrations of the record, and says which; the entry goes with the last of them. */
export const removeAll = Effect.fnUntraced(
  function*(desk: Desk): Effect.fn.Return<ReadonlyArray<string>, RegistrationError, Requirements> {
    yield* resolveIntent(desk)
    const { current, previous } = desk.session.record()
    const clients = [
      ...(current === undefined ? [] : [{ client: current, isDoubtful: false }]),
      ...previous
    ]
    const removed: Array<string> = []
    let failure: RegistrationError | undefined
    for (const { client, isDoubtful } of clients) {
      const result = yield* Effect.result(deleteClient(desk, client, isDoubtful === true))
      if (result._tag === "Success") {
        const clientId = client.information.client_id
        removed.push(clientId)
        yield* desk.emit({ _tag: "Removed", ...keyOf(desk.session.record()), clientId })
        continue
      }
      failure ??= result.failure
      if (result.failure.reason._tag === "StoreFailed") break
      // What became of it is not known: the next who comes treats it with doubt.
      yield* resolveIntent(desk)
    }
    if (failure !== undefined) return yield* failure
    yield* desk.session.remove
    return removed
  }
)
