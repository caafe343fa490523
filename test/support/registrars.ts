/** Registrars in a test: on a server in memory and a store that the test can look into, stop and break. */
import {
  type ClientMetadata,
  Registrar,
  RegistrationError,
  RegistrationRecord,
  RegistrationStore
} from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { type Duration, Effect, Fiber, Option, Redacted, Stream } from "effect"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { unchecked } from "./unchecked.ts"

export const issuer = "https://op.example.com"

export const profile = "tenant-1"

export const key: RegistrationStore.Key = { issuer, profile }

export const metadata: ClientMetadata.ClientMetadata = {
  redirect_uris: ["https://app.example.com/cb"],
  client_name: "My app"
}

export const wanted: Registrar.Wanted = { server: issuer, profile, metadata }

type Store = RegistrationStore.RegistrationStore["Service"]

/** A registrar on a store, as one more process would have it; `on` changes how it sees the store. */
export const registrarOn = (store: Store, options?: Registrar.Options, on: Partial<Store> = {}) =>
  Effect.provideService(Registrar.make(options), RegistrationStore.RegistrationStore, { ...store, ...on })

/** A registrar on a store in memory, and the events that it tells. */
export const makeWorld = (options?: Registrar.Options) =>
  Effect.gen(function*() {
    const server = yield* TestAuthorizationServer.TestAuthorizationServer
    const store = yield* RegistrationStore.makeMemory
    const registrar = yield* registrarOn(store, options)
    const events: Array<Registrar.RegistrarEvent> = []
    yield* Effect.forkScoped(
      Stream.runForEach(registrar.events, (event) => Effect.sync(() => events.push(event))),
      { startImmediately: true }
    )
    return { server, store, registrar, events }
  })

/** The requests of a server but for those of a discovery: `POST register`, `GET read`, ... */
export const requestsOf = (server: TestAuthorizationServer.TestAuthorizationServer["Service"]) =>
  Effect.map(
    server.requests,
    (requests) => requests.filter(({ operation }) => operation !== "discover").map(({ method }) => method)
  )

/** The record that a store has of a key. */
export const recordOf = (store: Store, of: RegistrationStore.Key = key) =>
  Effect.flatMap(
    store.load(of),
    Option.match({
      onNone: () => Effect.succeed(RegistrationRecord.empty(of)),
      onSome: ({ value }) => RegistrationRecord.decode(value, of)
    })
  )

/** Writes a record as another process would have left it. */
export const leave = (store: Store, record: RegistrationRecord.RegistrationRecord) =>
  Effect.flatMap(RegistrationRecord.encode(record), (text) => leaveText(store, text, record))

export const leaveText = (store: Store, text: string, of: RegistrationStore.Key = key) =>
  RegistrationStore.withLease(
    store,
    { issuer: of.issuer, profile: of.profile },
    { ttl: "1 minute" },
    (lease) =>
      Effect.gen(function*() {
        const entry = yield* store.load(lease.key)
        yield* store.save(lease, text, Option.match(entry, { onNone: () => 0, onSome: ({ version }) => version }))
      })
  )

/** What is kept, in the form in which it is written. */
interface KeptRecord {
  formerToken?: string
  current: { information: Record<string, string> }
}

/** Changes what is kept, as another process could. */
export const patch = (store: Store, change: (kept: KeptRecord) => void) =>
  Effect.gen(function*() {
    const { value } = yield* Effect.flatMap(store.load(key), Effect.fromOption)
    const kept = unchecked<KeptRecord>(JSON.parse(value))
    change(kept)
    yield* leaveText(store, JSON.stringify(kept))
  })

/** Lets time pass until an effect ends, in small steps. */
export const passingTime = <A, E, R>(effect: Effect.Effect<A, E, R>, step: Duration.Input = "1 second") =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    for (let round = 0; round < 1000 && fiber.pollUnsafe() === undefined; round++) yield* TestClock.adjust(step)
    return yield* Fiber.join(fiber)
  })

/** The transport, with a delay before each answer of this method. */
export const delayed = (method: string, delay: Duration.Input) =>
  Effect.updateService(
    HttpClient.HttpClient,
    (client) =>
      HttpClient.transform(client, (effect, request) =>
        request.method === method ? Effect.tap(effect, () => Effect.sleep(delay)) : effect)
  )

export const secretOf = (
  client: { readonly information: { readonly client_secret?: Redacted.Redacted<string> | undefined } }
) => client.information.client_secret === undefined ? undefined : Redacted.value(client.information.client_secret)

/** Whether two secrets are there and the same; an assertion of deep equality takes any two `Redacted` for equal. */
export const isSame = (
  one: Redacted.Redacted<string> | undefined,
  other: Redacted.Redacted<string> | undefined
): boolean => one !== undefined && other !== undefined && Redacted.value(one) === Redacted.value(other)

export const storeFailed = (problem: RegistrationError.ReasonOf<"StoreFailed">["problem"]) =>
  new RegistrationError.RegistrationError({
    reason: { _tag: "StoreFailed", operation: "save", problem, message: `The store failed: ${problem}` }
  })
