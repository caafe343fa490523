/**
 * What the test server answers, before it travels: a status, headers, the members of a JSON object or a text, and how the
 * body is delivered. Plain data, so that a misbehaviour can change any part of it.
 *
 * @internal
 */
import type { JsonObject } from "../../internal/answer.ts"

export interface Reply {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  /** The members of a JSON object. */
  readonly members?: JsonObject | undefined
  /** The body as it is, when it is not the JSON of `members`. */
  readonly text?: string | undefined
  /** Default: whole and at once. */
  readonly delivery?: Delivery | undefined
}

/** How a body travels when it does not travel whole and at once. */
export type Delivery =
  /** A byte at a time. */
  | { readonly _tag: "Drip"; readonly intervalMillis: number }
  /** The first half, or the whole body without the last chunk, and then the connection is closed. */
  | { readonly _tag: "Truncated"; readonly whole?: true }
  /** The first half or the whole body, and then nothing more, ever. */
  | { readonly _tag: "Stalled"; readonly whole?: true }
  /** Another `content-length` than the body has: that many bytes more, or fewer. */
  | { readonly _tag: "MisstatedLength"; readonly difference: number }
  /** So many bytes of padding before the body, made as they are read. */
  | { readonly _tag: "Padded"; readonly bytes: number; readonly declared: boolean }
  /** So many headers that a transport refuses them. */
  | { readonly _tag: "ManyHeaders"; readonly count: number }
  /** A browser's opaque redirect: no status, no headers, no body. */
  | { readonly _tag: "OpaqueRedirect"; readonly location: string }
  /** A transport that followed a redirect by itself: the answer is that of another URL. */
  | { readonly _tag: "Followed"; readonly location: string }
  /** Without CORS headers: a page learns nothing of it. */
  | { readonly _tag: "Hidden" }
  /** Without `Access-Control-Expose-Headers`: a page does not see the headers that matter here. */
  | { readonly _tag: "Unexposed" }

/** A connection that fails: with the code of a real transport, or as opaquely as in a browser. */
export interface ConnectionFailure {
  readonly _tag: "ConnectionFailure"
  /** `ECONNRESET` and the like; none for what a page sees of any failure. */
  readonly code: string | undefined
  readonly message: string
}

export const connectionFailure = (code: string | undefined, message: string): ConnectionFailure => ({
  _tag: "ConnectionFailure",
  code,
  message
})

/** What a page sees of any failure, also of an answer that it may not read. */
export const bareFailure: ConnectionFailure = connectionFailure(undefined, "Failed to fetch")

/** Every answer with a body here is JSON and may hold credentials (RFC 7591 §3.2.1, RFC 6749 §5.1). */
const jsonHeaders = { "content-type": "application/json", "cache-control": "no-store", pragma: "no-cache" }

export const json = (status: number, members: JsonObject, headers: Reply["headers"] = {}): Reply => ({
  status,
  headers: { ...jsonHeaders, ...headers },
  members
})

/** An OAuth error object (RFC 7591 §3.2.2, RFC 6749 §5.2). */
export const fault = (
  status: number,
  error: string,
  error_description: string,
  headers: Reply["headers"] = {}
): Reply => json(status, { error, error_description }, headers)

export const empty = (status: number, headers: Reply["headers"] = {}): Reply => ({ status, headers })

export const text = (status: number, contentType: string, body: string, headers: Reply["headers"] = {}): Reply => ({
  status,
  headers: { "content-type": contentType, ...headers },
  text: body
})

/** The parameters of a challenge (RFC 9110 §11.6.1). */
export const challenge = (scheme: string, parameters: { readonly [name: string]: string } = {}): string => {
  const list = Object.entries(parameters).map(([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`)
  return list.length === 0 ? scheme : `${scheme} ${list.join(", ")}`
}

/** A refusal of the credentials of a request (RFC 6750 §3, RFC 9449 §7.1). */
export const unauthorized = (scheme: "Bearer" | "DPoP" | "Basic", error: string, description: string): Reply =>
  fault(401, error, description, {
    "www-authenticate": challenge(
      scheme,
      scheme === "Basic" ? { realm: "token" } : { error, error_description: description }
    )
  })

/** The headers of an answer that a page sees only where the server exposes them. */
export const exposedHeaders: ReadonlyArray<string> = ["dpop-nonce", "www-authenticate", "retry-after"]

/** Adds headers to an answer. */
export const withHeaders = (headers: Reply["headers"]) => (reply: Reply): Reply => ({
  ...reply,
  headers: { ...reply.headers, ...headers }
})

export const isSuccess = (reply: Reply): boolean => reply.status >= 200 && reply.status < 300

/** The body as text. */
export const bodyOf = (reply: Reply): string =>
  reply.text ?? (reply.members === undefined ? "" : JSON.stringify(reply.members))
