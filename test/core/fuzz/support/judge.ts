/** What must hold of every outcome, whatever was put in. */
import { ClientInformation, RegisteredClient, RegistrationError } from "@effect-dcr/core"
import { assert } from "@effect/vitest"
import { Cause, Duration, Exit, Result, Schema } from "effect"
import { inspect } from "node:util"
import { findSecret } from "./secrets.ts"

const deep = { depth: Infinity, maxStringLength: Infinity, maxArrayLength: Infinity, breakLength: Infinity } as const

const codec = Schema.toCodecJson(RegistrationError.RegistrationErrorSchema)
const encode = Schema.encodeUnknownResult(codec)
const decode = Schema.decodeUnknownResult(codec)

const isInformation = Schema.is(ClientInformation.ClientInformation)

export const json = (value: unknown): string => JSON.stringify(value) ?? ""

const holdsNone = (where: string, text: string, secrets: ReadonlyArray<string>) => {
  const found = findSecret(text, secrets)
  assert.isUndefined(found, `${where} holds the secret ${found}`)
}

/** The failure of an exit: anything else than a `RegistrationError` is a fault of ours. */
export const failureOf = (exit: Exit.Failure<unknown, unknown>): RegistrationError.RegistrationError => {
  const [first, ...others] = exit.cause.reasons
  if (first === undefined || others.length > 0 || !Cause.isFailReason(first)) {
    return assert.fail(`a defect: ${Cause.pretty(exit.cause)}`)
  }
  const { error } = first
  return error instanceof RegistrationError.RegistrationError
    ? error
    : assert.fail(`another failure: ${inspect(error)}`)
}

/** One line that can be printed, of a length that can be read. */
export const isPrintable = (text: string): boolean => !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)

/**
 * A failure can be shown, sent on and read again, and shows none of these secrets; the client inside it none of those that
 * were known when it was read.
 */
export const judgeError = (
  error: RegistrationError.RegistrationError,
  secrets: ReadonlyArray<string>,
  secretsBefore = secrets
): void => {
  const { isSafeToRepeat, message, reason, retryAfter } = error
  assert.isTrue(isPrintable(message), `a message of more than a line: ${json(message)}`)
  assert.isNotEmpty(message)
  assert.isBelow(message.length, reason._tag === "InvalidMetadata" || reason._tag === "DiscoveryFailed" ? 8000 : 2000)
  assert.isBoolean(isSafeToRepeat)
  if (retryAfter !== undefined) assert.isTrue(Number.isFinite(Duration.toMillis(retryAfter)))
  if (error.registered !== undefined) judgeClient(error.registered, secretsBefore)

  const encoded = encode(error)
  if (Result.isFailure(encoded)) return assert.fail(`cannot be encoded: ${encoded.failure.message}`)
  const wire = json(encoded.success)
  const decoded = decode(JSON.parse(wire))
  if (Result.isFailure(decoded)) return assert.fail(`cannot be decoded: ${decoded.failure.message} of ${wire}`)
  assert.strictEqual(decoded.success.message, message)
  assert.strictEqual(decoded.success.clientId, error.clientId)

  holdsNone("the message", message, secrets)
  holdsNone("String", String(error), secrets)
  holdsNone("the encoded form", wire, secrets)
  holdsNone("JSON", json(error), secrets)
  holdsNone("inspect", inspect(error, deep), secrets)
  holdsNone("Cause.pretty", Cause.pretty(Cause.fail(error)), secrets)
}

/** Whether a value is nested no deeper than this. Goes no deeper itself. */
export const isWithin = (value: unknown, depth: number): boolean =>
  depth >= 0 &&
  (typeof value !== "object" || value === null || Object.values(value).every((inner) => isWithin(inner, depth - 1)))

/** How deep an answer may be nested. */
export const maximumDepth = 64

/** What is granted is what its types say. */
const judgeInformation = ({ extensions, information }: RegisteredClient.RegisteredClient): void => {
  assert.isTrue(isInformation(information), `not what the types say: ${inspect(information)}`)
  for (const [name, value] of [...Object.entries(information), ...Object.entries(extensions)]) {
    assert.isTrue(isWithin(value, maximumDepth - 1), `${json(name)} is too deep`)
    // An update would send it back as null, which asks for its deletion.
    assert.isFalse(isInfinite(value), `${json(name)} has a number that JSON cannot say`)
  }
  for (const [name, value] of Object.entries(information)) {
    assert.isFalse(value === null || value === "", `${json(name)} is empty`)
  }
}

/** Every member of an answer is kept under its name, or a deviation names it; and nothing else is there. */
export const judgeKept = (
  { deviations, extensions, information }: RegisteredClient.RegisteredClient,
  document: { readonly [name: string]: unknown }
): void => {
  const kept = [...Object.keys(information), ...Object.keys(extensions)]
  assert.strictEqual(new Set(kept).size, kept.length, "a member is kept twice")
  for (const name of kept) assert.isTrue(Object.hasOwn(document, name), `${json(name)} was not answered`)
  const said = new Set(deviations.map(({ member }) => member))
  // A name that cannot be shown is cleaned, or left out.
  const isNameless = [...said].some((member) => member !== undefined && !Object.hasOwn(document, member))
  for (const [name, value] of Object.entries(document)) {
    assert.isTrue(kept.includes(name) || said.has(name) || isNameless, `${json(name)} is lost without a word`)
    const id = value === null ? "null-member" : value === "" ? "empty-member" : undefined
    if (id === undefined || !Object.hasOwn(ClientInformation.members, name)) continue
    assert.isTrue(deviations.some((said) => said.member === name && said.id === id), `${json(name)} is no ${id}`)
  }
  for (const [name, value] of Object.entries(extensions)) {
    assert.strictEqual(
      json(value),
      json(Object.getOwnPropertyDescriptor(document, name)?.value),
      `${json(name)} changed`
    )
  }
}

/** A client can be shown, shows none of these secrets, and says the same when it is asked twice. */
export const judgeClient = (client: RegisteredClient.RegisteredClient, secrets: ReadonlyArray<string>): void => {
  assert.isString(client.information.client_id)
  judgeInformation(client)
  const before = json(client)
  const { differences, secretExpiresAt } = client
  assert.deepStrictEqual(client.differences, differences)
  assert.deepStrictEqual(client.secretExpiresAt, secretExpiresAt)
  for (const { message } of client.deviations) assert.isTrue(isPrintable(message), json(message))
  assert.strictEqual(json(client), before)
  holdsNone("JSON of the client", before, secrets)
  holdsNone("inspect of the client", inspect(client, deep), secrets)
  holdsNone("String of the client", String(client), secrets)
  holdsNone("the deviations", json(client.deviations), secrets)
  const { registration_client_uri: _, ...shown } = client.information
  holdsNone("inspect of the information", inspect(shown, deep), secrets)
}

/** Two outcomes of the same input are the same. */
export const outcomeText = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isSuccess(exit)
    ? json(exit.value instanceof RegisteredClient.RegisteredClient ? [exit.value, exit.value.differences] : "done")
    : json(failureOf(exit))

/** Nothing that was parsed reached what all objects share. */
export const isUnpolluted = (): boolean => Object.keys(Object.prototype).length === 0 && !("polluted" in {})

const isInfinite = (value: unknown): boolean =>
  typeof value === "object" && value !== null
    ? Object.values(value).some(isInfinite)
    : value === Infinity || value === -Infinity
