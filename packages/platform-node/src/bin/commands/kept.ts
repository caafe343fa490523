/**
 * The registration that a command is about, what the commands say when there is none, and what is noted of one that did not
 * come about.
 *
 * @internal
 */
import * as Registrar from "@effect-dcr/core/Registrar"
import { RegistrationError } from "@effect-dcr/core/RegistrationError"
import type { Key } from "@effect-dcr/core/RegistrationStore"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { notKeptOption } from "../failure.ts"

/** Whoever is wrong about a slash or about the profile is told what there is. */
const notKept = Effect.fnUntraced(function*({ issuer, profile }: Key) {
  const { list } = yield* Registrar.Registrar
  const alike = yield* list.pipe(
    Stream.filter(({ clientId, ...key }) =>
      Option.isSome(clientId) && withoutSlash(key.issuer) === withoutSlash(issuer) &&
      (key.issuer !== issuer || key.profile !== profile)
    ),
    Stream.map((key) => key.issuer === issuer ? `profile ${key.profile}` : `${key.issuer} (profile ${key.profile})`),
    Stream.runCollect
  )
  return yield* new RegistrationError({
    reason: {
      _tag: "InvalidOptions",
      option: notKeptOption,
      message: `nothing is kept for ${issuer} (profile ${profile})${
        alike.length === 0 ? "" : `, but for ${Array.from(alike).sort().slice(0, few).join(", ")}${more(alike.length)}`
      }`
    },
    issuer
  })
})

/** How many of what is alike are named. */
const few = 3

const more = (count: number): string => count > few ? ` and ${count - few} more` : ""

const withoutSlash = (issuer: string): string => issuer.replace(/\/$/, "")

/** The registration that is kept under a key; fails when there is none. */
export const keptUnder = Effect.fnUntraced(function*(key: Key) {
  const { get } = yield* Registrar.Registrar
  return Option.getOrUndefined(yield* get(key)) ?? (yield* notKept(key))
})

/** What is listed under a key, be it unreadable or without a client; fails when nothing at all is kept. */
export const listedUnder = Effect.fnUntraced(function*(key: Key) {
  const { list } = yield* Registrar.Registrar
  const isKey = ({ issuer, profile }: Key) => issuer === key.issuer && profile === key.profile
  return Option.getOrUndefined(yield* Stream.runHead(Stream.filter(list, isKey))) ?? (yield* notKept(key))
})

/**
 * What an entry without any client says: that nothing came of a registration (`never`), that one is under way or was broken off
 * (`pending`), or that nobody knows whether there is a client (`unknown`). None where a client is kept, or nothing can be read.
 */
export const noteOf = ({
  clientId,
  possibleOrphans,
  previousClientIds,
  problem,
  unfinished
}: Registrar.Summary): "never" | "pending" | "unknown" | undefined =>
  Option.isSome(clientId) || previousClientIds.length > 0 || Option.isSome(problem)
    ? undefined
    : Option.isSome(unfinished)
    ? "pending"
    : possibleOrphans.length > 0
    ? "unknown"
    : "never"
