/** `oidc-provider`, an authorization server that is not ours, on loopback and a port of the system's choice. */
import { Effect, type Scope } from "effect"
import * as Crypto from "node:crypto"
import type * as Http from "node:http"
import Provider, { type Adapter, type AdapterPayload, type Configuration, type JWK } from "oidc-provider"
import { httpServer } from "./nodeServers.ts"

/** A request as it arrived, and the status that it was answered with (0: not answered). */
export interface Arrived {
  readonly method: string
  readonly path: string
  readonly headers: Http.IncomingHttpHeaders
  readonly status: () => number
}

export interface OidcProvider {
  /** `http://127.0.0.1:port`, as its metadata says it. */
  readonly issuer: string
  readonly provider: Provider
  /** Every request, in the order of arrival. */
  readonly arrived: ReadonlyArray<Arrived>
  /** The identifiers of the clients that were registered, in their order. */
  readonly created: ReadonlyArray<string>
}

/** Starts a server; it ends with the scope. Registration is on, everything else is as the configuration says. */
export const oidcProvider = (
  { features, ...configuration }: Configuration = {}
): Effect.Effect<OidcProvider, never, Scope.Scope> =>
  Effect.gen(function*() {
    let handle: Http.RequestListener = (_, response) => response.writeHead(500).end()
    const arrived: Array<Arrived> = []
    const { origin } = yield* httpServer((request, response) => {
      let status = 0
      response.on("finish", () => {
        status = response.statusCode
      })
      arrived.push({
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        status: () => status
      })
      handle(request, response)
    })
    const provider = new Provider(origin, {
      adapter: memory(),
      jwks: { keys: [signingKey()] },
      cookies: { keys: [Crypto.randomUUID()] },
      ...configuration,
      features: { devInteractions: { enabled: false }, registration: { enabled: true }, ...features }
    })
    const created: Array<string> = []
    provider.on("registration_create.success", (_, client) => created.push(client.clientId))
    // With the first request, so that a test can put middleware of its own before everything else (`provider.use`).
    let callback: ReturnType<Provider["callback"]> | undefined
    handle = (request, response) => {
      callback ??= provider.callback()
      void callback(request, response)
    }
    return { issuer: origin, provider, arrived, created }
  })

let key: JWK | undefined

/** Made once per process: it takes a moment, and no test is about it. */
const signingKey = (): JWK => {
  const make = () => Crypto.generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" })
  return key ??= { ...make(), kty: "RSA" }
}

/** What oidc-provider keeps, one store for each server. Its own store in memory is the same with a warning on stderr. */
const memory = (): (model: string) => Adapter => {
  const kept = new Map<string, AdapterPayload>()
  const find = (matches: (payload: AdapterPayload) => boolean) => Promise.resolve([...kept.values()].find(matches))
  return (model) => {
    const name = (id: string) => `${model}:${id}`
    return {
      upsert: async (id, payload) => void kept.set(name(id), payload),
      find: (id) => Promise.resolve(kept.get(name(id))),
      findByUid: (uid) => find((payload) => payload.uid === uid),
      findByUserCode: (userCode) => find((payload) => payload.userCode === userCode),
      consume: async (id) => {
        const payload = kept.get(name(id))
        if (payload !== undefined) kept.set(name(id), { ...payload, consumed: Math.floor(Date.now() / 1000) })
      },
      destroy: async (id) => void kept.delete(name(id)),
      revokeByGrantId: async (grantId) => {
        for (const [id, payload] of kept) if (payload.grantId === grantId) kept.delete(id)
      }
    }
  }
}
