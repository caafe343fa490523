/**
 * Refusals, given instead of processing the request.
 *
 * @internal
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import type { JsonObject } from "../../../internal/answer.ts"
import { challenge, empty, fault, json, type Reply, text } from "../reply.ts"
import { answer, definitions, type Plan } from "./plan.ts"

const define = definitions("error")

const refuse = (status: number, members: JsonObject, headers?: Reply["headers"]): Plan =>
  answer(() => json(status, members, headers))

const unauthorized = (headers: Reply["headers"], status = 401): Plan =>
  refuse(status, { error: "invalid_token", error_description: "the token is not accepted" }, headers)

const page = "<!doctype html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"

export const errors = {
  "error-code": define<{
    /** Default: `invalid_request`. */
    readonly error?: string
    /** Default: 400. */
    readonly status?: number
    readonly description?: string
  }>(
    "an OAuth error object with any code, such as one of another specification",
    ({ description, error = "invalid_request", status = 400 }) =>
      refuse(status, { error, ...(description === undefined ? undefined : { error_description: description }) })
  ),
  "error-message-only": define(
    "{\"message\": ...} without error",
    refuse(400, { message: "the metadata is not accepted" })
  ),
  "error-code-member-only": define("{\"code\": ...} without error", refuse(400, { code: "INVALID_METADATA" })),
  "error-description-only": define(
    "only error_description",
    refuse(400, { error_description: "the metadata is not accepted" })
  ),
  "error-html": define<{
    /** Default: 500. */
    readonly status?: number
  }>("a page of HTML", ({ status = 500 }) => answer(() => text(status, "text/html; charset=utf-8", page))),
  "error-empty": define<{
    /** Default: 400. */
    readonly status?: number
  }>("no body at all", ({ status = 400 }) => answer(() => empty(status, { "content-length": "0" }))),
  "error-as-text": define(
    "an error object as text/plain",
    refuse(400, { error: "invalid_client_metadata", error_description: "said as text" }, {
      "content-type": "text/plain"
    })
  ),
  "error-text-as-json": define(
    "text whose type says JSON",
    answer(() => text(400, "application/json", "the metadata is not accepted"))
  ),
  "error-multiline": define(
    "a description of several lines, with control characters",
    refuse(400, {
      error: "invalid_client_metadata",
      error_description: "first line\r\nINFO forged log line\u0007\u202e\n\tthird line"
    })
  ),
  "error-with-status-200": define(
    "an error object with status 200",
    refuse(200, { error: "invalid_client_metadata", error_description: "status 200 all the same" })
  ),
  "error-echoing-credentials": define(
    "a description that repeats the token and the body of the request",
    answer(({ body, headers }) =>
      fault(400, "invalid_client_metadata", `got ${headers["authorization"] ?? "no token"} and ${body}`)
    )
  ),
  "invalid-redirect-uri": define(
    "invalid_redirect_uri",
    refuse(400, { error: "invalid_redirect_uri", error_description: "the redirect URI is not accepted" })
  ),
  "invalid-client-metadata": define(
    "invalid_client_metadata",
    refuse(400, { error: "invalid_client_metadata", error_description: "the metadata is not accepted" })
  ),
  "invalid-software-statement": define(
    "invalid_software_statement",
    refuse(400, { error: "invalid_software_statement", error_description: "the statement is not valid" })
  ),
  "unapproved-software-statement": define(
    "unapproved_software_statement",
    refuse(400, { error: "unapproved_software_statement", error_description: "the statement is not approved" })
  ),
  "unknown-members-refused": define(
    "members that nobody registers are refused with 400",
    { tweak: { unknownMembers: "refuse" }, appliesTo: () => true },
    ["register", "update"]
  ),
  "server-error": define("500 with server_error", refuse(500, { error: "server_error" })),
  unavailable: define("503 without Retry-After", answer(() => empty(503))),
  "rate-limited": define<{
    /** Default: 429. */
    readonly status?: 429 | 503
    /** In seconds; `undefined` for no `Retry-After`. Default: 60. */
    readonly retryAfter?: number | undefined
    /** How `Retry-After` is written. Default: `seconds`. */
    readonly format?: "seconds" | "date"
  }>("429 or 503 with Retry-After, in seconds or as a date", (options) => {
    const { format = "seconds", status = 429 } = options
    const retryAfter = "retryAfter" in options ? options.retryAfter : 60
    return answer(({ now }) =>
      fault(
        status,
        "too_many_requests",
        "come back later",
        retryAfter === undefined
          ? {}
          : {
            "retry-after": format === "seconds"
              ? String(retryAfter)
              : Headers.formatHttpDate(DateTime.makeUnsafe(now + retryAfter * 1000))
          }
      )
    )
  }),
  "not-found": define("404 where registration is advertised", answer(() => text(404, "text/html", page))),
  "method-not-allowed": define("405 where registration is advertised", answer(() => empty(405, { allow: "GET" }))),

  "unauthorized-without-challenge": define("401 without WWW-Authenticate", unauthorized({})),
  "unauthorized-bare-bearer": define("401 with Bearer alone", unauthorized({ "www-authenticate": "Bearer" })),
  "unauthorized-several-challenges": define(
    "401 with several challenges in one line",
    unauthorized({
      "www-authenticate": `Basic realm="a, b", ${
        challenge("Bearer", { error: "invalid_token", error_description: "expired, \"gone\"" })
      }, Negotiate dG9rZW4=`
    })
  ),
  forbidden: define(
    "403 with insufficient_scope",
    unauthorized({ "www-authenticate": challenge("Bearer", { error: "insufficient_scope", scope: "register" }) }, 403)
  ),
  "dpop-scheme-refused": define(
    "400 for a token of the scheme DPoP, although the token is known",
    { tweak: { refusesDpopScheme: true }, appliesTo: () => true }
  ),
  "nonce-without-value": define(
    "a DPoP nonce is demanded, and none given",
    refuse(400, { error: "use_dpop_nonce" })
  ),
  "nonce-forever": define(
    "another DPoP nonce is demanded, again and again",
    {
      instead: ({ random }) =>
        Effect.map(random(16), (nonce) => json(400, { error: "use_dpop_nonce" }, { "dpop-nonce": nonce }))
    }
  ),
  "nonce-among-challenges": define(
    "a DPoP nonce demanded by a 401 of several challenges, upper case and unquoted",
    {
      instead: ({ random }) =>
        Effect.map(random(16), (nonce) => ({
          ...empty(401),
          headers: { "www-authenticate": "Bearer realm=\"r\", DPOP ERROR=USE_DPOP_NONCE", "dpop-nonce": nonce }
        }))
    }
  )
} as const
