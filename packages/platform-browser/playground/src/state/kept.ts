/** The clients that this browser keeps: each under its issuer and its identifier. */
import type { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as RegistrationRecord from "@effect-dcr/core/RegistrationRecord"
import * as RegistrationStore from "@effect-dcr/core/RegistrationStore"
import { signal } from "@preact/signals"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { run } from "../runtime.ts"

export const kept = signal<ReadonlyArray<RegisteredClient>>([])

const keyOf = (client: RegisteredClient): RegistrationStore.Key => ({
  issuer: client.issuer,
  profile: client.information.client_id
})

/** Writes the entry of a key under its lease, so that two tabs do not overwrite each other's. */
const exclusively = <A>(
  key: RegistrationStore.Key,
  use: (
    store: RegistrationStore.RegistrationStore["Service"],
    lease: RegistrationStore.Lease,
    version: number
  ) => Effect.Effect<A, RegistrationError>
) =>
  RegistrationStore.RegistrationStore.use((store) =>
    RegistrationStore.withLease(store, key, { ttl: "10 seconds" }, (lease) =>
      Effect.flatMap(
        store.load(key),
        (entry) => use(store, lease, Option.match(entry, { onNone: () => 0, onSome: ({ version }) => version }))
      ))
  )

/** To be done before anything else is done with a client: a new secret makes the old one void. */
export const keep = (client: RegisteredClient) => {
  const key = keyOf(client)
  return Effect.flatMap(
    RegistrationRecord.encode({ ...RegistrationRecord.empty(key), current: client }),
    (text) => exclusively(key, (store, lease, version) => store.save(lease, text, version))
  )
}

export const forget = (client: RegisteredClient) =>
  exclusively(keyOf(client), (store, lease, version) => store.remove(lease, version))

/** What can be read; an entry of a newer version is left alone. */
const readAll = RegistrationStore.RegistrationStore.use((store) =>
  Stream.runCollect(Stream.mapEffect(store.keys, (key) => Effect.option(readOne(store, key)))).pipe(
    Effect.map((found) => Array.from(found, Option.flatten).flatMap((client) => Option.toArray(client)))
  )
)

const readOne = (store: RegistrationStore.RegistrationStore["Service"], key: RegistrationStore.Key) =>
  Effect.flatMap(store.load(key), (entry) =>
    Option.isNone(entry)
      ? Effect.succeedNone
      : Effect.map(RegistrationRecord.decode(entry.value.value, key), ({ current }) => Option.fromUndefinedOr(current)))

export const refresh = async (): Promise<void> => {
  kept.value = (await run(readAll)).toSorted((a, b) =>
    (b.information.client_id_issued_at ?? 0) - (a.information.client_id_issued_at ?? 0)
  )
}
