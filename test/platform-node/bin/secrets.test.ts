import { type ClientInformation, RegisteredClient } from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Redacted } from "effect"
import { make } from "../../../packages/platform-node/src/bin/secrets.ts"

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
