/** What the tests of the browser layers run in pages and workers. */
import {
  AuthorizationServer,
  ClientRegistration,
  DpopSigner,
  Registrar,
  RegistrationStore,
  RetryPolicy
} from "@effect-dcr/core"
import { BrowserDpopSigner, BrowserRegistration, BrowserRegistrationStore } from "@effect-dcr/platform-browser"
import { Duration, Effect, Layer, Option, Redacted, Stream } from "effect"
import { type Program, serve } from "../../browser/programInPage.ts"
import { program } from "../../support/oneProgram.ts"

type Input = Parameters<Program>[0]

const text = (input: Input, name: string): string => {
  const value = input[name]
  if (typeof value !== "string") throw new Error(`${name} is missing`)
  return value
}

const maybe = (input: Input, name: string): string | undefined =>
  input[name] === undefined ? undefined : text(input, name)

const metadata = { redirect_uris: ["https://app.example.com/cb"], client_name: "A page" }

/** The algorithms that the tests use. */
const algorithmIn = (input: Input) => input["algorithm"] === "Ed25519" ? "Ed25519" : "ES256"

const keyOptions = (input: Input): BrowserDpopSigner.KeyOptions => ({
  algorithm: algorithmIn(input),
  name: maybe(input, "name"),
  database: maybe(input, "database")
})

const http = (input: Input) => ({ probe: input["probe"] !== false })

const layerOf = (input: Input) =>
  BrowserRegistration.layerOptions({ http: http(input), dpop: input["dpop"] === true ? keyOptions(input) : undefined })

const tokenOf = (input: Input) =>
  input["token"] === undefined ? {} : { initialAccessToken: Redacted.make(text(input, "token")) }

const register: Program = (input) =>
  Effect.gen(function*() {
    const server = yield* AuthorizationServer.discover(text(input, "issuer"))
    const client = yield* ClientRegistration.register(server, metadata, tokenOf(input))
    const { thumbprint } = yield* DpopSigner.DpopSigner
    return { client: client.information.client_id, thumbprint: Option.getOrUndefined(thumbprint) }
  }).pipe(Effect.provide(layerOf(input)), Effect.provide(RetryPolicy.layerNone))

const storeOf = (input: Input) =>
  (input["encrypted"] === true ? BrowserRegistrationStore.layerEncrypted : BrowserRegistrationStore.layer)({
    database: maybe(input, "database"),
    persistent: input["persistent"] === true
  })

/** The client of a profile: the one that is kept, or a new one. */
const ensure: Program = (input) =>
  Effect.gen(function*() {
    const registrar = yield* Registrar.Registrar
    const client = yield* registrar.ensure({
      server: text(input, "issuer"),
      profile: maybe(input, "profile") ?? "default",
      metadata,
      options: tokenOf(input)
    })
    const secret = client.information.client_secret
    return {
      client: client.information.client_id,
      secret: secret === undefined ? undefined : Redacted.value(secret)
    }
  }).pipe(
    Effect.provide(Registrar.layer().pipe(Layer.provide([storeOf(input), layerOf(input)]))),
    Effect.provide(RetryPolicy.layerNone)
  )

const one: Program = (input) =>
  Effect.provide(
    program(text(input, "issuer")),
    input["proofs"] === true ? BrowserRegistration.layerDpop() : BrowserRegistration.layer
  )

/** A proof, after `rotations` of the key, by a signer that was there before. */
const prove: Program = (input) =>
  Effect.gen(function*() {
    const signer = yield* DpopSigner.DpopSigner
    const before = Option.getOrUndefined(signer.thumbprint)
    if (input["rotate"] === true) yield* BrowserDpopSigner.rotate(keyOptions(input))
    if (input["forget"] === true) yield* BrowserDpopSigner.forget(keyOptions(input))
    const proof = yield* signer.sign({ method: "POST", url: new URL("https://op.example.com/register?a#b") })
    return { before, jwt: Option.getOrThrow(proof).jwt, after: Option.getOrUndefined(signer.thumbprint) }
  }).pipe(Effect.provide(BrowserDpopSigner.layer(keyOptions(input))))

const rotate: Program = (input) => BrowserDpopSigner.rotate(keyOptions(input))

type Store = RegistrationStore.RegistrationStore["Service"]

const withStore = (use: (store: Store, input: Input) => ReturnType<Program>): Program => (input) =>
  RegistrationStore.RegistrationStore.use((store) => use(store, input)).pipe(Effect.provide(storeOf(input)))

const keyOf = (input: Input): RegistrationStore.Key => ({
  issuer: "https://op.example.com",
  profile: maybe(input, "profile") ?? "default"
})

const minute = Duration.minutes(1)

/** Writes an entry under a lease, and gives the lease back. */
const save = withStore((store, input) =>
  Effect.gen(function*() {
    const key = keyOf(input)
    const lease = yield* Effect.map(store.acquire(key, minute), Option.getOrThrow)
    const { version } = Option.getOrElse(yield* store.load(key), () => ({ version: 0 }))
    const size = input["size"]
    const value = typeof size === "number" ? "x".repeat(size) : text(input, "value")
    return yield* Effect.ensuring(store.save(lease, value, version), Effect.ignore(store.release(lease)))
  })
)

const load = withStore((store, input) => Effect.map(store.load(keyOf(input)), Option.getOrNull))

const keys = withStore((store) => Effect.map(Stream.runCollect(store.keys), (keys) => Array.from(keys)))

/** Takes a lease, and never gives it back; the scope stays open for as long as the page does. */
const hold: Program = (input) =>
  Effect.gen(function*() {
    const taken = yield* Effect.callback<boolean>((resume) => {
      Effect.runFork(
        RegistrationStore.RegistrationStore.use((store) =>
          Effect.flatMap(store.acquire(keyOf(input), minute), (lease) => {
            resume(Effect.succeed(Option.isSome(lease)))
            return Effect.never
          })
        ).pipe(Effect.provide(storeOf(input)))
      )
    })
    return taken
  })

/** Whether a lease can be had. */
const isFree = withStore((store, input) =>
  Effect.gen(function*() {
    const lease = yield* store.acquire(keyOf(input), minute)
    if (Option.isSome(lease)) yield* store.release(lease.value)
    return Option.isSome(lease)
  })
)

/** Uses a store, lets the test do something to the database, and uses the same store again. */
const survive = withStore((store, input) =>
  Effect.gen(function*() {
    const key = keyOf(input)
    const write = Effect.gen(function*() {
      const lease = yield* Effect.map(store.acquire(key, minute), Option.getOrThrow)
      const { version } = Option.getOrElse(yield* store.load(key), () => ({ version: 0 }))
      const saved = yield* store.save(lease, "value", version)
      yield* store.release(lease)
      return { saved, token: lease.token }
    })
    const first = yield* write
    const deleted = yield* Effect.callback<string>((resume) => {
      const request = indexedDB.deleteDatabase(text(input, "database"))
      request.addEventListener("success", () => resume(Effect.succeed("deleted")))
      request.addEventListener("error", () => resume(Effect.succeed("error")))
      request.addEventListener("blocked", () => resume(Effect.succeed("blocked")))
    })
    const second = yield* write
    return { first: first.saved, deleted, second: second.saved, tokenGrew: second.token > first.token }
  })
)

const scope = () => ({
  hasWindow: typeof window !== "undefined",
  hasStorage: typeof localStorage !== "undefined",
  isServiceWorker: "clients" in globalThis
})

const where: Program = () => Effect.sync(scope)

serve({ register, ensure, one, prove, rotate, save, load, keys, hold, isFree, survive, where })
