/**
 * Connections that fail, and bodies that do not arrive as they should: before the request is processed, after it, and on
 * the way back.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { bareFailure, connectionFailure, type Delivery, empty, isSuccess, json, type Reply, text } from "../reply.ts"
import { answer, changeReply, definitions, type Plan } from "./plan.ts"

const define = definitions("connection")

const before = (code: string, message: string): Plan => ({
  instead: () => Effect.fail(connectionFailure(code, message))
})

const after = (code: string, message: string): Plan => ({
  afterwards: () => Effect.fail(connectionFailure(code, message))
})

const deliver = (delivery: Delivery): Plan => changeReply((reply) => ({ ...reply, delivery }))

const redirect = (status: number, location: string): Reply => empty(status, { location })

/** With `status`, an error of that status is delivered so, and the request is not processed. */
const deliverMaybe = (status: number | undefined, delivery: Delivery): Plan =>
  status === undefined
    ? deliver(delivery)
    : answer(() => ({ ...json(status, { error: "server_error" }), delivery }))

export const connection = {
  "connection-refused": define("nobody listens there", before("ECONNREFUSED", "connect ECONNREFUSED")),
  "host-not-found": define("the host name does not exist", before("ENOTFOUND", "getaddrinfo ENOTFOUND")),
  "certificate-expired": define(
    "the TLS handshake fails",
    before("CERT_HAS_EXPIRED", "certificate has expired")
  ),
  "reset-before-processing": define(
    "a reset after the request was sent, and before it was processed",
    before("ECONNRESET", "read ECONNRESET")
  ),
  "reset-after-processing": define(
    "a reset after the request was processed: the client exists, the answer is lost",
    after("ECONNRESET", "read ECONNRESET")
  ),
  "never-answers-before-processing": define(
    "no answer ever, and the request is not processed",
    { instead: () => Effect.never }
  ),
  "never-answers-after-processing": define(
    "no answer ever, although the request was processed",
    { afterwards: () => Effect.never }
  ),
  "cors-preflight-refused": define(
    "a browser that may not ask: the request is not sent, and the page sees a bare failure",
    { instead: () => Effect.fail(bareFailure) }
  ),
  "cors-answer-hidden": define(
    "a browser that may not read the answer: the request was processed, and the page sees a bare failure",
    deliver({ _tag: "Hidden" })
  ),
  "cors-errors-hidden": define(
    "no CORS headers on errors: the page sees a bare failure instead of them",
    { ...deliver({ _tag: "Hidden" }), appliesTo: (reply) => !isSuccess(reply) }
  ),
  "cors-headers-hidden": define(
    "DPoP-Nonce, WWW-Authenticate and Retry-After not exposed to the page",
    { ...deliver({ _tag: "Unexposed" }), appliesTo: () => true }
  ),

  drip: define<{
    /** Between two bytes. Default: 1 second. */
    readonly interval?: Duration.Input
    /** An error of this status instead of the answer. Default: the answer. */
    readonly status?: number
  }>(
    "the body a byte at a time",
    ({ interval = "1 second", status }) =>
      deliverMaybe(status, { _tag: "Drip", intervalMillis: Duration.toMillis(Duration.fromInputUnsafe(interval)) })
  ),
  stalled: define("half of the body, and then nothing more", deliver({ _tag: "Stalled" })),
  "never-ends": define("the whole body, and never its end", deliver({ _tag: "Stalled", whole: true })),
  "truncated-body": define("half of the body, and then the connection is closed", deliver({ _tag: "Truncated" })),
  "no-last-chunk": define(
    "the whole body, and then the connection is closed without the last chunk",
    deliver({ _tag: "Truncated", whole: true })
  ),
  "content-length-too-long": define(
    "a content-length of more than comes",
    deliver({ _tag: "MisstatedLength", difference: 10 })
  ),
  "content-length-too-short": define(
    "a content-length of less than comes",
    deliver({ _tag: "MisstatedLength", difference: -10 })
  ),
  "huge-body": define<{
    /** Default: 100 MiB. */
    readonly bytes?: number
    /** Whether `content-length` says so. Default: `false`. */
    readonly declared?: boolean
    /** An error of this status instead of the answer. Default: the answer. */
    readonly status?: number
  }>(
    "a body of 100 MB",
    ({ bytes = 104_857_600, declared = false, status }) => deliverMaybe(status, { _tag: "Padded", bytes, declared })
  ),
  "many-headers": define<{
    /** Default: 10000. */
    readonly count?: number
  }>("10000 headers", ({ count = 10_000 }) => deliver({ _tag: "ManyHeaders", count })),

  redirect: define<{
    /** Default: 307. */
    readonly status?: 301 | 302 | 303 | 307 | 308
    /** Default: a page at another host. */
    readonly location?: string
  }>(
    "a redirect, to another host or to this one",
    ({ location = "https://elsewhere.example/register", status = 307 }) => answer(() => redirect(status, location))
  ),
  "opaque-redirect": define<{
    /** Default: a page at another host. */
    readonly location?: string
  }>(
    "a redirect as a browser shows one that it does not follow: status 0 and nothing else",
    ({ location = "https://elsewhere.example/register" }) =>
      answer(() => ({ ...redirect(302, location), delivery: { _tag: "OpaqueRedirect", location } }))
  ),
  "followed-redirect": define<{
    /** Default: a page at another host. */
    readonly location?: string
  }>(
    "a transport that followed a redirect by itself: the answer comes from another URL",
    ({ location = "https://elsewhere.example/register" }) => deliver({ _tag: "Followed", location })
  ),
  "another-body": define<{
    readonly status?: number
    readonly contentType?: string
    readonly body?: string
  }>(
    "any status, type and body that the test wants, without processing",
    ({ body = "", contentType = "text/plain", status = 200 }) => answer(() => text(status, contentType, body))
  )
} as const
