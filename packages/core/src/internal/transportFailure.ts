/**
 * The translation of what an `HttpClient` fails with into this SDK's reasons. The question that matters is whether the
 * request can have been processed: what is known not to have left may be sent again, anything else may not.
 *
 * @internal
 */
import type * as HttpClientError from "effect/http/HttpClientError"
import type { Refusal } from "../EndpointPolicy.ts"
import type { Reason } from "../RegistrationError.ts"

/** Where a request goes. */
export interface Place {
  /** Which URL it is: `issuer`, `registration_endpoint`, ... */
  readonly role: string
  /** The URL, fit to be shown. */
  readonly url: string
  /** Whether processing the request twice would matter. */
  readonly effects: boolean
}

/** What the chain of causes says about a failure. */
interface Finding {
  readonly sent: "no" | "unknown"
  readonly message: string
  readonly refusal?: Refusal | undefined
}

/** Codes of Node, undici and OpenSSL for a connection that was never there, so that nothing was sent over it. */
const neverSent: { readonly [code: string]: string } = {
  ENOTFOUND: "host name not found",
  EAI_AGAIN: "the host name cannot be looked up at the moment",
  EAI_FAIL: "the host name cannot be looked up",
  EAI_NODATA: "the host name has no address",
  EAI_NONAME: "host name not found",
  ECONNREFUSED: "connection refused",
  EHOSTUNREACH: "host unreachable",
  EHOSTDOWN: "host down",
  ENETUNREACH: "network unreachable",
  ENETDOWN: "network down",
  EADDRNOTAVAIL: "address not available",
  UND_ERR_CONNECT_TIMEOUT: "no connection within the time limit",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another host name",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "the certificate chain has a self-signed certificate",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the certificate cannot be verified",
  UNABLE_TO_GET_ISSUER_CERT: "the issuer of the certificate is not known",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the issuer of the certificate is not known",
  CERT_HAS_EXPIRED: "the certificate has expired",
  CERT_NOT_YET_VALID: "the certificate is not yet valid",
  CERT_REVOKED: "the certificate is revoked",
  CERT_UNTRUSTED: "the certificate is not trusted",
  HOSTNAME_MISMATCH: "the certificate is for another host name"
}

/** The steps before there is a connection: whatever their code, nothing was sent. */
const beforeConnection: ReadonlyArray<unknown> = ["getaddrinfo", "connect"]

/** These come from a connection that stands, too, when the network goes away under it. */
const alsoLater: ReadonlyArray<string> = ["EHOSTUNREACH", "EHOSTDOWN", "ENETUNREACH", "ENETDOWN"]

/** A reset before TLS is up has the code of any reset, so its words are what tells it. */
const handshakeReset = /before secure TLS connection was established/

/** How deep a chain of causes is followed; a longer one is hostile or broken. */
const maximumDepth = 6

const property = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && name in value ? Reflect.get(value, name) : undefined

const inspectCause = (cause: unknown, depth = 0): Finding | undefined => {
  if (cause === undefined || cause === null || depth > maximumDepth) return undefined
  if (property(cause, "name") === "AddressRefused") {
    const refusal = refusalIn(cause)
    return { sent: "no", message: refusal.message, refusal }
  }
  // A platform of ours found out what happened; what it says may be shown.
  if (property(cause, "name") === "ExplainedFailure") {
    return {
      sent: property(cause, "notSent") === true ? "no" : "unknown",
      message: String(property(cause, "explanation"))
    }
  }
  // Several addresses were tried: a refused one decides, and it was not sent only if that is so for each of them.
  const errors = property(cause, "errors")
  const findings = Array.isArray(errors) ? errors.map((error) => inspectCause(error, depth + 1)) : []
  const refused = findings.find((finding) => finding?.refusal !== undefined)
  if (refused !== undefined) return refused
  if (property(cause, "notSent") === true) {
    const inner = inspectCause(property(cause, "cause"), depth + 1)
    return { ...inner, sent: "no", message: inner?.message ?? codeMessage(cause) }
  }
  const code = property(cause, "code")
  if (typeof code === "string" && isNeverSent(code, property(cause, "syscall"))) {
    return { sent: "no", message: codeMessage(cause) }
  }
  const message = property(cause, "message")
  if (typeof message === "string" && handshakeReset.test(message)) {
    return { sent: "no", message: "the TLS handshake failed" }
  }
  if (findings.length > 0 && findings.every((finding) => finding?.sent === "no")) return findings[0]
  return inspectCause(property(cause, "cause"), depth + 1) ??
    (typeof code === "string" ? { sent: "unknown", message: codeMessage(cause) } : undefined)
}

/** A user's policy gives its own rule. */
const refusalIn = (cause: unknown): Refusal => {
  const refusal = property(cause, "refusal")
  const message = property(refusal, "message")
  return {
    rule: property(refusal, "rule") === "Custom" ? "Custom" : "PrivateAddress",
    message: typeof message === "string" ? message : "the address is refused"
  }
}

const isNeverSent = (code: string, syscall: unknown): boolean =>
  beforeConnection.includes(syscall) ||
  (Object.hasOwn(neverSent, code) && !(alsoLater.includes(code) && typeof syscall === "string"))

/** These come from connections that stand, too: who is on the way can break TLS off after the request was processed. */
const lostConnection: { readonly [code: string]: string } = {
  EPROTO: "TLS failed",
  ERR_SSL_WRONG_VERSION_NUMBER: "TLS failed: the other side does not speak it",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: "TLS failed: no common version",
  ECONNRESET: "the connection was reset",
  EPIPE: "the connection was closed",
  ETIMEDOUT: "the connection timed out",
  UND_ERR_SOCKET: "the connection was closed by the other side",
  UND_ERR_HEADERS_TIMEOUT: "no answer within the time limit",
  UND_ERR_BODY_TIMEOUT: "the answer did not arrive within the time limit",
  UND_ERR_HEADERS_OVERFLOW: "the answer has too many headers",
  HPE_HEADER_OVERFLOW: "the answer has too many headers",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "the answer's length is not the one it says"
}

const codeMessage = (cause: unknown): string => {
  const code = property(cause, "code")
  const known = typeof code === "string" && isNeverSent(code, property(cause, "syscall"))
    ? { ...lostConnection, ...neverSent }
    : lostConnection
  const message = typeof code === "string" && Object.hasOwn(known, code) ? known[code] : undefined
  // A code is a fixed word of the platform; a foreign message may quote addresses, headers or worse.
  return message ??
    (typeof code === "string" && /^[A-Z0-9_]{1,60}$/.test(code)
      ? `the connection failed (${code})`
      : "the connection failed")
}

/** Browsers say this, and nothing more, for a server that is away and for one without CORS headers alike. */
const isBareNetworkFailure = (cause: unknown): boolean =>
  property(cause, "name") === "TypeError" && property(cause, "cause") === undefined &&
  property(cause, "code") === undefined

const corsHint =
  "in a browser this is also how an answer without CORS headers looks: check that the server allows this origin"

/** Whose fault it is, and whether the request may be sent again. */
export const transportReason = (error: HttpClientError.HttpClientError, place: Place): Reason => {
  const { reason } = error
  switch (reason._tag) {
    case "InvalidUrlError":
      return {
        _tag: "EndpointRefused",
        role: place.role,
        url: place.url,
        rule: "InvalidUrl",
        message: "it is not a valid URL"
      }
    case "EncodeError":
      return { _tag: "InvalidOptions", option: "request", message: "the body of the request cannot be encoded" }
    case "TransportError": {
      const cause = reason.cause
      const finding = inspectCause(cause) ?? {
        sent: "unknown",
        message: isBareNetworkFailure(cause) ? `the network request failed; ${corsHint}` : "the connection failed"
      }
      if (finding.refusal !== undefined) {
        return { _tag: "EndpointRefused", role: place.role, url: place.url, ...finding.refusal }
      }
      if (finding.sent === "no") {
        return { _tag: "Transport", sent: false, message: `Nothing was sent: ${finding.message}` }
      }
      return place.effects
        ? {
          _tag: "OutcomeUnknown",
          why: "ConnectionLost",
          message: `Whether the server processed the request is not known: ${finding.message}`
        }
        : { _tag: "Transport", sent: true, message: `No answer: ${finding.message}` }
    }
    default:
      return place.effects
        ? {
          _tag: "OutcomeUnknown",
          why: "ConnectionLost",
          message: "Whether the server processed the request is not known: the HTTP client failed after it was sent"
        }
        : { _tag: "Transport", sent: true, message: "No answer: the HTTP client failed" }
  }
}
