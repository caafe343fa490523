/** @internal */

/**
 * The cause of a failure of which it is known that not one byte of the request was written, so that the server cannot have
 * processed it.
 *
 * **Gotchas**
 *
 * In TLS 1.3 a server judges the client's certificate after the client has finished its half of the handshake, and may have
 * written the request: a refused client certificate looks like any lost connection there, and is not one of these.
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

const codeOf = (cause: unknown): string | undefined =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined
