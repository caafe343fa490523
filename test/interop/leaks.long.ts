/** The complete leak hunt: every misbehaviour with and without proofs, every place, status and spelling, every schema. */
import * as Misbehaviour from "@effect-dcr/core/testing/Misbehaviour"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { placeNames, spellingNames, statuses } from "../support/leakEchoes.ts"
import { makeHunt, schemaNames } from "../support/leakHunt.ts"
import { initialAccessToken, key, liveWith, liveWithEcho } from "../support/leakLife.ts"
import { record } from "../support/longRun.ts"

describe("the leak hunt", () => {
  it.live("finds nothing", () =>
    Effect.gen(function*() {
      const hunt = makeHunt()
      const { pair, secrets } = yield* key
      const ids = [undefined, ...Misbehaviour.catalogue.map(({ id }) => id)]
      let lives = 0
      for (const id of ids) {
        for (const proofs of [pair, undefined]) {
          const { issued, sent, shown } = yield* liveWith(id, proofs, true)
          assert.isTrue(sent.some((text) => text.includes(initialAccessToken)))
          hunt.findsNone(shown, [...secrets, ["the initial access token", initialAccessToken], ...issued])
          lives++
        }
      }
      for (const place of placeNames) {
        for (const status of statuses) {
          for (const spelling of spellingNames) {
            const { shown, told } = yield* liveWithEcho(status, place, spelling, true)
            hunt.findsNone(shown, [...told].map((secret, at) => [`${status}, ${spelling}: secret ${at}`, secret]))
            lives++
          }
        }
      }
      const { canaries, characters, searches, texts } = hunt.tally
      record({
        id: "leak-hunt",
        title: "The leak hunt: canaries through every operation, success and failure",
        figures: {
          "lives of a registration": lives,
          "of these with a misbehaviour of the test server": 2 * (ids.length - 1),
          "of these with a server that repeats what it knows (places × statuses × spellings)": placeNames.length *
            statuses.length * spellingNames.length,
          "schemas that every error and client was encoded with, in two ways": schemaNames.length,
          "texts searched (spans, logs, metrics, messages, JSON, inspect, Cause.pretty, encoded forms)": texts,
          "characters searched": characters,
          "canaries searched for": canaries,
          "searches (a text for a canary in one spelling)": searches,
          hits: 0
        }
      })
    }))
})
