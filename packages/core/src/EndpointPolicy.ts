/**
 * Which URLs may be contacted at all.
 *
 * Every URL is judged before it is contacted: the issuer, its well-known URLs, the endpoints that its metadata names,
 * their mTLS aliases, and the management URI of a registration. The default takes https, and plain http on the loopback
 * interface only (RFC 7591 §5, RFC 8252 §7.3).
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
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
  /** Which URL it is: `issuer`, `registration_endpoint`, `registration_client_uri`, ... */
  readonly role: string
  /** Whether the caller said `dangerouslyAllowInsecureRequests: true`. */
  readonly allowInsecure: boolean
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

  constructor(refusal: Refusal) {
    super(refusal.message)
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

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" ||
  /^127\.\d+\.\d+\.\d+$/.test(hostname)

/**
 * https everywhere, plain http on loopback only.
 *
 * @since 0.1.0
 * @category constructors
 */
export const httpsOrLoopback: EndpointPolicy = {
  judgeUrl: (url, { allowInsecure }) => {
    if (url.username !== "" || url.password !== "") {
      return { rule: "UserInformation", message: "a URL with a user name or password is not sent anywhere" }
    }
    if (url.protocol === "https:") return undefined
    if (url.protocol !== "http:") return { rule: "InsecureScheme", message: "only https URLs are contacted" }
    return allowInsecure || isLoopback(url.hostname)
      ? undefined
      : { rule: "InsecureScheme", message: "plain http is for loopback addresses only, https is required" }
  }
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
