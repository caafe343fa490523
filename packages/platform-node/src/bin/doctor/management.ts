/**
 * How a server lets a registration be read, changed and deleted (RFC 7592).
 *
 * @internal
 */
import * as ClientConfiguration from "@effect-dcr/core/ClientConfiguration"
import { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { bad, good, note, refusalOf } from "./findings.ts"
import type { Chapter, Finding } from "./report.ts"
import type { Visit } from "./visit.ts"

const changedName = "effect-dcr doctor, changed"

/** The same client, as somebody would ask for it who has no right to. */
const strangerTo = (client: RegisteredClient): RegisteredClient =>
  new RegisteredClient({
    issuer: client.issuer,
    requested: client.requested,
    filledIn: client.filledIn,
    warnings: client.warnings,
    information: { ...client.information, registration_access_token: Redacted.make("not-the-token-of-this-client") },
    extensions: client.extensions,
    deviations: client.deviations
  })

export const examineManagement = Effect.fnUntraced(function*(visit: Visit, registered: RegisteredClient) {
  const findings: Array<Finding> = []
  const chapter = { title: "Management", findings } satisfies Chapter
  const { registration_access_token, registration_client_uri } = registered.information
  if (registration_client_uri === undefined || registration_access_token === undefined) {
    findings.push(note("management", "not offered: the registration can be neither changed nor deleted", "RFC 7592 §3"))
    return chapter
  }
  const options = { dangerouslyAllowInsecureRequests: visit.dangerouslyAllowInsecureRequests }
  const keep = <E, R>(effect: Effect.Effect<RegisteredClient, E, R>) =>
    Effect.tap(effect, (client) => Effect.sync(() => visit.keep(client)))
  let client = registered
  const judge = (
    what: string,
    section: string,
    result: Result.Result<RegisteredClient, Parameters<typeof refusalOf>[0]>
  ) => {
    if (Result.isFailure(result)) {
      findings.push(bad(what, refusalOf(result.failure), section))
      return
    }
    const { isSecretNew, isTokenNew } = ClientConfiguration.rotationOf(client, result.success)
    const fresh = [...(isSecretNew ? ["a new secret"] : []), ...(isTokenNew ? ["a new token"] : [])]
    findings.push(good(what, fresh.length === 0 ? "done" : `done, with ${fresh.join(" and ")}`, section))
    for (const { id, message } of result.success.deviations) {
      if (!client.deviations.some((known) => known.id === id)) findings.push(bad(id, message, section))
    }
    client = result.success
  }
  // Uninterruptible, because a token that is lost on the way would leave the client behind.
  judge(
    "read",
    "RFC 7592 §2.1",
    yield* ClientConfiguration.read(client, options).pipe(keep, Effect.result, Effect.uninterruptible)
  )
  const stranger = yield* Effect.result(ClientConfiguration.read(strangerTo(client), options))
  findings.push(
    Result.isSuccess(stranger)
      ? bad("read with a wrong token", "the registration is shown to whoever knows the address", "RFC 7592 §2")
      : stranger.failure.reason._tag === "Unauthorized"
      ? good("read with a wrong token", refusalOf(stranger.failure), "RFC 7592 §2")
      : note("read with a wrong token", refusalOf(stranger.failure), "RFC 7592 §2")
  )
  judge(
    "update",
    "RFC 7592 §2.2",
    // Not `update`, which reads once more: the token that came with it would be known to nobody here.
    yield* ClientConfiguration.replace(client, { set: { client_name: changedName } }, options).pipe(
      keep,
      Effect.result,
      Effect.uninterruptible
    )
  )
  const { client_name = changedName } = client.information
  if (client_name !== changedName) findings.push(bad("what the update changed", "nothing", "RFC 7592 §2.2"))
  const removed = yield* Effect.result(ClientConfiguration.remove(client, options))
  if (Result.isFailure(removed)) {
    findings.push(bad("delete", refusalOf(removed.failure), "RFC 7592 §2.3"))
    return chapter
  }
  visit.isGone(client)
  findings.push(good("delete", "done", "RFC 7592 §2.3"))
  const after = yield* Effect.result(ClientConfiguration.read(client, options))
  findings.push(
    Result.isSuccess(after)
      ? bad("read after the deletion", "the client is still there", "RFC 7592 §2.3")
      : after.failure.reason._tag === "Unauthorized" && after.failure.reason.status === 401
      ? good("read after the deletion", refusalOf(after.failure), "RFC 7592 §2.3")
      : bad("read after the deletion", refusalOf(after.failure), "RFC 7592 §2.3")
  )
  return chapter
})
