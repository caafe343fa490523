/**
 * What the test server remembers of requests and clients, for tests to look at. Printing one shows no secret.
 *
 * @internal
 */
import type * as Headers from "effect/http/Headers"
import * as Inspectable from "effect/Inspectable"
import * as Redacted from "effect/Redacted"
import { decodeProtectedHeader } from "jose/decode/protected_header"
import { decodeJwt } from "jose/jwt/decode"
import { isJsonObject, type JsonObject, parseJson } from "../../internal/answer.ts"
import { displayUrl } from "../../internal/url.ts"
import type { Operation } from "./route.ts"
import type { Entry } from "./server.ts"
import type { Client, Tenant } from "./tenant.ts"

/**
 * A DPoP proof as it was sent, decoded but not judged.
 *
 * @since 0.1.0
 * @category models
 */
export interface RecordedProof {
  readonly header: JsonObject
  readonly claims: JsonObject
}

/**
 * A request as it reached the server.
 *
 * **Details**
 *
 * `headers` and `body` are as they were sent, credentials included; printing the record shows neither.
 *
 * @since 0.1.0
 * @category models
 */
export class RecordedRequest extends Inspectable.Class {
  /** What it asked for; none for a URL or a method that the server does not know. */
  readonly operation: Operation | undefined
  /** The issuer that it was sent to. */
  readonly issuer: string | undefined
  readonly method: string
  readonly url: string
  /** When it arrived, in milliseconds since the epoch. */
  readonly at: number
  /** The ids of the misbehaviours that took part in its answer. */
  readonly misbehaviours: ReadonlyArray<string>
  /** The status of the answer; none when the connection failed or no answer was given. */
  readonly status: number | undefined
  readonly #headers: Headers.Headers
  readonly #body: string

  constructor(properties: Entry) {
    super()
    this.operation = properties.operation
    this.issuer = properties.issuer
    this.method = properties.method
    this.url = properties.url.href
    this.at = properties.at
    this.misbehaviours = properties.misbehaviours
    this.status = properties.status
    this.#headers = properties.headers
    this.#body = properties.body
  }

  /** The headers as they were sent, names in lower case. */
  get headers(): Headers.Headers {
    return this.#headers
  }

  /** The body as it was sent; empty when there was none. */
  get body(): string {
    return this.#body
  }

  /** The JSON object in the body, if it is one. */
  get json(): JsonObject | undefined {
    const parsed = parseJson(this.#body)
    return isJsonObject(parsed) ? parsed : undefined
  }

  /** The token of the `Authorization` header. */
  get token(): Redacted.Redacted<string> | undefined {
    const token = this.#headers["authorization"]?.split(" ")[1]
    return token === undefined ? undefined : Redacted.make(token, { label: "token" })
  }

  /** The proof of the `DPoP` header, if it can be decoded. */
  get proof(): RecordedProof | undefined {
    const jwt = this.#headers["dpop"]
    if (jwt === undefined) return undefined
    try {
      return { header: decodeProtectedHeader(jwt), claims: decodeJwt<JsonObject>(jwt) }
    } catch {
      return undefined
    }
  }

  override toJSON(): unknown {
    return {
      _id: "@effect-dcr/core/testing/RecordedRequest",
      operation: this.operation,
      issuer: this.issuer,
      method: this.method,
      url: displayUrl(this.url),
      at: this.at,
      headers: Object.keys(this.#headers),
      misbehaviours: this.misbehaviours,
      status: this.status
    }
  }
}

/**
 * A client as the server knows it.
 *
 * @since 0.1.0
 * @category models
 */
export interface KnownClient {
  readonly issuer: string
  readonly clientId: string
  /** The metadata as it was registered, with what the server filled in. */
  readonly metadata: JsonObject
  readonly secret: Redacted.Redacted<string> | undefined
  /** Seconds since the epoch; 0 for never. */
  readonly secretExpiresAt: number
  /** Seconds since the epoch. */
  readonly issuedAt: number
  readonly registrationAccessToken: Redacted.Redacted<string>
}

export const knownClient = (tenant: Tenant, client: Client): KnownClient => ({
  issuer: tenant.issuer,
  clientId: client.clientId,
  metadata: client.metadata,
  secret: client.secret === undefined ? undefined : Redacted.make(client.secret, { label: "client_secret" }),
  secretExpiresAt: client.secretExpiresAt,
  issuedAt: client.issuedAt,
  registrationAccessToken: Redacted.make(client.registrationAccessToken, { label: "registration_access_token" })
})
