import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
import { readAnswer, receive } from "../../../packages/core/src/internal/answer.ts"
import { isTransportBody } from "../../../packages/core/src/internal/transportBody.ts"

type Response = HttpClientResponse.HttpClientResponse

const post = HttpClientRequest.post("https://op.example/register")

/** What `FetchHttpClient` makes of an answer, and the signal that its request had. */
const fetched = Effect.gen(function*() {
  let signal: AbortSignal | null | undefined
  const fetch: typeof globalThis.fetch = (_, init) => {
    signal = init?.signal
    return Promise.resolve(new globalThis.Response("hello"))
  }
  const response = yield* HttpClient.HttpClient.use((client) => client.execute(post)).pipe(
    Effect.provide(FetchHttpClient.layer),
    Effect.provideService(FetchHttpClient.Fetch, fetch)
  )
  return { response, signal }
})

const derive: (from: Response, properties: PropertyDescriptorMap) => Response = Object.create

const louder = (stream: Response["stream"]): Response["stream"] =>
  Stream.map(stream, (bytes) => bytes.map((byte) => byte - 32))

const read = (response: Response) =>
  Effect.map(
    readAnswer(receive(response, { role: "registration_endpoint", url: post.url, effects: true }, 1000)),
    ({ text }) => text
  )

/** How clients put another body before the one that they got. */
const wrappings: { readonly [name: string]: (original: Response) => Response } = {
  "Object.create": (original) => derive(original, { stream: { get: () => louder(original.stream) } }),
  "Object.create, twice": (original) =>
    derive(derive(original, { stream: { get: () => louder(original.stream) } }), { status: { value: 200 } }),
  "a getter of the prototype": (original) =>
    derive(original, {
      stream: {
        get(this: unknown) {
          return louder(Reflect.get(original, "stream", this))
        }
      }
    }),
  "a Proxy of the stream": (original) =>
    new Proxy(original, {
      get: (target, name): unknown => name === "stream" ? louder(target.stream) : Reflect.get(target, name, target)
    }),
  "a Proxy of all ways to read": (original) =>
    new Proxy(original, {
      get: (target, name, receiver): unknown =>
        name === "stream"
          ? louder(target.stream)
          : name === "text"
          ? Effect.map(target.text, (text) => text.toUpperCase())
          : Reflect.get(target, name, receiver)
    })
}

describe("isTransportBody", () => {
  it.effect("of what fetch gave, whose request is not aborted when it was read", () =>
    Effect.gen(function*() {
      const { response, signal } = yield* fetched
      assert.isTrue(isTransportBody(response))
      assert.strictEqual(yield* read(response), "hello")
      assert.isFalse(signal?.aborted)
      const web = HttpClientResponse.fromWeb(post, new globalThis.Response("hello"))
      assert.isTrue(isTransportBody(web))
      assert.strictEqual(yield* read(web), "hello")
    }))

  for (const [name, wrap] of Object.entries(wrappings)) {
    it.effect(`not behind ${name}`, () =>
      Effect.gen(function*() {
        const web = HttpClientResponse.fromWeb(post, new globalThis.Response("hello"))
        assert.strictEqual(yield* read(wrap(web)), "HELLO")
        assert.strictEqual(yield* read(wrap((yield* fetched).response)), "HELLO")
        // a client of the user, around which Effect puts its own response
        const client = HttpClient.make(() => Effect.map(fetched, ({ response }) => wrap(response)))
        assert.strictEqual(yield* read(yield* client.execute(post)), "HELLO")
      }))
  }

  it("not of a class that knows its own instances only", () => {
    class Own {
      readonly #text = "hello"
      get stream() {
        return this.#text
      }
    }
    assert.isFalse(isTransportBody(new Own()))
  })
})
