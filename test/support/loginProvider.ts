/** `oidc-provider` with a user who is logged in by asking, and the browser of that user. */
import { Effect, type Scope } from "effect"
import { randomBytes } from "node:crypto"
import type Provider from "oidc-provider"
import { httpServer } from "./nodeServers.ts"
import { type OidcProvider, oidcProvider } from "./oidcProvider.ts"

export interface LoginOptions {
  /** Whether every proof has to have a nonce of the server. Default: `false`. */
  readonly requireNonce?: boolean | undefined
  /** The scopes of the server, and what its users consent to. Default: `openid`. */
  readonly scopes?: ReadonlyArray<string> | undefined
}

/** Starts a server on which everybody is `a-user` and consents. It ends with the scope. */
export const loginProvider = (
  { requireNonce = false, scopes = ["openid"] }: LoginOptions = {}
): Effect.Effect<OidcProvider, never, Scope.Scope> =>
  Effect.gen(function*() {
    // Where the server sends a browser to log in: a page that asks nothing.
    const started: Array<Provider> = []
    const login = yield* httpServer((request, response) => {
      for (const provider of started) {
        provider.interactionFinished(request, response, { login: { accountId: "a-user" }, consent: {} })
          .catch((error: unknown) => response.writeHead(500).end(String(error)))
      }
    })
    const op = yield* oidcProvider({
      scopes: [...scopes],
      features: {
        registrationManagement: { enabled: true },
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => requireNonce }
      },
      findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
      ttl: {
        AccessToken: 60,
        AuthorizationCode: 60,
        ClientCredentials: 60,
        Grant: 60,
        IdToken: 60,
        Interaction: 60,
        Session: 60
      },
      interactions: { url: () => login.origin },
      loadExistingGrant: async (ctx) => {
        const { client, provider, session } = ctx.oidc
        if (client === undefined || session?.accountId === undefined) return undefined
        const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
        grant.addOIDCScope(scopes.join(" "))
        await grant.save()
        return grant
      }
    })
    started.push(op.provider)
    return op
  })

/** Opens a page as a browser does, cookies and redirects included, to the end: the application's own page. */
export const browse = async (start: string): Promise<void> => {
  const cookies = new Map<string, string>()
  let url = new URL(start)
  for (let requests = 0; requests < 10; requests++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
    const response = await fetch(url, { redirect: "manual", headers: { cookie } })
    for (const set of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      cookies.set(name, value)
    }
    const location = response.headers.get("location")
    if (location === null) {
      const text = await response.text()
      if (response.status !== 200) throw new Error(`${url.href}: ${response.status} ${text}`)
      return
    }
    url = new URL(location, url)
  }
  throw new Error(`${start} leads nowhere`)
}
