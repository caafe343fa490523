/**
 * The headers that let pages of other origins use the mounted app (Fetch §3.3).
 *
 * @internal
 */
import type * as Headers from "effect/http/Headers"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { exposedHeaders, type Reply } from "./reply.ts"

/** Whether a request asks beforehand; the method that it asks for. */
export const preflightOf = (method: string, headers: Headers.Headers): string | undefined =>
  method === "OPTIONS" ? headers["access-control-request-method"] : undefined

export const preflight = (isAllowed: boolean): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({
    status: isAllowed ? 204 : 403,
    headers: isAllowed
      ? {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET, POST, PUT, DELETE",
        "access-control-allow-headers": "accept, authorization, content-type, dpop"
      }
      : {}
  })

/** The headers of an answer, with those that let a page read it. */
export const withCors = (reply: Reply): Reply => {
  if (reply.delivery?._tag === "Hidden") return reply
  const exposed = reply.delivery?._tag === "Unexposed"
    ? undefined
    : { "access-control-expose-headers": exposedHeaders.join(", ") }
  return { ...reply, headers: { ...reply.headers, "access-control-allow-origin": "*", ...exposed } }
}
