/** A registration taken into other clients, by the programs of `examples/onward`, at a real `oidc-provider`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { program as effectHttpMachine } from "../../examples/onward/effect-http-machine.ts"
import { program as oauth4webapiLogin } from "../../examples/onward/oauth4webapi-login.ts"
import { program as oauth4webapiMachine } from "../../examples/onward/oauth4webapi-machine.ts"
import { program as openidClientLogin } from "../../examples/onward/openid-client-login.ts"
import { program as openidClientMachine } from "../../examples/onward/openid-client-machine.ts"
import { runAlone, runHere } from "../support/examples.ts"
import { loginProvider } from "../support/loginProvider.ts"
import type { OidcProvider } from "../support/oidcProvider.ts"

/** How the only client of a server was registered, and what became of the requests to an endpoint. */
const seenBy = (op: OidcProvider, path: string) =>
  Effect.gen(function*() {
    assert.lengthOf(op.created, 1)
    const client = yield* Effect.promise(() => op.provider.Client.find(op.created[0] ?? ""))
    const requests = op.arrived.filter((request) => request.path === path)
    return {
      method: client?.tokenEndpointAuthMethod,
      statuses: requests.map(({ status }) => status()),
      schemes: requests.map(({ headers }) => headers.authorization?.split(" ")[0])
    }
  })

const schemeOf = (method: string) => method === "client_secret_basic" ? "Basic" : undefined

for (
  const [library, login] of [["openid-client", openidClientLogin], ["oauth4webapi", oauth4webapiLogin]] as const
) {
  describe(`${library}: a login`, () => {
    for (const method of ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]) {
      it.live(method, () =>
        Effect.gen(function*() {
          const op = yield* loginProvider()
          const lines = yield* runHere(login, { ISSUER: op.issuer, AUTH_METHOD: method })
          assert.strictEqual(lines.at(-1), "Logged in as a-user")
          assert.deepStrictEqual(yield* seenBy(op, "/token"), {
            method,
            statuses: [200],
            schemes: [schemeOf(method)]
          })
          const { schemes, statuses } = yield* seenBy(op, "/me")
          assert.deepStrictEqual([schemes, statuses], [["Bearer"], [200]])
        }))
    }
  })
}

const machines: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown>]> = [
  ["openid-client", openidClientMachine],
  ["oauth4webapi", oauth4webapiMachine],
  ["Effect's HttpClient", effectHttpMachine]
]

for (const [library, machine] of machines) {
  describe(`${library}: client credentials`, () => {
    const methods = ["client_secret_basic", "client_secret_post"]
    for (const method of machine === effectHttpMachine ? methods : [...methods, "private_key_jwt"]) {
      it.live(method, () =>
        Effect.gen(function*() {
          const op = yield* loginProvider()
          const lines = yield* runHere(machine, { ISSUER: op.issuer, AUTH_METHOD: method })
          assert.match(lines.join(), /^The (Bearer )?token is active, for \d+ seconds$/)
          assert.deepStrictEqual(yield* seenBy(op, "/token"), {
            method,
            statuses: [200],
            schemes: [schemeOf(method)]
          })
          assert.deepStrictEqual((yield* seenBy(op, "/token/introspection")).statuses, [200])
        }))
    }
  })
}

describe("Effect's HttpClient: proofs", () => {
  for (const requireNonce of [false, true]) {
    it.live(requireNonce ? "with the nonces that the server demands" : "without nonces", () =>
      Effect.gen(function*() {
        const op = yield* loginProvider({ requireNonce })
        const lines = yield* runHere(effectHttpMachine, { ISSUER: op.issuer, DPOP: "true" })
        assert.match(lines.join(), /^The DPoP token is active, for \d+ seconds$/)
        // The registration has shown the signer no nonce: this server asks for none there.
        assert.deepStrictEqual((yield* seenBy(op, "/token")).statuses, requireNonce ? [400, 200] : [200])
      }))
  }
})

describe("as a person starts them", () => {
  for (const name of ["openid-client-login", "oauth4webapi-login"]) {
    it.live(name, () =>
      Effect.gen(function*() {
        const op = yield* loginProvider()
        const { code, stderr, stdout } = yield* runAlone(`onward/${name}.ts`, { ISSUER: op.issuer })
        assert.deepStrictEqual([code, stderr], [0, ""])
        assert.match(stdout, /^Log in at \S+\nLogged in as a-user\n$/)
      }))
  }

  for (const name of ["openid-client-machine", "oauth4webapi-machine", "effect-http-machine"]) {
    it.live(name, () =>
      Effect.gen(function*() {
        const op = yield* loginProvider()
        const { code, stderr, stdout } = yield* runAlone(`onward/${name}.ts`, { ISSUER: op.issuer })
        assert.deepStrictEqual([code, stderr], [0, ""])
        assert.match(stdout, /^The (Bearer )?token is active, for \d+ seconds\n$/)
      }))
  }
})
