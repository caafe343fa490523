/**
 * An `HttpClient` that hands out what a fuzz case says, byte for byte, and a clock on which no pause takes time: pauses
 * between attempts are over at once, and a deadline passes only for an answer that never ends.
 */
import { type Clock, Duration, Effect } from "effect"
import { HttpClient, HttpClientError, HttpClientResponse } from "effect/http"

/** What the connection does beside carrying the answer. */
export type Fault = "none" | "reset" | "never" | "breaks" | "stalls"

export interface WireAnswer {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly body: Uint8Array
  /** In how many pieces the body arrives. */
  readonly pieces: number
  readonly fault: Fault
  /** The URL that the answer says it came from. Default: the one asked. */
  readonly url?: string | undefined
}

export interface Wire {
  readonly client: HttpClient.HttpClient
  /** The bodies that were sent, as text. */
  readonly sent: Array<string>
  /** The `authorization` headers that were sent. */
  readonly credentials: Array<string>
}

/** Each request takes the next answer, the last one over and over. */
export const makeWire = (answers: ReadonlyArray<WireAnswer>): Wire => {
  const sent: Array<string> = []
  const credentials: Array<string> = []
  const client = HttpClient.make((request) =>
    Effect.suspend((): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError> => {
      sent.push(request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : "")
      credentials.push(request.headers["authorization"] ?? "")
      const answer = answers[Math.min(sent.length, answers.length) - 1]
      if (answer === undefined || answer.fault === "never") return Effect.never
      return answer.fault === "reset"
        ? Effect.fail(
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.TransportError({
              request,
              cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
            })
          })
        )
        : Effect.succeed(HttpClientResponse.fromWeb(request, toWeb(answer)))
    })
  )
  return { client, sent, credentials }
}

const hasNoBody = (status: number): boolean => [204, 205, 304].includes(status)

/** The answer as a web response, also where the constructor of one would refuse. */
export const toWeb = (answer: WireAnswer): Response => {
  const { body, fault, headers, pieces, status, url } = answer
  const isPlain = fault === "none" && pieces === 1
  const isOrdinary = status >= 200 && status < 600 && !hasNoBody(status)
  const response = new Response(isPlain ? new Uint8Array(body) : stream(answer), {
    status: isOrdinary ? status : 200,
    headers
  })
  if (!isOrdinary) Object.defineProperty(response, "status", { value: status })
  if (url !== undefined) Object.defineProperty(response, "url", { value: url })
  return response
}

const stream = ({ body, fault, pieces }: WireAnswer): ReadableStream<Uint8Array<ArrayBuffer>> => {
  const size = Math.max(1, Math.ceil(body.length / pieces))
  let at = 0
  return new ReadableStream({
    pull: (controller) => {
      if (at < body.length) {
        controller.enqueue(new Uint8Array(body.subarray(at, at += size)))
      } else if (fault === "breaks") {
        controller.error(new TypeError("terminated"))
      } else if (fault !== "stalls") {
        controller.close()
      } else {
        return new Promise<void>(() => {})
      }
      return undefined
    }
  })
}

/** Longer than any pause between attempts, shorter than any deadline. */
const longestPause = 12_000

/**
 * Pauses move the clock and take no time; what is longer is a deadline, and passes only where an answer never ends: after
 * `deadline` real milliseconds, in which the exchange can do all that it still can by itself.
 */
export const makeClock = (deadline: number | undefined): Clock.Clock => {
  let now = 1_763_900_000_000
  const millis = () => now
  const nanos = () => BigInt(Math.floor(now * 1000)) * 1000n
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration) => {
      const wanted = Duration.toMillis(duration)
      if (wanted > longestPause && deadline === undefined) return Effect.never
      return Effect.callback((resume) => {
        const end = () => {
          now += wanted
          resume(Effect.void)
        }
        const timer = setTimeout(end, wanted > longestPause ? deadline : 0)
        return Effect.sync(() => clearTimeout(timer))
      })
    }
  }
}
