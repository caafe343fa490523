/**
 * Which misbehaviours take part in an exchange, and for how long.
 *
 * @internal
 */
import type { Misbehaviour, MisbehaviourId, OptionsOf, When } from "../Misbehaviour.ts"
import { all } from "./behaviours/all.ts"
import type { Definition, Plan } from "./behaviours/plan.ts"
import type { Operation } from "./route.ts"

/** A misbehaviour that is switched on. */
export interface Active {
  readonly id: MisbehaviourId
  readonly plan: Plan
  readonly on: ReadonlyArray<Operation>
  readonly issuer: string | undefined
  skip: number
  times: number
}

type OptionsById = { readonly [Id in MisbehaviourId]: OptionsOf<Id> }

/** Mapped over the ids, so that the compiler sees that a definition and its options belong together. */
const definitions: { readonly [Id in MisbehaviourId]: Definition<OptionsById[Id]> } = all

type WithOptions<Id extends MisbehaviourId> = {
  readonly [Each in Id]: { readonly id: Each } & OptionsById[Each]
}[Id]

const planOf = <Id extends MisbehaviourId>(misbehaviour: WithOptions<Id>): Plan =>
  definitions[misbehaviour.id].plan(misbehaviour)

export const activate = (misbehaviour: Misbehaviour, when: When): Active => {
  const id = typeof misbehaviour === "string" ? misbehaviour : misbehaviour.id
  return {
    id,
    plan: typeof misbehaviour === "string" ? all[misbehaviour].plan({}) : planOf(misbehaviour),
    on: when.on === undefined ? all[id].on : typeof when.on === "string" ? [when.on] : when.on,
    issuer: when.issuer,
    skip: when.after ?? 0,
    times: when.times ?? Number.POSITIVE_INFINITY
  }
}

/**
 * Those that take part in an exchange. Each has its turn taken at once, so that of two requests at the same time only one
 * gets the last; {@link giveBack} returns what was not used.
 */
export const take = (
  actives: ReadonlyArray<Active>,
  operation: Operation,
  issuer: string
): ReadonlyArray<Active> =>
  actives.filter((active) => {
    if (active.times <= 0 || !active.on.includes(operation)) return false
    if (active.issuer !== undefined && active.issuer !== issuer) return false
    if (active.skip > 0) {
      active.skip--
      return false
    }
    active.times--
    return true
  })

export const giveBack = (actives: ReadonlyArray<Active>): void => {
  for (const active of actives) active.times++
}
