/**
 * A real authorization server, `oidc-provider`, on loopback and a port of the system's choice: the program of a process of
 * its own. It tells its parent where it listens, and ends with it.
 */
import { generateKeyPairSync, randomUUID } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import Provider from "oidc-provider"

// The parent is gone, however it went.
process.once("disconnect", () => process.exit(0))
// Ctrl-C reaches every process of a terminal. The parent ends this one when it is done with it.
process.on("SIGINT", () => {})

const server = createServer()
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (typeof address !== "object" || address === null) throw new Error("the server does not listen")
  const issuer = `http://127.0.0.1:${address.port}`
  const signingKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" })
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...signingKey, kty: "RSA" }] },
    cookies: { keys: [randomUUID()] },
    scopes: ["openid", "offline_access"],
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      registrationManagement: { enabled: true }
    }
  })
  const handle = provider.callback()
  server.on("request", (request, response) => {
    if (!answeredForPages(request, response)) void handle(request, response)
  })
  process.send?.({ issuer })
})

/** Its registration endpoint has no CORS headers of its own, so an operator who wants pages as clients puts them in front. */
const answeredForPages = (request: IncomingMessage, response: ServerResponse): boolean => {
  response.setHeader("access-control-allow-origin", "*")
  response.setHeader("access-control-expose-headers", "dpop-nonce, retry-after, www-authenticate")
  if (request.method !== "OPTIONS") return false
  response.writeHead(204, {
    "access-control-allow-methods": "GET, POST, PUT, DELETE",
    "access-control-allow-headers": "authorization, content-type, dpop"
  }).end()
  return true
}
