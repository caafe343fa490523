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
import { challenge, empty, fault, json, type Reply, unauthorized, withHeaders } from "./reply.ts"
import type { Client, Tenant } from "./tenant.ts"

export const read = (host: Host, exchange: Exchange): Answering =>
  authorized(
    host,
    exchange,
    Effect.fnUntraced(function*(client) {
      const fresh = yield* freshCredentials(host, exchange)
      yield* stillThere(exchange, client)
      rotate(exchange, client, fresh)
      return answer(host, exchange, client)
    })
  )

/** §2.2: replaces everything. */
export const update = (host: Host, exchange: Exchange): Answering =>
  authorized(
    host,
    exchange,
    Effect.fnUntraced(function*(client) {
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

      yield* stillThere(exchange, client)
      client.metadata = exchange.tweaks.grant(metadata)
      if (!needsSecret(client.metadata["token_endpoint_auth_method"])) {
        client.secret = undefined
        client.secretExpiresAt = 0
      } else if (client.secret === undefined) {
        renewSecret(exchange, client, fresh.secret)
      }
      rotate(exchange, client, fresh)
      return answer(host, exchange, client)
    })
  )

/** §2.3. */
export const remove = (host: Host, exchange: Exchange): Answering =>
  authorized(host, exchange, (client) =>
    Effect.sync(() => {
      exchange.tenant.clients.delete(client.clientId)
      return empty(204, { "cache-control": "no-store", pragma: "no-cache" })
    }))

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const answer = (host: Host, exchange: Exchange, client: Client): Reply => {
  if (exchange.tweaks.forgets) exchange.tenant.clients.delete(client.clientId)
  return json(200, informationOf(host, exchange.tenant, client))
}

const gone = unauthorized("Bearer", "invalid_token", "the token is not one of this client")

/** Runs `use` on the client of the URL, if the request has its token; all its answers get the headers of the proof. */
const authorized = Effect.fnUntraced(function*(
  host: Host,
  exchange: Exchange,
  use: (client: Client) => Answering
): Effect.fn.Return<Reply, Reply> {
  const { tenant } = exchange
  const credentials = credentialsOf(exchange)
  if (credentials === undefined) {
    return fault(401, "invalid_token", "a registration access token is needed", {
      "www-authenticate": challenge("Bearer", { realm: "client" })
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
  const add = withHeaders(headers)
  const client = tenant.clients.get(exchange.clientId)
  if (client?.registrationAccessToken === credentials.token) {
    return yield* use(client).pipe(Effect.mapBoth({ onSuccess: add, onFailure: add }))
  }
  revoke(tenant, credentials.token)
  return add(gone)
})

/** A token that turns up at another client's URI has leaked: it is worth nothing from now on (RFC 7592 §2.1). */
const revoke = (tenant: Tenant, token: string): void => {
  for (const client of tenant.clients.values()) {
    // No request can present a token with a space.
    if (client.registrationAccessToken === token) client.registrationAccessToken = "revoked token"
  }
}

/** Whether the client was not removed, nor its token replaced, while this request waited. */
const stillThere = (exchange: Exchange, client: Client): Answering<void> =>
  exchange.tenant.clients.get(client.clientId) === client &&
    client.registrationAccessToken === credentialsOf(exchange)?.token
    ? Effect.void
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
  client.isSecretExpired = false
  client.secretExpiresAt = secretLifetime === 0 ? 0 : seconds(exchange) + secretLifetime
}
