/** The key of proofs that stays in the browser, in real Chromium. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as jose from "jose"
import { application, fields, insecurely, profile, run, sandbox, tab } from "../browser/page.ts"

const opened = Effect.gen(function*() {
  const { origin } = yield* application("programs")
  const context = yield* profile()
  return { context, origin, page: yield* tab(context, origin) }
})

type Page = Effect.Success<typeof opened>["page"]

const thumbprint = (page: Page, input: Readonly<Record<string, unknown>> = {}) =>
  Effect.map(run(page, "prove", input), (found) => String(fields(found)["before"]))

describe("BrowserDpopSigner", () => {
  it.live("makes proofs that anybody can verify, by a key that nobody can export", () =>
    Effect.gen(function*() {
      const { page } = yield* opened
      for (const algorithm of ["ES256", "Ed25519"]) {
        const { before, jwt } = fields(yield* run(page, "prove", { algorithm }))
        const { payload, protectedHeader } = yield* Effect.promise(() =>
          jose.jwtVerify(String(jwt), jose.EmbeddedJWK, { typ: "dpop+jwt", algorithms: [algorithm], maxTokenAge: 60 })
        )
        assert.strictEqual(payload["htu"], "https://op.example.com/register")
        const { jwk } = protectedHeader
        assert.isDefined(jwk)
        assert.notProperty(jwk, "d")
        assert.strictEqual(yield* Effect.promise(() => jose.calculateJwkThumbprint(jwk ?? {})), before)
      }
      const refused = ["refused", "refused", "refused"]
      const kept = yield* run(page, "dump", { table: "keys" })
      assert.deepStrictEqual(
        kept,
        ["ES256", "Ed25519"].map((algorithm) => ({
          algorithm,
          privateKey: { type: "private", extractable: false, exported: refused, json: "{}" },
          publicKey: {
            type: "public",
            extractable: true,
            exported: ["jwk exported", "refused", "raw exported"],
            json: "{}"
          }
        }))
      )
    }))

  it.live("keeps the key over reloads, tabs and the end of the tab that made it", () =>
    Effect.gen(function*() {
      const { context, origin, page } = yield* opened
      const first = yield* thumbprint(page)
      yield* Effect.promise(() => page.reload())
      assert.strictEqual(yield* thumbprint(page), first)
      const other = yield* tab(context, origin)
      yield* Effect.promise(() => page.close())
      assert.strictEqual(yield* thumbprint(other), first)
    }))

  it.live("tabs and workers that make one at once get the same", () =>
    Effect.gen(function*() {
      const { context, origin, page } = yield* opened
      const tabs = [page, yield* tab(context, origin), yield* tab(context, origin)]
      const found = yield* Effect.forEach(
        tabs.flatMap((page) => (["window", "worker"] as const).map((where) => ({ page, where }))),
        ({ page, where }) => run(page, "proveAtOnce", {}, where),
        { concurrency: "unbounded" }
      )
      const all = found.flatMap((each) => Object.values(fields(each)))
      const thumbprints = new Set(all.map((each) => fields(each)["before"]))
      assert.lengthOf(all, 30)
      assert.lengthOf(thumbprints, 1)
      const kept = yield* run(page, "dump", { table: "keys" })
      assert.lengthOf(Array.isArray(kept) ? kept : [], 1)
    }))

  it.live("keeps keys of other names, algorithms and databases apart", () =>
    Effect.gen(function*() {
      const { page } = yield* opened
      const options = [{}, { algorithm: "Ed25519" }, { name: "other" }, { name: "default2" }, { database: "other" }]
      const found = yield* Effect.forEach(options, (input) => thumbprint(page, input))
      assert.lengthOf(new Set(found), options.length)
      assert.deepStrictEqual(yield* Effect.forEach(options, (input) => thumbprint(page, input)), found)
      yield* run(page, "rotate", { name: "other" })
      const after = yield* Effect.forEach(options, (input) => thumbprint(page, input))
      assert.deepStrictEqual(after.map((each, index) => each === found[index]), [true, true, false, true, true])
    }))

  it.live("uses a new key after a rotation, at once and in all tabs; the old one is gone", () =>
    Effect.gen(function*() {
      const { context, origin, page } = yield* opened
      const first = yield* thumbprint(page)
      const { after, before, jwt } = fields(yield* run(page, "prove", { rotate: true }))
      assert.strictEqual(before, first)
      assert.notStrictEqual(after, first)
      const { jwk } = jose.decodeProtectedHeader(String(jwt))
      assert.strictEqual(yield* Effect.promise(() => jose.calculateJwkThumbprint(jwk ?? {})), after)
      assert.strictEqual(yield* thumbprint(yield* tab(context, origin)), after)
      const kept = yield* run(page, "dump", { table: "keys" })
      assert.lengthOf(Array.isArray(kept) ? kept : [], 1)
    }))

  it.live("goes on with its key when it was deleted; the next signer makes a new one", () =>
    Effect.gen(function*() {
      const { page } = yield* opened
      const { after, before } = fields(yield* run(page, "prove", { forget: true }))
      assert.strictEqual(after, before)
      assert.notStrictEqual(yield* thumbprint(page), before)
    }))

  it.live("says when a page is no secure context", () =>
    Effect.gen(function*() {
      const { context, origin } = yield* opened
      const page = yield* insecurely(context, origin)
      for (const name of ["prove", "rotate"]) {
        const { failed, message } = fields(yield* run(page, name))
        assert.strictEqual(fields(failed)["_tag"], "ProofFailed")
        assert.strictEqual(
          message,
          "DPoP proofs need a secure context, and this page is none: load it from https, or from localhost"
        )
      }
    }))

  it.live("says when a page may not keep anything", () =>
    Effect.gen(function*() {
      const { origin } = yield* application("programs", { headers: sandbox })
      const page = yield* tab(yield* profile(), origin)
      const { failed, message } = fields(yield* run(page, "prove"))
      assert.strictEqual(fields(failed)["problem"], "Unavailable")
      assert.include(
        String(message),
        "The store of the DPoP key failed: the browser does not let this page keep anything"
      )
    }))

  it.live("does not take for a key what is none, until it is rotated", () =>
    Effect.gen(function*() {
      const { page } = yield* opened
      yield* thumbprint(page)
      yield* run(page, "empty", { table: "keys" })
      yield* run(page, "put", { table: "keys", key: ["dpop", "default", "ES256", "x"], row: { algorithm: "ES256" } })
      const { failed } = fields(yield* run(page, "prove"))
      assert.deepStrictEqual(fields(failed)["problem"], "Corrupted")
      yield* run(page, "rotate")
      assert.isString(fields(yield* run(page, "prove"))["before"])
    }))
})
