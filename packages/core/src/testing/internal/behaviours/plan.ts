/**
 * How a misbehaviour takes part in an exchange: instead of the server, in its processing, or after it.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { JsonObject } from "../../../internal/answer.ts"
import type { Exchange, Tweaks } from "../exchange.ts"
import { type ConnectionFailure, isSuccess, type Reply } from "../reply.ts"
import type { Operation } from "../route.ts"

/** Everything that a server can do: answer, or let the connection fail. */
export type Outcome = Effect.Effect<Reply, ConnectionFailure>

/** What the exchange is about, for an answer that quotes it. */
export interface Occasion extends Pick<Exchange, "tenant" | "url" | "method" | "headers" | "body" | "now"> {
  readonly operation: Operation
  /** Random text: so many bytes, base64url. */
  readonly random: (bytes: number) => Effect.Effect<string>
}

export interface Plan {
  /** Answers without processing the request at all. */
  readonly instead?: ((occasion: Occasion) => Outcome) | undefined
  /** Changes how the request is processed. */
  readonly tweak?: Partial<Tweaks> | undefined
  /** Changes what is sent after the request was processed. */
  readonly afterwards?: ((reply: Reply, occasion: Occasion) => Outcome) | undefined
  /** To which answers `afterwards` applies, and which ones use the behaviour up. Default: those of success. */
  readonly appliesTo?: ((reply: Reply) => boolean) | undefined
}

/** What a misbehaviour is about, for tables. */
export type Kind = "success" | "error" | "connection" | "life" | "discovery"

export interface Definition<Options> {
  readonly kind: Kind
  /** One line for a table. */
  readonly about: string
  /** The operations that it takes part in when nobody says which. */
  readonly on: ReadonlyArray<Operation>
  readonly plan: (options: Options) => Plan
}

const management: ReadonlyArray<Operation> = ["read", "update", "remove"]

const operationsOf: { readonly [K in Kind]: ReadonlyArray<Operation> } = {
  success: ["register", "read", "update"],
  error: ["register", ...management],
  connection: ["register", ...management],
  life: ["read", "update"],
  discovery: ["discover"]
}

/** The constructor of the definitions of a kind. */
export const definitions = (kind: Kind) =>
<Options = {}>(
  about: string,
  plan: Plan | ((options: Options) => Plan),
  on: ReadonlyArray<Operation> = operationsOf[kind]
): Definition<Options> => ({ kind, about, on, plan: typeof plan === "function" ? plan : () => plan })

// -----------------------------------------------------------------------------
// plans
// -----------------------------------------------------------------------------

/** Changes the members of an answer of success. */
export const changeMembers = (change: (members: JsonObject, occasion: Occasion) => JsonObject): Plan => ({
  afterwards: (reply, occasion) =>
    Effect.succeed(reply.members === undefined ? reply : { ...reply, members: change(reply.members, occasion) }),
  appliesTo: (reply) => isSuccess(reply) && reply.members !== undefined
})

/** Changes an answer of success. */
export const changeReply = (change: (reply: Reply, occasion: Occasion) => Reply): Plan => ({
  afterwards: (reply, occasion) => Effect.succeed(change(reply, occasion))
})

/** Changes the metadata that is registered. */
export const changeGranted = (grant: (metadata: JsonObject) => JsonObject): Plan => ({ tweak: { grant } })

/** Answers instead of the server. */
export const answer = (make: (occasion: Occasion) => Reply): Plan => ({
  instead: (occasion) => Effect.succeed(make(occasion))
})

export const without = (members: JsonObject, names: ReadonlyArray<string>): JsonObject =>
  Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)))

export const setAll = (members: JsonObject, names: ReadonlyArray<string>, value: unknown): JsonObject => ({
  ...members,
  ...Object.fromEntries(names.map((name) => [name, value]))
})
