/**
 * What was about to be sent by a holder of the lease who never wrote what came of it.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { RegistrationError } from "../../RegistrationError.ts"
import type { RegistrationRecord } from "../../RegistrationRecord.ts"
import { type Desk, keyOf } from "./task.ts"

export type Intent = NonNullable<RegistrationRecord["intent"]>

/**
 * An intent whose outcome nobody wrote belongs to a holder that died: the server may have a client that nobody knows, or one
 * less than is known.
 */
export const resolveIntent = Effect.fnUntraced(function*(
  { emit, session }: Pick<Desk, "session" | "emit">
): Effect.fn.Return<void, RegistrationError> {
  const { intent, ...record } = session.record()
  if (intent === undefined) return
  switch (intent.kind) {
    case "register": {
      const orphan = { startedAt: intent.startedAt, why: "crashed" } as const
      yield* session.save({ ...record, possibleOrphans: [...record.possibleOrphans, orphan] })
      return yield* emit({ _tag: "PossibleOrphan", ...keyOf(record), why: "crashed" })
    }
    case "remove":
      return yield* session.save(doubtful(record, intent.clientId, intent.startedAt))
    case "update":
      return yield* session.save(uncertain(record, intent.members))
    case "rotate":
      return yield* session.save(record)
  }
})

/**
 * A record without the traces of a registration whose holder is still there: its intent, or the possible orphan that somebody
 * took it for, who had the lease meanwhile.
 */
export const withoutTrace = (record: RegistrationRecord, own: Intent): RegistrationRecord => {
  const { intent, ...rest } = record
  if (intent !== undefined && isSame(intent, own)) return rest
  const at = rest.possibleOrphans.findIndex(({ startedAt, why }) => why === "crashed" && startedAt === own.startedAt)
  return at === -1 ? record : { ...record, possibleOrphans: rest.possibleOrphans.filter((_, index) => index !== at) }
}

export const isSame = (one: Intent, other: Intent): boolean =>
  one.kind === other.kind && one.startedAt === other.startedAt && one.lease === other.lease

/**
 * A record of a client of which nobody knows what the server has: whatever is asked next is sent, and the members that may be
 * there although nobody asks for them any more are remembered.
 */
export const uncertain = (
  { fingerprint: _, uncertainMembers = [], ...record }: RegistrationRecord,
  members: ReadonlyArray<string> = []
): RegistrationRecord => {
  const all = [...new Set([...uncertainMembers, ...members])]
  return { ...record, ...(all.length === 0 ? undefined : { uncertainMembers: all }) }
}

/** A client whose deletion was begun is none to hand out any more. It is kept until it is known to be gone. */
const doubtful = (
  { current, ...record }: RegistrationRecord,
  clientId: string | undefined,
  now: number
): RegistrationRecord => {
  const doubt = { retireAt: now, isDoubtful: true }
  return current !== undefined && current.information.client_id === clientId
    ? {
      ...record,
      previous: [...record.previous, { client: current, replacedAt: now, reason: "removed", ...doubt }]
    }
    : {
      ...record,
      ...(current === undefined ? undefined : { current }),
      previous: record.previous.map((kept) =>
        kept.client.information.client_id === clientId ? { ...kept, ...doubt } : kept
      )
    }
}
