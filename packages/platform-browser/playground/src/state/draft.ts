/** The metadata that is being written: an object for the form, text for the editor, each kept in step with the other. */
import type { ClientMetadata } from "@effect-dcr/core/ClientMetadata"
import * as MetadataRule from "@effect-dcr/core/MetadataRule"
import type { Violation } from "@effect-dcr/core/Violation"
import { batch, computed, signal } from "@preact/signals"
import { preset } from "./presets.ts"
import { server } from "./server.ts"

/** Whatever somebody types into the editor; the rules say what is wrong with it. */
export type Draft = { readonly [name: string]: unknown }

const first: Draft = {
  client_name: "My first client",
  redirect_uris: ["https://app.example.com/cb"],
  grant_types: ["authorization_code", "refresh_token"]
}

const write = (value: Draft): string => JSON.stringify(value, undefined, 2)

export const draft = signal<Draft>(first)

export const text = signal(write(first))

/** Why the text is no object; the form keeps the last one that was. */
export const syntaxError = signal<string | undefined>(undefined)

/** From the form. */
export const setDraft = (value: Draft) =>
  batch(() => {
    draft.value = value
    text.value = write(value)
    syntaxError.value = undefined
  })

export const setMember = (name: string, value: unknown) => setDraft({ ...draft.value, [name]: value })

export const removeMember = (name: string) => {
  const { [name]: _, ...rest } = draft.value
  setDraft(rest)
}

/** From the editor. */
export const setText = (value: string) =>
  batch(() => {
    text.value = value
    try {
      const parsed: unknown = JSON.parse(value)
      if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
        syntaxError.value = "The metadata is one JSON object"
        return
      }
      draft.value = { ...parsed }
      syntaxError.value = undefined
    } catch (error) {
      syntaxError.value = error instanceof Error ? error.message : "This is not JSON"
    }
  })

/** The wire is open. Values of a wrong type are found by the rules, which look at what is really there. */
const isMetadata = (value: Draft | ClientMetadata): value is ClientMetadata => typeof value === "object"

export const asMetadata = (value: Draft): ClientMetadata => isMetadata(value) ? value : {}

/** What the preset adds to what was said. */
export const filledIn = computed(() => {
  const said = draft.value
  const added = preset.value?.fillIn(asMetadata(said)) ?? {}
  return Object.fromEntries(
    Object.entries(added).filter(([name, value]) => value !== undefined && !Object.hasOwn(said, name))
  )
})

/** Every broken rule, as one types. */
export const violations = computed(() =>
  MetadataRule.validate(asMetadata({ ...filledIn.value, ...draft.value }), {
    server: server.value,
    rules: preset.value?.rules
  })
)

/** The member of a violation without the position inside it. */
export const memberOf = ({ member }: Violation): string => member.replace(/[[.].*$/s, "")

export const errorCount = computed(() => violations.value.filter(({ severity }) => severity === "error").length)

export const warningCount = computed(() => violations.value.length - errorCount.value)
