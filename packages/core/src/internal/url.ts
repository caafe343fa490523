/**
 * URLs as they may be shown: without user information, query and fragment, each of which can hold a secret.
 *
 * @internal
 */

/** An absolute URL, or nothing. */
export const parseUrl = (text: string, base?: URL): URL | undefined => {
  // To ask whether it can be parsed is to parse it twice.
  try {
    return new URL(text, base?.href)
  } catch {
    return undefined
  }
}

/** `url` for an error or a span. What is not a URL is not shown at all. */
export const displayUrl = (url: URL | string, base?: URL): string => {
  const parsed = typeof url === "string" ? parseUrl(url, base) : url
  if (parsed === undefined) return "(not a URL)"
  const { href, origin, pathname } = parsed
  const shown = origin === "null" ? `${parsed.protocol}//${parsed.host}${pathname}` : `${origin}${pathname}`
  // Most often nothing is hidden, and it need not be kept a second time.
  return shown === href ? href : shown
}

/** Whether a host name, as the URL class writes it, is the machine itself (RFC 8252 §7.3). */
export const isLoopbackHost = (hostname: string): boolean =>
  hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" ||
  /^127\.\d+\.\d+\.\d+$/.test(hostname)

/** The same without `*.localhost`, which a resolver may point anywhere (RFC 6761 §6.3): what may be contacted over plain http. */
export const isContactableLoopback = (hostname: string): boolean =>
  isLoopbackHost(hostname) && !hostname.endsWith(".localhost")

/** Whether a redirect URI is one of a native application: http on loopback, or a custom scheme (RFC 8252 §7). */
export const isNativeRedirect = (uri: unknown): boolean => {
  // What begins so can have no other scheme.
  const url = typeof uri === "string" && !/^https:/i.test(uri) ? parseUrl(uri) : undefined
  if (url === undefined) return false
  const { hostname, protocol } = url
  return protocol === "http:" ? isLoopbackHost(hostname) : protocol !== "https:"
}
