/**
 * From a URL to the issuer and the operation that it is about.
 *
 * @internal
 */
import type { WellKnown } from "./settings.ts"

/**
 * What a request asks for: `discover` (RFC 8414), `register` (RFC 7591), `read`, `update` and `remove` (RFC 7592), `token`
 * (RFC 6749).
 *
 * @since 0.1.0
 * @category models
 */
export type Operation = "discover" | "register" | "read" | "update" | "remove" | "token"

export interface Place {
  /** The issuer without a slash at its end: endpoints stand below it. */
  readonly base: string
  /** The operations of this URL, by their methods. */
  readonly operations: { readonly [method: string]: Operation }
  readonly wellKnown?: WellKnown | undefined
  readonly clientId?: string | undefined
}

export const paths = { register: "/register", token: "/token", authorize: "/authorize", jwks: "/jwks" } as const

const inserted: ReadonlyArray<readonly [prefix: string, wellKnown: WellKnown]> = [
  ["/.well-known/oauth-authorization-server", "oauth-inserted"],
  ["/.well-known/openid-configuration", "openid-inserted"]
]

const appended = "/.well-known/openid-configuration"

/** Several readings of one URL are possible for the well-known ones: at the root, inserted and appended are the same. */
export const placesOf = (url: URL): ReadonlyArray<Place> => {
  const { origin, pathname } = url
  const discovery = { GET: "discover" } as const
  const places: Array<Place> = []
  for (const [prefix, wellKnown] of inserted) {
    if (pathname === prefix || pathname.startsWith(`${prefix}/`)) {
      places.push({ base: origin + pathname.slice(prefix.length), operations: discovery, wellKnown })
    }
  }
  if (pathname.endsWith(appended)) {
    places.push({
      base: origin + pathname.slice(0, -appended.length),
      operations: discovery,
      wellKnown: "openid-appended"
    })
  }
  if (places.length > 0) return places
  if (pathname.endsWith(paths.token)) {
    return [{ base: origin + pathname.slice(0, -paths.token.length), operations: { POST: "token" } }]
  }
  if (pathname.endsWith(paths.register)) {
    return [{ base: origin + pathname.slice(0, -paths.register.length), operations: { POST: "register" } }]
  }
  const client = /^(.*)\/register\/([^/]+)$/.exec(pathname)
  const clientId = decode(client?.[2])
  return client === null || clientId === undefined
    ? []
    : [{
      base: origin + (client[1] ?? ""),
      operations: { GET: "read", PUT: "update", DELETE: "remove" },
      clientId
    }]
}

const decode = (segment: string | undefined): string | undefined => {
  try {
    return segment === undefined ? undefined : decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/** Where a client is managed (RFC 7592 §3). */
export const clientUri = (base: string, clientId: string): string =>
  `${base}${paths.register}/${encodeURIComponent(clientId)}`
