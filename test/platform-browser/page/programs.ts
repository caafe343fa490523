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
    const insecure = { dangerouslyAllowInsecureRequests: input["insecure"] === true }
    const server = yield* AuthorizationServer.discover(text(input, "issuer"), insecure)
    const client = yield* ClientRegistration.register(server, metadata, { ...tokenOf(input), ...insecure })
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

/** The same program several times at once, in one page. */
const atOnce = (program: Program): Program => (input) =>
  Effect.forEach(
    Array.from({ length: 5 }, (_, index) => String(index)),
    (index) => program(input["profiles"] === true ? { ...input, profile: index } : input),
    { concurrency: "unbounded" }
  )

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

/** Waits until another page of the origin says so. */
const told = Effect.callback<void>((resume) => {
  const channel = new BroadcastChannel("go on")
  channel.addEventListener("message", () => {
    channel.close()
    resume(Effect.void)
  })
})

/** The browser lost a connection, and the page hears of it with its next transaction. */
const loseConnections = () => {
  const { transaction } = Object.getOwnPropertyDescriptors(IDBDatabase.prototype)
  Object.defineProperty(IDBDatabase.prototype, "transaction", {
    configurable: true,
    value: () => {
      Object.defineProperty(IDBDatabase.prototype, "transaction", transaction)
      throw new DOMException("The database connection is closing.", "InvalidStateError")
    }
  })
}

/** Writes, waits for the test to do something to the database, and writes again with the same store. */
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
    if (input["lost"] === true) loseConnections()
    else {
      document.title = "written"
      yield* told
    }
    const second = yield* write
    return { versions: [first.saved, second.saved], tokenGrew: second.token > first.token }
  })
)

const persist: Program = () => BrowserRegistrationStore.persist

// -----------------------------------------------------------------------------
// the database itself, past the store
// -----------------------------------------------------------------------------

const request = <A>(make: () => IDBRequest<A>): Effect.Effect<A> =>
  Effect.callback<A>((resume) => {
    const request = make()
    request.addEventListener("success", () => resume(Effect.succeed(request.result)))
    request.addEventListener("error", () => resume(Effect.die(request.error)))
    request.addEventListener("blocked", () => resume(Effect.die(new Error("blocked"))))
  })

const databaseOf = (input: Input) => maybe(input, "database") ?? "effect-dcr"

const withDatabase = <A>(input: Input, use: (database: IDBDatabase) => Effect.Effect<A>): Effect.Effect<A> =>
  Effect.acquireUseRelease(
    request(() => indexedDB.open(databaseOf(input))),
    use,
    (database) => Effect.sync(() => database.close())
  )

/** All that is in a table. Of a key what a script can find out. */
const dump: Program = (input) =>
  withDatabase(input, (database) =>
    Effect.gen(function*() {
      const table = text(input, "table")
      const values = yield* request(() => database.transaction(table).objectStore(table).getAll())
      return yield* Effect.forEach(values, (value: unknown) => Effect.promise(() => shown(value)))
    }))

const shown = async (value: unknown): Promise<unknown> => {
  if (value instanceof CryptoKey) {
    const exported = await Promise.all(
      (["jwk", "pkcs8", "raw"] as const).map((format) =>
        crypto.subtle.exportKey(format, value).then(() => `${format} exported`, () => "refused")
      )
    )
    return { type: value.type, extractable: value.extractable, exported, json: JSON.stringify(value) }
  }
  if (typeof value !== "object" || value === null) return value
  const members = Object.entries(value)
  return Object.fromEntries(
    await Promise.all(members.map(async ([name, member]) => [name, await shown(member)] as const))
  )
}

const put: Program = (input) =>
  withDatabase(input, (database) =>
    request(() => {
      const table = text(input, "table")
      const key: unknown = input["key"]
      const isKey = (key: unknown): key is Array<string> => Array.isArray(key)
      if (!isKey(key)) throw new Error("key is missing")
      return database.transaction(table, "readwrite").objectStore(table).put(input["row"], key)
    }))

const empty: Program = (input) =>
  withDatabase(input, (database) =>
    request(() => {
      const table = text(input, "table")
      return database.transaction(table, "readwrite").objectStore(table).clear()
    }))

/** Makes the database what a newer version makes of it. */
const upgrade: Program = (input) =>
  Effect.map(request(() => indexedDB.open(databaseOf(input), 99)), (database) => database.close())

const deleteDatabase: Program = (input) => Effect.asVoid(request(() => indexedDB.deleteDatabase(databaseOf(input))))

/** Holds the database open, whoever wants it closed. */
const occupy: Program = (input) => Effect.asVoid(request(() => indexedDB.open(databaseOf(input))))

const goOn: Program = () =>
  Effect.sync(() => {
    const channel = new BroadcastChannel("go on")
    channel.postMessage("go on")
    channel.close()
  })

const scope = () => ({
  hasWindow: typeof window !== "undefined",
  hasStorage: typeof localStorage !== "undefined",
  isServiceWorker: "clients" in globalThis
})

const where: Program = () => Effect.sync(scope)

serve({
  register,
  ensure,
  one,
  prove,
  proveAtOnce: atOnce(prove),
  rotate,
  save,
  saveAtOnce: atOnce(save),
  load,
  keys,
  hold,
  isFree,
  survive,
  persist,
  dump,
  put,
  empty,
  upgrade,
  deleteDatabase,
  occupy,
  goOn,
  where
})
