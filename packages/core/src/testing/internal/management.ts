/**
 * The client configuration endpoint (RFC 7592 §2).
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { needsSecret } from "./clientRules.ts"
import * as Dpop from "./dpop.ts"
import { type Answering, credentialsOf, type Exchange, type Host, jsonBody, seconds } from "./exchange.ts"
import { examine, freshCredentials, informationOf, withoutDeleted } from "./registration.ts"
import { challenge, empty, fault, json, type Reply, unauthorized } from "./reply.ts"
import type { Client, Tenant } from "./tenant.ts"

export const read = Effect.fnUntraced(function*(host: Host, exchange: Exchange): Effect.fn.Return<Reply, Reply> {
  const { client, headers } = yield* authorize(host, exchange)
  const fresh = yield* freshCredentials(host, exchange)
  const now = yield* stillThere(exchange, client)
  rotate(exchange, now, fresh)
  return answer(host, exchange, now, headers)
})

/** §2.2: replaces everything. */
export const update = Effect.fnUntraced(function*(host: Host, exchange: Exchange): Effect.fn.Return<Reply, Reply> {
  const { client, headers } = yield* authorize(host, exchange)
  const { client_id, client_secret, ...members } = yield* jsonBody(exchange)
  const refuse = (description: string) => Effect.fail(fault(400, "invalid_client_metadata", description))
  if (client_id !== client.clientId) return yield* refuse("client_id is not that of the client")
  const given = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at"
  ].find((name) => Object.hasOwn(members, name))
  if (given !== undefined) return yield* refuse(`an update may not hold ${given}`)
  if (client_secret !== undefined && client_secret !== client.secret) {
    return yield* refuse("client_secret is not the current one")
  }
  const metadata = yield* examine(host, exchange, withoutDeleted(members))
  const fresh = yield* freshCredentials(host, exchange)

  const now = yield* stillThere(exchange, client)
  now.metadata = exchange.tweaks.grant(metadata)
  if (!needsSecret(now.metadata["token_endpoint_auth_method"])) {
    now.secret = undefined
    now.secretExpiresAt = 0
  } else if (now.secret === undefined) {
    renewSecret(exchange, now, fresh.secret)
  }
  rotate(exchange, now, fresh)
  return answer(host, exchange, now, headers)
})

/** §2.3. */
export const remove = Effect.fnUntraced(function*(host: Host, exchange: Exchange): Effect.fn.Return<Reply, Reply> {
  const { client, headers } = yield* authorize(host, exchange)
  exchange.tenant.clients.delete(client.clientId)
  return empty(204, { ...headers, "cache-control": "no-store", pragma: "no-cache" })
})

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const answer = (host: Host, exchange: Exchange, client: Client, headers: Reply["headers"]): Reply => {
  if (exchange.tweaks.forgets) exchange.tenant.clients.delete(client.clientId)
  return json(200, informationOf(host, exchange.tenant, client), headers)
}

const gone = unauthorized("Bearer", "invalid_token", "the token is not one of this client")

const authorize = Effect.fnUntraced(function*(host: Host, exchange: Exchange): Effect.fn.Return<
  { readonly client: Client; readonly headers: Reply["headers"] },
  Reply
> {
  const { tenant } = exchange
  const credentials = credentialsOf(exchange)
  if (credentials === undefined) {
    return yield* Effect.fail({
      ...fault(401, "invalid_token", "a registration access token is needed"),
      headers: {
        "www-authenticate": challenge("Bearer", { realm: "client" }),
        "content-type": "application/json",
        "cache-control": "no-store"
      }
    })
  }
  // A registration access token is a Bearer token (RFC 7592 §1.2). A proof may come along, and is verified then.
  yield* Dpop.checkScheme(exchange, credentials.scheme, undefined)
  const { headers } = yield* Dpop.prove(host, exchange, {
    required: false,
    token: credentials.token,
    thumbprint: undefined,
    style: host.settings.dpop.challenge ?? 401
  })
  const client = tenant.clients.get(exchange.clientId)
  if (client?.registrationAccessToken === credentials.token) return { client, headers }
  revoke(tenant, credentials.token)
  return yield* Effect.fail(gone)
})

/** A token that turns up at another client's URI has leaked: it is worth nothing from now on (RFC 7592 §2.1). */
const revoke = (tenant: Tenant, token: string): void => {
  for (const client of tenant.clients.values()) {
    // No request can present a token with a space.
    if (client.registrationAccessToken === token) client.registrationAccessToken = "revoked token"
  }
}

/** The client, if it was not removed or its token replaced while this request waited. */
const stillThere = (exchange: Exchange, client: Client): Answering<Client> =>
  exchange.tenant.clients.get(client.clientId) === client &&
    client.registrationAccessToken === credentialsOf(exchange)?.token
    ? Effect.succeed(client)
    : Effect.fail(gone)

interface Fresh {
  readonly secret: string
  readonly token: string
}

const rotate = (exchange: Exchange, client: Client, fresh: Fresh): void => {
  if (exchange.tweaks.rotateToken) client.registrationAccessToken = fresh.token
  if (exchange.tweaks.rotateSecret && client.secret !== undefined) renewSecret(exchange, client, fresh.secret)
}

const renewSecret = (exchange: Exchange, client: Client, secret: string): void => {
  const { secretLifetime } = exchange.tweaks
  client.secret = secret
  client.secretExpiresAt = secretLifetime === 0 ? 0 : seconds(exchange) + secretLifetime
}
