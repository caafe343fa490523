/**
 * What a test server is told, with its defaults.
 *
 * @internal
 */
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import type { AuthorizationServer } from "../../AuthorizationServer.ts"
import type { JsonObject } from "../../internal/answer.ts"

/**
 * Which well-known URL: that of RFC 8414 §3.1, or one of the two of OpenID Connect Discovery, between host and path or
 * after the path.
 *
 * @since 0.1.0
 * @category models
 */
export type WellKnown = "oauth-inserted" | "openid-inserted" | "openid-appended"

/**
 * A token that the registration endpoint takes (RFC 7591 §3).
 *
 * @since 0.1.0
 * @category options
 */
export interface InitialAccessToken {
  readonly value: Redacted.Redacted<string>
  /** The JWK thumbprint of the key that the token is bound to (RFC 9449 §6.1). Default: none, a `Bearer` token. */
  readonly thumbprint?: string | undefined
  /** Whether one registration uses the token up. Default: `false`. */
  readonly singleUse?: boolean | undefined
  /** When it ends, in seconds since the epoch. Default: never. */
  readonly expiresAt?: number | undefined
}

/**
 * An issuer of software statements that the server trusts (RFC 7591 §2.3).
 *
 * @since 0.1.0
 * @category options
 */
export interface StatementIssuer {
  /** The `iss` of its statements. */
  readonly issuer: string
  /** Its keys: a JWK Set of public keys, or the secret of a MAC. */
  readonly keys: { readonly keys: ReadonlyArray<JsonObject> } | Redacted.Redacted<string>
  /** The `aud` that its statements must have. Default: any. */
  readonly audience?: string | undefined
}

/**
 * How the server treats DPoP (RFC 9449).
 *
 * @since 0.1.0
 * @category options
 */
export interface DpopOptions {
  /** Whether a registration needs a proof. A proof that is there is verified in any case. Default: `false`. */
  readonly required?: boolean | undefined
  /**
   * Whether proofs need a nonce of the server (RFC 9449 §8). `stable`: one for the life of the server. `rotating`: each is
   * good for one proof, and every answer brings the next. Default: none.
   */
  readonly nonce?: "stable" | "rotating" | undefined
  /**
   * How a nonce is demanded and a bad proof refused: `400` as an authorization server does (§8), `401` with a challenge as a
   * resource does (§9). Default: 400, and 401 when a DPoP-bound initial access token was presented.
   */
  readonly challenge?: 400 | 401 | undefined
  /** The signature algorithms of proofs. Default: ES256, ES384, ES512, Ed25519, EdDSA, PS256, RS256. */
  readonly algorithms?: ReadonlyArray<string> | undefined
  /** How far `iat` may be from the clock, in both directions. Default: 60 seconds. */
  readonly window?: Duration.Input | undefined
}

/**
 * The options of a test server. Without any it is an open, strict server for every issuer.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /**
   * The issuer or issuers that it answers for, in their exact spelling; a request to any other host fails as for a name that
   * does not exist. Default: every https issuer (and http on loopback): each origin and path that is asked is an issuer of
   * its own.
   */
  readonly issuer?: string | ReadonlyArray<string> | undefined
  /** Which well-known URLs answer. Default: all. */
  readonly wellKnown?: ReadonlyArray<WellKnown> | undefined
  /**
   * Members of the server's metadata that replace the usual ones. What it says to support is what it takes: with
   * `token_endpoint_auth_methods_supported: ["none"]` it registers public clients only. `undefined` leaves a member out.
   */
  readonly metadata?: Omit<AuthorizationServer, "issuer"> | undefined
  /** The tokens that the registration endpoint takes. One of them is then needed. Default: none, everybody may register. */
  readonly initialAccessTokens?: ReadonlyArray<InitialAccessToken> | undefined
  /** Whether a token is needed although `initialAccessTokens` is empty (see `issueInitialAccessToken`). Default: `false`. */
  readonly protected?: boolean | undefined
  /** Proofs, nonces, algorithms. Default: a proof is verified if there is one. */
  readonly dpop?: DpopOptions | undefined
  /** Whose software statements are trusted. Default: nobody's, every statement is refused as unapproved. */
  readonly softwareStatements?: ReadonlyArray<StatementIssuer> | undefined
  /** Whether a registration needs a software statement. Default: `false`. */
  readonly softwareStatementRequired?: boolean | undefined
  /**
   * What becomes of members that no specification registers: `ignore` them (RFC 7591 §2), `keep` and return them, or
   * `refuse` the request as some servers do. Default: `ignore`.
   */
  readonly unknownMembers?: "ignore" | "keep" | "refuse" | undefined
  /** After how long a client secret expires. Default: never. */
  readonly secretLifetime?: Duration.Input | undefined
  /** Whether registrations can be read, updated and removed (RFC 7592). Default: `true`. */
  readonly management?: boolean | undefined
  /** When the registration access token is replaced (RFC 7592 §2). Default: never. */
  readonly rotateToken?: "update" | "read-and-update" | undefined
  /** When the client secret is replaced, and its lifetime begins again (RFC 7592 §2.2). Default: never. */
  readonly rotateSecret?: "update" | "read-and-update" | undefined
  /** How many registrations an issuer takes in a window of time; more are answered with 429. Default: any number. */
  readonly rateLimit?: { readonly limit: number; readonly window: Duration.Input } | undefined
  /**
   * Whether pages of any origin may use the mounted `app`: CORS headers, with `DPoP-Nonce`, `WWW-Authenticate` and
   * `Retry-After` exposed. The misbehaviours of CORS take away from that. Default: `false`, as most servers.
   */
  readonly cors?: boolean | undefined
  /** How many requests are recorded; the oldest are dropped. Default: 10000. */
  readonly recordedRequests?: number | undefined
  /** Where identifiers, secrets, tokens and nonces come from. Default: WebCrypto. */
  readonly random?: SecureRandom.SecureRandom["Service"] | undefined
}

/** Options with their defaults, in the units that the server calculates in. */
export interface Settings {
  readonly issuers: ReadonlyArray<string> | undefined
  readonly wellKnown: ReadonlyArray<WellKnown>
  readonly metadata: Omit<AuthorizationServer, "issuer">
  readonly initialAccessTokens: ReadonlyArray<InitialAccessToken>
  readonly isProtected: boolean
  readonly dpop: {
    readonly required: boolean
    readonly nonce: "stable" | "rotating" | undefined
    readonly challenge: 400 | 401 | undefined
    readonly algorithms: ReadonlyArray<string>
    /** Seconds. */
    readonly window: number
  }
  readonly softwareStatements: ReadonlyArray<StatementIssuer>
  readonly softwareStatementRequired: boolean
  readonly unknownMembers: "ignore" | "keep" | "refuse"
  /** Seconds; 0 for never. */
  readonly secretLifetime: number
  readonly management: boolean
  readonly rotateToken: Options["rotateToken"]
  readonly rotateSecret: Options["rotateSecret"]
  /** The window in milliseconds. */
  readonly rateLimit: { readonly limit: number; readonly window: number } | undefined
  readonly cors: boolean
  readonly recordedRequests: number
}

const proofAlgorithms: ReadonlyArray<string> = ["ES256", "ES384", "ES512", "Ed25519", "EdDSA", "PS256", "RS256"]

const seconds = (duration: Duration.Input): number => Duration.toSeconds(Duration.fromInputUnsafe(duration))

export const resolve = (options: Options): Settings => ({
  issuers: typeof options.issuer === "string" ? [options.issuer] : options.issuer,
  wellKnown: options.wellKnown ?? ["oauth-inserted", "openid-inserted", "openid-appended"],
  metadata: options.metadata ?? {},
  initialAccessTokens: options.initialAccessTokens ?? [],
  isProtected: options.protected ?? (options.initialAccessTokens ?? []).length > 0,
  dpop: {
    required: options.dpop?.required ?? false,
    nonce: options.dpop?.nonce,
    challenge: options.dpop?.challenge,
    algorithms: options.dpop?.algorithms ?? proofAlgorithms,
    window: seconds(options.dpop?.window ?? "60 seconds")
  },
  softwareStatements: options.softwareStatements ?? [],
  softwareStatementRequired: options.softwareStatementRequired ?? false,
  unknownMembers: options.unknownMembers ?? "ignore",
  secretLifetime: seconds(options.secretLifetime ?? 0),
  management: options.management ?? true,
  rotateToken: options.rotateToken,
  rotateSecret: options.rotateSecret,
  rateLimit: options.rateLimit === undefined
    ? undefined
    : { limit: options.rateLimit.limit, window: seconds(options.rateLimit.window) * 1000 },
  cors: options.cors ?? false,
  recordedRequests: options.recordedRequests ?? 10_000
})
