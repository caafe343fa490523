/** The life of a registration, from discovery to removal, with everything noted that there is to see of it. */
import {
  AuthorizationServer,
  ClientConfiguration,
  type ClientMetadata,
  ClientRegistration,
  DpopKey,
  DpopSigner,
  RegisteredClient,
  RegistrationError,
  RetryPolicy
} from "@effect-dcr/core"
import type * as Misbehaviour from "@effect-dcr/core/testing/Misbehaviour"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, type Layer, Redacted } from "effect"
import { HttpClient } from "effect/http"
import { makeClock } from "../core/fuzz/support/wire.ts"
import { echoingClient, type Place, type Spelling } from "./leakEchoes.ts"
import { json, makeWatch, show, showEncoded, type Shown } from "./leakHunt.ts"

// -----------------------------------------------------------------------------
// canaries
// -----------------------------------------------------------------------------

/** With characters that look otherwise once they are encoded. */
export const initialAccessToken = "iat-canary/7f+Qz~9.odd_characters=="

export const issuer = "https://op.example.com"

export const metadata: ClientMetadata.ClientMetadata = {
  redirect_uris: ["https://app.example.com/cb"],
  client_name: "App",
  scope: "openid email"
}

/** A key pair whose private half can be told from what is shown. */
export const key = Effect.gen(function*() {
  const pair = yield* DpopKey.generate({ extractable: true })
  const jwk = yield* Effect.promise(() => crypto.subtle.exportKey("jwk", pair.privateKey))
  const pkcs8 = Buffer.from(yield* Effect.promise(() => crypto.subtle.exportKey("pkcs8", pair.privateKey)))
  const d = jwk.d ?? assert.fail("no private key")
  const secrets = new Map([
    ["the private key (JWK)", d],
    ["the private key (hex)", Buffer.from(d, "base64url").toString("hex")],
    // The scalar stands at 36 to 68; what is before it is the same in every key.
    ["the private key (PKCS#8)", pkcs8.toString("base64").slice(48, 88)]
  ])
  return { pair, secrets }
})

// -----------------------------------------------------------------------------
// one life
// -----------------------------------------------------------------------------

type Services = HttpClient.HttpClient | DpopSigner.DpopSigner

/** What was noted of an operation, and whether by every schema that there is. */
interface Notes {
  readonly shown: Array<Shown>
  readonly complete: boolean
}

/** Runs an operation, logs what came of it, and keeps it in every form. */
export const note = <A>(
  { complete, shown }: Notes,
  name: string,
  operation: Effect.Effect<A, RegistrationError.RegistrationError, Services>
) =>
  operation.pipe(
    Effect.tap((value) => Effect.logInfo(name, value)),
    Effect.tapError((error) => Effect.logWarning(error)),
    Effect.tapCause((cause) => Effect.logError(name, cause)),
    Effect.exit,
    Effect.tap((exit) =>
      Effect.sync(() => {
        const value: unknown = Exit.isSuccess(exit) ? exit.value : exit.cause.reasons.find(Cause.isFailReason)?.error
        if (Exit.isFailure(exit)) {
          assert.instanceOf(value, RegistrationError.RegistrationError, Cause.pretty(exit.cause))
          shown.push(...show(`the error of ${name}`, value), ...showEncoded(`the error of ${name}`, value, complete))
        } else {
          shown.push(...show(`the value of ${name}`, value))
        }
        const client = value instanceof RegistrationError.RegistrationError ? value.registered : value
        if (!(client instanceof RegisteredClient.RegisteredClient)) return
        shown.push(
          ...show(`the information of ${name}`, client.information),
          ...show(`the differences of ${name}`, client.differences),
          ...showEncoded(`the client of ${name}`, client, complete),
          ...showEncoded(`the information of ${name}`, client.information, complete)
        )
      })
    )
  )

const clientOf = (
  exit: Exit.Exit<RegisteredClient.RegisteredClient, RegistrationError.RegistrationError>
): RegisteredClient.RegisteredClient | undefined => {
  if (Exit.isSuccess(exit)) return exit.value
  const error = exit.cause.reasons.find(Cause.isFailReason)?.error
  return error?.registered
}

/** Every operation, on a client that was there before and on what registering gives. */
const life = (notes: Notes, before: RegisteredClient.RegisteredClient, after: Effect.Effect<void>) =>
  Effect.gen(function*() {
    const noted = <A>(name: string, operation: Effect.Effect<A, RegistrationError.RegistrationError, Services>) =>
      Effect.tap(note(notes, name, operation), () => after)
    const options = { initialAccessToken: Redacted.make(initialAccessToken) }
    const found = yield* noted("discover", AuthorizationServer.discover(issuer))
    const server = Exit.isSuccess(found) ? found.value : { issuer, registration_endpoint: `${issuer}/register` }
    const request = yield* noted("request", ClientRegistration.request(server, metadata, options))
    if (Exit.isSuccess(request)) {
      const response = yield* noted("send", ClientRegistration.send(request.value))
      if (Exit.isSuccess(response)) {
        yield* noted("process", ClientRegistration.process(server, metadata, response.value))
      }
    }
    yield* noted(
      "register strictly",
      ClientRegistration.register(server, metadata, { ...options, deviations: "fail" })
    )
    const registered = yield* noted("register", ClientRegistration.register(server, metadata, options))
    let client = clientOf(registered) ?? before
    const change = { set: { client_name: "Renamed" }, sendSecret: true }
    client = clientOf(yield* noted("read", ClientConfiguration.read(client))) ?? client
    client = clientOf(yield* noted("update", ClientConfiguration.update(client, change))) ?? client
    client = clientOf(yield* noted("replace", ClientConfiguration.replace(client, change))) ?? client
    const rotation = yield* noted("rotate", ClientConfiguration.rotate(client))
    if (Exit.isSuccess(rotation)) client = rotation.value.client
    yield* noted("remove", ClientConfiguration.remove(client))
    yield* noted("read what is gone", ClientConfiguration.read(before))
  })

/** These end by the deadline only. */
const endless: ReadonlyArray<string> = [
  "never-answers-before-processing",
  "never-answers-after-processing",
  "drip",
  "stalled",
  "never-ends"
]

/** One life at the test server, with one misbehaviour from the second client on. */
export const liveWith = (
  id: Misbehaviour.MisbehaviourId | undefined,
  pair: DpopKey.DpopKey | undefined,
  complete: boolean
) =>
  Effect.gen(function*() {
    const server = yield* TestAuthorizationServer.TestAuthorizationServer
    const issued = new Map<string, string>()
    // What the server issues is looked at after every operation, because some of it is void soon after.
    const learn = Effect.map(server.clients, (clients) => {
      for (const { registrationAccessToken, secret } of clients) {
        for (const redacted of [secret, registrationAccessToken]) {
          const value = redacted === undefined ? undefined : Redacted.value(redacted)
          if (value === undefined || [...issued.values()].includes(value)) continue
          issued.set(`${redacted?.label} ${issued.size}`, value)
        }
      }
    })
    const shown: Array<Shown> = []
    const watch = makeWatch()
    yield* Effect.gen(function*() {
      const first = yield* ClientRegistration.register(server.metadata(issuer), metadata, {
        initialAccessToken: Redacted.make(initialAccessToken)
      })
      yield* learn
      if (id !== undefined) yield* server.misbehave(id)
      const deadline = id !== undefined && endless.includes(id) ? 40 : undefined
      yield* life({ shown, complete }, first, learn).pipe(Effect.provideService(Clock.Clock, makeClock(deadline)))
    }).pipe(
      Effect.provide(watch.layer),
      Effect.provide(pair === undefined ? DpopSigner.layerNone : DpopSigner.layerKeyPair(pair)),
      Effect.provideService(Clock.Clock, makeClock(undefined))
    )
    const sent = (yield* server.requests).map(({ body, headers }) => json([body, { ...headers }]))
    return { shown: [...shown, ...watch.shown()], issued, sent }
  }).pipe(
    Effect.provide(TestAuthorizationServer.layerHttpClient({
      initialAccessTokens: [{ value: Redacted.make(initialAccessToken) }],
      rotateToken: "read-and-update",
      rotateSecret: "read-and-update",
      unknownMembers: "keep"
    }))
  )

/** What a server knows of a registration before it repeats it. */
export const current = {
  client_secret: "cs-canary/%+& \"<>'9f",
  registration_access_token: "rat-canary%2F+x/9_=="
} as const

/** The registration that holds it. */
export const currentClient = (managementUri = `${issuer}/register/c1`): RegisteredClient.RegisteredClient =>
  new RegisteredClient.RegisteredClient({
    issuer,
    requested: metadata,
    filledIn: [],
    warnings: [],
    extensions: {},
    deviations: [],
    information: {
      client_id: "c1",
      client_secret: Redacted.make(current.client_secret, { label: "client_secret" }),
      registration_access_token: Redacted.make(current.registration_access_token, { label: "token" }),
      registration_client_uri: managementUri
    }
  })

/** The operations that send credentials, over any client. */
export const liveOver = (
  http: HttpClient.HttpClient,
  options: {
    readonly complete?: boolean
    /** Whether every header becomes an attribute of a span. Default: `true`. */
    readonly withHeaders?: boolean
    /** Default: none. */
    readonly signer?: Layer.Layer<DpopSigner.DpopSigner, RegistrationError.RegistrationError>
  } = {}
): Effect.Effect<ReadonlyArray<Shown>, RegistrationError.RegistrationError> =>
  Effect.gen(function*() {
    const shown: Array<Shown> = []
    const notes = { shown, complete: options.complete === true }
    const watch = makeWatch(options.withHeaders)
    const server = { issuer, registration_endpoint: `${issuer}/register` }
    const client = currentClient()
    yield* Effect.gen(function*() {
      const request = yield* ClientRegistration.request(server, metadata, {
        initialAccessToken: Redacted.make(initialAccessToken)
      })
      const response = yield* note(notes, "send", ClientRegistration.send(request))
      if (Exit.isSuccess(response)) {
        yield* note(notes, "process", ClientRegistration.process(server, metadata, response.value))
      }
      yield* note(notes, "replace", ClientConfiguration.replace(client, { sendSecret: true }))
      yield* note(notes, "remove", ClientConfiguration.remove(client))
    }).pipe(
      Effect.provide(watch.layer),
      Effect.provideService(HttpClient.HttpClient, http),
      Effect.provide(options.signer ?? DpopSigner.layerNone),
      Effect.provideService(RetryPolicy.RetryPolicy, RetryPolicy.none)
    )
    return [...shown, ...watch.shown()]
  })

/** The same at a server that repeats what it is told. */
export const liveWithEcho = (
  status: number,
  place: Place,
  spelling: Spelling,
  complete: boolean,
  signer?: Layer.Layer<DpopSigner.DpopSigner, RegistrationError.RegistrationError>
) =>
  Effect.gen(function*() {
    const told = new Set<string>()
    const shown = yield* liveOver(echoingClient(status, place, spelling, told), {
      complete,
      // Who puts every header of any server into spans gets what servers put there.
      withHeaders: place !== "any header",
      ...(signer === undefined ? undefined : { signer })
    })
    return { shown, told }
  })
