/** The client at hand, and what can be done with it. */
import * as ClientConfiguration from "@effect-dcr/core/ClientConfiguration"
import * as ClientMetadata from "@effect-dcr/core/ClientMetadata"
import * as ClientRegistration from "@effect-dcr/core/ClientRegistration"
import type { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import { batch, computed, signal } from "@preact/signals"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Services } from "../runtime.ts"
import { runOperation } from "../runtime.ts"
import { announce } from "./announcer.ts"
import type { Draft } from "./draft.ts"
import { asMetadata, draft, setDraft } from "./draft.ts"
import { forget, keep, refresh } from "./kept.ts"
import { preset } from "./presets.ts"
import { server } from "./server.ts"

// -----------------------------------------------------------------------------
// state
// -----------------------------------------------------------------------------

export type Doing = "register" | "read" | "update" | "rotate" | "remove"

export const client = signal<RegisteredClient | undefined>(undefined)

export const doing = signal<Doing | undefined>(undefined)

/** The last failure, and of what it was one. */
export const failure = signal<{ readonly doing: Doing; readonly error: RegistrationError } | undefined>(undefined)

/** What the last operation came to, in one sentence. */
export const notice = signal<string | undefined>(undefined)

/** Whether the form changes the client at hand, and does not register another. */
export const editing = signal(false)

export const dpop = signal(false)

export const initialAccessToken = signal("")

export const initialAccessTokenType = signal<"Bearer" | "DPoP">("Bearer")

// -----------------------------------------------------------------------------
// operations
// -----------------------------------------------------------------------------

export const register = () => {
  const found = server.value
  const token = initialAccessToken.value.trim()
  return found === undefined ? Promise.resolve() : perform(
    "register",
    "Register",
    ClientRegistration.register(found, asMetadata(draft.value), {
      preset: preset.value,
      ...(token === "" ? undefined : {
        initialAccessToken: Redacted.make(token, { label: "initial access token" }),
        initialAccessTokenType: initialAccessTokenType.value
      })
    }),
    () => "Registered, and kept in this browser."
  )
}

export const read = () =>
  withClient((current) =>
    perform(
      "read",
      "Read",
      ClientConfiguration.read(current),
      (now) => rotationNote(ClientConfiguration.rotationOf(current, now)) ?? "Read. Nothing changed."
    )
  )

export const update = () =>
  withClient((current) =>
    perform("update", "Update", ClientConfiguration.update(current, changes.value), (now) => {
      stopEditing()
      return ["Updated.", rotationNote(ClientConfiguration.rotationOf(current, now))].filter(Boolean).join(" ")
    })
  )

export const rotate = () =>
  withClient((current) =>
    perform(
      "rotate",
      "Rotate",
      Effect.map(ClientConfiguration.rotate(current), (rotation) => rotation.client),
      (now) => rotationNote(ClientConfiguration.rotationOf(current, now)) ?? "The server kept the old credentials."
    )
  )

export const remove = () =>
  withClient(async (current) => {
    await perform("remove", "Delete", Effect.as(ClientConfiguration.remove(current), undefined), () =>
      `Deleted ${current.information.client_id}.`, current)
  })

/** Forgets a client that the server does not know any more. */
export const forgetHere = () =>
  withClient(async (current) => {
    await runOperation("Forget", forget(current), { dpop: false })
    batch(() => {
      client.value = undefined
      failure.value = undefined
      stopEditing()
      notice.value = `Forgot ${current.information.client_id} in this browser.`
    })
    await refresh()
  })

/** Brings back a client that is kept. */
export const show = (one: RegisteredClient | undefined) =>
  batch(() => {
    client.value = one
    failure.value = undefined
    notice.value = undefined
    stopEditing()
  })

// -----------------------------------------------------------------------------
// editing
// -----------------------------------------------------------------------------

/** The members that a client can ask for, out of all that was granted. */
const metadataOf = ({ information }: RegisteredClient) =>
  Object.fromEntries(
    Object.entries(information).filter(([name, value]) =>
      value !== undefined && ClientMetadata.isMember(name.replace(/#.*$/, ""))
    )
  )

/** What was in the form before; it comes back afterwards. */
const before = signal<Draft | undefined>(undefined)

export const edit = () =>
  withClient((current) => {
    if (!editing.value) before.value = draft.value
    setDraft(metadataOf(current))
    editing.value = true
  })

export const stopEditing = () =>
  batch(() => {
    if (editing.value && before.value !== undefined) setDraft(before.value)
    editing.value = false
  })

/** What the form would change. */
export const changes = computed((): ClientConfiguration.Change => {
  const current = client.value
  if (current === undefined) return {}
  const before = metadataOf(current)
  return {
    set: asMetadata(Object.fromEntries(
      Object.entries(draft.value).filter(([name, value]) => !Equal.equals(value, before[name]))
    )),
    remove: Object.keys(before).filter((name) => !Object.hasOwn(draft.value, name))
  }
})

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const withClient = <A>(use: (current: RegisteredClient) => A): A | undefined =>
  client.value === undefined ? undefined : use(client.value)

const perform = async (
  what: Doing,
  title: string,
  program: Effect.Effect<RegisteredClient | undefined, RegistrationError, Services>,
  describe: (now: RegisteredClient) => string,
  removed?: RegisteredClient
): Promise<void> => {
  if (doing.value !== undefined) return
  doing.value = what
  // What is gone at the server is forgotten, everything else is kept before anybody sees it: also what a failure brought.
  const durable = program.pipe(
    Effect.tap((now) => now === undefined ? (removed === undefined ? Effect.void : forget(removed)) : keep(now)),
    Effect.tapError((error) => error.registered === undefined ? Effect.void : keep(error.registered))
  )
  const result = await runOperation(title, durable, { dpop: dpop.value })
  batch(() => {
    doing.value = undefined
    if (Result.isSuccess(result)) {
      const now = result.success
      client.value = now
      failure.value = undefined
      notice.value = describe(now ?? removed ?? never())
      if (now === undefined) stopEditing()
      announce(notice.value)
    } else {
      failure.value = { doing: what, error: result.failure }
      notice.value = undefined
      if (result.failure.registered !== undefined) client.value = result.failure.registered
      announce(`${title} failed`)
    }
  })
  await refresh()
}

const never = (): never => {
  throw new Error("an operation without a client")
}

const rotationNote = (
  { isExpiryNew, isSecretNew, isTokenNew }: ClientConfiguration.Rotation
): string | undefined => {
  const parts = [
    ...(isSecretNew ? ["client secret"] : []),
    ...(isTokenNew ? ["registration access token"] : []),
    ...(isExpiryNew ? ["expiry"] : [])
  ]
  return parts.length === 0 ? undefined : `New ${parts.join(" and ")}: what was there before is void.`
}
