/**
 * Which URLs may be contacted at all.
 *
 * Every URL is judged before it is contacted: the issuer, its well-known URLs, the endpoints that its metadata names,
 * their mTLS aliases, and the management URI of a registration. The default takes https, and plain http on the loopback
 * interface only (RFC 7591 §5, RFC 8252 §7.3), and there no URL that a server elsewhere named.
 *
 * **When to use**
 *
 * A service whose customers name the issuer provides {@link layerPublicOnly}, or its network becomes theirs: an issuer
 * of `https://10.0.0.1` or `https://metadata.internal` would be contacted on their behalf. A service with a known set of
 * issuers is served best by {@link allowHosts}.
 *
 * **Gotchas**
 *
 * A `Registrar` goes by the policy that is set where its layer is built, not by that of the program that asks it: provide the
 * policy to `Registrar.layer`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as publicHost from "./internal/publicHost.ts"
import { isContactableLoopback, parseUrl } from "./internal/url.ts"
import type { ReasonOf } from "./RegistrationError.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * Why a URL or an address is refused.
 *
 * @since 0.1.0
 * @category models
 */
export interface Refusal {
  readonly rule: ReasonOf<"EndpointRefused">["rule"]
  /** One sentence for a person. */
  readonly message: string
}

/**
 * What a judge may consider besides the URL.
 *
 * @since 0.1.0
 * @category models
 */
export interface Circumstances {
  /** Which URL it is: `issuer`, `protected_resource`, `registration_endpoint`, `registration_client_uri`, ... */
  readonly role: string
  /** Whether the caller said `dangerouslyAllowInsecureRequests: true`. */
  readonly allowInsecure: boolean
  /**
   * The issuer, or the protected resource, whose metadata or answer named the URL. Absent when the caller named it: the
   * identifier itself, and a request that is sent without a server.
   */
  readonly issuer?: string | undefined
}

// -----------------------------------------------------------------------------
// errors
// -----------------------------------------------------------------------------

/**
 * What a transport fails with, as the `cause` of its `TransportError`, when {@link EndpointPolicy.judgeAddress} refuses an
 * address that it was about to connect to. Nothing was sent.
 *
 * @since 0.1.0
 * @category errors
 */
export class AddressRefused extends Error {
  override readonly name = "AddressRefused"
  /** Why the address is refused. */
  readonly refusal: Refusal

  constructor(refusal: Refusal, options?: ErrorOptions) {
    super(refusal.message, options)
    this.refusal = refusal
  }
}

// -----------------------------------------------------------------------------
// service
// -----------------------------------------------------------------------------

/**
 * Judges URLs before they are contacted, and, on transports that resolve names themselves, addresses before they are
 * connected to.
 *
 * @since 0.1.0
 * @category references
 */
export interface EndpointPolicy {
  /** The refusal of this URL, or `undefined` when it may be contacted. */
  readonly judgeUrl: (url: URL, circumstances: Circumstances) => Refusal | undefined
  /**
   * The refusal of a resolved IP address (`192.0.2.1`, `2001:db8::1`), or `undefined` when it may be connected to. Absent
   * when addresses do not matter; where it is there, a transport that resolves names itself must ask it at connect time.
   */
  readonly judgeAddress?: ((address: string) => Refusal | undefined) | undefined
}

/**
 * The policy in force. Default: {@link httpsOrLoopback}.
 *
 * @since 0.1.0
 * @category references
 */
export const EndpointPolicy: Context.Reference<EndpointPolicy> = Context.Reference<EndpointPolicy>(
  "@effect-dcr/core/EndpointPolicy",
  { defaultValue: () => httpsOrLoopback }
)

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * https everywhere, plain http on the loopback interface only, unless the caller said
 * `dangerouslyAllowInsecureRequests: true`. The default.
 *
 * **Details**
 *
 * Loopback is `localhost`, `127.0.0.0/8` and `[::1]`; names below `localhost` are not, since a resolver may point them
 * anywhere (RFC 6761 §6.3). A URL that an issuer named passes only if that issuer is on loopback itself: a server elsewhere
 * must not choose what the machine asks of its own services.
 *
 * @since 0.1.0
 * @category constructors
 */
export const httpsOrLoopback: EndpointPolicy = {
  judgeUrl: (url, { allowInsecure, issuer }) => {
    if (url.username !== "" || url.password !== "") {
      return { rule: "UserInformation", message: "a URL with a user name or password is not sent anywhere" }
    }
    if (url.protocol === "https:") return undefined
    if (url.protocol !== "http:") return { rule: "InsecureScheme", message: "only https URLs are contacted" }
    if (allowInsecure) return undefined
    if (!isContactableLoopback(url.hostname)) {
      return { rule: "InsecureScheme", message: "plain http is for loopback addresses only, https is required" }
    }
    return issuer === undefined || isOnLoopback(issuer)
      ? undefined
      : { rule: "InsecureScheme", message: "a server elsewhere named a plain http URL on this machine" }
  }
}

/**
 * https on the public internet only, for services whose customers name the issuer.
 *
 * **Details**
 *
 * Refused are private, loopback, link-local, carrier-grade NAT, multicast, unspecified, documentation, benchmarking and
 * reserved addresses, for IPv4 and IPv6, also inside IPv4-mapped, NAT64, 6to4 and Teredo addresses and in any spelling
 * that the URL standard knows (decimal, octal, hexadecimal, short); host names that are local by their look: a single
 * label, a trailing dot, `localhost`, `*.local`, `*.internal`, `*.home.arpa`, `*.test`, `*.onion`, `*.svc` and their like. Plain http is refused as
 * well, loopback and `dangerouslyAllowInsecureRequests` included: what the operator forbids, a caller cannot allow.
 *
 * **Gotchas**
 *
 * A public name may resolve to a private address. That shows only when the connection is made: `judgeAddress` is for the
 * transport to ask at that moment, on the very address that it connects to. The clients of `@effect-dcr/platform-node` do
 * so; on `fetch`, in a browser or behind a proxy nobody can, and only the URL is judged. The list of local names is of those
 * that are reserved or usual: it does not know what a network calls its own machines (`idp.corp.example`).
 *
 * @see RFC 6890 and the IANA special-purpose address registries
 * @since 0.1.0
 * @category constructors
 */
export const publicOnly: EndpointPolicy = {
  judgeUrl: (url, circumstances) => {
    const refusal = httpsOrLoopback.judgeUrl(url, circumstances)
    if (refusal !== undefined) return refusal
    if (url.protocol !== "https:") return { rule: "InsecureScheme", message: "only https URLs are contacted" }
    return privateAddress(publicHost.judgeHostname(url.hostname))
  },
  judgeAddress: (address) => privateAddress(publicHost.judgeAddress(address))
}

/**
 * A policy with one more rule: what `self` lets pass is put before `rule`, which gives the reason for a refusal, one
 * sentence for a person, or `undefined`.
 *
 * @example
 * ```ts
 * import * as EndpointPolicy from "@effect-dcr/core/EndpointPolicy"
 *
 * const policy = EndpointPolicy.withRule(
 *   EndpointPolicy.publicOnly,
 *   (url) => url.port === "" ? undefined : "only the standard port is contacted"
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const withRule = (
  self: EndpointPolicy,
  rule: (url: URL, circumstances: Circumstances) => string | undefined
): EndpointPolicy => ({
  ...self,
  judgeUrl: (url, circumstances) => {
    const refusal = self.judgeUrl(url, circumstances)
    if (refusal !== undefined) return refusal
    const message = rule(url, circumstances)
    return message === undefined ? undefined : { rule: "Custom", message }
  }
})

/**
 * A policy that, of what `self` lets pass, lets pass these hosts only. A host is written `op.example.com`, or
 * `*.example.com` for every name below `example.com`. Ports do not matter.
 *
 * **Gotchas**
 *
 * A server may keep its registration endpoint on another host than its issuer: list both.
 *
 * @since 0.1.0
 * @category constructors
 */
export const allowHosts = (self: EndpointPolicy, hosts: Iterable<string>): EndpointPolicy => {
  const allowed = Array.from(hosts, (host) => host.toLowerCase())
  return withRule(
    self,
    ({ hostname }) =>
      allowed.some((host) => host.startsWith("*.") ? hostname.endsWith(host.slice(1)) : hostname === host)
        ? undefined
        : "its host is not on the list of allowed hosts"
  )
}

// -----------------------------------------------------------------------------
// layers
// -----------------------------------------------------------------------------

/**
 * Puts a policy in force.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (policy: EndpointPolicy): Layer.Layer<never> => Layer.succeed(EndpointPolicy, policy)

/**
 * Puts {@link publicOnly} in force for whatever it is provided to. For a `Registrar` that is its layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerPublicOnly: Layer.Layer<never> = layer(publicOnly)

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const isOnLoopback = (issuer: string): boolean => {
  const url = parseUrl(issuer)
  return url !== undefined && isContactableLoopback(url.hostname)
}

const privateAddress = (message: string | undefined): Refusal | undefined =>
  message === undefined ? undefined : { rule: "PrivateAddress", message }
