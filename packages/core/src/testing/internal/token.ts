/**
 * The token endpoint, as far as a registration shows there: `client_credentials` with a client secret (RFC 6749 §4.4).
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Dpop from "./dpop.ts"
import { type Answering, type Exchange, type Host, seconds } from "./exchange.ts"
import { fault, json, type Reply, unauthorized } from "./reply.ts"
import type { Client } from "./tenant.ts"

export const token = Effect.fnUntraced(function*(host: Host, exchange: Exchange): Effect.fn.Return<Reply, Reply> {
  const type = exchange.headers["content-type"]?.split(";")[0]?.trim().toLowerCase()
  if (type !== "application/x-www-form-urlencoded") {
    return fault(400, "invalid_request", "the request is not application/x-www-form-urlencoded")
  }
  const form = new URLSearchParams(exchange.body)
  for (const name of form.keys()) {
    if (form.getAll(name).length > 1) return fault(400, "invalid_request", `${name} is there twice`)
  }
  const client = yield* authenticate(exchange, form)
  const grant = form.get("grant_type")
  if (grant === null) return fault(400, "invalid_request", "there is no grant_type")
  if (grant !== "client_credentials") {
    return fault(400, "unsupported_grant_type", "only client_credentials is supported")
  }
  const { grant_types, scope: allowed } = client.metadata
  if (!Array.isArray(grant_types) || !grant_types.includes(grant)) {
    return fault(400, "unauthorized_client", "the client is not registered for client_credentials")
  }
  const scope = form.get("scope") ?? undefined
  const scopes = typeof allowed === "string" ? allowed.split(" ") : undefined
  if (scope !== undefined && scopes !== undefined && scope.split(" ").some((value) => !scopes.includes(value))) {
    return fault(400, "invalid_scope", "the client is not registered for the scope")
  }
  const { headers, thumbprint } = yield* Dpop.prove(host, exchange, {
    required: client.metadata["dpop_bound_access_tokens"] === true,
    token: undefined,
    thumbprint: undefined,
    style: 400
  })
  return json(200, {
    access_token: yield* host.random(32),
    token_type: thumbprint === undefined ? "Bearer" : "DPoP",
    expires_in: 3600,
    ...(scope === undefined ? undefined : { scope })
  }, headers)
})

/** RFC 6749 §2.3.1, §5.2: forgotten clients and expired secrets are `invalid_client` alike. */
const authenticate = (exchange: Exchange, form: URLSearchParams): Answering<Client> => {
  const header = exchange.headers["authorization"]
  const refused = header === undefined
    ? fault(401, "invalid_client", "the client is unknown or its credentials are wrong")
    : unauthorized("Basic", "invalid_client", "the client is unknown or its credentials are wrong")
  const basic = basicCredentials(header)
  if (header !== undefined && basic === undefined) return Effect.fail(refused)
  const body = { id: form.get("client_id"), secret: form.get("client_secret") }
  if (basic !== undefined && body.secret !== null) {
    return Effect.fail(fault(400, "invalid_request", "the client uses two methods of authentication"))
  }
  const { id, secret } = basic ?? body
  const client = id === null ? undefined : exchange.tenant.clients.get(id)
  const method = basic === undefined ? "client_secret_post" : "client_secret_basic"
  return client?.secret === undefined || client.secret !== secret ||
      client.metadata["token_endpoint_auth_method"] !== method ||
      client.isSecretExpired || (client.secretExpiresAt !== 0 && client.secretExpiresAt <= seconds(exchange))
    ? Effect.fail(refused)
    : Effect.succeed(client)
}

/** Both halves are form-encoded before they are joined (RFC 6749 §2.3.1). */
const basicCredentials = (
  header: string | undefined
): { readonly id: string; readonly secret: string } | undefined => {
  const encoded = /^basic +(\S+)$/i.exec(header ?? "")?.[1]
  const decoded = encoded === undefined ? undefined : Base64.decodeString(encoded)
  if (decoded === undefined || Result.isFailure(decoded)) return undefined
  const [id, secret] = decoded.success.split(":")
  return id === undefined || secret === undefined ? undefined : { id: formDecode(id), secret: formDecode(secret) }
}

const formDecode = (text: string): string => new URLSearchParams(`v=${text}`).get("v") ?? ""
