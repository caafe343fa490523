/** A server that a page may ask, and that answers a registration as a test says. */
import { Effect, type Scope } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { httpServer } from "../../support/nodeServers.ts"

export interface Script {
  /** Whether pages of other origins may read what it answers. Default: yes. */
  readonly cors?: "none" | "discovery"
  /** More members of its metadata; `undefined` takes one away. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Answers what is sent to `/register` and below. */
  readonly register?: (request: IncomingMessage, response: ServerResponse, origin: string) => void
}

export const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
  response.end(JSON.stringify(body))
}

/** Gives its issuer, and the requests that reached `/register` and were no preflights. */
export const scriptedServer = (
  script: Script
): Effect.Effect<{ readonly issuer: string; readonly sent: ReadonlyArray<string> }, never, Scope.Scope> =>
  Effect.gen(function*() {
    const sent: Array<string> = []
    const { origin } = yield* httpServer((request, response) => {
      const isDiscovery = request.url?.startsWith("/.well-known/") === true
      if (script.cors === undefined || (script.cors === "discovery" && isDiscovery)) {
        response.setHeader("access-control-allow-origin", "*")
        response.setHeader("access-control-allow-headers", "authorization, content-type, dpop")
        response.setHeader("access-control-allow-methods", "GET, POST, PUT, DELETE")
        response.setHeader("access-control-expose-headers", "retry-after, www-authenticate")
      }
      if (request.method === "OPTIONS") response.writeHead(204).end()
      else if (isDiscovery) {
        json(response, 200, { issuer: origin, registration_endpoint: `${origin}/register`, ...script.metadata })
      } else {
        sent.push(`${request.method} ${request.url}`)
        if (script.register === undefined) response.writeHead(404).end()
        else script.register(request, response, origin)
      }
    })
    return { issuer: origin, sent }
  })
