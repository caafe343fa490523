/**
 * Whether a request has the proof that it needs: the key, the nonce, and that it was not seen before (RFC 9449).
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { type Answering, type Exchange, type Host, seconds } from "./exchange.ts"
import * as Proof from "./proof.ts"
import { fault, type Reply, unauthorized } from "./reply.ts"
import * as Tenant from "./tenant.ts"

export interface Demand {
  /** Whether there has to be a proof. */
  readonly required: boolean
  /** The access token that came along. */
  readonly token: string | undefined
  /** The key that the token is bound to. */
  readonly thumbprint: string | undefined
  /** As what the endpoint refuses: an authorization server (400, RFC 9449 §8) or a resource (401, §9). */
  readonly style: 400 | 401
}

export interface Proven {
  /** The thumbprint of the key; none when there was no proof. */
  readonly thumbprint: string | undefined
  /** Headers for the answer: the next nonce (RFC 9449 §8.2). */
  readonly headers: Reply["headers"]
}

const refuse = (style: 400 | 401, error: string, description: string): Reply =>
  style === 400 ? fault(400, error, description) : unauthorized("DPoP", error, description)

export const prove = Effect.fnUntraced(function*(
  host: Host,
  exchange: Exchange,
  demand: Demand
): Effect.fn.Return<Proven, Reply> {
  const { dpop } = host.settings
  const jwt = exchange.headers["dpop"]
  const refused = (description: string) => Effect.fail(refuse(demand.style, "invalid_dpop_proof", description))
  if (jwt === undefined) {
    if (demand.required || demand.thumbprint !== undefined) return yield* refused("there is no proof")
    return { thumbprint: undefined, headers: {} }
  }
  const now = seconds(exchange)
  const proof = yield* Proof.verify(jwt, {
    method: exchange.method,
    url: exchange.url,
    tokenHash: demand.token === undefined ? undefined : yield* host.sha256(demand.token),
    now,
    window: dpop.window,
    algorithms: dpop.algorithms
  }).pipe(Effect.catch(refused))
  if (demand.thumbprint !== undefined && proof.thumbprint !== demand.thumbprint) {
    return yield* refused("the proof is made with another key than the token is bound to")
  }
  const headers = yield* takeNonce(host, exchange, demand, proof.nonce)
  if (!Tenant.takeProof(exchange.tenant, proof.jti, now, dpop.window)) {
    return yield* refused("the jti of the proof was used before")
  }
  return { thumbprint: proof.thumbprint, headers }
})

const takeNonce = Effect.fnUntraced(function*(
  { random, settings }: Host,
  { tenant }: Exchange,
  { style }: Demand,
  nonce: string | undefined
): Effect.fn.Return<Reply["headers"], Reply> {
  const mode = settings.dpop.nonce
  if (mode === undefined) return {}
  const fresh = yield* random(16)
  const at = nonce === undefined ? -1 : tenant.nonces.indexOf(nonce)
  if (mode === "stable") {
    if (tenant.nonces.length === 0) Tenant.addNonce(tenant, fresh)
  } else {
    if (at >= 0) tenant.nonces.splice(at, 1)
    Tenant.addNonce(tenant, fresh)
  }
  const headers = { "dpop-nonce": tenant.nonces[tenant.nonces.length - 1] ?? fresh }
  if (at >= 0) return mode === "rotating" ? headers : {}
  const demanded = refuse(style, "use_dpop_nonce", "the proof needs the nonce of this server")
  return yield* Effect.fail({ ...demanded, headers: { ...demanded.headers, ...headers } })
})

/** A token of the scheme that it has to have: bound tokens with `DPoP`, the others with `Bearer` (RFC 9449 §7.1). */
export const checkScheme = (
  exchange: Exchange,
  scheme: string,
  thumbprint: string | undefined
): Answering<void> => {
  if (scheme === "dpop" && exchange.tweaks.refusesDpopScheme) {
    return Effect.fail(fault(400, "invalid_request", "the DPoP scheme is not supported here"))
  }
  if (scheme !== "bearer" && scheme !== "dpop") {
    return Effect.fail(unauthorized("Bearer", "invalid_request", "the scheme is neither Bearer nor DPoP"))
  }
  return (scheme === "dpop") === (thumbprint !== undefined)
    ? Effect.void
    : Effect.fail(
      thumbprint === undefined
        ? unauthorized("Bearer", "invalid_token", "the token is a Bearer token")
        : unauthorized("DPoP", "invalid_token", "the token is bound to a key: the scheme is DPoP")
    )
}
