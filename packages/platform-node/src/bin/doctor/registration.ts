/**
 * What a server makes of an ordinary registration, and of members that it does not know (RFC 7591 §3.2.1).
 *
 * @internal
 */
import * as ClientMetadata from "@effect-dcr/core/ClientMetadata"
import type { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { bad, good, isTurnedAway, note, refusalOf } from "./findings.ts"
import type { Recorded } from "./recorder.ts"
import type { Finding } from "./report.ts"
import type { Visit } from "./visit.ts"

export const ordinary: ClientMetadata.ClientMetadata = {
  redirect_uris: ["https://client.example/callback"],
  grant_types: ["authorization_code"],
  response_types: ["code"],
  client_name: "effect-dcr doctor"
}

const vendorMember = "effect_dcr_doctor"

const withMore = ClientMetadata.withExtensions({ ...ordinary, "client_name#fr": "effect-dcr doctor" }, {
  [vendorMember]: "probe"
})

export const examineRegistration = Effect.fnUntraced(function*(visit: Visit, records: ReadonlyArray<Recorded>) {
  const findings: Array<Finding> = []
  const result = yield* visit.register(ordinary)
  if (Result.isFailure(result)) {
    const seen = refusalOf(result.failure)
    findings.push(
      result.failure.reason._tag === "Unauthorized"
        ? note(
          "registration",
          `${
            visit.initialAccessToken === undefined ? "an initial access token is needed" : "the token was refused"
          }; ${seen}`,
          "RFC 7591 §3"
        )
        : isTurnedAway(result.failure)
        ? note("registration", seen, "RFC 6585 §4")
        : bad("registration", seen, "RFC 7591 §3.2")
    )
    return { client: undefined, failure: result.failure, chapter: { title: "Registration", findings } }
  }
  const client = result.success
  const answer = records.findLast(({ method, status }) => method === "POST" && status !== undefined)
  const token = visit.initialAccessToken === undefined ? "without a token" : "with the token"
  findings.push(
    good("registration", `${answer?.status ?? ""} a client was registered, ${token}`.trim(), "RFC 7591 §3.2.1"),
    ...headersOf(answer),
    ...findingsOf(client)
  )
  const more = yield* visit.register(withMore)
  findings.push(
    Result.isFailure(more)
      ? bad("unknown members", refusalOf(more.failure), "RFC 7591 §2")
      : Object.hasOwn(more.success.extensions, vendorMember)
      ? note("unknown members", "kept and returned", "RFC 7591 §2")
      : good("unknown members", "ignored", "RFC 7591 §2")
  )
  return { client, failure: undefined, chapter: { title: "Registration", findings } }
})

/** How the answer is labelled: what is wrong with it is a deviation of the client. */
const headersOf = (answer: Recorded | undefined): ReadonlyArray<Finding> => {
  const told = ["content-type", "cache-control"].flatMap((name) => {
    const value = answer?.headers[name]
    return value === undefined ? [] : [`${name}: ${value}`]
  })
  return told.length === 0 ? [] : [note("headers of the answer", told.join("; "), "RFC 7591 §3.2.1")]
}

const findingsOf = (client: RegisteredClient): ReadonlyArray<Finding> => {
  const { added, assumed, dropped, replaced } = client.differences
  const { client_secret, client_secret_expires_at } = client.information
  return [
    ...client.deviations.map(({ id, message, section }) => bad(id, message, section)),
    ...(assumed ? [note("echo", "nothing of what was asked comes back", "RFC 7591 §3.2.1")] : []),
    ...replaced.map(({ granted, member }) => note(`changes ${member}`, JSON.stringify(granted), "RFC 7591 §3.2.1")),
    ...dropped.map(({ member }) => note(`drops ${member}`, "it does not come back", "RFC 7591 §3.2.1")),
    ...(added.length === 0 ? [] : [note("fills in", added.map(({ member }) => member).join(", "))]),
    client_secret === undefined
      ? note("secret", "none is issued")
      : Option.match(client.secretExpiresAt, {
        onNone: () =>
          client_secret_expires_at === 0
            ? good("secret", "never expires", "RFC 7591 §3.2.1")
            : note("secret", "nobody says when it expires", "RFC 7591 §3.2.1"),
        onSome: (expiry) => good("secret", `expires ${DateTime.formatIso(expiry)}`, "RFC 7591 §3.2.1")
      })
  ]
}
