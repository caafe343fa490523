/** The life of a registration at `oidc-provider`: managed (RFC 7592) with rotation, on every transport, and by a registrar. */
import {
  AuthorizationServer,
  ClientConfiguration,
  ClientMetadata,
  ClientRegistration,
  DpopSigner,
  type RegisteredClient,
  Registrar,
  RegistrationStore
} from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
import { NodeHttpClient as EffectNodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import type { Adapter, Configuration } from "oidc-provider"
import { failsWith } from "../support/failure.ts"
import { type OidcProvider, oidcProvider } from "../support/oidcProvider.ts"
import { unchecked } from "../support/unchecked.ts"

const redirect_uris = ["https://app.example.com/cb"]

const managed: Configuration = {
  extraClientMetadata: { properties: ["vendor_tier"] },
  features: {
    clientCredentials: { enabled: true },
    registration: { enabled: true },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true }
  },
  ttl: { ClientCredentials: 60 }
}

const credentials = ({ information }: RegisteredClient.RegisteredClient) => ({
  secret: information.client_secret === undefined ? "" : Redacted.value(information.client_secret),
  token: information.registration_access_token === undefined
    ? ""
    : Redacted.value(information.registration_access_token)
})

/** The program. It knows neither transport nor signer nor clock. */
const program = (issuer: string) =>
  Effect.gen(function*() {
    const server = yield* AuthorizationServer.discover(issuer)
    const registered = yield* ClientRegistration.register(
      server,
      ClientMetadata.withExtensions({ redirect_uris, client_name: "Managed" }, { vendor_tier: "gold" })
    )
    const read = yield* ClientConfiguration.read(registered)
    const updated = yield* ClientConfiguration.update(read, {
      set: { client_name: "Renamed", client_uri: "https://app.example.com" }
    })
    const without = yield* ClientConfiguration.update(updated, { remove: ["client_uri"] })
    const rotation = yield* ClientConfiguration.rotate(without)
    const stale = yield* ClientConfiguration.read(without).pipe(failsWith("Unauthorized"))
    yield* ClientConfiguration.remove(rotation.client)
    const gone = yield* ClientConfiguration.read(rotation.client).pipe(failsWith("Unauthorized"))
    return { registered, read, updated, without, rotation, stale, gone }
  })

const environments: { readonly [name: string]: Layer.Layer<HttpClient.HttpClient | DpopSigner.DpopSigner, unknown> } = {
  "the layer of this SDK": NodeRegistration.layer,
  "the layer of this SDK with proofs": NodeRegistration.layerDpop(),
  "undici of Effect": Layer.merge(EffectNodeHttpClient.layerUndici, DpopSigner.layerNone),
  "fetch with proofs": Layer.merge(FetchHttpClient.layer, DpopSigner.layer())
}

describe("oidc-provider: management with rotation", () => {
  for (const [name, layer] of Object.entries(environments)) {
    it.live(name, () =>
      Effect.gen(function*() {
        const op = yield* oidcProvider(managed)
        const { gone, read, registered, rotation, stale, updated, without } = yield* program(op.issuer).pipe(
          Effect.provide(layer)
        )
        const clientId = registered.information.client_id
        assert.deepStrictEqual(op.created, [clientId])
        assert.strictEqual(
          registered.information.registration_client_uri,
          `${op.issuer}/reg/${encodeURIComponent(clientId)}`
        )
        for (const state of [registered, read, updated, without, rotation.client]) {
          assert.strictEqual(state.information.client_id, clientId)
          assert.strictEqual(credentials(state).secret, credentials(registered).secret)
          assert.deepStrictEqual(state.deviations, [])
          // The vendor's member lives through every update.
          assert.deepStrictEqual(state.extensions, { vendor_tier: "gold" })
        }
        assert.deepStrictEqual(
          [read, updated, without].map(({ information }) => [information.client_name, information.client_uri]),
          [["Managed", undefined], ["Renamed", "https://app.example.com"], ["Renamed", undefined]]
        )
        // This server rotates the token with each update, and not with a read.
        assert.strictEqual(credentials(read).token, credentials(registered).token)
        assert.strictEqual(
          new Set([read, updated, without, rotation.client].map((each) => credentials(each).token)).size,
          4
        )
        assert.deepStrictEqual(
          [rotation.isSecretNew, rotation.isExpiryNew, rotation.isTokenNew],
          [false, false, true]
        )
        assert.strictEqual(stale.reason.status, 401)
        assert.strictEqual(gone.reason.status, 401)
        assert.deepStrictEqual(
          op.arrived.filter(({ path }) => path.startsWith("/reg")).map(({ method, status }) => `${method} ${status()}`),
          [
            "POST 201",
            "GET 200",
            "GET 200",
            "PUT 200",
            "GET 200",
            "PUT 200",
            "GET 200",
            "PUT 200",
            "GET 401",
            "DELETE 204",
            "GET 401"
          ]
        )
        assert.isTrue(
          op.arrived.every(({ headers, path }) => path.startsWith("/reg/") || headers.authorization === undefined)
        )
        assert.isUndefined(yield* Effect.promise(() => op.provider.Client.find(clientId)))
      }))
  }
})

describe("oidc-provider: a registrar", () => {
  const on = Effect.provide(
    Registrar.layer().pipe(
      Layer.provideMerge(NodeRegistration.layer),
      Layer.provide(RegistrationStore.layerMemory)
    )
  )

  const machine = (op: OidcProvider): Registrar.Wanted => ({
    server: op.issuer,
    profile: "tenant-1",
    metadata: { grant_types: ["client_credentials"], client_name: "Machine" }
  })

  /** Asks the token endpoint: 200, or the error that it answers. */
  const tokenFor = Effect.fnUntraced(function*(op: OidcProvider, client: RegisteredClient.RegisteredClient) {
    const http = yield* HttpClient.HttpClient
    const answer = yield* http.execute(
      HttpClientRequest.post(`${op.issuer}/token`).pipe(
        HttpClientRequest.basicAuth(client.information.client_id, credentials(client).secret),
        HttpClientRequest.bodyUrlParams({ grant_type: "client_credentials" })
      )
    )
    const body = yield* answer.text
    return answer.status === 200 ? "token" : body.includes("invalid_client") ? "invalid_client" : body
  })

  /** Takes the client out of what the server keeps, as a database that was set up anew. */
  const forget = (op: OidcProvider, clientId: string) => {
    const { adapter } = unchecked<{ readonly adapter: Adapter }>(op.provider.Client)
    return Effect.promise(async () => adapter.destroy(clientId))
  }

  const registrations = (op: OidcProvider) =>
    op.arrived.filter(({ path }) => path.startsWith("/reg")).map(({ method, status }) => `${method} ${status()}`)

  it.live("gives 200 fibers one client, changes it, removes it", () =>
    Effect.gen(function*() {
      const op = yield* oidcProvider(managed)
      const wanted = machine(op)
      const registrar = yield* Registrar.Registrar
      const clients = yield* Effect.forEach(Array.from({ length: 200 }), () => registrar.ensure(wanted), {
        concurrency: "unbounded"
      })
      assert.strictEqual(new Set(clients.map(({ information }) => information.client_id)).size, 1)
      assert.deepStrictEqual(registrations(op), ["POST 201"])
      const renamed = { ...wanted, metadata: { ...wanted.metadata, client_name: "Renamed" } }
      const [changed, other] = yield* Effect.all([
        registrar.ensure(renamed),
        registrar.ensure({ ...wanted, profile: "tenant-2" })
      ], { concurrency: "unbounded" })
      assert.strictEqual(changed.information.client_id, clients[0]?.information.client_id)
      assert.strictEqual(changed.information.client_name, "Renamed")
      assert.notStrictEqual(other.information.client_id, changed.information.client_id)
      assert.lengthOf(op.created, 2)
      assert.strictEqual(yield* tokenFor(op, changed), "token")
      yield* registrar.remove({ issuer: op.issuer, profile: "tenant-1" })
      assert.strictEqual(yield* tokenFor(op, changed), "invalid_client")
      assert.strictEqual(yield* tokenFor(op, other), "token")
    }).pipe(on))

  it.live("recovers once from a server that forgot the client, whoever finds out and when", () =>
    Effect.gen(function*() {
      const op = yield* oidcProvider(managed)
      const wanted = machine(op)
      const registrar = yield* Registrar.Registrar
      const first = yield* registrar.ensure(wanted)
      assert.strictEqual(yield* tokenFor(op, first), "token")
      yield* forget(op, first.information.client_id)

      const work = Effect.gen(function*() {
        if ((yield* tokenFor(op, first)) === "token") return assert.fail("the server did not forget it")
        const { client_id: clientId } = first.information
        yield* registrar.invalidate({ issuer: op.issuer, profile: "tenant-1", clientId, reason: "invalid_client" })
        const client = yield* registrar.ensure(wanted)
        return { clientId: client.information.client_id, outcome: yield* tokenFor(op, client) }
      })
      const fifty = Effect.forEach(Array.from({ length: 50 }), () => work, { concurrency: "unbounded" })
      const results = [...(yield* fifty), ...(yield* fifty)]
      assert.deepStrictEqual(new Set(results.map(({ outcome }) => outcome)), new Set(["token"]))
      assert.deepStrictEqual(op.created, [first.information.client_id, results[0]?.clientId ?? ""])
      assert.strictEqual(new Set(results.map(({ clientId }) => clientId)).size, 1)
    }).pipe(on))
})
