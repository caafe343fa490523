/** What must hold of every answer: nothing dies, hangs or is lost, whatever a server sends. */
import { ClientConfiguration, ClientRegistration, DpopSigner, RegisteredClient } from "@effect-dcr/core"
import type { RegistrationError } from "@effect-dcr/core"
import { assert } from "@effect/vitest"
import { Clock, Effect, Exit, Layer } from "effect"
import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
import { type AnswerCase, metadata, registered } from "./answers.ts"
import { failureOf, isUnpolluted, json, judgeClient, judgeError, judgeKept, outcomeText } from "./judge.ts"
import { findSecret, initialAccessToken, secrets, stringsUnder } from "./secrets.ts"
import { makeClock, makeStandstill, makeWire, toWeb, type WireAnswer } from "./wire.ts"

const server = { issuer: "https://op.example", registration_endpoint: "https://op.example/register" }

const endpoint = server.registration_endpoint

const change = { set: { client_name: "Renamed" }, remove: ["contacts"], sendSecret: true }

/** No server can make a secret of what it was asked. */
const asked = json([server, registered.registration_client_uri, metadata, change])

// -----------------------------------------------------------------------------
// what stays the same from case to case
// -----------------------------------------------------------------------------

const post = HttpClientRequest.post(endpoint).pipe(HttpClientRequest.bearerToken(secrets.initialAccessToken))

/** The registration that the operations of RFC 7592 work on. */
const current = Effect.suspend(() =>
  ClientRegistration.process(
    server,
    metadata,
    HttpClientResponse.fromWeb(
      post,
      Response.json({
        ...registered,
        client_secret: secrets.clientSecret,
        registration_access_token: secrets.registrationToken
      }, { status: 201, headers: { "cache-control": "no-store" } })
    )
  )
)

export interface Fixture {
  readonly client: RegisteredClient.RegisteredClient
  readonly signer: DpopSigner.DpopSigner["Service"]
}

export const makeFixture: Effect.Effect<Fixture, RegistrationError.RegistrationError> = Effect.gen(function*() {
  return {
    client: yield* current,
    signer: yield* DpopSigner.DpopSigner.pipe(Effect.provide(DpopSigner.layer()))
  }
})

const noSigner = Effect.runSync(DpopSigner.DpopSigner.pipe(Effect.provide(DpopSigner.layerNone)))

// -----------------------------------------------------------------------------
// what is expected
// -----------------------------------------------------------------------------

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const parse = (bytes: Uint8Array, breaksOff = false): unknown => {
  try {
    // Half a character at the end may be the beginning of a whole one.
    return JSON.parse(new TextDecoder().decode(bytes, { stream: breaksOff }))
  } catch {
    return undefined
  }
}

const maximum = 1_048_576

/** The client that an answer names, if it names one in a way that can be used. */
const usableId = (answer: WireAnswer, askedUrl: string | undefined): string | undefined => {
  const { body, fault, headers, status, url } = answer
  const length = headers["content-length"]
  const saysTooMuch = headers["content-encoding"] === undefined && /^\d{1,15}$/.test(length ?? "") &&
    Number(length) > maximum
  const isElsewhere = askedUrl !== undefined && url !== undefined && URL.canParse(url) &&
    url.replace(/#.*/, "") !== askedUrl
  // A response that is there already can neither be reset nor stay away.
  const isLost = askedUrl !== undefined && (fault === "reset" || fault === "never")
  if (status < 200 || status > 299 || isLost || saysTooMuch || isElsewhere || body.length > maximum) {
    return undefined
  }
  // One that breaks off, or never ends, does so behind its body.
  const document = parse(body, fault === "breaks" || fault === "stalls")
  if (!isObject(document) || !Object.hasOwn(document, "client_id")) return undefined
  const { client_id: id } = document
  return typeof id === "string" && id !== "" ? id : Number.isSafeInteger(id) ? String(id) : undefined
}

/** The secrets that an answer brings by their names, wherever they stand. */
const secretsIn = (value: unknown): ReadonlyArray<string> =>
  stringsUnder(value, ["client_secret", "registration_access_token"])

/** The secrets in an answer, but for a redirect and what is too large: nobody knows what is in a body that is not read. */
const secretsOf = ({ body, status }: WireAnswer): ReadonlyArray<string> =>
  ((status >= 200 && status < 300) || status >= 400) && body.length <= maximum ? secretsIn(parse(body)) : []

/** What is shorter is no secret, and stands in other texts by chance. */
const isSecret = (text: string): boolean => text.length >= 12

// -----------------------------------------------------------------------------
// the property
// -----------------------------------------------------------------------------

/** The tag of the reason, or `Success`. */
export type Outcome = "Success" | RegistrationError.Reason["_tag"]

/** Runs a case, and throws when one of the properties does not hold. */
export const checkAnswer = async (input: AnswerCase, fixture: Fixture): Promise<Outcome> => {
  const exit = await run(input, fixture)
  const { answers, operation, withProofs } = input
  const used = exit.wire.sent.length === 0 ? 1 : exit.wire.sent.length
  const final = answers[Math.min(used, answers.length) - 1] ?? assert.fail("a case without answers")
  const isManagement = operation !== "process" && operation !== "register"
  const known = new Set([
    ...(isManagement ? [secrets.registrationToken, secrets.clientSecret] : [secrets.initialAccessToken]),
    ...secretsOf(final),
    // What a read brought is known to the update after it.
    ...(isManagement ? answers.slice(0, used).filter(({ status }) => status >= 200 && status < 300) : []).flatMap(
      secretsOf
    )
  ])
  // An identifier is public: a server that makes one of a secret has published it.
  const ids = answers.flatMap(({ body }) => {
    const document = parse(body)
    return isObject(document) ? [document["client_id"], document["registration_client_uri"]] : []
  }).filter((id) => typeof id === "string" || typeof id === "number").map(String)
  const open = [...ids, asked]
  const searched = [...known].filter((secret) =>
    isSecret(secret) && !open.some((text) => findSecret(text, [secret]) !== undefined)
  )

  assert.isTrue(isUnpolluted(), "Object.prototype was changed")
  judgeSent(exit.wire.sent, operation)
  const askedUrl = operation === "process"
    ? undefined
    : operation === "register"
    ? endpoint
    : registered.registration_client_uri
  const expected = usableId(final, askedUrl)
  if (Exit.isSuccess(exit.exit)) {
    const client = exit.exit.value
    if (client instanceof RegisteredClient.RegisteredClient) {
      judgeClient(client, searched)
      // What is too large may have been whole before that was noticed.
      if (final.body.length <= maximum) assert.strictEqual(client.information.client_id, expected)
      if (!isManagement) judgeAgainst(final, client)
      if (isManagement) assert.strictEqual(client.information.client_id, fixture.client.information.client_id)
    }
    if (operation === "process") await isRepeatable(input, fixture, exit.exit)
    return "Success"
  }
  const error = failureOf(exit.exit)
  const ofRefusal = final.status >= 400 ? secretsOf(final) : []
  judgeError(error, searched, searched.filter((secret) => !ofRefusal.includes(secret)))
  if (!isManagement && expected !== undefined) {
    assert.strictEqual(error.reason._tag, "DeviationsRefused", `${json(expected)} was lost: ${error.message}`)
    assert.strictEqual(error.registered?.information.client_id, expected)
    assert.strictEqual(error.clientId, expected)
    if (error.registered !== undefined) judgeAgainst(final, error.registered)
  }
  if ((operation === "read" || operation === "replace") && expected === fixture.client.information.client_id) {
    assert.fail(`${json(expected)} was not read: ${error.message}`)
  }
  if ((operation === "update" || operation === "rotate") && used > 1 && !withProofs) {
    // The read brought the registration as it is now, perhaps with another token.
    const [first] = answers
    if (first !== undefined && usableId(first, registered.registration_client_uri) === registered.client_id) {
      assert.strictEqual(error.registered?.information.client_id, registered.client_id)
    }
  }
  if (operation === "process") await isRepeatable(input, fixture, exit.exit)
  return error.reason._tag
}

const judgeAgainst = ({ body, fault }: WireAnswer, client: RegisteredClient.RegisteredClient): void => {
  const document = parse(body, fault === "breaks" || fault === "stalls")
  if (isObject(document)) judgeKept(client, document)
}

/** Nothing is sent that asks for a deletion nobody wants, and no member that RFC 7592 §2.2 forbids. */
const judgeSent = (sent: ReadonlyArray<string>, operation: AnswerCase["operation"]): void => {
  for (const text of sent) {
    if (text === "") continue
    const body: unknown = JSON.parse(text)
    if (!isObject(body)) return assert.fail(`not an object was sent: ${text}`)
    for (const [name, value] of Object.entries(body)) {
      assert.isFalse(value === null || value === "", `${json(name)} was sent as ${json(value)}`)
    }
    const answersOnly = ["client_id_issued_at", "client_secret_expires_at", "registration_access_token"]
    assert.isEmpty(answersOnly.filter((name) => Object.hasOwn(body, name)))
    assert.strictEqual(body["client_id"], operation === "register" ? undefined : registered.client_id)
  }
}

const isRepeatable = async (input: AnswerCase, fixture: Fixture, exit: Exit.Exit<unknown, unknown>) => {
  const again = await run(input, fixture)
  assert.strictEqual(outcomeText(again.exit), outcomeText(exit))
}

const run = async ({ answers, deviations, operation, withProofs }: AnswerCase, fixture: Fixture) => {
  const standstill = makeStandstill()
  const wire = makeWire(answers, standstill)
  const { client } = fixture
  const program = (): Effect.Effect<
    RegisteredClient.RegisteredClient | ClientConfiguration.Rotation | void,
    RegistrationError.RegistrationError,
    HttpClient.HttpClient | DpopSigner.DpopSigner
  > => {
    switch (operation) {
      case "process": {
        const [answer] = answers
        if (answer === undefined) return assert.fail("a case without answers")
        return ClientRegistration.process(
          server,
          metadata,
          HttpClientResponse.fromWeb(post, toWeb(answer, standstill)),
          {
            deviations
          }
        )
      }
      case "register":
        return ClientRegistration.register(server, metadata, { deviations, initialAccessToken })
      case "read":
        return ClientConfiguration.read(client)
      case "replace":
        return ClientConfiguration.replace(client, change)
      case "update":
        return ClientConfiguration.update(client, change)
      case "rotate":
        return Effect.map(ClientConfiguration.rotate(client), ({ client }) => client)
      case "remove":
        return ClientConfiguration.remove(client)
    }
  }
  const exit = await Effect.runPromiseExit(
    Effect.suspend(program).pipe(
      Effect.provide(Layer.mergeAll(
        Layer.succeed(HttpClient.HttpClient, wire.client),
        Layer.succeed(DpopSigner.DpopSigner, withProofs ? fixture.signer : noSigner),
        Layer.succeed(Clock.Clock, makeClock(3, standstill))
      ))
    )
  )
  return { exit, wire }
}
