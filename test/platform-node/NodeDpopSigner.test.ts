import { DpopSigner, type RegistrationError } from "@effect-dcr/core"
import { NodeDpopSigner } from "@effect-dcr/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, type Layer, Logger, Option, Redacted } from "effect"
import * as Jose from "jose"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { inspect } from "node:util"

/** The header and the thumbprint of a proof; fails when the proof does not verify with the key in its own header. */
const prove = <E>(layer: Layer.Layer<DpopSigner.DpopSigner, E>) =>
  Effect.gen(function*() {
    const signer = yield* DpopSigner.DpopSigner
    const proof = yield* signer.sign({ method: "POST", url: new URL("https://op.example.com/register") })
    const { jwt } = Option.getOrThrow(proof)
    const { alg, jwk } = Jose.decodeProtectedHeader(jwt)
    const { payload } = yield* Effect.promise(() => Jose.jwtVerify(jwt, Jose.EmbeddedJWK))
    assert.strictEqual(payload["htu"], "https://op.example.com/register")
    return { alg, jwk, thumbprint: Option.getOrThrow(signer.thumbprint) }
  }).pipe(Effect.provide(layer))

const keyPair = (type: "P-256" | "P-384" | "P-521" | "Ed25519" | "RSA"): Crypto.KeyObject =>
  type === "Ed25519"
    ? Crypto.generateKeyPairSync("ed25519").privateKey
    : type === "RSA"
    ? Crypto.generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey
    : Crypto.generateKeyPairSync("ec", { namedCurve: type }).privateKey

const thumbprintOf = (key: Crypto.KeyObject) =>
  Effect.promise(() => Jose.calculateJwkThumbprint(Crypto.createPublicKey(key).export({ format: "jwk" })))

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "dpop-key-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

const reason = <A>(effect: Effect.Effect<A, RegistrationError.RegistrationError>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

describe("NodeDpopSigner", () => {
  it.effect("makes a new key without options", () =>
    Effect.gen(function*() {
      const [one, two] = [yield* prove(NodeDpopSigner.layer()), yield* prove(NodeDpopSigner.layer())]
      assert.strictEqual(one.alg, "ES256")
      assert.notStrictEqual(one.thumbprint, two.thumbprint)
      assert.strictEqual((yield* prove(NodeDpopSigner.layer({ algorithm: "Ed25519" }))).alg, "Ed25519")
    }))

  it.effect("reads every form of a key", () =>
    Effect.gen(function*() {
      const algorithms = { "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", Ed25519: "Ed25519" } as const
      for (const type of ["P-256", "P-384", "P-521", "Ed25519"] as const) {
        const key = keyPair(type)
        const forms = [
          key.export({ type: "pkcs8", format: "pem" }).toString(),
          JSON.stringify(key.export({ format: "jwk" })),
          ...(type === "Ed25519" ? [] : [key.export({ type: "sec1", format: "pem" }).toString()])
        ]
        for (const form of forms) {
          const { alg, jwk, thumbprint } = yield* prove(NodeDpopSigner.layer({ key: Redacted.make(form) }))
          assert.strictEqual(alg, algorithms[type])
          assert.strictEqual(thumbprint, yield* thumbprintOf(key))
          assert.notProperty(jwk, "d")
        }
      }
      const rsa = keyPair("RSA")
      for (const type of ["pkcs1", "pkcs8"] as const) {
        const pem = Redacted.make(rsa.export({ type, format: "pem" }).toString())
        assert.strictEqual((yield* prove(NodeDpopSigner.layer({ key: pem, algorithm: "PS256" }))).alg, "PS256")
        // it may sign by several algorithms, so the caller has to say
        assert.strictEqual((yield* reason(prove(NodeDpopSigner.layer({ key: pem }))))._tag, "ProofFailed")
      }
    }))

  it.effect("decrypts", () =>
    Effect.gen(function*() {
      const key = keyPair("P-256")
      const passphrase = "correct horse"
      const encrypted = Redacted.make(
        key.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase }).toString()
      )
      const layer = NodeDpopSigner.layer({ key: encrypted, passphrase: Redacted.make(passphrase) })
      assert.strictEqual((yield* prove(layer)).thumbprint, yield* thumbprintOf(key))

      assert.deepStrictEqual(yield* reason(prove(NodeDpopSigner.layer({ key: encrypted }))), {
        _tag: "InvalidOptions",
        option: "key",
        message: "it is neither a JWK nor a private key in PEM, or it is encrypted and the passphrase is missing"
      })
      const wrong = NodeDpopSigner.layer({ key: encrypted, passphrase: Redacted.make("battery staple") })
      assert.deepStrictEqual(yield* reason(prove(wrong)), {
        _tag: "InvalidOptions",
        option: "key",
        message: "it is neither a JWK nor a private key in PEM, or the passphrase is wrong"
      })
    }))

  it.effect("reads a file, and warns when it is not its owner's alone", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const key = keyPair("P-256")
      const keyFile = Path.join(directory, "key.pem")
      Fs.writeFileSync(keyFile, key.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 })
      const logged: Array<unknown> = []
      const logger = Logger.make(({ message }) => logged.push(message))
      const proved = prove(NodeDpopSigner.layer({ keyFile })).pipe(Effect.provide(Logger.layer([logger])))
      assert.strictEqual((yield* proved).thumbprint, yield* thumbprintOf(key))
      assert.deepStrictEqual(logged, [])
      Fs.chmodSync(keyFile, 0o640)
      yield* proved
      assert.match(String(logged), /others than its owner may access the private key in .*key\.pem/)

      Fs.writeFileSync(Path.join(directory, "large"), Buffer.alloc(70_000))
      for (const [name, code] of [["missing", "ENOENT"], [".", "EISDIR"], ["large", "EFBIG"]] as const) {
        const path = Path.join(directory, name)
        assert.deepStrictEqual(yield* reason(prove(NodeDpopSigner.layer({ keyFile: path }))), {
          _tag: "InvalidOptions",
          option: "keyFile",
          message: `${path} cannot be read (${code})`
        })
      }
      const both = NodeDpopSigner.layer({ keyFile, key: Redacted.make("{}") })
      assert.strictEqual((yield* reason(prove(both)))._tag, "InvalidOptions")
    }))

  it.effect("takes its options from Config", () =>
    Effect.gen(function*() {
      const key = keyPair("P-256")
      const layer = NodeDpopSigner.layerConfig({
        key: Config.Redacted("DPOP_PRIVATE_KEY"),
        clockSkewSeconds: Config.Int("SKEW")
      })
      const pem = key.export({ type: "pkcs8", format: "pem" }).toString()
      const withEnv = (env: Record<string, string>) =>
        Effect.provideService(prove(layer), ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env))
      const { thumbprint } = yield* withEnv({ DPOP_PRIVATE_KEY: pem, SKEW: "0" })
      assert.strictEqual(thumbprint, yield* thumbprintOf(key))
      assert.strictEqual((yield* Effect.flip(withEnv({ SKEW: "0" })))._tag, "ConfigError")
    }))

  it.effect("keeps the key out of every error", () =>
    Effect.gen(function*() {
      const key = keyPair("P-256")
      const jwk = key.export({ format: "jwk" })
      const pem = key.export({ type: "pkcs8", format: "pem" }).toString()
      const secret = pem.split("\n")[1] ?? ""
      const broken = [
        pem.replace("MIGH", "MIGG"),
        pem.slice(0, 120),
        JSON.stringify(jwk).slice(0, -10),
        JSON.stringify({ ...jwk, x: "AAAA" }),
        JSON.stringify({ ...jwk, alg: "ES384" })
      ]
      for (const text of broken) {
        const error = yield* Effect.flip(prove(NodeDpopSigner.layer({ key: Redacted.make(text) })))
        const shown = inspect(error, { depth: 20 }) + JSON.stringify(error) + String(error)
        assert.notInclude(shown, secret)
        assert.notInclude(shown, String(jwk.d))
      }
    }))
})
