/** Registrations in a race with the end of the connection that they would use. */
import { ClientRegistration, DpopSigner, RetryPolicy } from "@effect-dcr/core"
import { assert } from "@effect/vitest"
import { Effect, Result, Schedule } from "effect"
import type * as Net from "node:net"
import { reasonOf } from "./failure.ts"
import { rawServer, registered } from "./socketServer.ts"
import type { Transport } from "./socketTransports.ts"

export interface Races {
  readonly registered: number
  /** Ended as `OutcomeUnknown`. */
  readonly unknown: number
  /** Registrations of which the server got more than one POST. */
  readonly arrivedTwice: number
  /** Registrations that succeeded, and the server knows nothing of them. */
  readonly registeredWithoutArriving: number
}

const ends: ReadonlyArray<(socket: Net.Socket) => void> = [
  // Node forgets to close the handle of one that is on its way out already.
  (socket) => socket.destroyed || socket.readableEnded ? socket.destroy() : socket.resetAndDestroy(),
  (socket) => socket.end(),
  (socket) => socket.destroy()
]

/**
 * Registers one client after the other, each under a name of its own. The server answers honestly and ends the connection: in
 * the very moment of the next request, or some fractions of a millisecond around it.
 */
export const runRaces = (transport: Transport, rounds: number): Effect.Effect<Races> =>
  Effect.gen(function*() {
    const arrived = new Map<string, number>()
    let last: Net.Socket | undefined
    let endsAfter: number | undefined
    let end = ends[0]
    const server = yield* rawServer((socket, { body }) => {
      const name = /race-\d+/.exec(body)?.[0] ?? "unnamed"
      arrived.set(name, (arrived.get(name) ?? 0) + 1)
      last = socket
      socket.write(registered(name))
      const ending = end
      if (endsAfter !== undefined) setTimeout(() => ending?.(socket), endsAfter)
    })
    let successes = 0
    let unknown = 0
    let registeredWithoutArriving = 0
    for (let round = 0; round < rounds; round++) {
      const client_name = `race-${round}`
      end = ends[round % ends.length]
      const forced = Math.floor(round / ends.length) % 2 === 0
      const pause = round % 4
      endsAfter = forced ? undefined : pause
      yield* Effect.sleep(forced ? 2 : pause)
      if (forced && last !== undefined) end?.(last)
      const result = yield* Effect.result(
        ClientRegistration.register(
          { issuer: server.origin, registration_endpoint: `${server.origin}/register` },
          { redirect_uris: ["https://app.example.com/cb"], client_name },
          { deadline: "10 seconds" }
        )
      )
      if (Result.isSuccess(result)) {
        successes++
        assert.strictEqual(result.success.information.client_id, client_name)
        if (arrived.get(client_name) === undefined) registeredWithoutArriving++
      } else {
        unknown++
        assert.strictEqual(reasonOf(result.failure, "OutcomeUnknown").why, "ConnectionLost")
      }
    }
    // time for what would come after
    yield* Effect.sleep(30)
    return {
      registered: successes,
      unknown,
      arrivedTwice: Array.from(arrived.values()).filter((count) => count > 1).length,
      registeredWithoutArriving
    }
  }).pipe(
    Effect.scoped,
    // without a pause: what was not sent is sent again in the middle of the race
    Effect.provide([transport.layer, DpopSigner.layerNone, RetryPolicy.layer({ schedule: Schedule.recurs(3) })])
  )
