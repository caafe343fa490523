/** Encryption in front of any store: what it hides, what it binds, and which keys read what. */
import { Registrar, RegistrationEncryption, RegistrationStore } from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Duration, Effect, Layer, Option, Redacted, Schema, Stream } from "effect"
import { failsWith } from "../support/failure.ts"
import { registrationStoreContract } from "../support/registrationStoreContract.ts"

type Store = RegistrationStore.RegistrationStore["Service"]

const bytes = (fill: number) => Buffer.alloc(32, fill)
const key = (kid: string, fill: number): RegistrationEncryption.EncryptionKey => ({
  kid,
  key: Redacted.make(bytes(fill).toString("base64"))
})

const encrypted = (store: Store, options: RegistrationEncryption.Options) =>
  RegistrationStore.RegistrationStore.pipe(
    Effect.provide(
      RegistrationEncryption.layer(options).pipe(
        Layer.provide(Layer.succeed(RegistrationStore.RegistrationStore, store))
      ),
      { local: true }
    )
  )

registrationStoreContract(
  "memory, encrypted",
  Effect.succeed({
    open: Effect.flatMap(RegistrationStore.makeMemory, (store) => encrypted(store, { key: key("first", 1) }))
  }),
  { reach: "process" }
)

const envelopeOf = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({
  format: Schema.Number,
  enc: Schema.String,
  kid: Schema.String,
  nonce: Schema.String,
  ciphertext: Schema.String
})))

const at = (profile: string): RegistrationStore.Key => ({ issuer: "https://op.example.com", profile })

const save = (store: Store, profile: string, value: string) =>
  Effect.gen(function*() {
    const lease = yield* Effect.flatMap(store.acquire(at(profile), Duration.minutes(1)), Effect.fromOption)
    const entry = yield* store.load(at(profile)).pipe(Effect.orElseSucceed(() => Option.none()))
    yield* store.save(lease, value, Option.match(entry, { onNone: () => 0, onSome: ({ version }) => version }))
    yield* store.release(lease)
  })

const textOf = (store: Store, profile: string) =>
  Effect.map(store.load(at(profile)), (entry) => Option.getOrThrow(entry).value)

const problemOf = (store: Store, profile: string) =>
  Effect.map(failsWith("StoreFailed")(textOf(store, profile)), ({ reason }) => reason.problem)

describe("RegistrationEncryption", () => {
  it.effect("who may write to the store underneath can put back an older entry of the key, and reads its name", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      const store = yield* encrypted(memory, { key: key("first", 1) })
      yield* save(store, "a", "old")
      const older = yield* textOf(memory, "a")
      yield* save(store, "a", "new")
      assert.strictEqual(yield* textOf(store, "a"), "new")
      yield* save(memory, "a", older)
      assert.strictEqual(yield* textOf(store, "a"), "old")
      assert.deepStrictEqual(yield* Stream.runCollect(memory.keys), [at("a")])
    }))

  it.effect("nothing of an entry is readable in the store underneath, and no two are sealed alike", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      const store = yield* encrypted(memory, { key: key("first", 1) })
      yield* save(store, "a", "canary-secret")
      yield* save(store, "b", "canary-secret")
      const first = yield* textOf(memory, "a")
      const second = yield* textOf(memory, "b")
      for (const text of [first, second]) {
        assert.notInclude(text, "canary")
        assert.notInclude(text, Buffer.from("canary-secret").toString("base64url").slice(0, 12))
      }
      const a = envelopeOf(first)
      const b = envelopeOf(second)
      assert.strictEqual(a.kid, "first")
      assert.notStrictEqual(a.nonce, b.nonce)
      assert.strictEqual(Buffer.from(a.nonce, "base64url").length, 12)
      assert.notStrictEqual(a.ciphertext, b.ciphertext)
      assert.strictEqual(yield* textOf(store, "a"), "canary-secret")
    }))

  it.effect("a key is changed: the old one still opens, the new one seals, and then the old one can go", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      yield* save(yield* encrypted(memory, { key: key("old", 1) }), "a", "value")
      const both = yield* encrypted(memory, { key: key("new", 2), formerKeys: [key("old", 1)] })
      assert.strictEqual(yield* textOf(both, "a"), "value")
      const newOnly = yield* encrypted(memory, { key: key("new", 2) })
      const { reason } = yield* textOf(newOnly, "a").pipe(failsWith("StoreFailed"))
      assert.strictEqual(reason.problem, "Undecryptable")
      assert.include(reason.message, "\"old\"")
      assert.include(reason.message, "formerKeys")
      yield* save(both, "a", "value 2")
      assert.strictEqual(yield* textOf(newOnly, "a"), "value 2")
    }))

  it.effect("a wrong key of the right name, a changed byte and a moved entry do not open, and nothing is lost", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      const store = yield* encrypted(memory, { key: key("first", 1) })
      yield* save(store, "a", "value")
      const wrong = yield* encrypted(memory, { key: key("first", 2) })
      assert.strictEqual(yield* problemOf(wrong, "a"), "Undecryptable")
      const sealed = yield* textOf(memory, "a")
      yield* save(memory, "b", sealed)
      assert.strictEqual(yield* problemOf(store, "b"), "Undecryptable")
      const envelope = envelopeOf(sealed)
      const ciphertext = Buffer.from(envelope.ciphertext, "base64url")
      ciphertext.writeUInt8(ciphertext.readUInt8(0) ^ 1, 0)
      for (
        const changed of [
          { ...envelope, ciphertext: ciphertext.toString("base64url") },
          { ...envelope, ciphertext: "*" },
          { ...envelope, ciphertext: "" },
          { ...envelope, nonce: "AAAA" }
        ]
      ) {
        yield* save(memory, "c", JSON.stringify(changed))
        assert.strictEqual(yield* problemOf(store, "c"), "Undecryptable")
      }
      assert.strictEqual(yield* textOf(memory, "a"), sealed)
      assert.strictEqual(yield* textOf(store, "a"), "value")
    }))

  it.effect("what no key opens can be forgotten, and nothing else be done with it", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      const registrar = (kid: string, fill: number) =>
        Effect.flatMap(
          encrypted(memory, { key: key(kid, fill) }),
          (store) => Effect.provideService(Registrar.make(), RegistrationStore.RegistrationStore, store)
        )
      const wanted = {
        server: at("a").issuer,
        profile: "a",
        metadata: { redirect_uris: ["https://app.example.com/cb"] }
      }
      const before = yield* Effect.flatMap(registrar("lost", 1), ({ ensure }) => ensure(wanted))
      const sealed = yield* textOf(memory, "a")
      const { ensure, forget, list, remove } = yield* registrar("new", 2)
      for (const refused of [Effect.asVoid(ensure(wanted)), Effect.asVoid(remove(at("a")))]) {
        const { reason } = yield* failsWith("StoreFailed")(refused)
        assert.strictEqual(reason.problem, "Undecryptable")
      }
      assert.strictEqual(yield* textOf(memory, "a"), sealed)
      const [summary] = yield* Stream.runCollect(list)
      assert.isTrue(Option.isSome(summary?.problem ?? Option.none()))
      yield* forget(at("a"))
      const after = yield* ensure(wanted)
      assert.notStrictEqual(after.information.client_id, before.information.client_id)
    }).pipe(Effect.scoped, Effect.provide(TestAuthorizationServer.layer())))

  it.effect("an entry in the clear is read only where that is asked for, and sealed when it changes", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      yield* save(memory, "a", "{\"format\":1}")
      const strict = yield* encrypted(memory, { key: key("first", 1) })
      const { reason } = yield* textOf(strict, "a").pipe(failsWith("StoreFailed"))
      assert.strictEqual(reason.problem, "Undecryptable")
      assert.include(reason.message, "readUnencrypted")
      const lenient = yield* encrypted(memory, { key: key("first", 1), readUnencrypted: true })
      assert.strictEqual(yield* textOf(lenient, "a"), "{\"format\":1}")
      yield* save(lenient, "a", "value")
      assert.strictEqual(yield* textOf(strict, "a"), "value")
    }))

  it.effect("an envelope of a later version is neither opened nor taken for text in the clear", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      yield* save(memory, "a", JSON.stringify({ format: 2, enc: "XC20P", kid: "first", ciphertext: "AAAA" }))
      const store = yield* encrypted(memory, { key: key("first", 1), readUnencrypted: true })
      assert.strictEqual(yield* problemOf(store, "a"), "NewerFormat")
    }))

  it.effect("keys are base64, base64url or of WebCrypto, and all mean the same", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      // Bytes whose two spellings differ.
      const raw = bytes(0xfb)
      yield* save(
        yield* encrypted(memory, { key: { kid: "k", key: Redacted.make(raw.toString("base64")) } }),
        "a",
        "value"
      )
      const url = yield* encrypted(memory, { key: { kid: "k", key: Redacted.make(`${raw.toString("base64url")}\n`) } })
      assert.strictEqual(yield* textOf(url, "a"), "value")
      const cryptoKey = yield* Effect.promise(() =>
        crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"])
      )
      const web = yield* encrypted(memory, { key: { kid: "k", key: cryptoKey } })
      assert.strictEqual(yield* textOf(web, "a"), "value")
    }))

  it.effect("what is no key is refused before anything is read, and not repeated", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      const short = yield* Effect.promise(() =>
        crypto.subtle.importKey("raw", bytes(1).subarray(16), "AES-GCM", false, ["encrypt", "decrypt"])
      )
      for (const bad of ["", "canary key", bytes(1).subarray(1).toString("base64"), bytes(1).toString("hex")]) {
        const { error } = yield* encrypted(memory, { key: { kid: "k", key: Redacted.make(bad) } }).pipe(
          failsWith("InvalidOptions")
        )
        assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "canary")
      }
      yield* encrypted(memory, { key: { kid: "k", key: short } }).pipe(failsWith("InvalidOptions"))
      yield* encrypted(memory, { key: key("k", 1), formerKeys: [key("k", 2)] }).pipe(failsWith("InvalidOptions"))
    }))

  it.effect("options come from Config", () =>
    Effect.gen(function*() {
      const memory = yield* RegistrationStore.makeMemory
      const layer = RegistrationEncryption.layerConfig({
        key: { kid: Config.String("KID"), key: Config.Redacted("KEY") }
      }).pipe(
        Layer.provide(Layer.succeed(RegistrationStore.RegistrationStore, memory)),
        Layer.provide(
          ConfigProvider.layer(ConfigProvider.fromEnvRecord({ KID: "k", KEY: bytes(1).toString("base64") }))
        )
      )
      const store = yield* Effect.provide(RegistrationStore.RegistrationStore, layer)
      yield* save(store, "a", "value")
      assert.strictEqual(yield* textOf(yield* encrypted(memory, { key: key("k", 1) }), "a"), "value")
    }))
})
