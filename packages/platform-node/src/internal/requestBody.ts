/** @internal */
import * as Effect from "effect/Effect"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as Stream from "effect/Stream"
import { Readable } from "node:stream"
import type * as Undici from "undici"
import { loadUndici } from "./undici.ts"

export type Body = Exclude<Undici.Dispatcher.DispatchOptions["body"], undefined>

/** The body in a form that undici takes. An effect only where there is something to wait for. */
export const bodyOf = (
  request: HttpClientRequest
): { readonly body: Body } | Effect.Effect<{ readonly body: Body }, HttpClientError.HttpClientError> => {
  const { body } = request
  switch (body._tag) {
    case "Empty":
      return noBody
    case "Uint8Array":
      return { body: body.text ?? body.body }
    case "Raw":
      return rawBody(request, body.body)
    case "FormData":
      return Effect.map(whole, ({ FormData }) => {
        const form = new FormData()
        for (const [name, value] of body.formData) form.append(name, value)
        return { body: form }
      })
    case "Stream":
      return Effect.map(
        Stream.toAsyncIterableEffect(body.stream),
        (iterable) => ({ body: Readable.from(iterable, { objectMode: false }) })
      )
  }
}

const noBody: { readonly body: Body } = { body: null }

/** Form data is seldom sent, and is the only thing that the whole of undici is needed for. */
const whole = Effect.promise(loadUndici)

const rawBody = (request: HttpClientRequest, body: unknown): ReturnType<typeof bodyOf> =>
  typeof body === "string" || body instanceof Uint8Array || body instanceof Readable
    ? { body }
    : Effect.flatMap(whole, ({ FormData }) =>
      body instanceof FormData ? Effect.succeed({ body }) : Effect.fail(
        new HttpClientError.HttpClientError({
          reason: new HttpClientError.EncodeError({
            request,
            description: "the raw body is neither text, bytes, a Readable nor undici's FormData"
          })
        })
      ))
