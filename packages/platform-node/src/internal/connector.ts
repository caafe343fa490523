/**
 * Opens the connections: name lookup, the judgement of every address, TCP, TLS.
 *
 * @internal
 */
import { AddressRefused, type EndpointPolicy } from "@effect-dcr/core/EndpointPolicy"
import * as Dns from "node:dns"
import * as Net from "node:net"
import * as Tls from "node:tls"

/** Judges an address before anything is sent to it. */
export type JudgeAddress = NonNullable<EndpointPolicy["judgeAddress"]>

export interface ConnectOptions {
  readonly lookup: Net.LookupFunction | undefined
  /** Milliseconds for name lookup, TCP and TLS together. */
  readonly timeout: number
  readonly tls: Tls.SecureContextOptions & { readonly servername?: string | undefined }
}

export interface Target {
  readonly protocol: string
  /** Host name or IP address, without the brackets of IPv6. */
  readonly hostname: string
  readonly port: number
}

/** The last TLS session with one origin, to be resumed by the next connection. */
export interface Sessions {
  last: Buffer | undefined
}

/** A failure to connect within the time, with the code that undici gives it. */
class ConnectTimeout extends Error {
  override readonly name = "ConnectTimeout"
  readonly code = "UND_ERR_CONNECT_TIMEOUT"
}

/**
 * Connects, and calls back once. The function that comes back gives up at once. TLS is a second step upon TCP, so that the
 * address that is really connected to can be judged before the first byte.
 */
export const connect = (
  target: Target,
  options: ConnectOptions,
  judge: JudgeAddress | undefined,
  sessions: Sessions,
  callback: (...result: [error: null, socket: Net.Socket] | [error: Error, socket: null]) => void
): () => void => {
  const timer = setTimeout(
    () => fail(new ConnectTimeout(`no connection within ${options.timeout} milliseconds`)),
    options.timeout
  )
  let current: Net.Socket | undefined
  let settled = false
  const settle = (): boolean => {
    if (settled) return false
    settled = true
    clearTimeout(timer)
    return true
  }
  const fail = (error: Error): void => {
    if (!settle()) return
    current?.destroy()
    callback(error, null)
  }
  const succeed = (socket: Net.Socket): void => {
    if (!settle()) return
    callback(null, socket)
  }
  // A socket that goes away without an error would otherwise be waited for until the time is up.
  const closed = (): void => fail(Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" }))
  const refused = (address: string): boolean => {
    const error = judge && refusalOf(address, judge)
    if (error === undefined) return false
    fail(error)
    return true
  }

  const isLiteral = Net.isIP(target.hostname) !== 0
  // Nothing looks up a literal address, so nothing else judges it before the connection is made.
  if (isLiteral && refused(target.hostname)) return () => {}

  const tcp = current = Net.connect({
    host: target.hostname,
    port: target.port,
    autoSelectFamily: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    lookup: judgedLookup(options.lookup ?? Dns.lookup, judge)
  })
  tcp.on("error", fail).on("close", closed).once("connect", () => {
    // What the lookup answered was judged; this is what became of it.
    if (judge !== undefined && refused(tcp.remoteAddress ?? "")) return
    if (target.protocol !== "https:") return succeed(tcp)
    try {
      const secure = current = Tls.connect({
        ...options.tls,
        socket: tcp,
        host: target.hostname,
        // an IP address is not allowed as a server name (RFC 6066 §3)
        servername: options.tls.servername ?? (isLiteral ? "" : target.hostname),
        ALPNProtocols: ["http/1.1"],
        session: sessions.last
      })
      secure.on("error", (error: Error) => {
        fail(error)
        // After the handshake nobody else ends a socket whose TLS is broken, and who waits on it would wait for ever.
        secure.destroy(error)
      }).on("close", closed)
        .on("session", (session) => sessions.last = session)
        .once("secureConnect", () => succeed(secure))
    } catch (cause) {
      // a certificate or key that cannot be read
      fail(cause instanceof Error ? cause : new Error("the TLS options cannot be used", { cause }))
    }
  })

  return () => {
    if (settle()) current?.destroy()
  }
}

/** A lookup whose answer is judged: one refused address among several refuses the name. */
const judgedLookup = (lookup: Net.LookupFunction, judge: JudgeAddress | undefined): Net.LookupFunction => {
  if (judge === undefined) return lookup
  return (hostname, options, callback) =>
    lookup(hostname, options, (error, address, family) => {
      if (error === null) {
        for (const candidate of typeof address === "string" ? [{ address }] : address) {
          const refusal = refusalOf(candidate.address, judge)
          if (refusal !== undefined) return callback(refusal, [])
        }
      }
      callback(error, address, family)
    })
}

/** Why nothing is sent to an address. A judge that throws has not allowed it, and must not end the process from a callback. */
const refusalOf = (address: string, judge: JudgeAddress): AddressRefused | undefined => {
  try {
    const refusal = judge(withoutZone(address))
    return refusal === undefined ? undefined : new AddressRefused(refusal)
  } catch (cause) {
    return new AddressRefused({ rule: "Custom", message: "the policy failed to judge an address" }, { cause })
  }
}

/** An address without its IPv6 zone: `fe80::1%eth0`. */
const withoutZone = (address: string): string => {
  const zone = address.indexOf("%")
  return zone === -1 ? address : address.slice(0, zone)
}
