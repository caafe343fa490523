/** Values in which every secret is `Redacted`: what the timeline keeps and the page shows. */
import * as ClientInformation from "@effect-dcr/core/ClientInformation"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

export type Masked =
  | null
  | boolean
  | number
  | string
  | Redacted.Redacted<string>
  | ReadonlyArray<Masked>
  | { readonly [name: string]: Masked }

/** The SDK's own schemas know which members of an answer are secrets. */
const isSecret = (name: string): boolean =>
  Object.entries(ClientInformation.answerMembers).some(([member, schema]) =>
    member === name && Schema.is(schema)(Redacted.make("", { label: name }))
  )

const isRecord = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The secrets in a value of JSON, which servers may repeat in other members. */
const secretsIn = (value: unknown): ReadonlyArray<string> =>
  Array.isArray(value)
    ? value.flatMap(secretsIn)
    : isRecord(value)
    ? Object.entries(value).flatMap(([name, item]) =>
      typeof item === "string" && item !== "" && isSecret(name) ? [item] : secretsIn(item)
    )
    : []

/** Any value of JSON, with its secrets masked wherever they stand. */
export const mask = (value: unknown): Masked => maskAll(value, secretsIn(value), "secret")

const maskAll = (value: unknown, secrets: ReadonlyArray<string>, name: string): Masked => {
  if (Redacted.isRedacted(value)) {
    return Redacted.make(textOf(Redacted.value(value)), { label: value.label ?? "secret" })
  }
  if (Array.isArray(value)) return value.map((item) => maskAll(item, secrets, name))
  if (isRecord(value)) {
    return Object.fromEntries(
      Object.entries(value).filter(([, item]) => item !== undefined).map(([name, item]) => [
        name,
        maskAll(item, secrets, name)
      ])
    )
  }
  if (typeof value === "string") {
    return secrets.some((secret) => value.includes(secret)) ? Redacted.make(value, { label: name }) : value
  }
  return typeof value === "boolean" || typeof value === "number" ? value : null
}

/** A body: JSON with its secrets masked. Of any other text nobody knows what is in it, so all of it is masked. */
export const maskBody = (text: string): Masked | undefined => {
  if (text === "") return undefined
  try {
    return mask(JSON.parse(text))
  } catch {
    return Redacted.make(text, { label: "not JSON" })
  }
}

const textOf = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value)
