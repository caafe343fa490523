/**
 * The registration endpoint (RFC 7591 §3).
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { JsonObject } from "../../internal/answer.ts"
import { checkRules, checkTypes, isKnown, needsSecret, withDefaults } from "./clientRules.ts"
import * as Dpop from "./dpop.ts"
import {
  type Answering,
  credentialsOf,
  type Exchange,
  type Host,
  isPresent,
  type IssuedToken,
  jsonBody,
  seconds
} from "./exchange.ts"
import { challenge, fault, json, type Reply, unauthorized, withHeaders } from "./reply.ts"
import { clientUri } from "./route.ts"
import * as Statement from "./statement.ts"
import * as Tenant from "./tenant.ts"

export const register = Effect.fnUntraced(function*(host: Host, exchange: Exchange): Effect.fn.Return<Reply, Reply> {
  const { headers, take } = yield* authorize(host, exchange)
  const add = withHeaders(headers)
  return yield* enrol(host, exchange, take).pipe(Effect.mapBoth({ onSuccess: add, onFailure: add }))
})

const enrol = Effect.fnUntraced(function*(
  host: Host,
  exchange: Exchange,
  takeToken: Authorized["take"]
): Effect.fn.Return<Reply, Reply> {
  const { rateLimit } = host.settings
  const { tenant, tweaks } = exchange
  // After the proof, so that a nonce challenge is not a turn.
  const wait = rateLimit === undefined ? undefined : Tenant.takeTurn(tenant, exchange.now, rateLimit)
  if (wait !== undefined) {
    return fault(429, "too_many_requests", "too many registrations", { "retry-after": String(Math.ceil(wait / 1000)) })
  }
  const members = yield* jsonBody(exchange)
  const metadata = yield* examine(host, exchange, members)
  const fresh = yield* freshCredentials(host, exchange)

  // From here on nothing waits, so that of two requests with one single-use token one is refused.
  const refusal = takeToken()
  if (refusal !== undefined) return refusal
  const now = seconds(exchange)
  const granted = tweaks.grant(metadata)
  const client: Tenant.Client = {
    clientId: fresh.clientId,
    issuedAt: now,
    metadata: granted,
    secret: needsSecret(granted["token_endpoint_auth_method"]) ? fresh.secret : undefined,
    secretExpiresAt: tweaks.secretLifetime === 0 ? 0 : now + tweaks.secretLifetime,
    isSecretExpired: false,
    registrationAccessToken: fresh.token
  }
  if (!tweaks.forgets) tenant.clients.set(client.clientId, client)
  return json(201, informationOf(host, tenant, client))
})

// -----------------------------------------------------------------------------
// who may register
// -----------------------------------------------------------------------------

interface Authorized {
  readonly headers: Reply["headers"]
  /** Uses a single-use token up; the refusal when somebody else was faster. */
  readonly take: () => Reply | undefined
}

const authorize = Effect.fnUntraced(function*(host: Host, exchange: Exchange): Effect.fn.Return<Authorized, Reply> {
  const { settings } = host
  if (exchange.url.searchParams.has("access_token")) {
    return yield* Effect.fail(fault(400, "invalid_request", "a token does not belong into a URL (RFC 9700 §4.3.2)"))
  }
  const credentials = credentialsOf(exchange)
  if (credentials === undefined && (settings.isProtected || exchange.headers["authorization"] !== undefined)) {
    // RFC 6750 §3.1: no error code when the request has no credentials at all
    return yield* Effect.fail(
      fault(401, "invalid_token", "an initial access token is needed", {
        "www-authenticate": challenge("Bearer", { realm: "registration" })
      })
    )
  }
  const known = credentials === undefined ? undefined : yield* findToken(host, exchange, credentials.token)
  if (credentials !== undefined && known !== undefined) {
    yield* Dpop.checkScheme(exchange, credentials.scheme, known.thumbprint)
  }
  const { headers } = yield* Dpop.prove(host, exchange, {
    required: settings.dpop.required,
    token: credentials?.token,
    thumbprint: known?.thumbprint,
    style: settings.dpop.challenge ?? (known?.thumbprint === undefined ? 400 : 401)
  })
  return {
    headers,
    take: () => {
      if (credentials === undefined || known === undefined || !known.singleUse) return undefined
      return host.initialAccessTokens.delete(credentials.token)
        ? undefined
        : unauthorized("Bearer", "invalid_token", "the initial access token was used before")
    }
  }
})

const findToken = (host: Host, exchange: Exchange, token: string): Answering<IssuedToken> => {
  const known = host.initialAccessTokens.get(token)
  return known === undefined || (known.expiresAt !== undefined && known.expiresAt <= seconds(exchange))
    ? Effect.fail(unauthorized("Bearer", "invalid_token", "the initial access token is unknown, used up or expired"))
    : Effect.succeed(known)
}

// -----------------------------------------------------------------------------
// what is registered
// -----------------------------------------------------------------------------

/** From the members of a request to the metadata that is registered, with defaults; also for an update (RFC 7592 §2.2). */
export const examine = Effect.fnUntraced(function*(
  host: Host,
  exchange: Exchange,
  members: JsonObject
): Effect.fn.Return<JsonObject, Reply> {
  const { settings } = host
  const statement = members["software_statement"]
  if (statement !== undefined && (typeof statement !== "string" || statement === "")) {
    return yield* Effect.fail(fault(400, "invalid_software_statement", "the software statement is not a JWT"))
  }
  if (statement === undefined && settings.softwareStatementRequired) {
    return yield* Effect.fail(fault(400, "invalid_software_statement", "a software statement is needed"))
  }
  const wrong = checkTypes(members)
  if (wrong !== undefined) return yield* Effect.fail(wrong)
  const unknown = Object.keys(members).find((name) => !isKnown(name))
  if (unknown !== undefined && exchange.tweaks.unknownMembers === "refuse") {
    return yield* Effect.fail(fault(400, "invalid_client_metadata", "the request has a member that nobody knows"))
  }
  const claims = statement === undefined
    ? {}
    : yield* Statement.verify(statement, settings.softwareStatements, seconds(exchange))
  const stated = Object.fromEntries(Object.entries(claims).filter(([name]) => isKnown(name)))
  const wrongClaim = checkTypes(stated)
  if (wrongClaim !== undefined) {
    return yield* Effect.fail(fault(400, "invalid_software_statement", "a claim has not the type of the member"))
  }
  const kept = exchange.tweaks.unknownMembers === "keep"
    ? members
    : Object.fromEntries(Object.entries(members).filter(([name]) => isKnown(name)))
  const metadata = withDefaults({
    ...kept,
    ...stated,
    ...(statement === undefined ? {} : { software_statement: statement })
  })
  const broken = checkRules(metadata, host.metadata(exchange.tenant))
  return broken === undefined ? metadata : yield* Effect.fail(broken)
})

/** The whole client information (RFC 7591 §3.2.1, RFC 7592 §3). */
export const informationOf = (host: Host, tenant: Tenant.Tenant, client: Tenant.Client): JsonObject => ({
  client_id: client.clientId,
  client_id_issued_at: client.issuedAt,
  ...(client.secret === undefined
    ? undefined
    : { client_secret: client.secret, client_secret_expires_at: client.secretExpiresAt }),
  ...(host.settings.management
    ? {
      registration_access_token: client.registrationAccessToken,
      registration_client_uri: clientUri(tenant.base, client.clientId)
    }
    : undefined),
  ...client.metadata
})

export const freshCredentials = Effect.fnUntraced(function*({ random }: Host, { tweaks }: Exchange) {
  const odd = tweaks.oddCredentials ? "/%2F +=&?#" : ""
  return {
    clientId: odd + (yield* random(16)),
    secret: odd + (yield* random(32)),
    // RFC 6750 §2.1: a token has no odd characters
    token: yield* random(32)
  }
})

/** Members that ask for deletion are left out (RFC 7592 §2.2). */
export const withoutDeleted = (members: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => isPresent(value)))
