/** Everything that a server and a connection can do wrong, at every step of a registration's life. */
import type { Registrar } from "@effect-dcr/core"
import * as Misbehaviour from "@effect-dcr/core/testing/Misbehaviour"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { key, makeWorld, metadata, passingTime, recordOf, wanted } from "../support/registrars.ts"

type Life = (registrar: Registrar.Registrar["Service"]) => Effect.Effect<unknown, unknown>

const renamed: Registrar.Wanted = { ...wanted, metadata: { ...metadata, client_name: "Renamed" } }

/** What makes a registrar send each kind of request, after it has a client. */
const lives: ReadonlyArray<readonly [on: "register" | "read" | "update" | "remove", Life]> = [
  ["register", ({ ensure }) => ensure({ ...wanted, profile: "another" })],
  ["read", ({ ensure }) => ensure(renamed)],
  ["update", ({ ensure }) => ensure(renamed)],
  ["read", ({ rotate }) => rotate(key)],
  ["update", ({ rotate }) => rotate(key)],
  ["remove", ({ remove }) => remove(key)]
]

/** After these nobody can know what there is: the answer names another client, comes from somewhere else, or claims what was not done. */
const lies: ReadonlyArray<string> = [
  "other-client-id",
  "client-id-number",
  "changed-members",
  "followed-redirect",
  "another-body"
]

const check = (id: Misbehaviour.MisbehaviourId, on: "register" | "read" | "update" | "remove", live: Life) =>
  Effect.gen(function*() {
    const { registrar, server, store } = yield* makeWorld({ backoff: "1 minute" })
    yield* TestClock.setTime(1_800_000_000_000)
    const first = yield* registrar.ensure(wanted)
    yield* server.misbehave(id, { on, times: 1 })
    const exit = yield* passingTime(Effect.exit(live(registrar)), "5 seconds")
    assert.isFalse(Exit.hasDies(exit), String(exit))
    yield* server.behave
    yield* TestClock.adjust("1 day")

    // Whoever asks next has a client that works, at the latest when the token endpoint said that the first one does not.
    for (const profile of [key.profile, "another"]) {
      const asked = { ...renamed, profile }
      let client = yield* passingTime(registrar.ensure(asked))
      const isUsable = Effect.map(
        server.clients,
        (clients) =>
          clients.some(({ clientId, metadata, secret }) =>
            clientId === client.information.client_id &&
            metadata["client_name"] === "Renamed" &&
            secret !== undefined && client.information.client_secret !== undefined &&
            Redacted.value(secret) === Redacted.value(client.information.client_secret)
          )
      )
      if (!(yield* isUsable)) {
        const { client_id: clientId } = client.information
        yield* passingTime(registrar.invalidate({ ...key, profile, clientId, reason: "invalid_client" }))
        client = yield* passingTime(registrar.ensure(asked))
        assert.isTrue(yield* isUsable, profile)
      }
    }
    const records = yield* Effect.forEach([key.profile, "another"], (profile) => recordOf(store, { ...key, profile }))
    const kept = new Set(records.flatMap(({ current, previous }) => [
      ...(current === undefined ? [] : [current.information.client_id]),
      ...previous.map(({ client }) => client.information.client_id)
    ]))
    if (on !== "remove") assert.isTrue(kept.has(first.information.client_id), "what was given out is kept")
    const orphans = (yield* server.clients).filter(({ clientId }) => !kept.has(clientId)).length
    const listed = records.reduce((sum, { possibleOrphans }) => sum + possibleOrphans.length, 0)
    if (!lies.includes(id)) assert.isAtMost(orphans, listed, "what nobody knows is listed")
    for (const { headers, method, url } of yield* server.requests) {
      if (headers["authorization"] !== undefined) {
        // The management URI is where the server says that it is.
        const place = id === "foreign-registration-client-uri"
          ? "https://elsewhere.example/"
          : "https://op.example.com/"
        assert.isTrue(url.startsWith("https://op.example.com/register/") || url.startsWith(`${place}clients/`), url)
      }
      if (on !== "remove") assert.notStrictEqual(method, "DELETE", "nothing is deleted that nobody wanted deleted")
    }
  }).pipe(Effect.scoped, Effect.provide(TestAuthorizationServer.layer({ rotateToken: "update" })))

describe("every misbehaviour at every step", () => {
  for (const kind of ["success", "error", "connection", "life"] as const) {
    it.effect(kind, () =>
      Effect.gen(function*() {
        let cases = 0
        for (const entry of Misbehaviour.catalogue.filter((entry) => entry.kind === kind)) {
          for (const [on, live] of lives) {
            if (!entry.on.includes(on)) continue
            cases += 1
            yield* Effect.catchDefect(check(entry.id, on, live), (defect) =>
              Effect.die(new Error(`${entry.id} on ${on}`, { cause: defect })))
          }
        }
        assert.isAbove(cases, kind === "life" ? 10 : 60)
      }), 120_000)
  }
})
