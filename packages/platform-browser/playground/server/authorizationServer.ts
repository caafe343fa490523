/**
 * The server to play with: `oidc-provider` on loopback, on a port of the system's choice, with the CORS headers that a page
 * of another origin needs. The program of a process of its own: it tells its parent where it listens, and ends with it.
 */
import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto"
import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer } from "node:http"
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
  const handle = makeProvider(issuer).callback()
  server.on("request", (request, response) => {
    if (!answeredForCors(request, response) && !demandsNonce(request, response)) void handle(request, response)
  })
  process.send?.({ issuer })
})

const makeProvider = (issuer: string): Provider => {
  const signingKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" })
  return new Provider(issuer, {
    jwks: { keys: [{ ...signingKey, kty: "RSA" }] },
    cookies: { keys: [randomUUID()] },
    scopes: ["openid", "offline_access", "profile", "email"],
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      registration: { enabled: true },
      registrationManagement: { enabled: true, rotateRegistrationAccessToken: true }
    }
  })
}

// -----------------------------------------------------------------------------
// in front of it
// -----------------------------------------------------------------------------

/** Its registration endpoint has no CORS headers of its own. Without `expose`, a page could read neither of these. */
const answeredForCors = (request: IncomingMessage, response: ServerResponse): boolean => {
  response.setHeader("access-control-allow-origin", "*")
  response.setHeader("access-control-expose-headers", "dpop-nonce, retry-after, www-authenticate")
  if (request.method !== "OPTIONS") return false
  response.writeHead(204, {
    "access-control-allow-methods": "GET, POST, PUT, DELETE",
    "access-control-allow-headers": "authorization, content-type, dpop",
    "access-control-max-age": "600"
  }).end()
  return true
}

const nonce = randomBytes(16).toString("base64url")

/**
 * Its registration endpoint does not look at proofs. This makes the first one come back for a nonce (RFC 9449 §8), so that
 * there is something to see. It verifies nothing.
 */
const demandsNonce = (request: IncomingMessage, response: ServerResponse): boolean => {
  const proof = request.headers["dpop"]
  if (typeof proof !== "string") return false
  response.setHeader("dpop-nonce", nonce)
  const [, claims = ""] = proof.split(".")
  if (Buffer.from(claims, "base64url").toString().includes(nonce)) return false
  response.writeHead(400, { "content-type": "application/json", "cache-control": "no-store" })
  response.end(
    JSON.stringify({ error: "use_dpop_nonce", error_description: "the proof needs the nonce of this server" })
  )
  return true
}
