/**
 * Where a request goes.
 *
 * @internal
 */

/** Where an http or https request goes, taken apart, so that a transport need not do it again. */
export interface Destination {
  readonly origin: string
  /** The path with the query. */
  readonly path: string
  /** The whole URL. */
  readonly href: string
}

/** Whether a request goes to an endpoint. Its query may say more than that of the endpoint. */
export const isBoundFor = (request: Destination, endpoint: Destination): boolean => {
  if (request.origin !== endpoint.origin) return false
  if (request.path === endpoint.path) return true
  const [path, query] = cut(request.path)
  const [endpointPath, endpointQuery] = cut(endpoint.path)
  const said = new URLSearchParams(query)
  return path === endpointPath &&
    [...new URLSearchParams(endpointQuery)].every(([name, value]) => said.has(name, value))
}

/** A path and its query, which may hold further question marks. */
const cut = (path: string): readonly [path: string, query: string] => {
  const at = path.indexOf("?")
  return at === -1 ? [path, ""] : [path.slice(0, at), path.slice(at + 1)]
}
