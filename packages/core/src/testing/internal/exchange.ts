/**
 * One request to the test server while it is answered, and what the server has to answer it with.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import type { AuthorizationServer } from "../../AuthorizationServer.ts"
import { isJsonObject, type JsonObject, parseJson } from "../../internal/answer.ts"
import { fault, type Reply } from "./reply.ts"
import type { Settings } from "./settings.ts"
import type { Tenant } from "./tenant.ts"

export interface Exchange {
  readonly tenant: Tenant
  /** The client that the URL names, for management. */
  readonly clientId: string
  readonly method: string
  readonly url: URL
  readonly headers: Headers.Headers
  readonly body: string
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly tweaks: Tweaks
}

/** How this request is to be processed otherwise than by the settings: what misbehaviours ask for. */
export interface Tweaks {
  /** Changes the metadata before it is registered. */
  readonly grant: (metadata: JsonObject) => JsonObject
  /** Whether identifiers and secrets get the characters that break naive code. */
  readonly oddCredentials: boolean
  /** Seconds; 0 for never. */
  readonly secretLifetime: number
  readonly rotateToken: boolean
  readonly rotateSecret: boolean
  readonly unknownMembers: Settings["unknownMembers"]
  /** Whether the client is gone once the request is answered. */
  readonly forgets: boolean
  /** Whether the DPoP scheme is refused although the token is known. */
  readonly refusesDpopScheme: boolean
}

/** A token that a registration can be made with, and what is left of it. */
export interface IssuedToken {
  readonly thumbprint: string | undefined
  readonly singleUse: boolean
  readonly expiresAt: number | undefined
}

export interface Host {
  readonly settings: Settings
  /** Random text: so many bytes, base64url. */
  readonly random: (bytes: number) => Effect.Effect<string>
  /** The SHA-256 of text, base64url. */
  readonly sha256: (text: string) => Effect.Effect<string>
  readonly initialAccessTokens: Map<string, IssuedToken>
  readonly metadata: (tenant: Tenant) => AuthorizationServer
}

/** Fails with an answer, and succeeds with one: both are sent. */
export type Answering<A = Reply> = Effect.Effect<A, Reply>

export const seconds = (exchange: Exchange): number => Math.floor(exchange.now / 1000)

/** The credentials of an `Authorization` header. */
export const credentialsOf = (
  { headers }: Exchange
): { readonly scheme: string; readonly token: string } | undefined => {
  const match = /^(\S+) +(\S+) *$/.exec(headers["authorization"] ?? "")
  return match?.[1] === undefined || match[2] === undefined
    ? undefined
    : { scheme: match[1].toLowerCase(), token: match[2] }
}

/** The JSON object of a request. */
export const jsonBody = (exchange: Exchange): Answering<JsonObject> => {
  const type = exchange.headers["content-type"]?.split(";")[0]?.trim().toLowerCase()
  if (type !== "application/json") {
    return Effect.fail(fault(415, "invalid_request", "the request is not application/json"))
  }
  const body = parseJson(exchange.body)
  return isJsonObject(body)
    ? Effect.succeed(body)
    : Effect.fail(fault(400, "invalid_client_metadata", "the body is not a JSON object"))
}

/** Whether the client takes the JSON that it is going to get. */
export const acceptsJson = ({ headers }: Exchange): boolean =>
  headers["accept"] === undefined || /(^|[\s,])(application\/(json|\*)|\*\/\*)/i.test(headers["accept"])

/** A member of a JSON object whose value is not asked to be deleted (RFC 7592 §2.2). */
export const isPresent = (value: unknown): boolean => value !== undefined && value !== null && value !== ""
