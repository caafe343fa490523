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

/** A registration with which nothing is wrong. */
export const goodAnswer = {
  status: 201,
  headers: { "content-type": "application/json", "cache-control": "no-store" },
  body: new TextEncoder().encode(JSON.stringify({ client_id: "c1" })),
  pieces: 1,
  fault: "none"
} as const

export interface Wire {
  readonly client: HttpClient.HttpClient
  /** The bodies that were sent, as text. */
  readonly sent: Array<string>
  /** The `authorization` headers that were sent. */
  readonly credentials: Array<string>
}

/** Tells when somebody waits for what never comes. */
export interface Standstill {
  readonly begins: () => void
  /** A new request moves on. */
  readonly ends: () => void
  /** Calls back when it begins, at once if it has. Gives how to stop listening. */
  readonly listen: (listener: () => void) => () => void
}

export const makeStandstill = (): Standstill => {
  const listeners = new Set<() => void>()
  let isNow = false
  return {
    begins: () => {
      isNow = true
      for (const listener of listeners) listener()
    },
    ends: () => {
      isNow = false
    },
    listen: (listener) => {
      listeners.add(listener)
      if (isNow) listener()
      return () => listeners.delete(listener)
    }
  }
}

/** Each request takes the next answer, the last one over and over. */
export const makeWire = (answers: ReadonlyArray<WireAnswer>, standstill?: Standstill): Wire => {
  const sent: Array<string> = []
  const credentials: Array<string> = []
  const client = HttpClient.make((request) =>
    Effect.suspend((): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError> => {
      standstill?.ends()
      sent.push(request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : "")
      credentials.push(request.headers["authorization"] ?? "")
      const answer = answers[Math.min(sent.length, answers.length) - 1]
      if (answer === undefined || answer.fault === "never") {
        standstill?.begins()
        return Effect.never
      }
      return answer.fault === "reset"
        ? Effect.fail(
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.TransportError({
              request,
              cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
            })
          })
        )
        : Effect.succeed(HttpClientResponse.fromWeb(request, toWeb(answer, standstill)))
    })
  )
  return { client, sent, credentials }
}

const hasNoBody = (status: number): boolean => [204, 205, 304].includes(status)

/** The answer as a web response, also where the constructor of one would refuse. */
export const toWeb = (answer: WireAnswer, standstill?: Standstill): Response => {
  const { body, fault, headers, pieces, status, url } = answer
  const isPlain = fault === "none" && pieces === 1
  const isOrdinary = status >= 200 && status < 600 && !hasNoBody(status)
  // Some answers have no body at all, which is not the same as an empty one.
  const isBare = isPlain && body.length === 0 && hasNoBody(status)
  const response = new Response(isBare ? null : isPlain ? new Uint8Array(body) : stream(answer, standstill), {
    status: isOrdinary ? status : 200,
    headers
  })
  if (!isOrdinary) Object.defineProperty(response, "status", { value: status })
  if (url !== undefined) Object.defineProperty(response, "url", { value: url })
  return response
}

const stream = (
  { body, fault, pieces }: WireAnswer,
  standstill: Standstill | undefined
): ReadableStream<Uint8Array<ArrayBuffer>> => {
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
        standstill?.begins()
        return new Promise<void>(() => {})
      }
      return undefined
    }
  })
}

/** Longer than any pause between attempts, shorter than any deadline. */
const longestPause = 12_000

/**
 * Pauses move the clock and take no time; what is longer is a deadline. It passes only where somebody waits for what never
 * comes, after some real milliseconds in which the exchange can do all that it still can by itself.
 *
 * `deadline`: these milliseconds, counted from the standstill or, without one, from the beginning. Without them no deadline
 * passes.
 */
export const makeClock = (deadline: number | undefined, standstill?: Standstill): Clock.Clock => {
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
      const isDeadline = wanted > longestPause
      if (isDeadline && deadline === undefined) return Effect.never
      return Effect.callback((resume) => {
        let timer: NodeJS.Timeout | undefined
        const begin = () => {
          timer ??= setTimeout(() => {
            now += wanted
            resume(Effect.void)
          }, isDeadline ? deadline : 0)
        }
        const deafen = isDeadline ? standstill?.listen(begin) : undefined
        if (deafen === undefined) begin()
        return Effect.sync(() => {
          deafen?.()
          clearTimeout(timer)
        })
      })
    }
  }
}
