/** What the suites of fleets have in common. */
import { afterAll, beforeAll } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import type { StoreServer } from "./fleetServers.ts"

/** A server that is started before the tests of a suite, and ended after them. */
export const serverFor = (server: Effect.Effect<StoreServer, never, Scope.Scope>): () => StoreServer => {
  const scope = Scope.makeUnsafe()
  let started: StoreServer | undefined
  beforeAll(() =>
    Effect.runPromise(Effect.map(Scope.provide(server, scope), (running) => {
      started = running
    }))
  )
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  return () => {
    if (started === undefined) throw new Error("no server was started")
    return started
  }
}
