/**
 * The key that entries are encrypted with: made once, without a way to export it.
 *
 * @internal
 */
import type { EncryptionKey } from "@effect-dcr/core/RegistrationEncryption"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Database from "./database.ts"
import { DatabaseProblem, translate } from "./databaseFailure.ts"

interface Kept {
  readonly kid: string
  readonly key: CryptoKey
}

/** The key that is kept in the database, or a new one that is kept from now on. Of two tabs that make one, one is kept. */
export const obtain = (name: string): Effect.Effect<EncryptionKey, RegistrationError> =>
  Effect.scoped(Effect.gen(function*() {
    const database = yield* Database.open(name, "registrations")
    const found = yield* database.run(
      "load",
      ["keys"],
      "readonly",
      (transaction) => transaction.objectStore("keys").get(path)
    )
    if (found !== undefined) return yield* read(found)
    const made = yield* make
    const kept = yield* database.run("save", ["keys"], "readwrite", async (transaction) => {
      const keys = transaction.objectStore("keys")
      const found: unknown = await keys.get(path)
      if (found === undefined) await keys.add(made, path)
      return found ?? made
    })
    return yield* read(kept)
  }))

const path = ["encryption"]

const read = (found: unknown): Effect.Effect<Kept, RegistrationError> =>
  isKept(found)
    ? Effect.succeed(found)
    : Effect.fail(failed(new DatabaseProblem("Corrupted", "the key that entries are encrypted with is not one")))

const isKept = (found: unknown): found is Kept =>
  Predicate.hasProperty(found, "kid") && typeof found.kid === "string" &&
  Predicate.hasProperty(found, "key") && found.key instanceof CryptoKey

const make: Effect.Effect<Kept, RegistrationError> = WebCrypto.WebCrypto.use((crypto: Crypto | undefined) => {
  const subtle: SubtleCrypto | undefined = crypto?.subtle
  return crypto === undefined || subtle === undefined
    ? Effect.fail(failed(
      new DatabaseProblem(
        "Unavailable",
        "encryption needs WebCrypto, which browsers offer to pages from https or localhost only"
      )
    ))
    : Effect.tryPromise({
      try: async () => ({
        kid: crypto.randomUUID(),
        key: await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"])
      }),
      catch: (cause) => failed(new DatabaseProblem("Unavailable", "no encryption key can be made", { cause }))
    })
})

const failed = translate("load", "registrations")
