/**
 * A real authorization server, `oidc-provider`, on loopback and a port of the system's choice: the program of a process of
 * its own. It tells its parent where it listens, and ends with it.
 */
import { generateKeyPairSync, randomUUID } from "node:crypto"
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
  server.on("request", (request, response) => void handle(request, response))
  process.send?.({ issuer })
})
