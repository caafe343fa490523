import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { HttpClientRequest, HttpClientResponse } from "effect/http"
import {
  isDeeperThan,
  isJsonObject,
  parseJson,
  readAnswer,
  receive,
  toResponse
} from "../../../packages/core/src/internal/answer.ts"
import { failsWith } from "../../support/failure.ts"
import { type Answer, toWeb } from "../../support/recordedHttpClient.ts"

const url = "https://op.example/register"
const post = HttpClientRequest.post(url)
const limit = 1000
const place = { role: "registration_endpoint", url, effects: true } as const

const read = (answer: Answer, request = post, change: (response: Response) => void = () => {}) => {
  const web = toWeb(answer)
  change(web)
  return readAnswer(receive(
    HttpClientResponse.fromWeb(request, web),
    { role: "registration_endpoint", url, effects: request.method !== "GET" },
    limit
  ))
}

/** A body of `chunks` pieces of `size` bytes, and how many of them were taken. */
const pieces = (chunks: number, size: number) => {
  let taken = 0
  let cancelled = false
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (taken === chunks) return controller.close()
      taken += 1
      controller.enqueue(new Uint8Array(size).fill(97))
    },
    cancel: () => {
      cancelled = true
    }
  }, { highWaterMark: 0 })
  return { body, taken: () => taken, isCancelled: () => cancelled }
}

/** Breaks after the first piece. */
const broken = () => {
  let first = true
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (!first) return controller.error(new Error("s3cret: terminated"))
      first = false
      controller.enqueue(new Uint8Array([123]))
    }
  })
}

describe("readAnswer", () => {
  it.effect("reads the body to its end", () =>
    Effect.gen(function*() {
      const answer = yield* read({ status: 200, headers: { "x-a": "b" }, body: "hello" })
      assert.strictEqual(answer.text, "hello")
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.headers["x-a"], "b")
      assert.strictEqual(answer.request, post)
    }))

  it.effect("of no body is empty", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* read({})).text, "")
      assert.strictEqual((yield* read({ status: 204 })).text, "")
      assert.strictEqual((yield* read({ headers: { "content-length": "0" } })).text, "")
      assert.strictEqual((yield* read({ body: "" })).text, "")
    }))

  it.effect("decodes UTF-8 wherever the pieces are cut, leaves a byte order mark away, and takes broken text", () =>
    Effect.gen(function*() {
      const bytes = new TextEncoder().encode("\ufeffä🔒ö")
      const one = (at: number) =>
        new ReadableStream<Uint8Array>({
          start: (controller) => {
            for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
            if (at > 0) controller.enqueue(Uint8Array.of(0xe2, 0x82))
            controller.close()
          }
        })
      assert.strictEqual((yield* read({ body: one(0) })).text, "ä🔒ö")
      assert.strictEqual((yield* read({ body: bytes, headers: { "content-length": "12" } })).text, "ä🔒ö")
      assert.strictEqual((yield* read({ body: one(1) })).text, "ä🔒ö\ufffd")
      assert.strictEqual((yield* read({ body: Uint8Array.of(0xff, 0x61) })).text, "\ufffda")
    }))

  it.effect("takes a byte order mark for one at the beginning only, wherever the pieces are cut", () =>
    Effect.gen(function*() {
      const bytes = new TextEncoder().encode("\ufeffa\ufeffä{}\ufeff")
      for (let first = 0; first <= bytes.length; first++) {
        for (let second = first; second <= bytes.length; second++) {
          const pieces = [bytes.slice(0, first), bytes.slice(first, second), bytes.slice(second)]
          const body = new ReadableStream<Uint8Array>({
            start: (controller) => {
              for (const piece of pieces) controller.enqueue(piece)
              controller.close()
            }
          })
          assert.strictEqual((yield* read({ body })).text, "a\ufeffä{}\ufeff", `${first}, ${second}`)
        }
      }
    }))

  it.effect("of a platform whose responses have no web stream is read as text", () =>
    Effect.gen(function*() {
      for (const body of [undefined, { pipe: () => {} }]) {
        const without = (response: Response) => Object.defineProperty(response, "body", { value: body })
        const answer = { body: "hello", headers: { "content-length": "5" } }
        assert.strictEqual((yield* read(answer, post, without)).text, "hello")
        const large = { body: "a".repeat(limit + 1) }
        for (const headers of [{}, { "content-length": "1001" }]) {
          const { reason } = yield* failsWith("OutcomeUnknown")(read({ ...large, headers }, post, without))
          assert.strictEqual(reason.why, "TooLarge")
        }
      }
    }))

  it.effect("lets go of a body when nobody waits for it any more", () =>
    Effect.gen(function*() {
      let cancelled = false
      const body = new ReadableStream<Uint8Array>({
        cancel: () => {
          cancelled = true
        }
      })
      const fiber = yield* Effect.forkChild(read({ body }), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.isTrue(cancelled)
    }))

  it.effect("of a response that somebody read is what they read", () =>
    Effect.gen(function*() {
      const response = HttpClientResponse.fromWeb(post, toWeb({ body: "hello" }))
      assert.strictEqual(yield* response.text, "hello")
      assert.strictEqual((yield* readAnswer(receive(response, place, limit))).text, "hello")
    }))

  it.effect("of a response that somebody else reads is not there", () =>
    Effect.gen(function*() {
      const { reason } = yield* failsWith("OutcomeUnknown")(
        read({ body: "hello" }, post, ({ body }) => body?.getReader())
      )
      assert.strictEqual(reason.why, "UnreadableBody")
      // of one that was begun and left, the rest is no answer
      const web = toWeb({ body: "hello" })
      yield* Effect.promise(async () => {
        const reader = web.body?.getReader()
        await reader?.read()
        reader?.releaseLock()
      })
      const left = HttpClientResponse.fromWeb(post, web)
      const failure = yield* failsWith("OutcomeUnknown")(readAnswer(receive(left, place, limit)))
      assert.strictEqual(failure.reason.why, "UnreadableBody")
    }))

  it.effect("lets go of a stream whose pieces are no bytes", () =>
    Effect.gen(function*() {
      let cancelled = false
      const body = new ReadableStream({
        pull: (controller) => controller.enqueue("text"),
        cancel: () => {
          cancelled = true
        }
      })
      const { reason } = yield* failsWith("OutcomeUnknown")(read({ body }))
      assert.strictEqual(reason.why, "UnreadableBody")
      assert.isTrue(cancelled)
    }))

  describe("the limit", () => {
    const length = (value: string) => ({ "content-length": value })
    const fits: { readonly [name: string]: Answer } = {
      "exactly, with an honest length": { body: "a".repeat(limit), headers: length("1000") },
      "exactly, without a length": { body: pieces(10, 100).body },
      "exactly, encoded": { body: "a".repeat(limit), headers: { ...length("30"), "content-encoding": "gzip" } }
    }
    for (const [name, answer] of Object.entries(fits)) {
      it.effect(name, () =>
        Effect.gen(function*() {
          assert.strictEqual((yield* read(answer)).text.length, limit)
        }))
    }

    const tooLarge: { readonly [name: string]: Answer["headers"] } = {
      "an honest length": length("1000000"),
      "no length": {},
      "a length that is none": length("-1"),
      "a length twice": { "content-length": ["5", "5"] },
      "a length of too many digits": length("9".repeat(400)),
      "a length in hexadecimal": length("0x10"),
      "an encoding that blows it up": { ...length("30"), "content-encoding": "br" },
      "an encoding without a name": { ...length("30"), "content-encoding": "identity" }
    }
    for (const [name, headers = {}] of Object.entries(tooLarge)) {
      it.effect(`exceeded, with ${name}: no more is read than the limit`, () =>
        Effect.gen(function*() {
          const { body, isCancelled, taken } = pieces(10_000, 100)
          const { error, reason } = yield* failsWith("OutcomeUnknown")(read({ body, headers }))
          assert.strictEqual(reason.why, "TooLarge")
          assert.strictEqual(reason.status, 201)
          assert.strictEqual(error.url, url)
          assert.isFalse(error.isSafeToRepeat)
          // What says that it is too large is not begun.
          assert.isAtMost(taken(), name === "an honest length" ? 0 : 12)
          if (taken() > 0) assert.isTrue(isCancelled())
        }))
    }

    it.effect("exceeded by pieces that are buffers", () =>
      Effect.gen(function*() {
        let taken = 0
        const body = new ReadableStream({
          pull: (controller) => ++taken > 100 ? controller.close() : controller.enqueue(new ArrayBuffer(100))
        })
        const { reason } = yield* failsWith("OutcomeUnknown")(read({ body }))
        assert.strictEqual(reason.why, "TooLarge")
        assert.isAtMost(taken, 13)
      }))

    it.effect("exceeded behind a length that lies", () =>
      Effect.gen(function*() {
        const { reason } = yield* failsWith("OutcomeUnknown")(
          read({ body: "a".repeat(limit + 1), headers: { "content-length": "5" } })
        )
        assert.strictEqual(reason.why, "TooLarge")
      }))

    it.effect("exceeded across origins in a browser, which hides the encoding but not the length", () =>
      Effect.gen(function*() {
        const { body, taken } = pieces(10_000, 100)
        const { reason } = yield* failsWith("OutcomeUnknown")(
          read({ body, headers: { "content-length": "30" } }, post, (response) => {
            Object.defineProperty(response, "type", { value: "cors" })
          })
        )
        assert.strictEqual(reason.why, "TooLarge")
        assert.isAtMost(taken(), 12)
      }))

    it.effect("exceeded by a failure: the status alone decides", () =>
      Effect.gen(function*() {
        for (const status of [400, 401, 500]) {
          const { body, taken } = pieces(10_000, 100)
          const answer = yield* read({ status, body })
          assert.strictEqual(answer.status, status)
          assert.strictEqual(answer.text, "")
          assert.isAtMost(taken(), 12)
        }
      }))

    it.effect("exceeded by the answer to a read, which has no effect", () =>
      Effect.gen(function*() {
        const { error, reason } = yield* failsWith("Transport")(
          read({ status: 200, body: pieces(100, 100).body }, HttpClientRequest.get(url))
        )
        assert.isTrue(reason.sent)
        assert.strictEqual(
          reason.message,
          "The server answered with status 200, but the answer is larger than the limit"
        )
        assert.isUndefined(error.cause)
      }))
  })

  describe("a body that breaks off", () => {
    it.effect("under success: a client may exist", () =>
      Effect.gen(function*() {
        const { error, reason } = yield* failsWith("OutcomeUnknown")(read({ body: broken() }))
        assert.deepStrictEqual({ ...reason }, {
          _tag: "OutcomeUnknown",
          why: "UnreadableBody",
          status: 201,
          message: "The server answered with status 201, but the answer broke off: the request may have been processed"
        })
        assert.notInclude(JSON.stringify(error), "s3cret")
      }))

    it.effect("with a length, too", () =>
      Effect.gen(function*() {
        const { reason } = yield* failsWith("OutcomeUnknown")(
          read({ body: broken(), headers: { "content-length": "500" } })
        )
        assert.strictEqual(reason.why, "UnreadableBody")
      }))

    it.effect("under failure: the status alone decides", () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* read({ status: 403, body: broken() })).text, "")
      }))

    /** What a transport says of a body that breaks off after `text`. */
    const breaksAfter = (text: string) => {
      const bytes = new TextEncoder().encode(text)
      let at = 0
      return new ReadableStream<Uint8Array>({
        pull: (controller) => {
          if (at === bytes.length) return controller.error(new Error("terminated"))
          controller.enqueue(bytes.subarray(at, ++at))
        }
      })
    }

    it.effect("after a whole JSON object is that object, whatever the length said", () =>
      Effect.gen(function*() {
        for (const text of [`{"client_id":"é"}`, `\ufeff {"client_id":"a"} \n`, `{"a":{"b":[1,"}"]}}`]) {
          for (const headers of [{}, { "content-length": "500" }, { "content-encoding": "gzip" }]) {
            const answer = yield* read({ body: breaksAfter(text), headers })
            assert.strictEqual(answer.text, text.replace("\ufeff", ""))
            assert.isTrue(answer.isTruncated)
            assert.isTrue(
              (yield* readAnswer(
                receive(toResponse(answer), { role: "registration_endpoint", url, effects: true }, limit)
              )).isTruncated
            )
          }
        }
        assert.isFalse((yield* read({ body: `{"client_id":"a"}` })).isTruncated)
      }))

    it.effect("after anything else is lost: of a value that may go on nothing is known", () =>
      Effect.gen(function*() {
        const texts = [
          "",
          `{"client_id":"a"`,
          `{"client_id":"a","registration_access_token":"tok`,
          `{"client_id":"a"}}`,
          `{"client_id":"a"},`,
          `[{"client_id":"a"}]`,
          `"client_id"`,
          "201",
          "null"
        ]
        for (const text of texts) {
          const { reason } = yield* failsWith("OutcomeUnknown")(read({ body: breaksAfter(text) }))
          assert.strictEqual(reason.why, "UnreadableBody", text)
        }
      }))

    it.effect("at the limit, behind a whole JSON object", () =>
      Effect.gen(function*() {
        const padded = (text: string) => {
          const { body } = pieces(1000, 100)
          const spaces = body.pipeThrough(
            new TransformStream<Uint8Array, Uint8Array>({
              start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
              transform: (piece, controller) => controller.enqueue(piece.fill(32))
            })
          )
          return read({ body: spaces })
        }
        const answer = yield* padded(`{"client_id":"a"}`)
        assert.isTrue(answer.isTruncated)
        assert.strictEqual(answer.text.trim(), `{"client_id":"a"}`)
        assert.isAtMost(answer.text.length, limit)
        assert.strictEqual((yield* failsWith("OutcomeUnknown")(padded("{"))).reason.why, "TooLarge")
      }))

    it.effect("of a refusal says why, when it is whole", () =>
      Effect.gen(function*() {
        const text = `{"error":"invalid_redirect_uri"}`
        assert.strictEqual((yield* read({ status: 400, body: breaksAfter(text) })).text, text)
        assert.strictEqual((yield* read({ status: 400, body: breaksAfter(text.slice(0, -1)) })).text, "")
      }))

    it.effect("of a read without effects is not guessed at", () =>
      Effect.gen(function*() {
        const body = breaksAfter(`{"issuer":"a"}`)
        yield* failsWith("Transport")(read({ status: 200, body }, HttpClientRequest.get(url)))
      }))

    it.effect("of a read", () =>
      Effect.gen(function*() {
        const { reason } = yield* failsWith("Transport")(
          read({ status: 200, body: broken() }, HttpClientRequest.get(url))
        )
        assert.isTrue(reason.sent)
      }))
  })
})

describe("toResponse", () => {
  const again = (answer: Answer) => Effect.map(read(answer), toResponse)

  it.effect("can be read in every way, again and again", () =>
    Effect.gen(function*() {
      const response = yield* again({ body: `{"a":"ä"}`, headers: { "set-cookie": "a=b" } })
      for (let i = 0; i < 2; i++) {
        assert.strictEqual(yield* response.text, `{"a":"ä"}`)
        assert.deepStrictEqual(yield* response.json, { a: "ä" })
        assert.strictEqual(new TextDecoder().decode(yield* response.arrayBuffer), `{"a":"ä"}`)
        const bytes = yield* Stream.runCollect(response.stream)
        assert.strictEqual(new TextDecoder().decode(bytes[0]), `{"a":"ä"}`)
      }
      assert.strictEqual(response.status, 201)
      assert.strictEqual(response.headers["content-type"], "application/json")
      assert.strictEqual(response.url, url)
      assert.strictEqual(response.request, post)
      assert.strictEqual(response.cookies.cookies["a"]?.value, "b")
    }))

  it.effect("can be read by readAnswer again, whatever its headers say", () =>
    Effect.gen(function*() {
      for (const headers of [{}, { "content-length": "4" }, { "content-encoding": "gzip" }]) {
        const response = yield* again({ body: "text", headers })
        const place = { role: "registration_endpoint", url, effects: true }
        assert.strictEqual((yield* readAnswer(receive(response, place, limit))).text, "text")
      }
    }))

  it.effect("fails as a response does when it is not JSON", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip((yield* again({ body: "no" })).json)
      assert.strictEqual(error.reason._tag, "DecodeError")
    }))
})

describe("parseJson", () => {
  it("takes JSON, with a byte order mark, and nothing else", () => {
    assert.deepStrictEqual(parseJson(`{"a":1}`), { a: 1 })
    assert.deepStrictEqual(parseJson(`\ufeff {"a":1}\n`), { a: 1 })
    assert.strictEqual(parseJson("null"), null)
    for (const text of ["", " ", "{", "{'a':1}", "<html>", "undefined", "NaN", "\ufeff\ufeff{}", "{}{}"]) {
      assert.isUndefined(parseJson(text), text)
    }
  })

  it("takes the last of two members of one name, and __proto__ as a name like any other", () => {
    assert.deepStrictEqual(parseJson(`{"a":1,"a":2}`), { a: 2 })
    const value = parseJson(`{"__proto__":{"polluted":true},"constructor":1}`)
    assert.isTrue(isJsonObject(value) && Object.hasOwn(value, "__proto__"))
    assert.isUndefined(Reflect.get({}, "polluted"))
  })

  it("does not run out of stack", () => {
    assert.doesNotThrow(() => parseJson("[".repeat(500_000)))
    assert.doesNotThrow(() => parseJson("[".repeat(500_000) + "]".repeat(500_000)))
    assert.doesNotThrow(() => parseJson(`{"a":`.repeat(200_000) + "1" + "}".repeat(200_000)))
  })
})

describe("isJsonObject", () => {
  it("is neither null nor a list nor a plain value", () => {
    assert.isTrue(isJsonObject({}))
    for (const value of [null, undefined, [], "", 0, true]) assert.isFalse(isJsonObject(value))
  })
})

describe("isDeeperThan", () => {
  const nested = (depth: number): unknown => {
    let value: unknown = 1
    for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
    return value
  }

  it("counts the levels of objects and lists", () => {
    assert.isFalse(isDeeperThan(1, 0))
    assert.isTrue(isDeeperThan({ a: 1 }, 0))
    assert.isFalse(isDeeperThan({ a: 1 }, 1))
    assert.isFalse(isDeeperThan({}, 0))
    assert.isFalse(isDeeperThan(nested(64), 64))
    assert.isTrue(isDeeperThan(nested(65), 64))
    assert.isFalse(isDeeperThan({ a: nested(3), b: nested(4) }, 5))
    assert.isFalse(isDeeperThan({ a: "text", b: null, c: true }, 1))
  })

  it("neither runs out of stack nor of time", () => {
    const start = performance.now()
    assert.isTrue(isDeeperThan(nested(500_000), 64))
    assert.isFalse(isDeeperThan(Array.from({ length: 300_000 }, () => ({ a: [1] })), 64))
    assert.isBelow(performance.now() - start, 2_000)
  })
})
