/** The transports that the socket tests run on: ours, Effect's own over undici, and fetch. */
import { NodeHttpClient } from "@effect-dcr/platform-node"
import { NodeHttpClient as EffectNodeHttpClient } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import type { LookupFunction } from "node:net"
import * as Undici from "undici"

export interface SocketOptions {
  /** The certificate to trust. Default: Node's own. */
  readonly ca?: string | undefined
  /** How host names are resolved. Default: as Node does it. */
  readonly lookup?: LookupFunction | undefined
}

export interface Transport {
  readonly name: "node" | "undici" | "fetch"
  /** What it is, for a sentence. */
  readonly what: string
  readonly layer: Layer.Layer<HttpClient.HttpClient>
  readonly layerWith: (options: SocketOptions) => Layer.Layer<HttpClient.HttpClient>
}

const connectOptions = ({ ca, lookup }: SocketOptions) => ({
  ...(ca === undefined ? undefined : { ca }),
  ...(lookup === undefined ? undefined : { lookup })
})

/** Node's own fetch over connections with these options, as somebody with a private authority sets it up. */
const layerFetchWith = (options: SocketOptions): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.gen(function*() {
      const agent = yield* Effect.acquireRelease(
        Effect.sync(() => new Undici.Agent({ connect: connectOptions(options) })),
        (agent) => Effect.promise(() => agent.destroy())
      )
      // Node's fetch speaks an older dialect of undici's handlers.
      const dispatcher = new Undici.Dispatcher1Wrapper(agent)
      const fetchWith: typeof globalThis.fetch = (input, init) =>
        globalThis.fetch(input, Object.assign({ ...init }, { dispatcher }))
      return HttpClient.transformResponse(
        yield* HttpClient.HttpClient,
        Effect.provideService(FetchHttpClient.Fetch, fetchWith)
      )
    })
  ).pipe(Layer.provide(FetchHttpClient.layer))

export const nodeTransport: Transport = {
  name: "node",
  what: "this SDK's NodeHttpClient",
  layer: NodeHttpClient.layer,
  layerWith: ({ ca, lookup }) => NodeHttpClient.layerOptions({ lookup, tls: { ca } })
}

export const undiciTransport: Transport = {
  name: "undici",
  what: "Effect's own undici layer",
  layer: EffectNodeHttpClient.layerUndici,
  layerWith: (options) => EffectNodeHttpClient.layerUndiciOptions({ connect: connectOptions(options) })
}

export const fetchTransport: Transport = {
  name: "fetch",
  what: "fetch",
  layer: FetchHttpClient.layer,
  layerWith: layerFetchWith
}

export const transports: ReadonlyArray<Transport> = [nodeTransport, undiciTransport, fetchTransport]

/** A host name that is at these addresses. */
export const lookupAt = (...addresses: ReadonlyArray<string>): LookupFunction => (_hostname, options, callback) => {
  const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
  if (options.all === true) callback(null, found)
  else callback(null, found[0]?.address ?? "", found[0]?.family)
}
