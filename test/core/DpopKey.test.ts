import * as DpopKey from "@effect-dcr/core/DpopKey"
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { inspect } from "node:util"
import { algorithms, prove, read } from "../support/proofs.ts"

const url = "https://op.example.com/register"

/** What a signer of the pair writes into its header, after jose verified the proof. */
const algOf = (pair: DpopKey.KeyPair) =>
  Effect.gen(function*() {
    const { jwt } = yield* prove({ url })
    return (yield* read(jwt)).protectedHeader.alg
  }).pipe(Effect.provide(DpopSigner.layerKeyPair(pair), { local: true }))

const refusal = (pair: DpopKey.KeyPair) =>
  Effect.map(Effect.flip(algOf(pair)), (error) => {
    assert.strictEqual(error.reason._tag, "ProofFailed", inspect(error))
    return error.message
  })

const generated = (
  params: EcKeyGenParams | RsaHashedKeyGenParams,
  usages: ReadonlyArray<"sign" | "verify" | "deriveBits"> = ["sign", "verify"]
): Effect.Effect<CryptoKeyPair> => Effect.promise(() => crypto.subtle.generateKey(params, true, usages))

const ec = (namedCurve: string) => generated({ name: "ECDSA", namedCurve })

const rsa = (name: string, hash: string, modulusLength = 2048) =>
  generated({ name, hash, modulusLength, publicExponent: Uint8Array.of(1, 0, 1) })

const ed25519 = Effect.promise(() => crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]))

describe("DpopKey", () => {
  describe("generate", () => {
    it.effect("makes an ES256 key that cannot be exported", () =>
      Effect.gen(function*() {
        const key = yield* DpopKey.generate()
        assert.strictEqual(key.algorithm, "ES256")
        assert.isFalse(key.privateKey.extractable)
        assert.strictEqual(key.privateKey.type, "private")
        assert.deepStrictEqual(key.privateKey.usages, ["sign"])
        assert.isTrue(key.publicKey.extractable)
      }))

    it.effect("makes an exportable key when asked", () =>
      Effect.gen(function*() {
        const { privateKey } = yield* DpopKey.generate({ extractable: true })
        const jwk = yield* Effect.promise(() => crypto.subtle.exportKey("jwk", privateKey))
        assert.isString(jwk.d)
      }))

    it.effect("makes RSA keys of 2048 bits, or of as many as asked", () =>
      Effect.gen(function*() {
        const length = ({ privateKey }: DpopKey.DpopKey) =>
          "modulusLength" in privateKey.algorithm && privateKey.algorithm.modulusLength
        assert.strictEqual(length(yield* DpopKey.generate({ algorithm: "PS256" })), 2048)
        assert.strictEqual(length(yield* DpopKey.generate({ algorithm: "RS256", modulusLength: 2560 })), 2560)
      }))

    it.effect("refuses the name of another algorithm", () =>
      Effect.gen(function*() {
        for (const algorithm of ["HS256", "none", "toString", "es256"]) {
          // @ts-expect-error: what a caller without types may pass
          const error = yield* Effect.flip(DpopKey.generate({ algorithm }))
          assert.include(error.reason, { _tag: "ProofFailed" })
          assert.match(error.message, new RegExp(`^DPoP proofs cannot be signed with ${algorithm}: use ES256, `))
        }
      }))

    it.effect("makes keys that outlive a structured clone, as a browser's database keeps them", () =>
      Effect.gen(function*() {
        const key = yield* DpopKey.generate({ algorithm: "ES384" })
        assert.strictEqual(yield* algOf(structuredClone(key)), "ES384")
      }))
  })

  describe("isAlgorithm", () => {
    it("knows the names that proofs can be signed with", () => {
      for (const algorithm of algorithms) assert.isTrue(DpopKey.isAlgorithm(algorithm))
      for (const other of ["HS256", "none", "ES256K", "es256", "", undefined, 1]) {
        assert.isFalse(DpopKey.isAlgorithm(other))
      }
    })
  })

  describe("a pair that exists", () => {
    it.effect("of WebCrypto says itself what it signs with", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* algOf(yield* ec("P-256")), "ES256")
        assert.strictEqual(yield* algOf(yield* ec("P-384")), "ES384")
        assert.strictEqual(yield* algOf(yield* ec("P-521")), "ES512")
        assert.strictEqual(yield* algOf(yield* ed25519), "Ed25519")
        assert.strictEqual(yield* algOf(yield* rsa("RSA-PSS", "SHA-256")), "PS256")
        assert.strictEqual(yield* algOf(yield* rsa("RSA-PSS", "SHA-512")), "PS512")
        assert.strictEqual(yield* algOf(yield* rsa("RSASSA-PKCS1-v1_5", "SHA-256")), "RS256")
        assert.strictEqual(yield* algOf(yield* rsa("RSASSA-PKCS1-v1_5", "SHA-384")), "RS384")
      }))

    it.effect("of Ed25519 signs under either name", () =>
      Effect.gen(function*() {
        const pair = yield* ed25519
        assert.strictEqual(yield* algOf({ algorithm: "EdDSA", ...pair }), "EdDSA")
        assert.strictEqual(yield* algOf({ algorithm: "Ed25519", ...pair }), "Ed25519")
      }))

    it.effect("needs no usage in its public key, which is read anew", () =>
      Effect.gen(function*() {
        const { privateKey, publicKey } = yield* ec("P-256")
        const bare = yield* Effect.promise(async () =>
          crypto.subtle.importKey(
            "jwk",
            { ...await crypto.subtle.exportKey("jwk", publicKey), key_ops: [] },
            { name: "ECDSA", namedCurve: "P-256" },
            true,
            []
          )
        )
        assert.strictEqual(yield* algOf({ privateKey, publicKey: bare }), "ES256")
      }))
  })

  describe("a pair that cannot make proofs is refused:", () => {
    it.effect("two halves of two pairs", () =>
      Effect.gen(function*() {
        const makers = [ec("P-256"), ed25519, rsa("RSA-PSS", "SHA-256")]
        for (const make of makers) {
          const [{ privateKey }, { publicKey }] = yield* Effect.all([make, make])
          assert.strictEqual(
            yield* refusal({ privateKey, publicKey }),
            "The public key of DPoP does not belong to the private key"
          )
        }
      }))

    it.effect("another curve, hash or kind than the algorithm needs", () =>
      Effect.gen(function*() {
        const p256 = yield* ec("P-256")
        const p384 = yield* ec("P-384")
        assert.strictEqual(
          yield* refusal({ algorithm: "ES256", ...p384 }),
          "The private key of DPoP is of the kind ECDSA P-384, and ES256 needs ECDSA P-256"
        )
        assert.strictEqual(
          yield* refusal({ privateKey: p256.privateKey, publicKey: p384.publicKey }),
          "The public key of DPoP is of the kind ECDSA P-384, and ES256 needs ECDSA P-256"
        )
        assert.match(
          yield* refusal({ algorithm: "PS256", ...yield* rsa("RSA-PSS", "SHA-384") }),
          /RSA-PSS SHA-384, and PS256 needs RSA-PSS SHA-256/
        )
        assert.match(yield* refusal({ algorithm: "EdDSA", ...p256 }), /EdDSA needs Ed25519/)
      }))

    it.effect("a key that is not for signatures, or for another hash than JOSE's", () =>
      Effect.gen(function*() {
        const ecdh = yield* generated({ name: "ECDH", namedCurve: "P-256" }, ["deriveBits"])
        assert.match(yield* refusal(ecdh), /cannot be signed with a key of the kind ECDH P-256: use ES256, /)
        assert.match(yield* refusal(yield* rsa("RSASSA-PKCS1-v1_5", "SHA-1")), /RSASSA-PKCS1-v1_5 SHA-1/)
      }))

    it.effect("a symmetric key", () =>
      Effect.gen(function*() {
        const { publicKey } = yield* ec("P-256")
        const hmac = yield* Effect.promise(() =>
          crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"])
        )
        assert.match(yield* refusal({ privateKey: hmac, publicKey }), /HMAC SHA-256/)
        assert.match(yield* refusal({ algorithm: "ES256", privateKey: hmac, publicKey: hmac }), /HMAC SHA-256/)
        // @ts-expect-error: not an algorithm of the type
        assert.match(yield* refusal({ algorithm: "HS256", privateKey: hmac, publicKey: hmac }), /with HS256/)
      }))

    it.effect("an RSA key of less than 2048 bits", () =>
      Effect.gen(function*() {
        const short = /at least 2048 bits/
        assert.match(yield* refusal(yield* rsa("RSA-PSS", "SHA-256", 1024)), short)
        assert.match(yield* refusal(yield* rsa("RSASSA-PKCS1-v1_5", "SHA-256", 2040)), short)
      }))

    it.effect("keys in the wrong place, without the right usage, or that cannot be read", () =>
      Effect.gen(function*() {
        const { privateKey, publicKey } = yield* ec("P-256")
        assert.match(
          yield* refusal({ privateKey: publicKey, publicKey }),
          /private key of DPoP cannot sign: it is no private key/
        )
        assert.match(yield* refusal({ privateKey, publicKey: privateKey }), /public key of DPoP is a private key/)
        const hidden = yield* Effect.promise(async () =>
          crypto.subtle.importKey(
            "jwk",
            await crypto.subtle.exportKey("jwk", publicKey),
            { name: "ECDSA", namedCurve: "P-256" },
            false,
            ["verify"]
          )
        )
        assert.match(yield* refusal({ privateKey, publicKey: hidden }), /must be extractable/)
      }))

    it.effect("what is no key at all", () =>
      Effect.gen(function*() {
        const { privateKey, publicKey } = yield* ec("P-256")
        // @ts-expect-error: a JWK is not a key
        assert.match(yield* refusal({ privateKey: { kty: "EC", d: "canary" }, publicKey }), /of the kind unknown/)
        // @ts-expect-error: nothing is not a key
        assert.match(yield* refusal({ privateKey, publicKey: undefined }), /of the kind unknown/)
      }))
  })
})
