/** What must hold of all metadata: it is judged or sent, and never something else than what was meant. */
import {
  type AuthorizationServer,
  ClientMetadata,
  ClientRegistration,
  DpopSigner,
  MetadataRule,
  RegisteredClient,
  Violation
} from "@effect-dcr/core"
import { assert } from "@effect/vitest"
import { Effect, Exit, Layer, Schema } from "effect"
import { HttpClient } from "effect/http"
import { failureOf, isPrintable, isUnpolluted, json, judgeClient, judgeError } from "./judge.ts"
import type { MetadataCase } from "./metadata.ts"
import { allForms, findSecret, secrets } from "./secrets.ts"
import { untyped } from "./untyped.ts"
import { goodAnswer, makeWire } from "./wire.ts"

const isViolation = Schema.is(Violation.Violation)
const decode = Schema.decodeUnknownExit(ClientMetadata.ClientMetadata)
const encode = Schema.encodeUnknownExit(ClientMetadata.ClientMetadata)

const valuesOf: (object: object) => ReadonlyArray<unknown> = Object.values

const frozen = new WeakSet<object>()

/** So that whoever changes what the caller passed is caught. Not recursive: some values are deep. */
const freeze = (value: unknown): void => {
  const open = [value]
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next !== "object" || next === null || frozen.has(next)) continue
    frozen.add(next)
    Object.freeze(next)
    open.push(...valuesOf(next))
  }
}

const isEmpty = (value: unknown): boolean => value === null || value === ""

/** Members that are sent empty, or that hold something empty in a list. */
const emptyIn = (body: object): ReadonlyArray<string> =>
  Object.entries(body).flatMap(([name, value]) =>
    isEmpty(value) || (Array.isArray(value) && value.some(isEmpty)) ? [name] : []
  )

export const checkMetadata = async (input: MetadataCase): Promise<string> => {
  freeze(input.metadata)
  freeze(input.server)
  const metadata = untyped<ClientMetadata.ClientMetadata>({}, input.metadata)
  const server = untyped<AuthorizationServer.AuthorizationServer>({ issuer: "" }, {
    issuer: "https://op.example",
    registration_endpoint: "https://op.example/register",
    ...input.server
  })
  const { failOnWarnings, preset, rulesOff } = input

  const options = { server, rules: preset?.rules, rulesOff, failOnWarnings }
  const violations = MetadataRule.validate(metadata, options)
  assert.deepStrictEqual(MetadataRule.validate(metadata, options), violations)
  for (const violation of violations) {
    assert.isTrue(isViolation(violation))
    assert.isTrue(isPrintable(violation.message), json(violation))
    if (!allForms.some((form) => violation.member.includes(form))) {
      assert.isUndefined(findSecret(violation.message, Object.values(secrets)))
    }
  }

  const decoded = decode(input.metadata)
  if (Exit.isSuccess(decoded)) {
    assert.isTrue(Exit.isSuccess(encode(decoded.value)), "what was decoded cannot be encoded")
  }

  const wire = makeWire([goodAnswer])
  const exit = await Effect.runPromiseExit(
    ClientRegistration.register(server, metadata, { preset, rulesOff, failOnWarnings }).pipe(
      Effect.provide(Layer.merge(Layer.succeed(HttpClient.HttpClient, wire.client), DpopSigner.layerNone))
    )
  )
  assert.isTrue(isUnpolluted(), "Object.prototype was changed")
  const [sent] = wire.sent
  if (sent === undefined) {
    if (Exit.isSuccess(exit)) return assert.fail("nothing was sent, and it succeeded")
    const error = failureOf(exit)
    judgeError(error, [])
    if (error.reason._tag === "InvalidMetadata") {
      assert.isNotEmpty(error.reason.violations)
      // Warnings stand beside them, and stop nothing by themselves.
      assert.isTrue(error.reason.violations.some(({ severity }) => severity === "error"))
    }
    return error.reason._tag
  }
  assert.lengthOf(wire.sent, 1)
  if (Exit.isFailure(exit)) return assert.fail(`sent, and not registered: ${failureOf(exit).message}`)
  const client = exit.value
  assert.instanceOf(client, RegisteredClient.RegisteredClient)
  assert.strictEqual(client.information.client_id, "c1")
  judgeClient(client, [])
  judgeBody(input, client, sent)
  return "Success"
}

/** What is sent is what was asked and what was filled in, without anything that asks for a deletion. */
const judgeBody = (input: MetadataCase, client: RegisteredClient.RegisteredClient, sent: string): void => {
  const body: unknown = JSON.parse(sent)
  if (typeof body !== "object" || body === null || Array.isArray(body)) return assert.fail(`sent: ${sent}`)
  if (input.rulesOff?.includes("no-null-or-empty") !== true) {
    assert.deepStrictEqual(emptyIn(body), [], "null or an empty string was sent")
  }
  const asked = typeof input.metadata === "object" && input.metadata !== null ? input.metadata : {}
  const named = Object.entries(asked).filter(([, value]) => value !== undefined).map(([name]) => name)
  assert.sameMembers(Object.keys(body), [...named, ...client.filledIn])
  for (const name of named) {
    assert.deepStrictEqual(
      Object.getOwnPropertyDescriptor(body, name)?.value,
      JSON.parse(JSON.stringify(Object.getOwnPropertyDescriptor(asked, name)?.value)),
      `${json(name)} was changed on the way`
    )
  }
}
