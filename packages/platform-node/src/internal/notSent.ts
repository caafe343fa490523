/** @internal */

/**
 * The cause of a failure of which it is known that not one byte of the request was written, or that the server broke off the
 * TLS handshake, so that the request cannot have been processed.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotSent extends Error {
  override readonly name = "NotSent"
  /** What tells this failure from one whose outcome is unknown. */
  readonly notSent = true
  /** The code of the failure underneath: `ECONNREFUSED`, `CERT_HAS_EXPIRED`, ... */
  readonly code: string | undefined

  constructor(cause: unknown) {
    super("nothing of the request was sent", { cause })
    this.code = codeOf(cause)
  }
}

/**
 * Alerts with which a server ends a TLS handshake because of the client's certificate. In TLS 1.3 the client has finished its
 * half of the handshake by then and may have written the request; the server reads none of it before it is done with its own.
 */
const handshakeAlerts: ReadonlySet<string> = new Set([
  "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
  "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
  "ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE",
  "ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED",
  "ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REVOKED",
  "ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN",
  "ERR_SSL_SSL/TLS_ALERT_UNSUPPORTED_CERTIFICATE",
  "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE",
  "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE",
  "ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED",
  "ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED",
  "ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN",
  "ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
  "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE"
])

/** Whether the server ended the TLS handshake because of the client's certificate. */
export const isHandshakeAlert = (cause: unknown): boolean => {
  const code = codeOf(cause)
  return code !== undefined && handshakeAlerts.has(code)
}

const codeOf = (cause: unknown): string | undefined =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined
