import type * as DpopKey from "@effect-dcr/core/DpopKey"
import * as DpopKeyImport from "@effect-dcr/core/DpopKeyImport"
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { KeyFormat, SecureRandom, Signature } from "effect/crypto"
import { build } from "esbuild"
import * as Jose from "jose"
import { createPrivateKey } from "node:crypto"
import { fileURLToPath } from "node:url"
import { inspect } from "node:util"
import { algorithms, prove, read } from "../support/proofs.ts"

const generate = (algorithm: DpopKey.Algorithm) =>
  Effect.promise(async () => {
    const { privateKey } = await Jose.generateKeyPair(algorithm, { extractable: true })
    const jwk = await Jose.exportJWK(privateKey)
    return { jwk, pem: await Jose.exportPKCS8(privateKey), thumbprint: await Jose.calculateJwkThumbprint(jwk) }
  })

/** The algorithm and the thumbprint of a signer of the key, after jose verified its proof. */
const signsAs = (key: DpopKey.DpopKey) =>
  Effect.gen(function*() {
    assert.isFalse(key.privateKey.extractable)
    const { jwt } = yield* prove({ url: "https://op.example.com/register" })
    const { thumbprint } = yield* DpopSigner.DpopSigner
    return [(yield* read(jwt)).protectedHeader.alg, Option.getOrThrow(thumbprint)]
  }).pipe(Effect.provide(DpopSigner.layerKeyPair(key), { local: true }))

const refusal = (effect: Effect.Effect<unknown, RegistrationError>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.strictEqual(error.reason._tag, "ProofFailed")
    assert.notInclude(inspect(error, { depth: null, showHidden: true }) + JSON.stringify(error), "canary")
    return error.message
  })

const fromJwk = (jwk: string | object, algorithm?: DpopKey.Algorithm) =>
  DpopKeyImport.fromJwk(Redacted.make(jwk), { algorithm })

describe("DpopKeyImport", () => {
  for (const algorithm of algorithms) {
    it.effect(`reads a key for ${algorithm} as JWK and as PEM`, () =>
      Effect.gen(function*() {
        const { jwk, pem, thumbprint } = yield* generate(algorithm)
        const expected = [algorithm, thumbprint]
        assert.deepStrictEqual(yield* signsAs(yield* fromJwk(jwk, algorithm)), expected)
        assert.deepStrictEqual(yield* signsAs(yield* fromJwk({ ...jwk, alg: algorithm })), expected)
        assert.deepStrictEqual(yield* signsAs(yield* fromJwk(JSON.stringify(jwk), algorithm)), expected)
        const read = DpopKeyImport.fromPkcs8Pem(Redacted.make(`\n${pem}\n`), { algorithm })
        assert.deepStrictEqual(yield* signsAs(yield* read), expected)
      }))
  }

  describe("fromJwk", () => {
    it.effect("reads what effect/crypto writes of its keys", () =>
      Effect.gen(function*() {
        const signature = yield* Signature.Signature
        const { privateKey: ec } = yield* signature.generateKeyPair(Signature.ecdsaP384)
        const { privateKey: rsa } = yield* signature.generateKeyPair(Signature.rsaPssSha256)
        const [alg] = yield* signsAs(yield* fromJwk(yield* KeyFormat.encode(KeyFormat.jwk, ec)))
        assert.strictEqual(alg, "ES384")
        const [algRsa] = yield* signsAs(yield* fromJwk(yield* KeyFormat.encode(KeyFormat.jwk, rsa), "PS256"))
        assert.strictEqual(algRsa, "PS256")
      }).pipe(Effect.provide(Signature.layerWebCrypto.pipe(Layer.provide(SecureRandom.layerWebCrypto)))))

    it.effect("takes the algorithm of the curve where the JWK does not say", () =>
      Effect.gen(function*() {
        for (const algorithm of ["ES256", "ES384", "ES512", "Ed25519"] as const) {
          const { jwk } = yield* generate(algorithm)
          assert.strictEqual((yield* fromJwk(jwk)).algorithm, algorithm)
        }
        const { jwk } = yield* generate("PS256")
        assert.match(yield* refusal(fromJwk(jwk)), /give it in the option algorithm/)
      }))

    it.effect("does not mind usages, which are those of whoever kept the key", () =>
      Effect.gen(function*() {
        const { jwk, thumbprint } = yield* generate("ES256")
        const kept = { ...jwk, use: "sig", key_ops: ["verify"], ext: false, kid: "k" }
        assert.deepStrictEqual(yield* signsAs(yield* fromJwk(kept)), ["ES256", thumbprint])
      }))

    it.effect("takes the two names of EdDSA for one", () =>
      Effect.gen(function*() {
        const { jwk } = yield* generate("Ed25519")
        assert.strictEqual((yield* fromJwk({ ...jwk, alg: "EdDSA" }, "Ed25519")).algorithm, "Ed25519")
        assert.strictEqual((yield* fromJwk({ ...jwk, alg: "Ed25519" }, "EdDSA")).algorithm, "EdDSA")
      }))

    it.effect("refuses what proofs cannot be signed with, and quotes none of it", () =>
      Effect.gen(function*() {
        const { jwk } = yield* generate("ES256")
        const { d: _, ...publicJwk } = jwk
        const { jwk: other } = yield* generate("ES256")
        const { jwk: p384 } = yield* generate("ES384")
        assert.match(yield* refusal(fromJwk("{ canary")), /not a JSON object/)
        assert.match(yield* refusal(fromJwk("\"canary\"")), /not a JSON object/)
        assert.match(yield* refusal(fromJwk(["canary"])), /not an asymmetric private key|not a JSON object/)
        assert.match(yield* refusal(fromJwk(publicJwk)), /not an asymmetric private key/)
        assert.match(
          yield* refusal(fromJwk({ kty: "oct", k: "canary", alg: "HS256" })),
          /not an asymmetric private key/
        )
        assert.match(yield* refusal(fromJwk({ kty: "oct", k: "canary", d: "canary" }, "ES256")), /cannot be read/)
        assert.match(yield* refusal(fromJwk({ ...jwk, alg: "HS256" })), /for an algorithm/)
        assert.match(yield* refusal(fromJwk({ ...jwk, alg: "canary" })), /for an algorithm/)
        assert.match(
          yield* refusal(fromJwk({ ...jwk, alg: "ES256" }, "ES384")),
          /meant for another algorithm than ES384/
        )
        assert.match(yield* refusal(fromJwk({ ...jwk, use: "enc" })), /use member/)
        assert.match(yield* refusal(fromJwk(jwk, "ES384")), /as a key for ES384/)
        assert.match(yield* refusal(fromJwk({ ...p384, crv: "P-256" })), /as a key for ES256/)
        assert.match(yield* refusal(fromJwk({ ...jwk, d: "canary" })), /as a key for ES256/)
        assert.match(yield* refusal(fromJwk({ ...jwk, x: other.x, y: other.y }).pipe(Effect.flatMap(signsAs))), /./)
      }))
  })

  describe("fromPkcs8Pem", () => {
    it.effect("refuses other PEM, and says how to change it", () =>
      Effect.gen(function*() {
        const { pem } = yield* generate("ES256")
        const key = createPrivateKey(pem)
        const others = [
          key.export({ type: "sec1", format: "pem" }).toString(),
          key.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "canary" }).toString(),
          "canary",
          ""
        ]
        for (const other of others) {
          const effect = DpopKeyImport.fromPkcs8Pem(Redacted.make(other), { algorithm: "ES256" })
          assert.match(yield* refusal(effect), /openssl pkcs8 -topk8 -nocrypt/)
        }
      }))

    it.effect("refuses a key for another algorithm, and one that is damaged", () =>
      Effect.gen(function*() {
        const { pem } = yield* generate("ES256")
        const read = (pem: string, algorithm: DpopKey.Algorithm) =>
          DpopKeyImport.fromPkcs8Pem(Redacted.make(pem), { algorithm })
        for (const algorithm of ["ES384", "Ed25519", "PS256"] as const) {
          assert.match(yield* refusal(read(pem, algorithm)), new RegExp(`as a key for ${algorithm}$`))
        }
        assert.match(yield* refusal(read(pem.replace(/\n./, "\ncanary"), "ES256")), /as a key for ES256/)
      }))
  })

  it("jose is loaded by nobody who did not ask for it", async () => {
    const packages = async (module: string): Promise<ReadonlyArray<string>> => {
      const { metafile } = await build({
        entryPoints: [fileURLToPath(import.meta.resolve(`@effect-dcr/core/${module}`))],
        bundle: true,
        write: false,
        metafile: true,
        format: "esm",
        logLevel: "silent"
      })
      return [
        ...new Set(
          Object.keys(metafile.inputs).map((input) => input.split("node_modules/").at(-1)?.split("/")[0] ?? "")
        )
      ]
    }
    assert.notInclude(await packages("DpopSigner"), "jose")
    assert.include(await packages("DpopKeyImport"), "jose")
  })
})
