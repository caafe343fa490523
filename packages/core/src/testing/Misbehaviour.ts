/**
 * Everything that a `TestAuthorizationServer` can do wrong on demand: what authorization servers, and the connections to
 * them, were seen to do.
 *
 * Each misbehaviour has a stable id. Some have options: `"redirect"` is the same as `{ id: "redirect" }`, and
 * `{ id: "redirect", status: 308 }` says more.
 *
 * @example
 * ```ts
 * import * as Misbehaviour from "@effect-dcr/core/testing/Misbehaviour"
 * import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
 * import { Effect } from "effect"
 *
 * const test = Effect.gen(function*() {
 *   const server = yield* TestAuthorizationServer.TestAuthorizationServer
 *   // the first registration goes through, the next two are answered with 429
 *   yield* server.misbehave({ id: "rate-limited", retryAfter: 30 }, { after: 1, times: 2 })
 * })
 *
 * for (const { about, id, kind } of Misbehaviour.catalogue) console.log(kind, id, about)
 * ```
 *
 * @since 0.1.0
 */
import { all } from "./internal/behaviours/all.ts"
import type { Definition, Kind } from "./internal/behaviours/plan.ts"
import type { Operation } from "./internal/route.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/**
 * The id of a misbehaviour: `reset-after-processing`, `secret-null`, ...
 *
 * @since 0.1.0
 * @category models
 */
export type MisbehaviourId = keyof typeof all

/**
 * The options of a misbehaviour, each of which has a default.
 *
 * @since 0.1.0
 * @category models
 */
export type OptionsOf<Id extends MisbehaviourId> = (typeof all)[Id] extends Definition<infer Options> ? Options : never

/**
 * A misbehaviour: its id, or its id with options.
 *
 * @since 0.1.0
 * @category models
 */
export type Misbehaviour =
  | MisbehaviourId
  | { [Id in MisbehaviourId]: { readonly id: Id } & OptionsOf<Id> }[MisbehaviourId]

/**
 * When a misbehaviour takes part.
 *
 * @since 0.1.0
 * @category options
 */
export interface When {
  /** For how many requests. Default: for all, until `behave` or `reset`. */
  readonly times?: number | undefined
  /** How many requests it lets pass first. Default: none. */
  readonly after?: number | undefined
  /** For which operations. Default: those of the misbehaviour, as in {@link catalogue}. */
  readonly on?: Operation | ReadonlyArray<Operation> | undefined
  /** At which issuer. Default: at all. */
  readonly issuer?: string | undefined
}

// -----------------------------------------------------------------------------
// catalogue
// -----------------------------------------------------------------------------

/**
 * A misbehaviour in words.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry {
  readonly id: MisbehaviourId
  /** `success` (the answer created a client), `error`, `connection`, `life` (later in a registration's life), `discovery`. */
  readonly kind: Kind
  readonly about: string
  /** The operations that it takes part in when nobody says which. */
  readonly on: ReadonlyArray<Operation>
}

const isId = (id: string): id is MisbehaviourId => Object.hasOwn(all, id)

/**
 * Every misbehaviour, by kind.
 *
 * @since 0.1.0
 * @category catalogue
 */
export const catalogue: ReadonlyArray<Entry> = Object.keys(all).filter(isId).map((id) => {
  const { about, kind, on } = all[id]
  return { id, kind, about, on }
})
