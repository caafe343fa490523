/**
 * What is printed only when `--reveal` asks for it. Every secret that a command meets is remembered while it runs, and taken
 * out of all that it prints, wherever a server may have repeated it.
 *
 * @internal
 */
import { type RegisteredClient, scrub } from "@effect-dcr/core/RegisteredClient"
import * as RegistrationRecord from "@effect-dcr/core/RegistrationRecord"
import { type Entry, type Key, RegistrationStore } from "@effect-dcr/core/RegistrationStore"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

type Secret = Redacted.Redacted<string>

export class Secrets extends Context.Service<Secrets, {
  readonly remember: (secret: Secret) => void
  /** Those of a client, but for what its server published as the identifier. */
  readonly rememberClient: (client: RegisteredClient) => void
  /** A text without all that is remembered. */
  readonly scrub: (text: string) => string
}>()("@effect-dcr/platform-node/bin/Secrets") {}

/** The initial access token that is given without being named. */
export const tokenInEnvironment = Config.option(Config.Redacted("EFFECT_DCR_INITIAL_ACCESS_TOKEN"))

/** What is shorter is no secret, and stands in other texts by chance. */
const minimumLength = 8

export const make: Effect.Effect<Secrets["Service"]> = Effect.gen(function*() {
  const known = new Map<string, Secret>()
  const remember = (secret: Secret): void => {
    const value = Redacted.value(secret)
    if (value.length >= minimumLength) known.set(value, secret)
  }
  Option.map(yield* Effect.orElseSucceed(tokenInEnvironment, () => Option.none<Secret>()), remember)
  return {
    remember,
    rememberClient: (client) => {
      const { client_id } = client.information
      const secrets = [...secretsOf(client), ...capabilitiesIn(client)]
      secrets.filter((secret) => !client_id.includes(Redacted.value(secret))).forEach(remember)
    },
    scrub: (text) => scrub(text, Array.from(known.values()))
  }
})

/** A store that remembers the secrets of all that goes into it and comes out of it. */
export const watched: Layer.Layer<RegistrationStore, never, RegistrationStore | Secrets> = Layer.effect(
  RegistrationStore,
  Effect.gen(function*() {
    const store = yield* RegistrationStore
    const { remember, rememberClient } = yield* Secrets
    const watch = (key: Key, { value }: Pick<Entry, "value">) =>
      Effect.matchEager(RegistrationRecord.decode(value, key), {
        // Whoever needs it will say that it cannot be read.
        onFailure: () => {},
        onSuccess: ({ current, formerToken, previous }) => {
          if (current !== undefined) rememberClient(current)
          if (formerToken !== undefined) remember(formerToken)
          for (const { client } of previous) rememberClient(client)
        }
      })
    return {
      ...store,
      load: (key) =>
        Effect.tap(store.load(key), Option.match({ onNone: () => Effect.void, onSome: (e) => watch(key, e) })),
      save: (lease, value, expected) => Effect.andThen(watch(lease.key, { value }), store.save(lease, value, expected))
    }
  })
)

/** What stands where a secret is. */
export const masked = "<redacted>"

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const secretsOf = ({ information }: RegisteredClient): ReadonlyArray<Secret> =>
  [information.client_secret, information.registration_access_token].filter((secret) => secret !== undefined)

/** What is as long as a token in the query of an address is probably one. */
const capabilitiesIn = ({ information }: RegisteredClient): ReadonlyArray<Secret> => {
  const { registration_client_uri: address } = information
  return address === undefined || !URL.canParse(address)
    ? []
    : Array.from(new URL(address).searchParams.values()).filter(({ length }) => length >= 16).map((value) =>
      Redacted.make(value)
    )
}
