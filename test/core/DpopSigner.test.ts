import type * as DpopKey from "@effect-dcr/core/DpopKey"
import * as DpopSigner from "@effect-dcr/core/DpopSigner"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Option, Redacted } from "effect"
import { WebCrypto } from "effect/crypto"
import { TestClock } from "effect/testing"
import { calculateJwkThumbprint } from "jose"
import { createHash } from "node:crypto"
import { inspect } from "node:util"
import { algorithms, claims, prove, read } from "../support/proofs.ts"

const endpoint = "https://op.example.com/register"

/** The members of each kind of key that are public and required (RFC 7638 §3.2, RFC 8037 §2). */
const publicMembers = (algorithm: DpopKey.Algorithm): ReadonlyArray<string> =>
  algorithm.startsWith("ES")
    ? ["crv", "kty", "x", "y"]
    : algorithm.startsWith("Ed")
    ? ["crv", "kty", "x"]
    : ["e", "kty", "n"]

const learn = (url: string, nonce: string) => DpopSigner.DpopSigner.use((signer) => signer.learn(new URL(url), nonce))

const nonceAt = (url: string) => Effect.map(prove({ url }), (proof) => proof.nonce)

const reasonOf = (layer: ReturnType<typeof DpopSigner.layer>) =>
  Effect.map(Effect.flip(Layer.build(layer)), (error) => error.reason)

const keyPair = (algorithm: EcKeyGenParams | RsaHashedKeyGenParams, extractable = false) =>
  Effect.promise(() => crypto.subtle.generateKey(algorithm, extractable, ["sign", "verify"]))

const p256 = { name: "ECDSA", namedCurve: "P-256" }

/** The platform's WebCrypto with another `subtle`. */
const withSubtle = (subtle: unknown): Crypto =>
  new Proxy(crypto, {
    get: (target, name): unknown => {
      if (name === "subtle") return subtle
      const member: unknown = Reflect.get(target, name)
      return typeof member === "function" ? member.bind(target) : member
    }
  })

/** The platform's `subtle` with one method replaced. */
const replacing = (name: keyof SubtleCrypto, method: unknown): SubtleCrypto =>
  new Proxy(crypto.subtle, {
    get: (target, key): unknown => {
      if (key === name) return method
      const member: unknown = Reflect.get(target, key)
      return typeof member === "function" ? member.bind(target) : member
    }
  })

/** A `subtle` whose signatures are the test's from the second one: the first is the check of the key. */
const signingLater = (sign: () => Promise<ArrayBuffer>): SubtleCrypto => {
  let signatures = 0
  return replacing(
    "sign",
    (...args: Parameters<SubtleCrypto["sign"]>) => ++signatures > 1 ? sign() : crypto.subtle.sign(...args)
  )
}

describe("DpopSigner", () => {
  describe("each algorithm", () => {
    for (const algorithm of algorithms) {
      it.effect(`${algorithm} makes proofs that jose accepts`, () =>
        Effect.gen(function*() {
          const token = "a-token"
          yield* learn(endpoint, "n-1")
          const { jwt, nonce } = yield* prove({ url: endpoint, accessToken: Redacted.make(token) })
          const { jwk, payload, protectedHeader } = yield* read(jwt)
          assert.deepStrictEqual(Object.keys(protectedHeader).toSorted(), ["alg", "jwk", "typ"])
          assert.strictEqual(protectedHeader.alg, algorithm)
          assert.deepStrictEqual(Object.keys(jwk).toSorted(), publicMembers(algorithm))
          assert.strictEqual(nonce, "n-1")
          assert.strictEqual(payload["nonce"], "n-1")
          assert.strictEqual(payload["ath"], createHash("sha256").update(token).digest("base64url"))

          const { thumbprint } = yield* DpopSigner.DpopSigner
          const expected = yield* Effect.promise(() => calculateJwkThumbprint(jwk, "sha256"))
          assert.deepStrictEqual(thumbprint, Option.some(expected))
        }).pipe(Effect.provide(DpopSigner.layer({ algorithm }))))
    }

    it.effect("ES256 is the default", () =>
      Effect.gen(function*() {
        const { jwt } = yield* prove({ url: endpoint })
        assert.strictEqual((yield* read(jwt)).protectedHeader.alg, "ES256")
      }).pipe(Effect.provide(DpopSigner.layer())))

    it.effect("each build of the layer makes a key of its own", () =>
      Effect.gen(function*() {
        const layer = DpopSigner.layer()
        const thumbprint = DpopSigner.DpopSigner.useSync((signer) => Option.getOrThrow(signer.thumbprint))
        const build = thumbprint.pipe(Effect.provide(layer, { local: true }))
        assert.notStrictEqual(yield* build, yield* build)
      }))
  })

  describe("claims", () => {
    it.effect("are those of RFC 9449 §4.2, without ath and nonce where there is no token and no nonce", () =>
      Effect.gen(function*() {
        const { jti, ...others } = yield* claims({ method: "PUT", url: endpoint })
        assert.deepStrictEqual(others, { htm: "PUT", htu: endpoint, iat: 0 })
        assert.isString(jti)
        // 22 characters of base64url are 128 bits.
        assert.match(jti ?? "", /^[\w-]{22}$/)
      }).pipe(Effect.provide(DpopSigner.layer())))

    it.effect("iat is the time of Effect's clock in whole seconds, of each proof anew", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(1_700_000_000_999)
        assert.strictEqual((yield* claims({ url: endpoint })).iat, 1_700_000_000)
        yield* TestClock.adjust("61 seconds")
        assert.strictEqual((yield* claims({ url: endpoint })).iat, 1_700_000_061)
      }).pipe(Effect.provide(DpopSigner.layer())))

    it.effect("iat can be moved against a clock that is wrong", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(1_700_000_000_000)
        assert.strictEqual((yield* claims({ url: endpoint })).iat, 1_699_999_970)
      }).pipe(Effect.provide(DpopSigner.layer({ clockSkewSeconds: -30 }))))

    it.effect("10,000 proofs, 16 at a time, have 10,000 values of jti", () =>
      Effect.gen(function*() {
        const proofs = yield* Effect.forEach(
          Array.from({ length: 10_000 }),
          () => prove({ url: endpoint }),
          { concurrency: 16 }
        )
        const ids = new Set(proofs.map(({ jwt }) => {
          const claims: unknown = JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString())
          const jti: unknown = typeof claims === "object" && claims !== null && "jti" in claims ? claims.jti : undefined
          assert.match(String(jti), /^[\w-]{22}$/)
          return jti
        }))
        assert.strictEqual(ids.size, 10_000)
      }).pipe(Effect.provide(DpopSigner.layer())), 60_000)

    it.effect("jti comes from the WebCrypto reference", () => {
      let next = 0
      const seeded: Crypto = {
        subtle: crypto.subtle,
        randomUUID: () => crypto.randomUUID(),
        getRandomValues: (array) => {
          if (array instanceof Uint8Array) array.set(array.map(() => next++))
          return array
        }
      }
      return Effect.gen(function*() {
        const jti = Effect.map(claims({ url: endpoint }), (claims) => claims.jti)
        const bytes = (from: number) =>
          Buffer.from(Array.from({ length: 16 }, (_, i) => from + i)).toString("base64url")
        for (let proof = 0; proof < 40; proof++) assert.strictEqual(yield* jti, bytes(16 * proof))
      }).pipe(Effect.provide(DpopSigner.layer().pipe(Layer.provide(WebCrypto.layer(seeded)))))
    })

    it.effect("all that is asked of WebCrypto is asked of the one that the layer was built with", () => {
      const asked: Array<string> = []
      const counting = new Proxy(crypto.subtle, {
        get: (target, name): unknown => {
          asked.push(String(name))
          const member: unknown = Reflect.get(target, name)
          return typeof member === "function" ? member.bind(target) : member
        }
      })
      return Effect.gen(function*() {
        const signer = yield* DpopSigner.DpopSigner.use(Effect.succeed)
        asked.length = 0
        // Where nothing is provided there may be no WebCrypto at all.
        const proof = yield* prove({ url: endpoint, accessToken: Redacted.make("token") }).pipe(
          Effect.provideService(DpopSigner.DpopSigner, signer),
          Effect.provideService(WebCrypto.WebCrypto, withSubtle(undefined))
        )
        const { payload } = yield* read(proof.jwt)
        assert.strictEqual(payload["ath"], createHash("sha256").update("token").digest("base64url"))
        assert.deepStrictEqual(asked, ["digest", "sign"])
      }).pipe(Effect.provide(DpopSigner.layer().pipe(Layer.provide(WebCrypto.layer(withSubtle(counting))))))
    })

    const normalised: ReadonlyArray<readonly [url: string, htu: string]> = [
      ["https://op.example.com", "https://op.example.com/"],
      ["https://op.example.com/register?a=b#c", "https://op.example.com/register"],
      ["https://op.example.com/register?", "https://op.example.com/register"],
      ["HTTPS://OP.Example.COM:443/register", "https://op.example.com/register"],
      ["http://127.0.0.1:8080/a/../register/./x", "http://127.0.0.1:8080/register/x"],
      ["https://name:password@op.example.com:8443/r", "https://op.example.com:8443/r"],
      ["https://bücher.example/é \"", "https://xn--bcher-kva.example/%C3%A9%20%22"],
      ["https://op.example.com/a%2Fb/%7e", "https://op.example.com/a%2Fb/%7e"],
      ["https://[::1]:3000/r/", "https://[::1]:3000/r/"]
    ]
    it.effect("htu is the URL as it is requested, without query, fragment and user information", () =>
      Effect.gen(function*() {
        for (const [url, htu] of normalised) assert.strictEqual((yield* claims({ url }))["htu"], htu)
      }).pipe(Effect.provide(DpopSigner.layer())))

    it.effect("are not made for what is no http URL, no method or no token", () =>
      Effect.gen(function*() {
        const refused = [
          { url: "ftp://op.example.com/register" },
          { url: "urn:example:x" },
          { url: endpoint, method: "GET\r\nx: y" },
          { url: endpoint, method: "" },
          { url: endpoint, accessToken: Redacted.make("") },
          { url: endpoint, accessToken: Redacted.make("canary tøken") }
        ]
        for (const request of refused) {
          const error = yield* Effect.flip(prove(request))
          assert.strictEqual(error.reason._tag, "ProofFailed")
          assert.notInclude(inspect(error, { depth: null }) + JSON.stringify(error), "canary")
        }
      }).pipe(Effect.provide(DpopSigner.layer())))
  })

  describe("nonces", () => {
    it.effect("belong to an origin, and the last one counts", () =>
      Effect.gen(function*() {
        assert.isUndefined(yield* nonceAt(endpoint))
        yield* learn("https://op.example.com/token?x", "a")
        yield* learn("https://op.example.com:8443/", "b")
        yield* learn("http://op.example.com/", "c")
        assert.strictEqual(yield* nonceAt(endpoint), "a")
        assert.strictEqual(yield* nonceAt("https://op.example.com:443/other"), "a")
        assert.strictEqual(yield* nonceAt("https://op.example.com:8443/register"), "b")
        assert.strictEqual(yield* nonceAt("http://op.example.com/register"), "c")
        assert.isUndefined(yield* nonceAt("https://example.com/"))
        yield* learn(endpoint, "d")
        assert.strictEqual((yield* claims({ url: endpoint }))["nonce"], "d")
      }).pipe(Effect.provide(DpopSigner.layer())))

    it.effect("are used again until there is another", () =>
      Effect.gen(function*() {
        yield* learn(endpoint, "a")
        assert.strictEqual(yield* nonceAt(endpoint), "a")
        assert.strictEqual(yield* nonceAt(endpoint), "a")
      }).pipe(Effect.provide(DpopSigner.layer())))

    const origin = (n: number) => `https://op${n}.example.com`
    const known = (count: number) =>
      Effect.map(
        Effect.forEach(Array.from({ length: count }, (_, n) => n), (n) =>
          Effect.map(nonceAt(origin(n)), (nonce) => nonce === undefined ? [] : [n])),
        (found) =>
          found.flat()
      )

    it.effect("are kept of 100 origins", () =>
      Effect.gen(function*() {
        for (let n = 0; n < 250; n++) yield* learn(origin(n), `n${n}`)
        assert.deepStrictEqual(yield* known(250), Array.from({ length: 100 }, (_, i) => 150 + i))
      }).pipe(Effect.provide(DpopSigner.layer())))

    it.effect("make room by age: what is learned again stays, what is merely used does not", () =>
      Effect.gen(function*() {
        for (const n of [0, 1, 2]) yield* learn(origin(n), "old")
        yield* learn(origin(0), "new")
        assert.strictEqual(yield* nonceAt(origin(1)), "old")
        yield* learn(origin(3), "new")
        assert.deepStrictEqual(yield* known(4), [0, 2, 3])
      }).pipe(Effect.provide(DpopSigner.layer({ nonceCapacity: 3 }))))

    it.effect("that break the syntax of RFC 9449 §8.1 are ignored", () =>
      Effect.gen(function*() {
        yield* learn(endpoint, "good")
        for (const bad of ["", "a b", "a\"b", "a\\b", "é", "a\r\nb", "a\x7f", "x".repeat(2049)]) {
          yield* learn(endpoint, bad)
          assert.strictEqual(yield* nonceAt(endpoint), "good")
        }
        for (const good of ["x".repeat(2048), "!#[]~", "eyJ.a-b_c="]) {
          yield* learn(endpoint, good)
          assert.strictEqual((yield* claims({ url: endpoint }))["nonce"], good)
        }
      }).pipe(Effect.provide(DpopSigner.layer())))

    it.effect("of many fibers do not mix", () =>
      Effect.forEach(Array.from({ length: 64 }, (_, n) => n), (n) =>
        Effect.gen(function*() {
          const url = `${origin(n % 8)}/register`
          yield* learn(url, `nonce-${n % 8}`)
          yield* Effect.yieldNow
          const made = yield* claims({ url })
          assert.deepStrictEqual([made["htu"], made["nonce"]], [url, `nonce-${n % 8}`])
        }), { concurrency: 16 }).pipe(Effect.provide(DpopSigner.layer())))

    it.effect("live in the signer and nowhere else", () =>
      Effect.gen(function*() {
        const pair = yield* keyPair(p256)
        const layer = DpopSigner.layerKeyPair(pair)
        yield* learn(endpoint, "a").pipe(Effect.provide(layer, { local: true }))
        assert.isUndefined(yield* nonceAt(endpoint).pipe(Effect.provide(layer, { local: true })))
      }))
  })

  describe("options", () => {
    const options: ReadonlyArray<
      readonly [name: string, options: NonNullable<Parameters<typeof DpopSigner.layer>[0]>]
    > = [
      ["clockSkewSeconds", { clockSkewSeconds: 0.5 }],
      ["clockSkewSeconds", { clockSkewSeconds: NaN }],
      ["nonceCapacity", { nonceCapacity: 0 }],
      ["nonceCapacity", { nonceCapacity: 1.5 }],
      ["nonceCapacity", { nonceCapacity: Infinity }],
      ["modulusLength", { algorithm: "PS256", modulusLength: 1024 }],
      ["modulusLength", { algorithm: "RS256", modulusLength: NaN }]
    ]
    it.effect("out of range are refused by name", () =>
      Effect.gen(function*() {
        for (const [name, option] of options) {
          const reason = yield* reasonOf(DpopSigner.layer(option))
          assert.include(reason, { _tag: "InvalidOptions", option: name })
        }
      }))
  })

  describe("without WebCrypto", () => {
    const message = /crypto\.subtle is not there.*https or localhost.*WebCrypto\.layer/
    it.effect("a layer fails with what to do about it", () =>
      Effect.gen(function*() {
        const pair = yield* keyPair(p256)
        const insecure = WebCrypto.layer(withSubtle(undefined))
        for (const layer of [DpopSigner.layer(), DpopSigner.layerKeyPair(pair)]) {
          const reason = yield* reasonOf(layer.pipe(Layer.provide(insecure)))
          assert.strictEqual(reason._tag, "ProofFailed")
          assert.match(reason._tag === "ProofFailed" ? reason.message : "", message)
        }
      }))

    it.effect("an algorithm that the platform lacks is named", () =>
      Effect.gen(function*() {
        const old: unknown = {
          generateKey: () => Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"))
        }
        const reason = yield* reasonOf(
          DpopSigner.layer({ algorithm: "Ed25519" }).pipe(Layer.provide(WebCrypto.layer(withSubtle(old))))
        )
        assert.deepStrictEqual(reason, {
          _tag: "ProofFailed",
          message: "WebCrypto cannot generate a key for Ed25519: it does not support the algorithm"
        })
      }))

    for (const name of ["OperationError", "InvalidAccessError"]) {
      it.effect(`a key that stops working (${name}) is a failure, not a defect`, () =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(prove({ url: endpoint }))
          assert.strictEqual(error.reason._tag, "ProofFailed")
          assert.match(error.message, /^The DPoP proof could not be signed/)
        }).pipe(Effect.provide(
          DpopSigner.layer().pipe(
            Layer.provide(
              WebCrypto.layer(withSubtle(signingLater(() => Promise.reject(new DOMException("gone", name)))))
            )
          )
        )))
    }

    it.effect("a signature that never comes can be interrupted", () =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(prove({ url: endpoint }), { startImmediately: true })
        yield* Fiber.interrupt(fiber)
        const exit = yield* Fiber.await(fiber)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      }).pipe(Effect.provide(
        DpopSigner.layer().pipe(
          Layer.provide(WebCrypto.layer(withSubtle(signingLater(() => new Promise(() => {})))))
        )
      )))
  })

  describe("layerNone", () => {
    it.effect("makes no proofs and has no key", () =>
      Effect.gen(function*() {
        const signer = yield* DpopSigner.DpopSigner
        assert.isTrue(Option.isNone(signer.thumbprint))
        yield* signer.learn(new URL(endpoint), "n")
        assert.isTrue(Option.isNone(yield* signer.sign({ method: "POST", url: new URL(endpoint) })))
      }).pipe(Effect.provide(DpopSigner.layerNone)))
  })

  describe("secrets", () => {
    it.effect("no private member gets into the header, whatever WebCrypto exports", () =>
      Effect.gen(function*() {
        const talkative = replacing("exportKey", async (_: string, key: CryptoKey) => ({
          ...await crypto.subtle.exportKey("jwk", key),
          d: "canary",
          p: "canary",
          kid: "canary"
        }))
        const layer = DpopSigner.layer().pipe(Layer.provide(WebCrypto.layer(withSubtle(talkative))))
        const { jwt } = yield* prove({ url: endpoint }).pipe(Effect.provide(layer))
        assert.deepStrictEqual(Object.keys((yield* read(jwt)).jwk).toSorted(), publicMembers("ES256"))
      }))

    it.effect("a private key is not in what a signer, its layer, its proofs and errors show", () =>
      Effect.gen(function*() {
        const pair = yield* keyPair(p256, true)
        const other = yield* keyPair(p256, true)
        const jwk = yield* Effect.promise(() => crypto.subtle.exportKey("jwk", pair.privateKey))
        const secret = Buffer.from(jwk.d ?? "", "base64url")
        assert.strictEqual(secret.length, 32)

        const layer = DpopSigner.layerKeyPair(pair)
        const signer = yield* DpopSigner.DpopSigner.use(Effect.succeed).pipe(Effect.provide(layer))
        const proof = yield* signer.sign({
          method: "POST",
          url: new URL(endpoint),
          accessToken: Redacted.make("canary-token")
        })
        const mismatch = yield* Layer.build(DpopSigner.layerKeyPair({ ...pair, publicKey: other.publicKey })).pipe(
          Effect.flip
        )
        const shown = [layer, signer, proof, mismatch].flatMap((value) => [
          inspect(value, { depth: null, showHidden: true }),
          JSON.stringify(value)
        ]).join("\n") + String(mismatch)
        const forms = [
          jwk.d ?? "",
          secret.toString("hex"),
          secret.toString("base64").slice(0, 40),
          secret.subarray(0, 8).join(", "),
          secret.subarray(0, 8).join(","),
          [...secret.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" "),
          "canary-token"
        ]
        for (const form of forms) assert.notInclude(shown, form)
      }))

    it.effect("the private key that layer makes cannot be exported", () =>
      Effect.gen(function*() {
        const made: Array<CryptoKeyPair> = []
        const spying = replacing("generateKey", async (...args: Parameters<SubtleCrypto["generateKey"]>) => {
          const pair: CryptoKey | CryptoKeyPair = await crypto.subtle.generateKey(...args)
          if ("privateKey" in pair) made.push(pair)
          return pair
        })
        yield* Layer.build(DpopSigner.layer().pipe(Layer.provide(WebCrypto.layer(withSubtle(spying)))))
        assert.deepStrictEqual(
          made.map(({ privateKey, publicKey }) => [privateKey.extractable, publicKey.extractable]),
          [
            [false, true]
          ]
        )
      }))
  })
})
