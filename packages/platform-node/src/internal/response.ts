/** @internal */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Cookies from "effect/http/Cookies"
import * as Headers from "effect/http/Headers"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as UrlParams from "effect/http/UrlParams"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import { pipeArguments } from "effect/Pipeable"
import type * as Pull from "effect/Pull"
import type * as Schema from "effect/Schema"
import type { Socket } from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import type { Transfer } from "./transfer.ts"

/** What undici gives: lower-case names, repeated headers as arrays. */
export type RawHeaders = NodeJS.Dict<string | Array<string>>

const utf8 = new TextDecoder()

/** Form data keeps its byte order mark: it belongs to the first name. */
const utf8WithMark = new TextDecoder("utf-8", { ignoreBOM: true })

/** An answer over a {@link Transfer}. */
export class NodeResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: typeof HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: typeof HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly request: HttpClientRequest
  readonly status: number
  /** Where the request went, with a fragment that it may have had. */
  private readonly href: string
  private readonly rawHeaders: RawHeaders
  private readonly transfer: Transfer
  private cachedHeaders: Headers.Headers | undefined
  private cachedCookies: Cookies.Cookies | undefined
  /** The whole body, once somebody has read it whole. */
  private body: Buffer | undefined
  /** Whether somebody reads, or has read, the body as a stream. */
  private streamed = false

  constructor(request: HttpClientRequest, href: string, status: number, headers: RawHeaders, transfer: Transfer) {
    super()
    this.request = request
    this.href = href
    this.status = status
    this.rawHeaders = headers
    this.transfer = transfer
  }

  get url(): string {
    const fragment = this.href.indexOf("#")
    return fragment === -1 ? this.href : this.href.slice(0, fragment)
  }

  get headers(): Headers.Headers {
    return this.cachedHeaders ??= Headers.fromInput(this.rawHeaders)
  }

  get cookies(): Cookies.Cookies {
    const lines = this.rawHeaders["set-cookie"]
    return this.cachedCookies ??= lines === undefined ? Cookies.empty : Cookies.fromSetCookie(lines)
  }

  get remoteAddress(): Option.Option<string> {
    return Option.fromUndefinedOr(this.transfer.remoteAddress)
  }

  get stream(): Stream.Stream<Uint8Array, HttpClientError.HttpClientError> {
    return Stream.suspend(() => {
      const body = this.body
      if (body !== undefined) return body.length === 0 ? Stream.empty : Stream.make<[Uint8Array]>(body)
      if (this.streamed) return Stream.fail(this.unreadable(new Error("the body has been read before")))
      this.streamed = true
      return Stream.fromPull(Effect.succeed(this.pull)).pipe(
        // A reader who has had enough must not keep the connection. After the end this does nothing.
        Stream.ensuring(Effect.sync(() => this.transfer.abort()))
      )
    })
  }

  get arrayBuffer(): Effect.Effect<ArrayBuffer, HttpClientError.HttpClientError> {
    return Effect.map(this.bytes, (bytes) => new Uint8Array(bytes).buffer)
  }

  get text(): Effect.Effect<string, HttpClientError.HttpClientError> {
    return Effect.map(this.bytes, decodeUtf8)
  }

  get json(): Effect.Effect<Schema.Json, HttpClientError.HttpClientError> {
    return this.parse((bytes): Schema.Json => {
      const text = decodeUtf8(bytes)
      return text === "" ? null : parseJson(text)
    })
  }

  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams, HttpClientError.HttpClientError> {
    return this.parse((bytes) =>
      // A leading "?" is form data, which URLSearchParams would take for the mark of a query.
      UrlParams.fromInput(new URLSearchParams(utf8WithMark.decode(bytes).replace(/^\?/, "%3F")))
    )
  }

  get formData(): Effect.Effect<FormData, HttpClientError.HttpClientError> {
    return Effect.flatMap(this.arrayBuffer, (body) =>
      Effect.tryPromise({
        try: () => new Response(body, { headers: { ...this.headers } }).formData(),
        catch: (cause) => this.unreadable(cause)
      }))
  }

  get upgrade(): Effect.Effect<Socket, HttpClientError.HttpClientError> {
    return Effect.fail(
      new HttpClientError.HttpClientError({
        reason: new HttpClientError.StatusCodeError({
          request: this.request,
          response: this,
          description: "this client makes no upgrades"
        })
      })
    )
  }

  override toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "effect/http/HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }

  pipe() {
    return pipeArguments(this, arguments)
  }

  /** The whole body. It can be asked for again and again. */
  private get bytes(): Effect.Effect<Buffer, HttpClientError.HttpClientError> {
    return Effect.suspend(() => {
      if (this.body !== undefined) return Effect.succeed(this.body)
      if (this.streamed) return Effect.fail(this.unreadable(new Error("the body has been read before")))
      const now = this.transfer.takeAll()
      if (now !== undefined) return this.finish(now)
      return Effect.callback<Buffer, HttpClientError.HttpClientError>((resume) => {
        this.transfer.wait(() => resume(this.bytes))
        return Effect.sync(() => this.transfer.abort())
      })
    })
  }

  private finish(result: Buffer | Error): Effect.Effect<Buffer, HttpClientError.HttpClientError> {
    return result instanceof Error ? Effect.fail(this.unreadable(result)) : Effect.succeed(this.body = result)
  }

  private get pull(): Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, HttpClientError.HttpClientError> {
    return Effect.suspend(() => {
      const next = this.transfer.take()
      if (next === "end") return Cause.done()
      if (next instanceof Error) return Effect.fail(this.unreadable(next))
      if (next !== undefined && Arr.isReadonlyArrayNonEmpty(next)) return Effect.succeed(next)
      return Effect.callback<
        Arr.NonEmptyReadonlyArray<Uint8Array>,
        HttpClientError.HttpClientError | Cause.Done
      >((resume) => this.transfer.wait(() => resume(this.pull)))
    })
  }

  private parse<A>(read: (bytes: Buffer) => A): Effect.Effect<A, HttpClientError.HttpClientError> {
    return Effect.flatMap(
      this.bytes,
      (bytes) => Effect.try({ try: () => read(bytes), catch: (cause) => this.unreadable(cause) })
    )
  }

  private unreadable(cause: unknown): HttpClientError.HttpClientError {
    return new HttpClientError.HttpClientError({
      reason: new HttpClientError.DecodeError({ request: this.request, response: this, cause })
    })
  }
}

const decodeUtf8 = (bytes: Buffer): string => utf8.decode(bytes)

/** What `JSON.parse` gives is JSON; its own type does not say so. */
const parseJson: (text: string) => Schema.Json = JSON.parse
