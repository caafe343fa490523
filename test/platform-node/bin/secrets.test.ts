import { type ClientInformation, RegisteredClient } from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Redacted } from "effect"
import { make, shownAddress } from "../../../packages/platform-node/src/bin/secrets.ts"

const clientWith = (information: Partial<ClientInformation.ClientInformation>) =>
  new RegisteredClient.RegisteredClient({
    issuer: "https://op.example",
    requested: {},
    filledIn: [],
    warnings: [],
    information: { client_id: "client-1", ...information },
    extensions: {},
    deviations: []
  })

const addressOf = (registration_client_uri: string) =>
  shownAddress(clientWith({
    registration_client_uri,
    client_secret: Redacted.make("s3cret"),
    registration_access_token: Redacted.make("a-token/with+signs=")
  }))

describe("the address at which a client is managed", () => {
  it("is shown as it is where it holds the identifier alone", () => {
    for (const uri of ["https://op.example/reg/client-1", "https://op.example/reg?client_id=client-1"]) {
      assert.strictEqual(addressOf(uri), uri)
    }
    assert.isUndefined(shownAddress(clientWith({})))
  })

  it("is shown without what may be a secret", () => {
    for (
      const [uri, shown] of [
        ["reg/s3cret/x", "reg/<redacted>/x"],
        ["reg/a-token%2Fwith%2Bsigns%3D", "reg/<redacted>"],
        ["reg/a-token/with%2bsigns=", "reg/<redacted>"],
        ["reg/client-1?k=v&client_id=client-1", "reg/client-1?k=<redacted>&client_id=client-1"],
        ["reg/client-1#a", "reg/client-1#<redacted>"]
      ] as const
    ) assert.strictEqual(addressOf(`https://op.example/${uri}`), `https://op.example/${shown}`)
    assert.strictEqual(addressOf("https://user:password@op.example/reg"), "<redacted>")
  })
})

describe("what is remembered", () => {
  it.effect("is taken out of every text, but for the identifier and what is too short to be found", () =>
    Effect.gen(function*() {
      const { remember, rememberClient, scrub } = yield* make
      remember(Redacted.make("an-initial-token"))
      rememberClient(clientWith({
        client_secret: Redacted.make("client-1"),
        registration_access_token: Redacted.make("token"),
        registration_client_uri: "https://op.example/reg?key=0123456789abcdef&page=production"
      }))
      assert.strictEqual(
        scrub("client-1 has a token at ?key=0123456789abcdef, production; an-initial%2Dtoken, YW4taW5pdGlhbC10b2tlbg"),
        "client-1 has a token at ?key=<redacted>, production; <redacted>, <redacted>"
      )
    }))

  it.effect("is what the environment holds, from the beginning", () =>
    Effect.gen(function*() {
      const { scrub } = yield* make
      assert.strictEqual(scrub("it is token-of-the-environment"), "it is <redacted>")
    }).pipe(
      Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromUnknown({ EFFECT_DCR_INITIAL_ACCESS_TOKEN: "token-of-the-environment" })
      )
    ))
})
