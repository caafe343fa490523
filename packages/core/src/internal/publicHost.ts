/**
 * Which hosts are on the public internet, for `EndpointPolicy.publicOnly`. A module of its own, so that the address
 * parser reaches only the applications that ask for that policy.
 *
 * @internal
 */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"

/**
 * IPv4: what the IANA IPv4 Special-Purpose Address Registry (RFC 6890) does not call globally reachable, multicast, and one
 * address that only looks public. The few globally reachable exceptions inside 192.0.0.0/24 are anycast services of the
 * network itself, no place for an authorization server.
 */
const specialIpv4: ReadonlyArray<readonly [network: string, what: string]> = [
  ["0.0.0.0/8", "this network, RFC 791"],
  ["10.0.0.0/8", "private use, RFC 1918"],
  ["100.64.0.0/10", "carrier-grade NAT, RFC 6598"],
  ["127.0.0.0/8", "loopback, RFC 1122"],
  ["169.254.0.0/16", "link-local, RFC 3927"],
  ["172.16.0.0/12", "private use, RFC 1918"],
  ["192.0.0.0/24", "IETF protocol assignments, RFC 6890"],
  ["192.0.2.0/24", "documentation, RFC 5737"],
  ["192.88.99.0/24", "6to4 relay anycast, RFC 7526"],
  ["192.168.0.0/16", "private use, RFC 1918"],
  ["198.18.0.0/15", "benchmarking, RFC 2544"],
  ["198.51.100.0/24", "documentation, RFC 5737"],
  ["203.0.113.0/24", "documentation, RFC 5737"],
  ["224.0.0.0/4", "multicast, RFC 5771"],
  ["240.0.0.0/4", "reserved or broadcast, RFC 1112 and RFC 919"],
  // The platform agent of Azure, reachable from inside a virtual machine only.
  ["168.63.129.16/32", "a cloud platform's own address"]
]

/** IPv6: everything outside of this is loopback, unspecified, local, multicast, IPv4 in disguise, or not allocated. */
const globalUnicast = "2000::/3"

/**
 * IPv6, inside of global unicast: the same registry's rows (IANA IPv6 Special-Purpose Address Registry), with the whole of
 * 2001::/23 (Teredo, benchmarking, ORCHID, DRIP, anycast services), and 6to4, which carries any IPv4 address.
 */
const specialIpv6: ReadonlyArray<readonly [network: string, what: string]> = [
  ["2001::/23", "IETF protocol assignments and Teredo, RFC 2928 and RFC 4380"],
  ["2001:db8::/32", "documentation, RFC 3849"],
  ["2002::/16", "6to4, RFC 3056"],
  ["3fff::/20", "documentation, RFC 9637"]
]

/** NAT64 (RFC 6052 §2.1): how the public IPv4 internet looks from a network that has IPv6 only. */
const nat64 = "64:ff9b::/96"

/**
 * Names that never lead to the public internet: RFC 6761 §6.2 to §6.4, RFC 6762 §3 and appendix G, RFC 7686, RFC 8375, RFC
 * 9476, ICANN's reservation of `internal`, `localdomain`, which is what many machines call themselves, and two that are no
 * domains of the internet but of the service discovery inside a cluster. The names for examples (RFC 6761 §6.5) harm nobody.
 */
const localSuffixes: ReadonlyArray<string> = [
  "localhost",
  "localdomain",
  "local",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "home.arpa",
  "test",
  "invalid",
  "onion",
  "alt",
  "consul",
  "svc"
]

const parseTable = (table: ReadonlyArray<readonly [network: string, what: string]>) =>
  table.map(([network, what]) => ({ network: IpNetwork.fromStringUnsafe(network), what }))

const parseNetworks = () => ({
  ipv4: parseTable(specialIpv4),
  ipv6: parseTable(specialIpv6),
  globalUnicast: IpNetwork.fromStringUnsafe(globalUnicast),
  nat64: IpNetwork.fromStringUnsafe(nat64)
})

let parsed: ReturnType<typeof parseNetworks> | undefined

/** Parsed for the first address: who imports the policies does not wait for a table that only one of them reads. */
const networks = () => parsed ??= parseNetworks()

/** The address itself stays out of the message: what a name resolves to inside a network is nobody else's business. */
const notPublic = (what: string): string =>
  `only hosts on the public internet are contacted, and this one is not (${what})`

const judgeIp = (address: NetAddress.IpAddress): string | undefined => {
  if (NetAddress.isIpv4Address(address)) {
    const special = networks().ipv4.find(({ network }) => IpNetwork.contains(network, address))
    return special === undefined ? undefined : notPublic(special.what)
  }
  const mapped = NetAddress.fromIpv4Mapped(address)
  if (Option.isSome(mapped)) return judgeIp(mapped.value)
  if (IpNetwork.contains(networks().nat64, address)) {
    return judgeIp(NetAddress.ipv4FromBytesUnsafe(Uint8Array.from(NetAddress.ipv6ToOctets(address)).subarray(12)))
  }
  if (!IpNetwork.contains(networks().globalUnicast, address)) {
    return notPublic("loopback, link-local, unique local, multicast or reserved, RFC 4291")
  }
  const special = networks().ipv6.find(({ network }) => IpNetwork.contains(network, address))
  return special === undefined ? undefined : notPublic(special.what)
}

/** Why an IP address, as a resolver gives it, is not public; `undefined` when it is. What is no address is refused. */
export const judgeAddress = (address: string): string | undefined => {
  const ip = NetAddress.ipFromString(address)
  return Result.isSuccess(ip) ? judgeIp(ip.success) : notPublic("it is not an IP address")
}

/**
 * Why the host of an https URL is not public; `undefined` when it is. The URL parser has already turned every other spelling of an IPv4 address (decimal,
 * octal, hexadecimal, short, full-width digits) into four decimal numbers, and names into lower-case ASCII.
 */
export const judgeHostname = (hostname: string): string | undefined => {
  if (hostname.startsWith("[")) return judgeAddress(hostname.slice(1, -1))
  if (/^[\d.]+$/.test(hostname)) return judgeAddress(hostname)
  if (hostname.endsWith(".")) return notPublic("its name ends with a dot")
  if (!hostname.includes(".")) return notPublic("its name has one label only")
  const local = localSuffixes.find((suffix) => hostname.endsWith(`.${suffix}`))
  return local === undefined ? undefined : notPublic(`names below ${local} are local`)
}
