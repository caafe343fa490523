/** What must hold of every discovery: the server that was asked is found where it is, and no other ever. */
import { AuthorizationServer, ClientRegistration, DpopSigner, RegisteredClient } from "@effect-dcr/core"
import { assert } from "@effect/vitest"
import { Clock, Effect, Exit, Layer } from "effect"
import { HttpClient } from "effect/http"
import { failureOf, isUnpolluted, isWithin, judgeError, maximumDepth } from "./judge.ts"
import { type DiscoveryCase, issuer } from "./serverDocuments.ts"
import { goodAnswer, makeClock, makeStandstill, makeWire, type WireAnswer } from "./wire.ts"

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The document in an answer that any discovery must accept, but for its issuer. */
const documentIn = (
  { body, fault, headers, status, url }: WireAnswer
): { readonly [name: string]: unknown } | undefined => {
  const length = headers["content-length"] ?? ""
  const saysTooMuch = headers["content-encoding"] === undefined && /^\d{1,15}$/.test(length) &&
    Number(length) > 1_048_576
  if (body.length > 1_048_576) return undefined
  if (status < 200 || status > 299 || fault !== "none" || saysTooMuch || (url !== undefined && URL.canParse(url))) {
    return undefined
  }
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(body))
    return isObject(parsed) && isWithin(parsed, maximumDepth) ? parsed : undefined
  } catch {
    return undefined
  }
}

const run = <A, E>(
  effect: Effect.Effect<A, E, HttpClient.HttpClient | DpopSigner.DpopSigner>,
  answers: ReadonlyArray<WireAnswer>
): Promise<Exit.Exit<A, E>> => {
  const standstill = makeStandstill()
  return Effect.runPromiseExit(effect.pipe(Effect.provide(Layer.mergeAll(
    Layer.succeed(HttpClient.HttpClient, makeWire(answers, standstill).client),
    DpopSigner.layerNone,
    Layer.succeed(Clock.Clock, makeClock(3, standstill))
  ))))
}

export const checkDiscovery = async (input: DiscoveryCase): Promise<string> => {
  const [first] = input.answers
  if (first === undefined) return assert.fail("a case without answers")
  return input.operation === "discover" ? checkServer(input, first) : checkResource(input, first)
}

const checkServer = async ({ answers, tolerateTrailingSlash }: DiscoveryCase, first: WireAnswer): Promise<string> => {
  const exit = await run(AuthorizationServer.discoverDetails(issuer, { tolerateTrailingSlash }), answers)
  assert.isTrue(isUnpolluted(), "Object.prototype was changed")
  if (Exit.isFailure(exit)) {
    const error = failureOf(exit)
    judgeError(error, [])
    assert.notStrictEqual(documentIn(first)?.["issuer"], issuer, `it was there, and not found: ${error.message}`)
    return error.reason._tag
  }
  const { attempts, malformed, server } = exit.value
  assert.include([issuer, ...(tolerateTrailingSlash ? [`${issuer}/`] : [])], server.issuer)
  const document = documentIn(answers[Math.min(attempts.length, answers.length - 1)] ?? first)
  if (document === undefined) return assert.fail("found where there was none")
  assert.sameMembers([...Object.keys(server), ...malformed], Object.keys(document))

  // Whatever a document said beside its issuer, a registration is tried or refused.
  const registered = await run(
    ClientRegistration.register(server, { redirect_uris: ["https://app.example.com/cb"], scope: "openid" }, {
      useMtlsEndpointAliases: tolerateTrailingSlash
    }),
    [goodAnswer]
  )
  if (Exit.isFailure(registered)) judgeError(failureOf(registered), [])
  else assert.instanceOf(registered.value, RegisteredClient.RegisteredClient)
  return "Success"
}

const checkResource = async ({ answers }: DiscoveryCase, first: WireAnswer): Promise<string> => {
  const exit = await run(AuthorizationServer.fromProtectedResource(issuer), answers)
  assert.isTrue(isUnpolluted(), "Object.prototype was changed")
  const document = documentIn(first)
  if (Exit.isFailure(exit)) {
    const error = failureOf(exit)
    judgeError(error, [])
    if (document?.["resource"] === issuer) assert.strictEqual(error.reason._tag, "Unsupported")
    return error.reason._tag
  }
  assert.strictEqual(document?.["resource"], issuer)
  const named = document?.["authorization_servers"]
  assert.includeMembers(Array.isArray(named) ? named : [], [...exit.value])
  return "Success"
}
